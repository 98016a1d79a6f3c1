"""Files of requests, as services take them."""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import Form, UploadFile

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


CONSENT_PROBLEMS: Final = problems(
    err.ConsentRequired, err.ConsentNotFound, err.ConsentUnusable, err.ConsentMismatch
)
"""Of every route that makes a voice under a consent, or more of one."""
ConsentId = Annotated[
    str | None,
    Form(max_length=100, description="Of the speaker's consent: POST /api/v1/consents."),
]


def sent(upload: UploadFile) -> Sent:
    """A file of a form; it lies on the disk if it is long."""
    return Sent(upload.filename or "", upload.size or 0, upload.file)


def sent_all(uploads: Sequence[UploadFile]) -> list[Sent]:
    return [sent(upload) for upload in uploads]
