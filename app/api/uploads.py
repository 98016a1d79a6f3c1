"""Files of requests, as services take them."""

from collections.abc import Sequence
from typing import Final

from fastapi import UploadFile

from app.api.errors import problems
from app.core import exceptions as err
from app.services.voices import Sent

UPLOAD_PROBLEMS: Final = problems(
    err.UnreadableAudio,
    err.UnsuitableRecording,
    err.RecordingTooShort,
    err.RecordingTooLong,
    err.RecordingSilent,
    err.RecordingClipped,
    err.RecordingNoisy,
    err.ArchiveInvalid,
    err.UploadTooLarge,
    err.SpeakerDenied,
    err.EngineBusy,
    err.EngineUnavailable,
    err.EngineFailed,
    err.AssetError,
    err.StorageError,
    err.DatabaseError,
)
"""Of every route that takes recordings."""


def sent(upload: UploadFile) -> Sent:
    """A file of a form; it lies on the disk if it is long."""
    return Sent(upload.filename or "", upload.size or 0, upload.file)


def sent_all(uploads: Sequence[UploadFile]) -> list[Sent]:
    return [sent(upload) for upload in uploads]
