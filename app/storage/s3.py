"""Blobs in Amazon S3, or in what speaks its protocol."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from obstore.exceptions import BaseError
from obstore.store import S3Store

from app.core.exceptions import StorageError
from app.storage.remote import RETRIES, Place, RemoteBlobStore, client_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from obstore.store import S3Config, S3Credential


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket and what gives access to it.

    Attributes:
        endpoint: address of a service other than Amazon's.
        region: default: AWS_REGION, else us-east-1.
        key_id: with `secret`; without both, what the environment, pod or machine has.
    """

    name: str
    endpoint: str | None = None
    region: str | None = None
    key_id: str | None = None
    secret: str | None = field(default=None, repr=False)


def s3_store(bucket: Bucket, *, folder: str) -> RemoteBlobStore:
    """The blobs in one folder of a bucket.

    Raises:
        StorageError: the settings do not fit together.
    """
    if bool(bucket.key_id) != bool(bucket.secret):
        raise StorageError(
            "Only one of S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY is set.",
            "Set both, or none to use the credentials of the environment, pod or machine.",
        )
    try:
        store = S3Store(
            bucket.name,
            prefix=folder,
            config=_address(bucket),
            credential_provider=_provider(bucket),
            client_options=client_options(bucket.endpoint),
            retry_config=RETRIES,
        )
    except (BaseError, ValueError):  # its text may hold the key
        raise StorageError(
            "The settings of the S3 bucket cannot be used.",
            "Look at S3_BUCKET, S3_ENDPOINT and S3_REGION.",
        ) from None
    return RemoteBlobStore(store, _place(bucket))


def _address(bucket: Bucket) -> "S3Config":
    config: S3Config = {}
    if bucket.endpoint:
        config["endpoint"] = bucket.endpoint.rstrip("/")
    if bucket.region:
        config["region"] = bucket.region
    return config


def _provider(bucket: Bucket) -> "Callable[[], S3Credential] | None":
    """Of the key in the settings: told in another way, obstore would add AWS_SESSION_TOKEN of the
    environment, which belongs to another key.
    """
    key_id, secret = bucket.key_id, bucket.secret
    if not (key_id and secret):
        return None
    return lambda: {"access_key_id": key_id, "secret_access_key": secret, "expires_at": None}


def _place(bucket: Bucket) -> Place:
    return Place(
        name=f"The S3 bucket {bucket.name!r}",
        create=f"Create it: `aws s3 mb s3://{bucket.name}`, or name another one in S3_BUCKET.",
        access="Look at S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY, or the role of this machine: it "
        "needs s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket.",
        network="Look at S3_ENDPOINT and S3_REGION, and whether this machine can reach them.",
    )
