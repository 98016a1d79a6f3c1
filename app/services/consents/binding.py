"""Which voices a consent lets speak."""

from contextlib import suppress
from typing import Any

from app.consents.desk import agreed
from app.consents.permit import check_not_revoked
from app.core.exceptions import Conflict, VersionConflict
from app.core.tasks import see_through
from app.db.base import every
from app.db.voices import find_voice, update_voice
from app.models.audit import Action
from app.models.consent import Consent, ConsentMethod, ConsentStatus
from app.models.voice import REVOKED, Voice
from app.services.consents.tools import PAGE, TRIES, ConsentTools
from app.speaker.similarity import Embedding


class Binding:
    """Gives voices their consents."""

    def __init__(self, tools: ConsentTools) -> None:
        self._tools = tools

    async def bind(self, owner: str, consent_id: str, voice_id: str) -> Voice:
        """Let a voice speak under a consent, whose speaker must be that of all its recordings.

        Raises:
            ConsentNotFound, VoiceNotFound: there is none with this id, or it is somebody else's.
            ConsentUnusable: the consent is not verified.
            VoiceSuspended: the consent of the voice was revoked.
            ConsentMismatch: somebody else speaks in a recording of the voice.
            EngineBusy, EngineUnavailable, AssetError, StorageError, DatabaseError
        """
        consent = await self._tools.desk.usable(owner, consent_id)
        voice = await find_voice(self._tools.voices, owner, voice_id)
        check_not_revoked(voice)
        if consent.method is ConsentMethod.RECORDED:
            with self._tools.admission.enter():
                self._tools.desk.check_speaker(consent, await self._speakers(voice))
        async with self._tools.audit.recorded(Action.CONSENT_BOUND, voice):
            return await see_through(self._bind(consent, voice))

    async def _speakers(self, voice: Voice) -> list[Embedding | None]:
        """Of each recording that is used."""
        where = {"voice_id": voice.id}
        samples = self._tools.samples
        speakers = []
        async for sample in every(
            lambda cursor: samples.list(where=where, order="created_at", limit=PAGE, cursor=cursor)
        ):
            if sample.refused is None:
                content = await self._tools.recordings.get(sample.blob)
                recording, _ = await self._tools.ears.listen(content, alone=False)
                speakers.append(await self._tools.ears.embed(recording))
        return speakers

    async def _bind(self, consent: Consent, voice: Voice) -> Voice:
        fields = agreed(consent)
        bound = await self._changed(voice.owner, voice.id, fields)
        now = await self._tools.consents.get(consent.id)
        if now is None or now.status is not ConsentStatus.VERIFIED:  # revoked at this moment
            return await self._changed(voice.owner, voice.id, {"suspended": REVOKED})
        return bound

    async def _changed(self, owner: str, voice_id: str, fields: dict[str, Any]) -> Voice:
        for _ in range(TRIES):
            voice = await find_voice(self._tools.voices, owner, voice_id)
            check_not_revoked(voice)
            with suppress(VersionConflict):
                return await update_voice(self._tools.voices, voice.model_copy(update=fields))
        raise Conflict("The voice is being changed all the time.", "Try again.")
