"""408, 413, 421, 429 and 5xx: what the service does not take, or cannot do."""

from typing import Any

from app.core.exceptions.base import AppError


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


class LinksUnsupported(AppError):
    status, code, title = 501, "links-unsupported", "The file store gives no links"


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


class TranslationUnavailable(AppError):
    status, code, title = 503, "translation-unavailable", "There is no translation now"


class TranslationFailed(AppError):
    """Carries `terms` where those of the glossary did not come back: their numbers, from 1."""

    status, code, title = 502, "translation-failed", "The translation is of no use"


class PreparationUnavailable(AppError):
    status, code, title = 503, "preparation-unavailable", "Texts are not prepared now"


class PreparationFailed(AppError):
    status, code, title = 502, "preparation-failed", "The prepared text is of no use"


class AssetError(AppError):
    status, code, title = 503, "asset-unavailable", "A model file is not available"


class StorageError(AppError):
    status, code, title = 503, "storage-unavailable", "The file store is not available"


class DatabaseError(AppError):
    status, code, title = 503, "database-unavailable", "The database is not available"


class IdentifyUnavailable(DatabaseError):
    code, title = "identify-unavailable", "Outputs are not recognised here"


class IdentityError(AppError):
    status, code, title = 503, "identity-unavailable", "Tokens cannot be checked"


class ProvenanceUnavailable(AppError):
    status, code, title = 503, "provenance-unavailable", "Manifests cannot be made or read"


class ShuttingDown(AppError):
    status, code, title = 503, "shutting-down", "The server is being stopped"


class ConfigurationError(AppError):
    code, title = "configuration", "The settings cannot be used"

    def __str__(self) -> str:
        """With the advice: servers that load the application show nothing else of it."""
        return f"{self.detail} {self.suggestion or ''}".rstrip()
