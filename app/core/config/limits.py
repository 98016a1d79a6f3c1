"""How much may be asked for."""

from pydantic import BaseModel, Field, SecretStr


class LimitSettings(BaseModel):
    """Rates are per caller and minute."""

    rate_limiting_enabled: bool = Field(True, description="Whether the rates below hold.")
    rate_limit_default: int = Field(100, ge=1, description="Requests.")
    rate_limit_synthesis: int = Field(50, ge=1, description="Requests that speak.")
    rate_limit_training: int = Field(
        10, ge=1, description="Requests that register or train a voice."
    )
    rate_limit_characters: int = Field(
        200_000, ge=1, description="Characters to be spoken. At least MAX_TEXT_CHARS."
    )
    rate_limit_reports: int = Field(10, ge=1, description="Reports of misuse.")
    rate_limit_adaptive: bool = Field(
        True, description="Tighten the limit of speaking while requests wait for the engine."
    )
    rate_limit_target_wait_s: float = Field(
        2.0, gt=0, description="Wait for the engine above which the limit tightens."
    )
    redis_url: SecretStr | None = Field(
        None, description="Where several processes share their limits; default: each has its own."
    )
    redis_timeout_s: float = Field(
        0.25, gt=0, description="How long a request waits for Redis before it goes on without."
    )
    max_concurrent_uploads: int = Field(8, ge=1, description="Recordings registered at once.")
    max_concurrent_requests: int = Field(64, ge=1, description="Requests that speak or wait.")
    max_lexicon_entries: int = Field(
        20_000,
        ge=1,
        le=200_000,
        description="Entries of one lexicon, and of one file.",
    )
    max_lexicons_per_owner: int = Field(100, ge=1, le=500, description="Lexicons of one owner.")
    max_lexicon_upload_bytes: int = Field(
        10 * 1024 * 1024, ge=1, description="Longest file of entries."
    )
