"""Which consent a voice can have: whose it is, how it was given, and who has spoken it."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from app.audio.ears import no_encoder
from app.core.exceptions import (
    ConsentMismatch,
    ConsentNotFound,
    ConsentUnusable,
)
from app.core.ids import is_id
from app.db.base import Collection
from app.models.consent import Consent, ConsentMethod, ConsentStatus
from app.speaker.similarity import Embedding

# Of 31,375 pairs of different speakers fewer than 1 % have so much, of 225 pairs of clips of one
# speaker more than 99 %: `python -m bench consents` prints the figures for consents.
SAME_SPEAKER: Final = 0.5
"""Lowest similarity of the speaker of a consent to that of each recording of a voice."""


class ConsentDesk:
    """Looks at a consent before a voice gets it."""

    def __init__(self, consents: Collection[Consent]) -> None:
        self._consents = consents

    async def find(self, owner: str | None, consent_id: str) -> Consent:
        """One consent; None: of whichever owner.

        Raises:
            ConsentNotFound: there is none with this id, or it is somebody else's.
        """
        consent = await self._consents.get(consent_id) if is_id(consent_id) else None
        if consent is None or owner not in (None, consent.owner):
            raise ConsentNotFound(
                f"There is no consent {consent_id[:64]!r}.", "GET /api/v1/consents lists them."
            )
        return consent

    async def usable(self, owner: str, consent_id: str) -> Consent:
        """A consent that holds.

        Raises:
            ConsentNotFound: as `find`.
            ConsentUnusable: it does not hold, or not any more.
        """
        consent = await self.find(owner, consent_id)
        if consent.status is not ConsentStatus.VERIFIED:
            raise ConsentUnusable(
                f"The consent is {consent.status.value}.",
                "Only one that is verified lets a voice speak.",
                consent_status=consent.status.value,
            )
        return consent

    async def holds(self, consent_id: str) -> bool:
        """Whether a consent is verified at this moment."""
        consent = await self._consents.get(consent_id)
        return consent is not None and consent.status is ConsentStatus.VERIFIED

    def check_speaker(self, consent: Consent, speakers: Sequence[Embedding | None]) -> None:
        """See that all recordings of a voice are of who has agreed. One that was attested says
        nothing of the speaker.

        Args:
            speakers: who speaks in each; None where nothing here can tell.

        Raises:
            ConsentMismatch: one is of somebody else.
            EngineUnavailable: nothing here tells speakers apart.
        """
        if consent.method is ConsentMethod.ATTESTED:
            return
        told = [speaker for speaker in speakers if speaker is not None]
        if consent.embedding is None or len(told) < len(speakers):
            raise no_encoder("There is no speaker encoder here: speakers cannot be told apart.")
        agreed = np.array(consent.embedding, np.float32)
        for number, speaker in enumerate(told, 1):
            similarity = float(agreed @ speaker)
            if similarity < SAME_SPEAKER:
                raise ConsentMismatch(
                    f"Recording {number} of the voice sounds like somebody else than the speaker "
                    f"of the consent (similarity {similarity:.2f}).",
                    "The consent must be spoken by the person whose voice it is, in a recording "
                    "as clear as those of the voice.",
                    similarity=round(similarity, 4),
                    limit=SAME_SPEAKER,
                )


async def consent_for(desk: ConsentDesk, owner: str, consent_id: str | None) -> Consent | None:
    """The consent that a new voice is to have, if it is to have one.

    Raises:
        ConsentNotFound, ConsentUnusable
    """
    return await desk.usable(owner, consent_id) if consent_id else None


def agreed(consent: Consent | None) -> dict[str, Any]:
    """The fields of a voice that it has by its consent."""
    return {} if consent is None else {"consent_id": consent.id, "consent_method": consent.method}
