"""Who made this audio? By how it sounds."""

from typing import Annotated

from fastapi import APIRouter, File, UploadFile

from app.api.access import GuardedRoute, access
from app.api.dependencies import Caller, Identify, Owner
from app.api.errors import problems
from app.api.uploads import sent
from app.core import exceptions as err
from app.limits.base import Rate
from app.models.access import Permission
from app.models.output import Identification

router = APIRouter(prefix="/api/v1/provenance", tags=["provenance"], route_class=GuardedRoute)


@router.post(
    "/identify",
    operation_id="identify_audio",
    responses=problems(
        err.UnreadableAudio,
        err.RecordingTooLong,
        err.UploadTooLarge,
        err.EngineBusy,
        err.DatabaseError,
        err.IdentifyUnavailable,
    ),
)
@access(Permission.HISTORY_READ, Rate.TRAINING)
async def identify_audio(
    identify: Identify,
    caller: Caller,
    owner: Owner,
    file: Annotated[
        UploadFile, File(description="A clip of a minute at most; of 3 s or more it is sure.")
    ],
) -> Identification:
    """Which requests made this audio? It may be cut, encoded again, resampled, louder or noisy,
    but not faster, slower or of another pitch. It is not kept.

    Whoever has `audit:read` is told of the outputs of all owners, others of their own. An empty
    list says that nothing was recognised, not that the service did not make it.
    """
    everybody = caller.may(Permission.AUDIT_READ)
    return await identify.identify(sent(file).read, owner=None if everybody else owner)
