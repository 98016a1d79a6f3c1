"""Which store holds what, by the settings."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from pydantic import SecretStr

from app.core.config import Settings
from app.core.exceptions import StorageError
from app.storage.azure import account_with_identity, azure_store, parse_connection_string
from app.storage.base import BlobStore
from app.storage.local import LocalBlobStore
from app.storage.s3 import Bucket, s3_store

Backend = Literal["auto", "local", "azure", "s3"]

RECORDINGS: Final = "recordings"
STATES: Final = "states"
OUTPUTS: Final = "outputs"


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageOptions:
    """Where blobs lie. Every field is the setting of a similar name."""

    backend: Backend = "auto"
    upload_dir: Path
    embedding_dir: Path
    output_dir: Path
    azure_connection_string: str | None = field(default=None, repr=False)
    azure_container: str = "voice-cloning"
    azure_account: str | None = None
    azure_endpoint: str | None = None
    azure_client_id: str | None = None
    s3_bucket: str | None = None
    s3_endpoint: str | None = None
    s3_region: str | None = None
    s3_access_key_id: str | None = None
    s3_secret_access_key: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, settings: Settings) -> "StorageOptions":
        return cls(
            backend=settings.storage_backend,
            upload_dir=settings.uploads,
            embedding_dir=settings.embeddings,
            output_dir=settings.outputs,
            azure_connection_string=_revealed(settings.azure_storage_connection_string),
            azure_container=settings.azure_storage_container,
            azure_account=settings.azure_storage_account,
            azure_endpoint=settings.azure_storage_endpoint,
            azure_client_id=settings.azure_storage_client_id,
            s3_bucket=settings.s3_bucket,
            s3_endpoint=settings.s3_endpoint,
            s3_region=settings.s3_region,
            s3_access_key_id=settings.s3_access_key_id,
            s3_secret_access_key=_revealed(settings.s3_secret_access_key),
        )

    def chosen(self) -> Literal["local", "azure", "s3"]:
        """The backend; `auto` takes the first that is set up."""
        if self.backend != "auto":
            return self.backend
        if self.azure_connection_string or self.azure_account:
            return "azure"
        return "s3" if self.s3_bucket else "local"


@dataclass(frozen=True, slots=True)
class Stores:
    """The blobs of voices, each under `<voice id>/`."""

    recordings: BlobStore
    states: BlobStore
    outputs: BlobStore

    def each(self) -> Iterator[tuple[str, BlobStore]]:
        yield RECORDINGS, self.recordings
        yield STATES, self.states
        yield OUTPUTS, self.outputs

    async def ping(self) -> None:
        """Raise `StorageError` if one of them cannot be written."""
        await asyncio.gather(*(store.ping() for _, store in self.each()))


def open_stores(options: StorageOptions) -> Stores:
    """The stores that the settings name. Nothing is sent: a store that is away fails when used.

    Raises:
        StorageError: settings are missing or wrong, or a local folder cannot be made.
    """
    match options.chosen():
        case "azure":
            return _of(_azure(options))
        case "s3":
            return _of(_s3(options))
        case "local":
            return Stores(
                LocalBlobStore(options.upload_dir),
                LocalBlobStore(options.embedding_dir),
                LocalBlobStore(options.output_dir),
            )


def open_folder(folder: Path) -> Stores:
    """Stores in one folder on this machine, laid out as in a container."""
    return _of(lambda kind: LocalBlobStore(folder / kind))


def _revealed(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def _of(store: Callable[[str], BlobStore]) -> Stores:
    return Stores(store(RECORDINGS), store(STATES), store(OUTPUTS))


def _azure(options: StorageOptions) -> Callable[[str], BlobStore]:
    if options.azure_connection_string:
        account = parse_connection_string(options.azure_connection_string)
    elif options.azure_account:
        account = account_with_identity(
            options.azure_account,
            endpoint=options.azure_endpoint,
            client_id=options.azure_client_id,
        )
    else:
        raise StorageError(
            "Azure Blob Storage is chosen, but not which account.",
            "Set AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT to use an identity.",
        )
    return lambda kind: azure_store(account, options.azure_container, folder=kind)


def _s3(options: StorageOptions) -> Callable[[str], BlobStore]:
    if not options.s3_bucket:
        raise StorageError("S3 is chosen, but not which bucket.", "Set S3_BUCKET.")
    bucket = Bucket(
        options.s3_bucket,
        options.s3_endpoint,
        options.s3_region,
        options.s3_access_key_id,
        options.s3_secret_access_key,
    )
    return lambda kind: s3_store(bucket, folder=kind)
