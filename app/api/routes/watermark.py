"""Recognising what the service has spoken."""

from typing import Annotated

from fastapi import APIRouter, File, UploadFile

from app.api.access import GuardedRoute, access
from app.api.dependencies import Marks
from app.api.errors import problems
from app.api.uploads import sent
from app.core import exceptions as err
from app.limits.base import Rate
from app.models.access import Permission
from app.models.watermark import Detection

router = APIRouter(prefix="/api/v1/watermark", tags=["provenance"], route_class=GuardedRoute)


@router.post(
    "/detect",
    operation_id="detect_watermark",
    responses=problems(
        err.UnreadableAudio,
        err.UploadTooLarge,
        err.RecordingTooLong,
        err.AssetError,
        err.EngineUnavailable,
        err.EngineBusy,
    ),
)
@access(Permission.PROVENANCE_READ, Rate.TRAINING)
async def detect_watermark(
    marks: Marks, file: Annotated[UploadFile, File(description="Any sound.")]
) -> Detection:
    """Was this spoken by a service that marks its speech as this one does? The mark is found in
    any format, and after the usual changes; what is not marked may still be synthetic. The file is
    not kept.
    """
    return await marks.detect(sent(file).read)
