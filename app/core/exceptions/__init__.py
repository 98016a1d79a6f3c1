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
│   ├─ StatementExpired       of a consent: used, too old, or somebody else's
│   ├─ ConsentMismatch        somebody else has agreed: `similarity`, `limit`
│   └─ WebhookRefused         a webhook that may not be called
├─ Unauthenticated 401        nobody we know: no key or token, an unknown, expired or forged one
│   └─ CredentialsMissing, KeyUnknown, KeyExpired, TokenInvalid, TokenExpired
├─ Forbidden 403              somebody we know who may not: `permission`
├─ Refused 403                what nobody may do here, or who may do nothing
│   ├─ Suspended              the caller is suspended
│   ├─ VoiceAccessMissing     the voice is another owner's, and shared for less
│   ├─ TextBlocked            a text that the operator does not let be spoken: `matches`
│   ├─ ConsentRequired        a voice whose speaker has not agreed as it is asked for
│   ├─ VoiceSuspended         a voice that somebody has stopped
│   └─ SpeakerDenied          the recording is of somebody who may not be cloned
├─ NotFound 404
│   ├─ VoiceNotFound, ShareNotFound, SampleNotFound, VersionNotFound
│   ├─ ConsentNotFound, KeyNotFound, SuspensionNotFound, DeniedSpeakerNotFound, FlagNotFound
│   ├─ JobNotFound, BatchNotFound, HistoryNotFound
│   ├─ AudioNotKept           the entry is there, its audio is not
│   └─ LexiconNotFound, EntryNotFound, RevisionNotFound
├─ MethodNotAllowed 405
├─ Conflict 409
│   ├─ VersionConflict
│   ├─ IdempotencyMismatch    the key was used for another request
│   ├─ JobEnded, JobRunning   what was asked for can be done only before, or after, its end
│   ├─ ConsentUnusable        it is not verified, or was revoked: `consent_status`
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
├─ TranslationUnavailable 503 no translator, or it does not answer or let us in
├─ TranslationFailed 502      its answer is of no use, or lacks terms of the glossary
├─ PreparationUnavailable 503 no chat model, or it does not answer or let us in
├─ PreparationFailed 502      its answer is no SSML that may be spoken
├─ AssetError 503             a model file cannot be fetched or fails its check
├─ LinksUnsupported 501       the files lie where nobody else can fetch them
├─ StorageError 503           the blob store cannot read or write
├─ DatabaseError 503
│   └─ IdentifyUnavailable    the database keeps no index of how outputs sound
├─ IdentityError 503          the keys of the token issuer cannot be had
├─ ProvenanceUnavailable 503  a file cannot be signed, or there is nothing that reads manifests
├─ ShuttingDown 503           the server finishes what it does and takes nothing new
└─ ConfigurationError         settings that cannot be used together; stops the start
```

`status`, `code`, `title` and `challenge` belong to the class: `code` is stable and part of the API.
`detail` and `suggestion` belong to the instance and are safe to show. `api/errors.py` is the only
place that turns them into HTTP.
"""

from app.core.exceptions.base import (
    AppError,
    code_of,
)
from app.core.exceptions.callers import (
    ConsentRequired,
    CredentialsMissing,
    Forbidden,
    KeyExpired,
    KeyUnknown,
    Refused,
    SpeakerDenied,
    Suspended,
    TextBlocked,
    TokenExpired,
    TokenInvalid,
    Unauthenticated,
    VoiceAccessMissing,
    VoiceSuspended,
)
from app.core.exceptions.records import (
    AudioNotKept,
    BatchNotFound,
    Conflict,
    ConsentNotFound,
    ConsentUnusable,
    DeniedSpeakerNotFound,
    EntryExists,
    EntryNotFound,
    FlagNotFound,
    HistoryNotFound,
    IdempotencyMismatch,
    JobEnded,
    JobNotFound,
    JobRunning,
    KeyNotFound,
    LexiconExists,
    LexiconFull,
    LexiconNotFound,
    MethodNotAllowed,
    NotFound,
    RevisionNotFound,
    SampleNotFound,
    ShareNotFound,
    SuspensionNotFound,
    TooManyLexicons,
    VersionConflict,
    VersionNotFound,
    VoiceEngineMismatch,
    VoiceInTraining,
    VoiceNotFound,
)
from app.core.exceptions.requests import (
    ArchiveInvalid,
    BadRequest,
    ConsentMismatch,
    EntryInvalid,
    InvalidRequest,
    LexiconFileInvalid,
    LexiconUploadRefused,
    MarkupInvalid,
    RecordingClipped,
    RecordingNoisy,
    RecordingSilent,
    RecordingTooLong,
    RecordingTooShort,
    StatementExpired,
    TextTooLong,
    TrainingUnsupported,
    UnreadableAudio,
    UnspeakableText,
    UnsuitableRecording,
    UnsupportedControl,
    UnsupportedFormat,
    UnsupportedLanguage,
    WebhookRefused,
)
from app.core.exceptions.service import (
    AssetError,
    ClientTooSlow,
    ConfigurationError,
    DatabaseError,
    EngineBusy,
    EngineError,
    EngineFailed,
    EngineUnavailable,
    HostUnknown,
    IdentifyUnavailable,
    IdentityError,
    LinksUnsupported,
    PreparationFailed,
    PreparationUnavailable,
    ProvenanceUnavailable,
    RateLimited,
    ShuttingDown,
    StorageError,
    TooManyJobs,
    TranslationFailed,
    TranslationUnavailable,
    UploadTooLarge,
)

__all__ = [
    "AppError",
    "ArchiveInvalid",
    "AssetError",
    "AudioNotKept",
    "BadRequest",
    "BatchNotFound",
    "ClientTooSlow",
    "ConfigurationError",
    "Conflict",
    "ConsentMismatch",
    "ConsentNotFound",
    "ConsentRequired",
    "ConsentUnusable",
    "CredentialsMissing",
    "DatabaseError",
    "DeniedSpeakerNotFound",
    "EngineBusy",
    "EngineError",
    "EngineFailed",
    "EngineUnavailable",
    "EntryExists",
    "EntryInvalid",
    "EntryNotFound",
    "FlagNotFound",
    "Forbidden",
    "HistoryNotFound",
    "HostUnknown",
    "IdempotencyMismatch",
    "IdentifyUnavailable",
    "IdentityError",
    "InvalidRequest",
    "JobEnded",
    "JobNotFound",
    "JobRunning",
    "KeyExpired",
    "KeyNotFound",
    "KeyUnknown",
    "LexiconExists",
    "LexiconFileInvalid",
    "LexiconFull",
    "LexiconNotFound",
    "LexiconUploadRefused",
    "LinksUnsupported",
    "MarkupInvalid",
    "MethodNotAllowed",
    "NotFound",
    "PreparationFailed",
    "PreparationUnavailable",
    "ProvenanceUnavailable",
    "RateLimited",
    "RecordingClipped",
    "RecordingNoisy",
    "RecordingSilent",
    "RecordingTooLong",
    "RecordingTooShort",
    "Refused",
    "RevisionNotFound",
    "SampleNotFound",
    "ShareNotFound",
    "ShuttingDown",
    "SpeakerDenied",
    "StatementExpired",
    "StorageError",
    "Suspended",
    "SuspensionNotFound",
    "TextBlocked",
    "TextTooLong",
    "TokenExpired",
    "TokenInvalid",
    "TooManyJobs",
    "TooManyLexicons",
    "TrainingUnsupported",
    "TranslationFailed",
    "TranslationUnavailable",
    "Unauthenticated",
    "UnreadableAudio",
    "UnspeakableText",
    "UnsuitableRecording",
    "UnsupportedControl",
    "UnsupportedFormat",
    "UnsupportedLanguage",
    "UploadTooLarge",
    "VersionConflict",
    "VersionNotFound",
    "VoiceAccessMissing",
    "VoiceEngineMismatch",
    "VoiceInTraining",
    "VoiceNotFound",
    "VoiceSuspended",
    "WebhookRefused",
    "code_of",
]
