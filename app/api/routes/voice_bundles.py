"""Voices that are taken elsewhere: export and import."""

from collections.abc import AsyncGenerator
from typing import IO, Annotated, Any, Final

from fastapi import APIRouter, File, Response, UploadFile
from fastapi.responses import StreamingResponse

from app.api.access import GuardedRoute, access
from app.api.dependencies import Bundles, Owner, OwnVoice, Voices
from app.api.errors import also, problems
from app.api.routes.voice_profiles import profile
from app.api.uploads import UPLOAD_PROBLEMS, sent
from app.core import exceptions as err
from app.core.tasks import in_thread
from app.limits.base import Rate
from app.models.access import Permission
from app.models.voice_profile import VoiceImported

router = APIRouter(prefix="/api/v1/voices", tags=["voices"], route_class=GuardedRoute)

_ZIP: Final = "application/zip"
_BLOCK: Final = 256 * 1024
_BUNDLE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The bundle: `manifest.json`, `recordings/`, `states/`.",
        "content": {_ZIP: {"schema": {"type": "string", "format": "binary"}}},
    }
}
_AGAIN: Final = (
    "The states in the bundle are of another engine: the voice was cloned anew from its "
    "recordings, and its trainings are lost. Train it again."
)


@router.get(
    "/{voice_id}/export",
    operation_id="export_voice",
    response_class=Response,
    responses=_BUNDLE
    | problems(
        err.VoiceNotFound,
        err.VoiceAccessMissing,
        err.VoiceSuspended,
        err.EngineFailed,
        err.StorageError,
        err.DatabaseError,
    ),
)
@access(Permission.VOICES_WRITE, Rate.TRAINING)
async def export_voice(bundles: Bundles, voice: OwnVoice, voice_id: str) -> Response:
    """The voice as a zip file with all that belongs to it: its recordings, what is known of them,
    and all its versions. Another server makes the same voice of it: POST /api/v1/voices/import.
    """
    file = await bundles.export(voice)
    file.seek(0, 2)
    headers = {
        "Content-Length": str(file.tell()),
        "Content-Disposition": f'attachment; filename="voice-{voice_id}.zip"',
    }
    file.seek(0)
    return StreamingResponse(_pieces(file), media_type=_ZIP, headers=headers)


@router.post(
    "/import",
    status_code=201,
    operation_id="import_voice",
    responses=also(UPLOAD_PROBLEMS, problems(err.UnsupportedLanguage, err.ConsentRequired)),
)
@access(Permission.VOICES_WRITE, Rate.TRAINING)
async def import_voice(
    bundles: Bundles,
    voices: Voices,
    owner: Owner,
    file: Annotated[UploadFile, File(description="A bundle that was exported.")],
) -> VoiceImported:
    """Make a voice of a bundle: a new one of yours, with a new id. Every file is checked against
    the manifest and every recording is listened to. States of another engine than the one that
    runs cannot be used: then the recordings are cloned anew, and `enrolled_again` says so.
    """
    imported = await bundles.take_in(owner, sent(file))
    return VoiceImported(
        voice=await profile(voices, imported.voice),
        enrolled_again=imported.enrolled_again,
        note=_AGAIN if imported.enrolled_again else None,
    )


async def _pieces(file: IO[bytes]) -> AsyncGenerator[bytes, None]:
    with file:
        while piece := await in_thread(None, file.read, _BLOCK):
            yield piece
