"""Finding a caller's voice."""

from collections.abc import Awaitable, Callable

from app.core.clock import WallClock, utc_now
from app.core.exceptions import NotFound, VoiceAccessMissing, VoiceNotFound, VoiceSuspended
from app.core.ids import is_id
from app.db.base import AnyOf, Collection, every
from app.models.access import Party
from app.models.share import VoiceAccess, VoiceShare, group_grantee, user_grantee
from app.models.voice import Voice

_PAGE = 500


async def find_voice(voices: Collection[Voice], owner: str, voice_id: str) -> Voice:
    """The voice of this owner with this id.

    Raises:
        VoiceNotFound: there is none with this id, or it is somebody else's.
    """
    voice = await voices.get(voice_id) if is_id(voice_id) else None
    if voice is None or voice.owner != owner:
        raise _no_voice(voice_id)
    return voice


async def update_voice(voices: Collection[Voice], voice: Voice) -> Voice:
    """Replace the record of the same id and version.

    Raises:
        VoiceNotFound: it was deleted meanwhile.
        VersionConflict: it was changed meanwhile.
    """
    try:
        return await voices.update(voice)
    except NotFound as error:
        raise VoiceNotFound(f"The voice {voice.id!r} was deleted meanwhile.") from error


class VoiceReach:
    """Which voices somebody reaches: their own, and those that are shared with them.

    Args:
        barred: whether an owner is suspended: their voices are then silent for others too.
    """

    def __init__(
        self,
        voices: Collection[Voice],
        shares: Collection[VoiceShare],
        *,
        barred: Callable[[str], Awaitable[bool]] | None = None,
        clock: WallClock = utc_now,
    ) -> None:
        self._voices = voices
        self._shares = shares
        self._barred = barred
        self._clock = clock

    async def find(
        self, party: Party, voice_id: str, needed: VoiceAccess = VoiceAccess.USE
    ) -> Voice:
        """A voice with which the party may do what is needed.

        Raises:
            VoiceNotFound: there is none with this id, or it is not shared with the party.
            VoiceAccessMissing: it is shared, but not for that.
        """
        voice, access = await self.look_up(party, voice_id)
        if access.covers(needed):
            return voice
        if needed is VoiceAccess.OWN:
            raise VoiceAccessMissing(
                "Only the owner of the voice can do that.", "Ask them to do it."
            )
        raise VoiceAccessMissing(
            "The voice is shared with you to be used, not to be managed.",
            "Ask its owner to share it with `access: manage`.",
        )

    async def look_up(self, party: Party, voice_id: str) -> tuple[Voice, VoiceAccess]:
        """A voice, and what the party may do with it. A voice of one's own costs one query.

        Raises:
            VoiceNotFound: there is none with this id, or it is not shared with the party.
            VoiceSuspended: it is shared, and its owner may do nothing for now.
        """
        voice = await self._voices.get(voice_id) if is_id(voice_id) else None
        if voice is None:
            raise _no_voice(voice_id)
        if voice.owner == party.owner:
            return voice, VoiceAccess.OWN
        given = [
            VoiceAccess(share.access) for share in await self._of(party, {"voice_id": voice.id})
        ]
        if not given:
            raise _no_voice(voice_id)
        if self._barred is not None and await self._barred(voice.owner):
            raise VoiceSuspended(
                "The owner of the voice is suspended.", "Ask an administrator of this server."
            )
        manages = VoiceAccess.MANAGE in given
        return voice, VoiceAccess.MANAGE if manages else VoiceAccess.USE

    async def shared_with(self, party: Party) -> dict[str, VoiceAccess]:
        """The ids of others' voices that are shared with the party, and what it may do."""
        found: dict[str, VoiceAccess] = {}
        for share in await self._of(party, {}):
            if share.owner == party.owner:  # with a group that they are in themselves
                continue
            access = VoiceAccess(share.access)
            known = found.get(share.voice_id, access)
            found[share.voice_id] = access if access.covers(known) else known
        return found

    async def _of(self, party: Party, where: dict[str, str]) -> list[VoiceShare]:
        """The shares that hold."""
        names = (user_grantee(party.owner), *map(group_grantee, sorted(party.groups)))
        now = self._clock()
        pages = every(
            lambda cursor: self._shares.list(
                where={**where, "grantee": AnyOf(names)}, limit=_PAGE, cursor=cursor
            )
        )
        return [share async for share in pages if share.holds(now)]


def _no_voice(voice_id: str) -> VoiceNotFound:
    return VoiceNotFound(
        f"There is no voice {voice_id[:64]!r}.",
        "List the voices: GET /voices, or `voice-cloning voices list`.",
    )
