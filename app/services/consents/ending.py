"""The end of consents: revoked, deleted, erased."""

from contextlib import suppress
from datetime import timedelta

from app.core.exceptions import Conflict, JobEnded, JobNotFound, VersionConflict, VoiceNotFound
from app.core.tasks import see_through
from app.db.base import Span
from app.models.audit import Action
from app.models.consent import Consent, ConsentStatus
from app.models.job import JobKind
from app.models.voice import REVOKED
from app.services.consents.tools import PAGE, TRIES, ConsentTools


class ConsentEndings:
    """Ends consents, and silences their voices."""

    def __init__(self, tools: ConsentTools) -> None:
        self._tools = tools

    async def revoke(self, owner: str | None, consent_id: str) -> Consent:
        """End a consent and silence its voices, at once and in all processes; all of it is erased
        later. Revoking it again changes nothing. None: of whichever owner.

        Raises:
            ConsentNotFound: there is none with this id, or it is somebody else's.
        """
        consent = await self._tools.desk.find(owner, consent_id)
        if consent.status is ConsentStatus.REVOKED:
            return consent
        return await see_through(self._revoke(consent, self._tools.erase_after))

    async def delete(self, owner: str, consent_id: str) -> None:
        """Revoke a consent, and erase it and its voices now.

        Raises:
            ConsentNotFound: there is none with this id, or it is somebody else's.
            StorageError, DatabaseError: it is revoked; the rest is erased later.
        """
        consent = await self._tools.desk.find(owner, consent_id)
        revoked = await see_through(self._revoke(consent, timedelta(0)))
        await see_through(self._erase(revoked))

    async def expire(self) -> int:
        """Erase what was revoked long enough ago, and statements that nobody has read; says how
        many consents.
        """
        now, erased = self._tools.clock(), 0
        due = {"erase_at": Span(until=now)}
        while found := (await self._tools.consents.list(where=due, limit=PAGE)).items:
            for consent in found:
                await self._erase(consent)
            erased += len(found)
        late = {"expires_at": Span(until=now)}
        while old := (await self._tools.challenges.list(where=late, limit=PAGE)).items:
            await self._tools.challenges.delete_all([challenge.id for challenge in old])
        return erased

    async def _revoke(self, consent: Consent, erase_after: timedelta) -> Consent:
        tools = self._tools
        async with tools.audit.recorded(Action.CONSENT_REVOKED, consent):
            revoked = await self._ended(consent.id, erase_after)
            await tools.voices.update_where({"consent_id": consent.id}, {"suspended": REVOKED})
        async for voice in tools.voices_of(consent):
            if job := await tools.jobs.under_way(JobKind.TRAINING, voice.id):
                with suppress(JobEnded, JobNotFound):
                    await tools.jobs.cancel(voice.owner, job.id)
        return revoked

    async def _ended(self, consent_id: str, erase_after: timedelta) -> Consent:
        for _ in range(TRIES):
            consent = await self._tools.desk.find(None, consent_id)
            now = self._tools.clock()
            ended = {
                "status": ConsentStatus.REVOKED,
                "revoked_at": consent.revoked_at or now,
                "erase_at": min(now + erase_after, consent.erase_at or now + erase_after),
            }
            with suppress(VersionConflict):
                return await self._tools.consents.update(consent.model_copy(update=ended))
        raise Conflict("The consent is being changed all the time.", "Try again.")

    async def _erase(self, consent: Consent) -> None:
        """The record last: what is left is erased when it is tried again."""
        tools = self._tools
        for voice in [voice async for voice in tools.voices_of(consent)]:
            with suppress(VoiceNotFound):  # another process sweeps as well
                await tools.erase(voice.owner, voice.id)
        for blob in (consent.recording_blob, consent.provider_blob):
            if blob is not None:
                await tools.recordings.delete(blob)
        async with tools.audit.recorded(Action.CONSENT_DELETED, consent):
            await tools.consents.delete(consent.id)
