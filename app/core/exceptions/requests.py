"""400: a request that cannot be done as it stands."""

from app.core.exceptions.base import AppError


class BadRequest(AppError):
    status, code, title = 400, "bad-request", "Bad request"


class InvalidRequest(BadRequest):
    code, title = "invalid-request", "The request does not have the required form"


class UnreadableAudio(BadRequest):
    code, title = "unreadable-audio", "The file cannot be read as audio"


class UnsuitableRecording(BadRequest):
    """Audio that no voice can be made of. The code names the reason, e.g. `recording-too-short`."""

    code, title = "recording-unsuitable", "The recording is not suitable"


class RecordingTooShort(UnsuitableRecording):
    code, title = "recording-too-short", "The recording holds too little speech"


class RecordingTooLong(UnsuitableRecording):
    code, title = "recording-too-long", "The recording is too long"


class RecordingSilent(UnsuitableRecording):
    code, title = "recording-silent", "The recording is silent"


class RecordingClipped(UnsuitableRecording):
    code, title = "recording-clipped", "The recording is clipped"


class RecordingNoisy(UnsuitableRecording):
    code, title = "recording-noisy", "The recording is too noisy"


class UnspeakableText(BadRequest):
    code, title = "text-unspeakable", "There is nothing in the text that can be spoken"


class TextTooLong(BadRequest):
    code, title = "text-too-long", "The text is too long"


class UnsupportedFormat(BadRequest):
    code, title = "format-unsupported", "The audio format is not supported"


class UnsupportedControl(BadRequest):
    code, title = "control-unsupported", "The engine does not have this control"


class UnsupportedLanguage(BadRequest):
    code, title = "language-unsupported", "The engine does not speak this language"


class TrainingUnsupported(BadRequest):
    code, title = "training-unsupported", "The engine cannot adapt voices"


class MarkupInvalid(BadRequest):
    """Carries `line` and `column` where they are known."""

    code, title = "markup-invalid", "The SSML cannot be used"


class ArchiveInvalid(BadRequest):
    code, title = "archive-invalid", "The archive cannot be used"


class EntryInvalid(BadRequest):
    """Carries `field`, and the `reason` as a code."""

    code, title = "lexicon-entry-invalid", "The entry cannot be used"


class LexiconFileInvalid(BadRequest):
    """Carries `line` and `column` where they are known."""

    code, title = "lexicon-file-invalid", "The file of entries cannot be read"


class LexiconUploadRefused(BadRequest):
    """Carries `report`, which tells of each row."""

    code, title = "lexicon-upload-refused", "Nothing was stored: some rows cannot be used"


class StatementExpired(BadRequest):
    code, title = "statement-expired", "The statement cannot be used any more"


class ConsentMismatch(BadRequest):
    """Carries the `similarity` of the speakers, and the `limit`."""

    code, title = "consent-mismatch", "Somebody else has agreed"


class WebhookRefused(BadRequest):
    code, title = "webhook-refused", "The webhook may not be called"
