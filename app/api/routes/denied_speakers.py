"""People who may not be cloned, for administrators."""

from typing import Annotated

from fastapi import APIRouter, File, Form, Query, UploadFile

from app.api.access import GuardedRoute, access
from app.api.dependencies import Caller, DeniedSpeakers
from app.api.errors import problems
from app.api.uploads import UPLOAD_PROBLEMS
from app.core import exceptions as err
from app.limits.base import Rate
from app.models.access import Permission
from app.models.speaker import DeniedSpeakerDetails, DeniedSpeakerPage
from app.services.denied_speakers import Denial

router = APIRouter(prefix="/api/v1/denied-speakers", tags=["abuse"], route_class=GuardedRoute)

_LINE = r"^[^\x00-\x1f\x7f]+$"


@router.post("", status_code=201, operation_id="create_denied_speaker", responses=UPLOAD_PROBLEMS)
@access(Permission.ABUSE_MANAGE, Rate.TRAINING)
async def create_denied_speaker(
    denied: DeniedSpeakers,
    caller: Caller,
    file: Annotated[UploadFile, File(description="A recording of that person; it is not kept.")],
    name: Annotated[
        str, Form(min_length=1, max_length=200, pattern=_LINE, description="Who it is.")
    ],
    reason: Annotated[str, Form(min_length=1, max_length=500, pattern=_LINE)],
) -> DeniedSpeakerDetails:
    """Say whose voice nobody may clone here. 30 seconds or more of that person alone are best. Of
    the recording only a speaker embedding is kept.
    """
    denial = Denial(name, reason, await file.read())
    return DeniedSpeakerDetails.of(await denied.add(caller, denial))


@router.get("", operation_id="list_denied_speakers", responses=problems(err.DatabaseError))
@access(Permission.ABUSE_MANAGE)
async def list_denied_speakers(
    denied: DeniedSpeakers,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[str | None, Query(description="From the page before.")] = None,
) -> DeniedSpeakerPage:
    """Whose voices are refused, newest first."""
    page = await denied.list(limit=limit, cursor=cursor or None)
    items = [DeniedSpeakerDetails.of(one) for one in page.items]
    return DeniedSpeakerPage(items=items, cursor=page.cursor)


@router.delete(
    "/{denied_speaker_id}",
    status_code=204,
    operation_id="delete_denied_speaker",
    responses=problems(err.DeniedSpeakerNotFound, err.DatabaseError),
)
@access(Permission.ABUSE_MANAGE)
async def delete_denied_speaker(denied: DeniedSpeakers, denied_speaker_id: str) -> None:
    """Let a voice be cloned again: its embedding is deleted."""
    await denied.delete(denied_speaker_id)
