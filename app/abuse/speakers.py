"""Whose voice it is that somebody wants to clone, as far as embeddings tell."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.abuse.flags import Flags
from app.audio.ears import Ears
from app.audio.types import Recording
from app.core.exceptions import EngineUnavailable, SpeakerDenied
from app.core.metrics import Metrics
from app.db.audit import AuditTrail
from app.db.base import Collection, pages
from app.models.audit import Action
from app.models.flag import FlagKind
from app.models.speaker import DeniedSpeaker
from app.models.voice import Voice
from app.speaker.similarity import LIKELY, VERY_LIKELY, Embedding, centre

_PAGE: Final = 500
_MOST_TOLD: Final = 10  # in one flag
_NO_ENCODER: Final = "It comes with the real engine; `voice-cloning doctor` says what is missing."


@dataclass(frozen=True, slots=True)
class Likeness:
    """Somebody whom a speaker resembles. `similarity`: cosine."""

    id: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Sighting:
    """What recordings tell of their speaker.

    Attributes:
        speaker: None where there is no encoder.
        near: people who may not be cloned, likely but not very likely the same.
    """

    speaker: Embedding | None = None
    near: tuple[Likeness, ...] = ()


class SpeakerWatch:
    """Looks at the speaker of everything that a voice is made of."""

    def __init__(
        self,
        *,
        denied: Collection[DeniedSpeaker],
        ears: Ears,
        flags: Flags,
        audit: AuditTrail,
        metrics: Metrics,
    ) -> None:
        self._denied = denied
        self._ears = ears
        self._flags = flags
        self._audit = audit
        self._metrics = metrics

    async def look(
        self,
        owner: str,
        heard: Sequence[tuple[Recording, Embedding | None]],
        speaker: Embedding | None,
    ) -> Sighting:
        """Refuse the voice of somebody who may not be cloned.

        Args:
            owner: who would have the voice.
            heard: recordings, each with the embedding of its first minute.
            speaker: what those have in common that can be used.

        Raises:
            SpeakerDenied: at least one is of such a person. It is in the audit trail.
            EngineUnavailable: there are such people, and nothing here that tells speakers apart.
        """
        near: list[Likeness] = []
        probes: NDArray[np.float32] | None = None
        async for page in pages(lambda cursor: self._denied.list(limit=_PAGE, cursor=cursor)):
            if page and probes is None:
                probes = await self._probes(heard, speaker)
            for denied, similarity in _compared(page, probes):
                if similarity >= VERY_LIKELY:
                    await self._refuse(owner, denied)
                if similarity >= LIKELY:
                    near.append(Likeness(denied.id, similarity))
        return Sighting(speaker, _most_alike(near))

    async def tell(self, voice: Voice, sighting: Sighting) -> None:
        """Raise flags about a voice that was stored.

        Raises:
            DatabaseError: they were not raised.
        """
        if sighting.near:
            await self._flags.show(
                FlagKind.DENIED_SPEAKER_NEAR,
                owner=voice.owner,
                subject=voice.id,
                details={
                    "denied": [
                        {"denied_speaker_id": one.id, "similarity": round(one.similarity, 4)}
                        for one in sighting.near
                    ]
                },
            )

    async def identity(self, recording: Recording) -> Embedding:
        """Who speaks in a recording.

        Raises:
            EngineUnavailable: there is nothing here that tells.
        """
        return centre(np.stack([part async for part in self._parts(recording)]))

    async def _probes(
        self, heard: Sequence[tuple[Recording, Embedding | None]], speaker: Embedding | None
    ) -> NDArray[np.float32]:
        """(n, 256): each minute of each recording, and what all have in common. A voice is refused
        for any of them: else the speaker could hide behind another one's first minute.
        """
        probes = [] if speaker is None else [speaker]
        for recording, vector in heard:
            if vector is not None and recording.duration_s <= self._ears.embedded_s:
                probes.append(vector)
            else:
                probes += [part async for part in self._parts(recording)]
        if not probes:  # nothing was heard, so nothing is made of it
            raise EngineUnavailable("There is nothing to tell the speaker by.", _NO_ENCODER)
        return np.stack(probes)

    async def _parts(self, recording: Recording) -> AsyncIterator[Embedding]:
        """The embeddings of its minutes, the rest with the last whole one."""
        rate, step_s = recording.sample_rate, self._ears.embedded_s
        count = max(1, int(recording.duration_s / step_s))
        for samples in np.array_split(recording.samples, count):
            vector = await self._ears.embed(Recording(samples, rate))
            if vector is None:
                raise EngineUnavailable(
                    "There are people who may not be cloned here, and no speaker encoder that "
                    "would tell them from others.",
                    _NO_ENCODER,
                )
            yield vector

    async def _refuse(self, owner: str, denied: DeniedSpeaker) -> None:
        self._metrics.abuse(SpeakerDenied.code)
        await self._audit.record(
            Action.SPEAKER_DENIED,
            denied.model_copy(update={"owner": owner}),
            outcome=SpeakerDenied.code,
        )
        raise SpeakerDenied(
            "The recording is very likely of somebody whose voice may not be cloned here.",
            "If that is a mistake, report it with the request id: POST /api/v1/reports.",
        )


def packed(embedding: Embedding) -> bytes:
    """As it is stored: float32, little-endian."""
    return embedding.astype("<f4").tobytes()


def _compared(
    page: Sequence[DeniedSpeaker], probes: NDArray[np.float32] | None
) -> list[tuple[DeniedSpeaker, float]]:
    """Each with its highest cosine to any of the probes."""
    if not page or probes is None:
        return []
    known = np.stack([np.frombuffer(one.embedding, "<f4") for one in page])
    best = (known @ probes.T).max(axis=1)
    return [(one, float(score)) for one, score in zip(page, best, strict=True)]


def _most_alike(found: Sequence[Likeness]) -> tuple[Likeness, ...]:
    by_likeness = sorted(found, key=lambda one: one.similarity, reverse=True)
    return tuple(by_likeness[:_MOST_TOLD])
