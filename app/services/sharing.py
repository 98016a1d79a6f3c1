"""Sharing voices with other owners and groups."""

from app.core.clock import WallClock, utc_now
from app.core.exceptions import InvalidRequest, ShareNotFound
from app.core.ids import is_id
from app.core.tasks import see_through
from app.db.audit import AuditTrail
from app.db.base import Collection, every
from app.models.access import Principal
from app.models.audit import Action
from app.models.base import Record
from app.models.share import (
    MOST_SHARES,
    USER,
    NewShare,
    SharedAccess,
    VoiceShare,
    user_grantee,
)
from app.models.voice import Voice

_GIVEN = {
    SharedAccess.USE: Action.VOICE_SHARED_TO_USE,
    SharedAccess.MANAGE: Action.VOICE_SHARED_TO_MANAGE,
}


class SharingService:
    """Gives others access to voices, and takes it back. It holds from the next request on, in all
    processes; speech that has begun goes on to its end.
    """

    def __init__(
        self,
        *,
        shares: Collection[VoiceShare],
        audit: AuditTrail,
        clock: WallClock = utc_now,
    ) -> None:
        self._shares = shares
        self._audit = audit
        self._clock = clock

    async def share(self, voice: Voice, wanted: NewShare, *, by: Principal) -> VoiceShare:
        """Share a voice. What was shared with the same one before is replaced.

        Raises:
            InvalidRequest: it is the owner's already, shared with too many, or the end is past.
            VersionConflict, Conflict: it is being shared by somebody else at this moment.
        """
        there = await self.list(voice)
        if wanted.grantee == user_grantee(voice.owner):
            raise InvalidRequest("The voice is this user's own.", "Name somebody else.")
        if wanted.expires_at is not None and wanted.expires_at <= self._clock():
            raise InvalidRequest("`expires_at` is past.", "Name a later time.")
        share = VoiceShare(
            owner=voice.owner,
            voice_id=voice.id,
            grantee=wanted.grantee,
            access=wanted.access,
            expires_at=wanted.expires_at,
            created_by=by.subject,
        )
        known = next((one for one in there if one.grantee == share.grantee), None)
        if known is None and len(there) >= MOST_SHARES:
            raise InvalidRequest(
                f"The voice is shared with {len(there)}; more are not taken.",
                "Share it with a group, or end some shares.",
                limit=MOST_SHARES,
            )
        return await see_through(self._store(share, known))

    async def list(self, voice: Voice) -> list[VoiceShare]:
        """With whom a voice is shared, newest first; those that have expired among them."""
        where = {"voice_id": voice.id}
        pages = every(
            lambda cursor: self._shares.list(where=where, limit=MOST_SHARES, cursor=cursor)
        )
        return [share async for share in pages]

    async def end(self, voice: Voice, share_id: str) -> None:
        """Take a share back.

        Raises:
            ShareNotFound: the voice has none with this id.
        """
        share = await self._shares.get(share_id) if is_id(share_id) else None
        if share is None or share.voice_id != voice.id:
            raise ShareNotFound(
                f"The voice has no share {share_id[:64]!r}.",
                f"GET /api/v1/voices/{voice.id}/shares lists them.",
            )
        await see_through(self._end(share))

    async def _store(self, share: VoiceShare, known: VoiceShare | None) -> VoiceShare:
        async with self._audit.recorded(_GIVEN[share.access], _event(share)):
            if known is None:
                return await self._shares.add(share)
            kept = known.model_dump(include={"id", "version", "created_at"})
            return await self._shares.update(share.model_copy(update=kept))

    async def _end(self, share: VoiceShare) -> None:
        async with self._audit.recorded(Action.VOICE_UNSHARED, _event(share)):
            await self._shares.delete(share.id)


def _event(share: VoiceShare) -> Record:
    """What the trail tells: which voice, and with whom it is shared."""
    return Record(id=share.voice_id, owner=share.grantee.removeprefix(USER))
