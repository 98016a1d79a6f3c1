"""Blobs in a service on the network: what may go wrong there, said in words and in time."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from obstore import sign_async
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import AzureStore, ObjectStore, S3Store

from app.core.exceptions import StorageError
from app.core.tracing import traced
from app.storage.objects import NoSuchBlob, ObjectBlobStore, check_name, is_place_missing, no_links

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

_ANSWER_S: Final = 20.0
_SLOWEST_BYTES_PER_S: Final = 100_000
_RETRY_AFTER_S: Final = 10

# Retries outlast a short disturbance; whoever waits for the answer does not wait for minutes. The
# time of a whole operation is bounded in `_access`: only there is its size known.
RETRIES: "RetryConfig" = {
    "max_retries": 4,
    "retry_timeout": timedelta(seconds=10),
    "backoff": {
        "init_backoff": timedelta(milliseconds=100),
        "max_backoff": timedelta(seconds=2),
        "base": 2,
    },
}
_CONNECT_S: Final = 4.0
_LONGEST_S: Final = 3600.0  # obstore would stop a large blob after 30 s

_REFUSED: Final = re.compile(r"status code: 40[13]|InvalidAccessKey|Invalid Access Key", re.I)
_THROTTLED: Final = re.compile(r"status code: (429|503)|ServerBusy|SlowDown")
_AWAY: Final = re.compile(r"error sending request|HttpError|error decoding|timed out", re.I)
_CREDENTIALS: Final = re.compile(
    r"performing token request|UnauthorizedRequest|CredentialsProvider|instance credentials|"
    r"security-credentials|latest/api/token|federated token|TokenRequest",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Place:
    """How a remote store is spoken of, and what can be done about it.

    Attributes:
        name: e.g. "The container 'x' of Azure Blob Storage".
        create: how it is made when it is missing.
        access: what to look at when it refuses.
        network: what to look at when it does not answer.
    """

    name: str
    create: str
    access: str
    network: str


class RemoteBlobStore(ObjectBlobStore):
    """Blobs in a container or bucket, which must exist. See `BlobStore` for the promises.

    Args:
        store: its own time-outs may be longer.
        place: what errors say.
        answer_s: time for an answer, besides the time for the bytes.
        signs: whether its credentials can sign links.
    """

    def __init__(
        self,
        store: ObjectStore,
        place: Place,
        *,
        answer_s: float = _ANSWER_S,
        signs: bool = True,
    ) -> None:
        super().__init__(store)
        self._signs = signs
        self._place = place
        self._answer_s = answer_s

    @asynccontextmanager
    async def _access(self, size: int = 0) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._answer_s + size / _SLOWEST_BYTES_PER_S):
                yield
        except NoSuchBlob:
            raise
        except (BaseError, OSError) as error:
            raise _explained(error, self._place) from error  # obstore shows no signature

    @traced("storage.link")
    async def link(self, name: str, seconds: int) -> str:
        check_name(name)
        store = self._store
        if not isinstance(store, AzureStore | S3Store) or not self._signs:
            raise no_links(f"{self._place.name} is used with credentials that sign no links.")
        async with self._access():
            return await sign_async(store, "GET", name, timedelta(seconds=seconds))


def client_options(endpoint: str | None) -> "ClientConfig":
    """Time-outs of a client; without encryption only where the endpoint says so."""
    return {
        "allow_http": (endpoint or "").lower().startswith("http://"),
        "connect_timeout": timedelta(seconds=_CONNECT_S),
        "timeout": timedelta(seconds=_LONGEST_S),
    }


def _explained(error: Exception, place: Place) -> StorageError:
    text = str(error)
    if is_place_missing(error):
        return StorageError(f"{place.name} does not exist.", place.create)
    if _CREDENTIALS.search(text):
        return StorageError(f"There are no credentials for {_inside(place.name)}.", place.access)
    if isinstance(error, PermissionDeniedError | UnauthenticatedError) or _REFUSED.search(text):
        return StorageError(f"{place.name} refuses access.", place.access)
    if _THROTTLED.search(text):
        busy = StorageError(f"{place.name} is asked too much at once.", "Try again in a while.")
        busy.retry_after_s = _RETRY_AFTER_S
        return busy
    if isinstance(error, TimeoutError) or _AWAY.search(text):
        return StorageError(f"{place.name} does not answer.", place.network)
    return StorageError(f"{place.name} cannot be read or written.", place.network)


def _inside(name: str) -> str:
    """As it stands in the middle of a sentence."""
    return name[0].lower() + name[1:]
