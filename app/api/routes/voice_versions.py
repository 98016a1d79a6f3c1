"""Versions of voices: list, show, activate, roll back, delete, compare."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.convertors import StringConvertor, register_url_convertor

from app.api.access import GuardedRoute, access
from app.api.dependencies import ManagedVoice, Versions
from app.api.errors import problems
from app.core import exceptions as err
from app.limits.base import Rate
from app.models.access import Permission
from app.models.voice_version import VersionComparison, VersionDetails, VersionList, VersionScores


class _Number(StringConvertor):
    """What may stand for a version: not the word that is a path of its own."""

    regex = r"(?!compare(?:/|$))[^/]+"


register_url_convertor("version", _Number())

router = APIRouter(
    prefix="/api/v1/voices/{voice_id}/versions", tags=["voices"], route_class=GuardedRoute
)

_MAX_NUMBER = 2**31 - 1

Number = Annotated[int, Path(ge=1, le=_MAX_NUMBER, description="Of the version.")]


@router.get(
    "",
    operation_id="list_voice_versions",
    responses=problems(err.VoiceNotFound, err.VoiceAccessMissing, err.DatabaseError),
)
@access(Permission.VOICES_READ)
async def list_voice_versions(versions: Versions, voice: ManagedVoice) -> VersionList:
    """All versions of a voice: the instant clone, and one of each training."""
    found = await versions.list(voice)
    return VersionList(
        voice_id=voice.id,
        active_version=voice.active_version,
        items=[VersionDetails.of(version, voice) for version in found],
    )


@router.get("/", include_in_schema=False)
@access(Permission.VOICES_READ)
async def list_voice_versions_as_folder(versions: Versions, voice: ManagedVoice) -> VersionList:
    """The same, with a slash at the end."""
    return await list_voice_versions(versions, voice)


@router.get(
    "/compare",
    operation_id="compare_voice_versions",
    responses=problems(
        err.VoiceNotFound,
        err.VoiceAccessMissing,
        err.VersionNotFound,
        err.VoiceEngineMismatch,
        err.UnsuitableRecording,
        err.EngineBusy,
        err.EngineFailed,
        err.EngineUnavailable,
        err.AssetError,
        err.StorageError,
        err.DatabaseError,
    ),
)
@access(Permission.VOICES_READ, Rate.SYNTHESIS)
async def compare_voice_versions(
    versions: Versions,
    voice: ManagedVoice,
    a: Annotated[int, Query(ge=1, le=_MAX_NUMBER, description="Number of one version.")],
    b: Annotated[int, Query(ge=1, le=_MAX_NUMBER, description="Number of the other one.")],
) -> VersionComparison:
    """Two versions side by side: how their trainings measured them, and how alike they are to all
    recordings of the voice now. Both speak some sentences for it, which takes some seconds.
    """
    measured = await versions.compare(voice, (a, b))
    scores = [
        VersionScores(
            version=VersionDetails.of(version, voice),
            similarity=found.likeness,
            wer=found.word_errors,
        )
        for version, found in measured
    ]
    return VersionComparison(
        voice_id=voice.id, a=scores[0], b=scores[1], more_alike=_more_alike(*scores)
    )


@router.get(
    "/{number:version}",
    operation_id="get_voice_version",
    responses=problems(
        err.VoiceNotFound, err.VoiceAccessMissing, err.VersionNotFound, err.DatabaseError
    ),
)
@access(Permission.VOICES_READ)
async def get_voice_version(
    versions: Versions, voice: ManagedVoice, number: Number
) -> VersionDetails:
    """One version, with what its training measured."""
    return VersionDetails.of(await versions.get(voice, number), voice)


@router.post(
    "/{number:version}/activate",
    operation_id="activate_voice_version",
    responses=problems(
        err.VoiceNotFound,
        err.VoiceAccessMissing,
        err.VersionNotFound,
        err.VersionConflict,
        err.VoiceEngineMismatch,
        err.StorageError,
        err.DatabaseError,
    ),
)
@access(Permission.VOICES_TRAIN)
async def activate_voice_version(
    versions: Versions, voice: ManagedVoice, number: Number
) -> VersionDetails:
    """Speak with this version from the next request on: a newer one, or an older one to roll back.
    Also one that was not found to be better.
    """
    changed, version = await versions.activate(voice, number)
    return VersionDetails.of(version, changed)


@router.delete(
    "/{number:version}",
    status_code=204,
    operation_id="delete_voice_version",
    responses=problems(
        err.VoiceNotFound,
        err.VoiceAccessMissing,
        err.VersionNotFound,
        err.Conflict,
        err.VersionConflict,
        err.StorageError,
        err.DatabaseError,
    ),
)
@access(Permission.VOICES_TRAIN)
async def delete_voice_version(versions: Versions, voice: ManagedVoice, number: Number) -> None:
    """Delete a version and its file. The active one cannot be deleted: activate another first."""
    await versions.delete(voice, number)


def _more_alike(a: VersionScores, b: VersionScores) -> int | None:
    if a.similarity is None or b.similarity is None or a.similarity == b.similarity:
        return None
    return max(a, b, key=lambda scores: scores.similarity or 0.0).version.number
