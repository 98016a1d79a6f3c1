"""Where records and files lie."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr

from app.core.config.kinds import ANY_CASE

StorageBackend = Annotated[Literal["auto", "local", "azure", "s3"], ANY_CASE]


class DataSettings(BaseModel):
    """Folders, the database, the blob store."""

    data_dir: Path = Field(Path("data"), description="Folder of all state.")
    upload_dir: Path | None = Field(None, description="Recordings. Default: DATA_DIR/uploads.")
    embedding_dir: Path | None = Field(None, description="Voices. Default: DATA_DIR/embeddings.")
    output_dir: Path | None = Field(None, description="Made audio. Default: DATA_DIR/outputs.")
    model_dir: Path | None = Field(None, description="Model files. Default: DATA_DIR/models.")

    database_url: SecretStr | None = Field(
        None, description="postgresql://... or sqlite:///...; default: a SQLite file in DATA_DIR."
    )
    database_pool_size: int = Field(5, ge=1, le=100, description="Connections of each process.")
    database_migrate: bool = Field(
        True, description="Bring the schema up to date at start; else `alembic upgrade head`."
    )

    storage_backend: StorageBackend = Field(
        "auto", description="local, azure or s3; auto: the one that the settings below name."
    )
    azure_storage_connection_string: SecretStr | None = Field(
        None, description="Of the storage account, as the Azure portal gives it."
    )
    azure_storage_account: str | None = Field(
        None, description="Account, used with managed or workload identity."
    )
    azure_storage_client_id: str | None = Field(
        None, description="Of a user-assigned identity. Default: the machine's own identity."
    )
    azure_storage_endpoint: str | None = Field(None, description="Default: that of Azure.")
    azure_storage_container: str = Field("voice-cloning", description="It must exist.")
    s3_bucket: str | None = Field(None, description="It must exist.")
    s3_region: str | None = Field(None, description="Of the bucket.")
    s3_endpoint: str | None = Field(None, description="Of another service than AWS.")
    s3_access_key_id: str | None = Field(None, description="Default: as AWS's tools find it.")
    s3_secret_access_key: SecretStr | None = Field(None, description="Belongs to the key id.")

    sweep_grace_s: float = Field(
        900.0, ge=0, description="Files younger than this are not swept: they may be in the making."
    )
    output_retention_hours: float = Field(
        0.0, ge=0, description="Made audio older than this is deleted; 0 keeps it."
    )
    audit_retention_days: int = Field(
        0,
        ge=0,
        le=36_500,
        description="Older audit events are removed, by whole days; 0 keeps all.",
    )

    @cached_property
    def uploads(self) -> Path:
        return self.upload_dir or self.data_dir / "uploads"

    @cached_property
    def embeddings(self) -> Path:
        return self.embedding_dir or self.data_dir / "embeddings"

    @cached_property
    def outputs(self) -> Path:
        return self.output_dir or self.data_dir / "outputs"

    @cached_property
    def models(self) -> Path:
        return self.model_dir or self.data_dir / "models"

    @cached_property
    def database(self) -> str:
        """SQLAlchemy URL of the database. May hold a password."""
        if self.database_url:
            return self.database_url.get_secret_value()
        return f"sqlite+aiosqlite:///{(self.data_dir / 'voices.db').absolute()}"
