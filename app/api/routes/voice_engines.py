"""Voices for other engines than their own."""

from typing import Annotated

from fastapi import APIRouter, Path

from app.api.access import GuardedRoute, access
from app.api.dependencies import OtherEnginesHere, OwnVoice, Voices
from app.api.errors import also, problems
from app.api.routes.voice_profiles import profile
from app.api.uploads import CONSENT_PROBLEMS
from app.core import exceptions as err
from app.limits.base import Rate
from app.models.access import Permission
from app.models.voice_profile import VoiceProfile

router = APIRouter(
    prefix="/api/v1/voices/{voice_id}/engines", tags=["voices"], route_class=GuardedRoute
)

Name = Annotated[str, Path(min_length=1, max_length=100, description="Of the engine.")]


@router.put(
    "/{engine}",
    operation_id="hold_voice",
    responses=also(
        CONSENT_PROBLEMS,
        problems(
            err.VoiceNotFound,
            err.VoiceAccessMissing,
            err.VoiceSuspended,
            err.UnsuitableRecording,
            err.VersionConflict,
            err.EngineBusy,
            err.EngineFailed,
            err.EngineUnavailable,
            err.AssetError,
            err.StorageError,
            err.DatabaseError,
        ),
    ),
)
@access(Permission.VOICES_TRAIN, Rate.TRAINING)
async def hold_voice(
    others: OtherEnginesHere, voices: Voices, voice: OwnVoice, engine: Name
) -> VoiceProfile:
    """Have an engine that stands by make a voice of yours of its recordings, so that it can speak
    in the place of the voice's own. Again: it is made anew.
    """
    return await profile(voices, await others.hold(voice, engine))


@router.delete(
    "/{engine}",
    operation_id="drop_voice",
    responses=problems(
        err.VoiceNotFound, err.VoiceAccessMissing, err.VersionConflict, err.DatabaseError
    ),
)
@access(Permission.VOICES_TRAIN)
async def drop_voice(
    others: OtherEnginesHere, voices: Voices, voice: OwnVoice, engine: Name
) -> VoiceProfile:
    """Take a voice of yours away from an engine that stands by, and from its provider."""
    return await profile(voices, await others.drop(voice, engine))
