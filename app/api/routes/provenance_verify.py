"""Where audio comes from, as the file itself says."""

from typing import Annotated

from fastapi import APIRouter, File, Form, UploadFile

from app.api.access import GuardedRoute, access
from app.api.dependencies import Asker, Verify
from app.api.errors import problems
from app.core import exceptions as err
from app.limits.base import Rate
from app.models.access import Permission
from app.models.provenance import ProvenanceReport

router = APIRouter(prefix="/api/v1/provenance", tags=["provenance"], route_class=GuardedRoute)


@router.post(
    "/verify",
    operation_id="verify_provenance",
    responses=problems(
        err.UnreadableAudio,
        err.UploadTooLarge,
        err.VoiceNotFound,
        err.EngineBusy,
        err.ProvenanceUnavailable,
        err.DatabaseError,
    ),
)
@access(Permission.PROVENANCE_READ, Rate.TRAINING)
async def verify_provenance(
    verify: Verify,
    by: Asker,
    file: Annotated[UploadFile, File(description="An audio file, of whatever origin.")],
    voice: Annotated[
        str | None,
        Form(max_length=64, description="Id of a voice you may use: is it the one?"),
    ] = None,
) -> ProvenanceReport:
    """Has this file a C2PA manifest, does it hold, who signed it, is the file unchanged, and what
    does it say? A file without one is no error. The file is not kept, and nothing is fetched.
    """
    return await verify.verify(by, file.file, file.size or 0, voice_id=voice)
