"""Settings, read from the environment and `.env`."""

from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every setting, by the name of its environment variable in lower case."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True)

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    log_level: str = "INFO"

    data_dir: Path = Field(Path("data"), description="Folder of all state.")
    upload_dir: Path | None = Field(None, description="Recordings. Default: DATA_DIR/uploads.")
    embedding_dir: Path | None = Field(None, description="Voices. Default: DATA_DIR/embeddings.")
    model_dir: Path | None = Field(None, description="Model files. Default: DATA_DIR/models.")
    database_url: str | None = Field(
        None, description="SQLAlchemy URL. Default: sqlite+aiosqlite:/// in DATA_DIR."
    )

    voice_engine: str = Field("auto", description="Engine by name, or `auto`: the best there is.")
    engine_threads: int | None = Field(None, ge=1, description="Default: the cores, at most 8.")
    engine_concurrency: int | None = Field(None, ge=1, description="Sentences made at once.")
    models_auto_pull: bool = Field(False, description="Fetch missing model files at start.")

    enrolment_refinement: bool = Field(
        False, description="Search for a better voice while there is nothing else to do."
    )

    max_upload_bytes: int = Field(50 * 1024 * 1024, ge=1)
    min_speech_s: float = Field(3.0, gt=0)
    max_recording_s: float = Field(600.0, gt=0)
    max_text_chars: int = Field(100_000, ge=1)
    max_whole_text_chars: int = Field(
        10_000, ge=1, description="Longest text whose audio is returned in one piece, unstreamed."
    )
    max_concurrent_uploads: int = Field(8, ge=1, description="Recordings registered at once.")
    max_concurrent_requests: int = Field(64, ge=1, description="Requests that speak or wait.")
    sweep_grace_s: float = Field(
        900.0, ge=0, description="Files younger than this are not swept: they may be in the making."
    )

    @cached_property
    def uploads(self) -> Path:
        return self.upload_dir or self.data_dir / "uploads"

    @cached_property
    def embeddings(self) -> Path:
        return self.embedding_dir or self.data_dir / "embeddings"

    @cached_property
    def models(self) -> Path:
        return self.model_dir or self.data_dir / "models"

    @cached_property
    def database(self) -> str:
        """SQLAlchemy URL of the database."""
        if self.database_url:
            return self.database_url
        return f"sqlite+aiosqlite:///{(self.data_dir / 'voices.db').absolute()}"
