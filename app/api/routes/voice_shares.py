"""Sharing voices with other owners and groups."""

from fastapi import APIRouter

from app.api.access import GuardedRoute, access
from app.api.dependencies import Caller, OwnVoice, Sharing
from app.api.errors import problems
from app.core import exceptions as err
from app.models.access import Permission
from app.models.share import NewShare, ShareDetails, ShareList

router = APIRouter(
    prefix="/api/v1/voices/{voice_id}/shares", tags=["voices"], route_class=GuardedRoute
)


@router.get(
    "",
    operation_id="list_voice_shares",
    responses=problems(err.VoiceNotFound, err.VoiceAccessMissing, err.DatabaseError),
)
@access(Permission.VOICES_READ)
async def list_voice_shares(sharing: Sharing, voice: OwnVoice) -> ShareList:
    """With whom a voice of yours is shared, newest first; shares that have expired among them."""
    found = await sharing.list(voice)
    return ShareList(voice_id=voice.id, items=[ShareDetails.of(share) for share in found])


@router.post(
    "",
    status_code=201,
    operation_id="share_voice",
    responses=problems(
        err.VoiceNotFound,
        err.VoiceAccessMissing,
        err.VersionConflict,
        err.Conflict,
        err.DatabaseError,
    ),
)
@access(Permission.VOICES_WRITE)
async def share_voice(
    sharing: Sharing, voice: OwnVoice, caller: Caller, body: NewShare
) -> ShareDetails:
    """Share a voice of yours with another owner, or with a group. Doing it again for the same one
    replaces what they may do, and until when.
    """
    return ShareDetails.of(await sharing.share(voice, body, by=caller))


@router.delete(
    "/{share_id}",
    status_code=204,
    operation_id="unshare_voice",
    responses=problems(
        err.VoiceNotFound, err.VoiceAccessMissing, err.ShareNotFound, err.DatabaseError
    ),
)
@access(Permission.VOICES_WRITE)
async def unshare_voice(sharing: Sharing, voice: OwnVoice, share_id: str) -> None:
    """Take a share back. It holds from the next request on; items of batches that wait fail."""
    await sharing.end(voice, share_id)
