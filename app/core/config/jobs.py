"""Long work: training and batches; what is kept of it."""

from pydantic import BaseModel, Field, SecretStr

from app.core.config.kinds import Strings


class JobSettings(BaseModel):
    """Jobs, webhooks, batches and history."""

    jobs_worker: bool = Field(
        True, description="Whether the server works on jobs; else `voice-cloning worker` must."
    )
    jobs_database_url: SecretStr | None = Field(
        None,
        description="Where jobs wait: default the PostgreSQL of DATABASE_URL, else a file in "
        "DATA_DIR.",
    )
    jobs_owners_at_once: int = Field(
        8, ge=1, le=64, description="Owners whose batches a worker speaks in turns."
    )
    jobs_dead_after_s: float = Field(
        15.0, ge=2, le=600, description="A worker silent for so long has its jobs taken over."
    )
    jobs_poll_s: float = Field(
        0.5, gt=0, le=30, description="How often a worker looks for new jobs."
    )
    max_jobs_per_owner: int = Field(
        100, ge=1, le=500, description="Jobs that wait or run, of one owner."
    )

    max_batch_items: int = Field(1000, ge=1, le=10_000, description="Texts of one batch.")
    batch_items_at_once: int | None = Field(
        None,
        ge=1,
        le=64,
        description="Items of a batch that a worker has in hand at once. Default: one more than "
        "the engine speaks in the background.",
    )
    max_batch_bytes: int = Field(
        16 * 1024 * 1024, ge=1, description="Longest request for a batch, as JSON."
    )
    batch_ttl_hours: float = Field(
        168.0, gt=0, le=8760, description="A batch is deleted then, with all that it made."
    )
    training_minutes: float = Field(
        5.0, ge=0.1, le=60, description="Of a training, where the request does not say."
    )
    max_training_minutes: float = Field(60.0, ge=0.1, le=600, description="The longest training.")
    max_samples_per_voice: int = Field(50, ge=1, le=400, description="Recordings of one voice.")
    max_voice_s: float = Field(
        1800.0, gt=0, description="Seconds of speech that one voice is made of; more is refused."
    )

    webhook_secret: SecretStr | None = Field(
        None, description="Signs what is sent to webhooks; without it there are none."
    )
    webhook_allowed_hosts: Strings = Field(
        (), description="Hosts that webhooks may have, though they are private; else public ones."
    )
    webhook_timeout_s: float = Field(10.0, gt=0, le=60, description="For one delivery.")
    webhook_attempts: int = Field(8, ge=1, le=20, description="Before a delivery is given up.")

    history_enabled: bool = Field(True, description="Whether requests that speak are listed.")
    history_keep_text: bool = Field(True, description="Whether the list has their texts.")
    history_keep_audio: bool = Field(True, description="Whether the list has their audio.")
    history_retention_days: float = Field(
        30.0,
        ge=0,
        le=36_500,
        description="Older entries are deleted, with their audio; 0 keeps them.",
    )
