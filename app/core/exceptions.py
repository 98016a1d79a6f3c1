"""Every error that a caller can see, in one tree.

```
AppError 500
├─ BadRequest 400
│   ├─ InvalidRequest         payload validation, with `errors`
│   ├─ UnreadableAudio        the upload is not audio, or damaged for the most part
│   ├─ UnsuitableRecording    audio, but no voice can be made of it; `measured` and `limit`
│   ├─ UnspeakableText        empty, only punctuation, a script that the language does not use
│   ├─ TextTooLong
│   ├─ UnsupportedFormat      audio format or sample rate
│   ├─ UnsupportedControl     the engine cannot do what was asked
│   ├─ UnsupportedLanguage
│   ├─ TrainingUnsupported    the engine cannot adapt voices
│   ├─ MarkupInvalid          SSML that cannot be read, or an element that is not supported
│   ├─ ArchiveInvalid         a zip or bundle that cannot be used
│   ├─ EntryInvalid           an entry of a lexicon: `field`, `reason`
│   ├─ LexiconFileInvalid     a file of entries that cannot be read
│   ├─ LexiconUploadRefused   entries of a file that cannot be used: `report`
│   └─ WebhookRefused         a webhook that may not be called
├─ Unauthenticated 401        nobody we know: no key or token, an unknown, expired or forged one
│   └─ CredentialsMissing, KeyUnknown, KeyExpired, TokenInvalid, TokenExpired
├─ Forbidden 403              somebody we know who may not: `permission`
├─ Refused 403                what nobody may do here, or who may do nothing
│   ├─ Suspended              the caller is suspended
│   ├─ TextBlocked            a text that the operator does not let be spoken: `matches`
│   └─ SpeakerDenied          the recording is of somebody who may not be cloned
├─ NotFound 404
│   ├─ VoiceNotFound, SampleNotFound, VersionNotFound
│   ├─ KeyNotFound, SuspensionNotFound, DeniedSpeakerNotFound, FlagNotFound
│   ├─ JobNotFound, BatchNotFound, HistoryNotFound
│   ├─ AudioNotKept           the entry is there, its audio is not
│   └─ LexiconNotFound, EntryNotFound, RevisionNotFound
├─ MethodNotAllowed 405
├─ Conflict 409
│   ├─ VersionConflict
│   ├─ IdempotencyMismatch    the key was used for another request
│   ├─ JobEnded, JobRunning   what was asked for can be done only before, or after, its end
│   ├─ VoiceInTraining        the voice is being adapted already
│   ├─ LexiconExists, TooManyLexicons
│   ├─ EntryExists            `entry_id`, the one that is there
│   ├─ LexiconFull            it has as many entries as it may have
│   └─ VoiceEngineMismatch     the voice was made by another engine than the one that runs
├─ ClientTooSlow 408          no byte of the request for too long
├─ UploadTooLarge 413
├─ HostUnknown 421            the request is for a name that is not ours
├─ RateLimited 429            `limit`, `window_s`
│   └─ TooManyJobs
├─ EngineError 500
│   ├─ EngineUnavailable 503  not installed, weights missing or corrupt
│   ├─ EngineBusy 503         queue full
│   └─ EngineFailed 500       no audio for non-empty text, invalid output
├─ AssetError 503             a model file cannot be fetched or fails its check
├─ StorageError 503           the blob store cannot read or write
├─ DatabaseError 503
├─ IdentityError 503          the keys of the token issuer cannot be had
├─ ShuttingDown 503           the server finishes what it does and takes nothing new
└─ ConfigurationError         settings that cannot be used together; stops the start
```

`status`, `code`, `title` and `challenge` belong to the class: `code` is stable and part of the API.
`detail` and `suggestion` belong to the instance and are safe to show. `api/errors.py` is the only
place that turns them into HTTP.
"""

from typing import Any, ClassVar, Final

_BEARER: Final = 'Bearer realm="voice-cloning"'


