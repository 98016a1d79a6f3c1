"""404, 405 and 409: what is not there, or is not as it should be."""

from app.core.exceptions.base import AppError


class NotFound(AppError):
    status, code, title = 404, "not-found", "Not found"


class VoiceNotFound(NotFound):
    code, title = "voice-not-found", "There is no such voice"


class ShareNotFound(NotFound):
    code, title = "share-not-found", "There is no such share"


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


class ConsentNotFound(NotFound):
    code, title = "consent-not-found", "There is no such consent"


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


class ConsentUnusable(Conflict):
    """Carries the `status` of the consent."""

    code, title = "consent-unusable", "The consent cannot be used for this"


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