class AppError(Exception):
    """Base of all errors with a meaning for the caller.

    Args:
        detail: what is wrong, safe to show to anybody.
        suggestion: what the caller can do next.
        extra: typed members added to the problem document, e.g. `measured=1.2, limit=3.0`.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Internal error"
    challenge: ClassVar[str | None] = None
    """`WWW-Authenticate` of the answer, by RFC 6750."""

    def __init__(self, detail: str, suggestion: str | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.suggestion = suggestion
        self.extra = extra
        self.retry_after_s: int | None = None


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


class WebhookRefused(BadRequest):
    code, title = "webhook-refused", "The webhook may not be called"


class Unauthenticated(AppError):
    """Says nothing about which part was wrong beyond its code: the caller may be an attacker."""

    status, code, title = 401, "unauthenticated", "Who calls is not known"
    challenge = f'{_BEARER}, error="invalid_token"'


class CredentialsMissing(Unauthenticated):
    code, title = "credentials-missing", "The request has no key and no token"
    challenge = _BEARER


class KeyUnknown(Unauthenticated):
    code, title = "key-unknown", "The API key is not known, or was revoked"


class KeyExpired(Unauthenticated):
    code, title = "key-expired", "The API key has expired"
    challenge = f'{_BEARER}, error="invalid_token", error_description="{title}"'


class TokenInvalid(Unauthenticated):
    code, title = "token-invalid", "The token cannot be accepted"


class TokenExpired(Unauthenticated):
    code, title = "token-expired", "The token has expired"
    challenge = f'{_BEARER}, error="invalid_token", error_description="{title}"'


class Forbidden(AppError):
    """Carries `permission`, the one that is missing."""

    status, code, title = 403, "permission-missing", "The caller may not do this"
    challenge = f'{_BEARER}, error="insufficient_scope"'


class Refused(AppError):
    """Whatever permissions the caller has."""

    status, code, title = 403, "refused", "This is not done here"


class Suspended(Refused):
    code, title = "suspended", "The caller is suspended"


class TextBlocked(Refused):
    """Carries `matches`: offsets in the text without its markup, never what the list says."""

    code, title = "text-blocked", "The text may not be spoken here"


class SpeakerDenied(Refused):
    code, title = "speaker-denied", "This voice may not be cloned"


class NotFound(AppError):
    status, code, title = 404, "not-found", "Not found"


class VoiceNotFound(NotFound):
    code, title = "voice-not-found", "There is no such voice"


class SampleNotFound(NotFound):
    code, title = "sample-not-found", "There is no such recording"


class VersionNotFound(NotFound):
    code, title = "version-not-found", "There is no such version of the voice"


class JobNotFound(NotFound):
    code, title = "job-not-found", "There is no such job"


class BatchNotFound(NotFound):
    code, title = "batch-not-found", "There is no such batch"


class HistoryNotFound(NotFound):
    code, title = "history-not-found", "There is no such entry in the history"


class AudioNotKept(NotFound):
    code, title = "audio-not-kept", "The audio was not kept"


class LexiconNotFound(NotFound):
    code, title = "lexicon-not-found", "There is no such lexicon"


class EntryNotFound(NotFound):
    code, title = "lexicon-entry-not-found", "There is no such entry in a lexicon"


class RevisionNotFound(NotFound):
    code, title = "lexicon-version-not-found", "There is no such version of the lexicon"


class KeyNotFound(NotFound):
    code, title = "key-not-found", "There is no such API key"


class SuspensionNotFound(NotFound):
    code, title = "suspension-not-found", "There is no such suspension"


class FlagNotFound(NotFound):
    code, title = "flag-not-found", "There is no such flag"


class DeniedSpeakerNotFound(NotFound):
    code, title = "denied-speaker-not-found", "There is no such denied speaker"


class MethodNotAllowed(AppError):
    status, code, title = 405, "method-not-allowed", "Method not allowed"


class Conflict(AppError):
    status, code, title = 409, "conflict", "Conflict"


class VersionConflict(Conflict):
    code, title = "version-conflict", "The record was changed by somebody else"


class IdempotencyMismatch(Conflict):
    code, title = "idempotency-mismatch", "The idempotency key was used for another request"


class JobEnded(Conflict):
    code, title = "job-ended", "The job is not in a state in which this can be done"


class JobRunning(Conflict):
    code, title = "job-running", "The job has not ended"


class VoiceInTraining(Conflict):
    code, title = "voice-in-training", "The voice is being adapted"


class VoiceEngineMismatch(Conflict):
    code, title = "voice-engine-mismatch", "The voice belongs to another engine"


class LexiconExists(Conflict):
    code, title = "lexicon-exists", "There is a lexicon of this name"


class TooManyLexicons(Conflict):
    code, title = "too-many-lexicons", "There are as many lexicons as there may be"


class EntryExists(Conflict):
    """Carries `entry_id`."""

    code, title = "lexicon-entry-exists", "There is such an entry"


class LexiconFull(Conflict):
    code, title = "lexicon-full", "The lexicon has as many entries as it may have"


class ClientTooSlow(AppError):
    status, code, title = 408, "client-too-slow", "The request did not arrive in time"


class UploadTooLarge(AppError):
    status, code, title = 413, "upload-too-large", "The upload is too large"


class HostUnknown(AppError):
    status, code, title = 421, "host-unknown", "This server does not answer to that name"


class RateLimited(AppError):
    status, code, title = 429, "rate-limited", "Too many requests"

    def __init__(
        self, detail: str, suggestion: str | None = None, *, retry_after_s: int, **extra: Any
    ) -> None:
        super().__init__(detail, suggestion, **extra)
        self.retry_after_s = retry_after_s


class TooManyJobs(RateLimited):
    code, title = "too-many-jobs", "Too many jobs wait or run"


class EngineError(AppError):
    code, title = "engine-error", "The engine failed"


class EngineUnavailable(EngineError):
    status, code, title = 503, "engine-unavailable", "The engine is not available"


class EngineBusy(EngineError):
    status, code, title = 503, "engine-busy", "The engine is busy"

    def __init__(
        self, detail: str, suggestion: str | None = None, *, retry_after_s: int, **extra: Any
    ) -> None:
        super().__init__(detail, suggestion, **extra)
        self.retry_after_s = retry_after_s


class EngineFailed(EngineError):
    code, title = "engine-failed", "The engine produced no valid speech"


class AssetError(AppError):
    status, code, title = 503, "asset-unavailable", "A model file is not available"


class StorageError(AppError):
    status, code, title = 503, "storage-unavailable", "The file store is not available"


class DatabaseError(AppError):
    status, code, title = 503, "database-unavailable", "The database is not available"


class IdentityError(AppError):
    status, code, title = 503, "identity-unavailable", "Tokens cannot be checked"


class ShuttingDown(AppError):
    status, code, title = 503, "shutting-down", "The server is being stopped"


class ConfigurationError(AppError):
    code, title = "configuration", "The settings cannot be used"

    def __str__(self) -> str:
        """With the advice: servers that load the application show nothing else of it."""
        return f"{self.detail} {self.suggestion or ''}".rstrip()


def code_of(error: BaseException) -> str:
    """What kind of error it is: its code if it is ours, else its class; nothing of what it says."""
    return error.code if isinstance(error, AppError) else type(error).__name__
