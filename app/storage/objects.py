"""The blob store port over the object stores of obstore."""

import errno
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, Final
from uuid import uuid4

from obstore.exceptions import BaseError
from obstore.store import ObjectStore

from app.core.exceptions import StorageError
from app.core.tracing import traced
from app.storage.base import BlobInfo

_MAX_NAME: Final = 200
_NAME: Final = re.compile(r"(?!\.)[A-Za-z0-9._-]+(?:/(?!\.)[A-Za-z0-9._-]+)*")

_FULL = (
    "The file store is full.",
    "Free some disk space, or raise the quota, then try again.",
)
_FORBIDDEN = (
    "The file store refuses access.",
    "Give this program the right to read and write its data folders.",
)
_MEANINGS: dict[int, tuple[str, str]] = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: (
        "The file is larger than the file store allows.",
        "Raise the limit on file sizes (`ulimit -f`), or use another disk.",
    ),
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
    errno.EROFS: _FORBIDDEN,
}
_UNKNOWN = (
    "The file store cannot read or write.",
    "Check that its folder or service is there, then try again.",
)
# A part of the path is not there, or is a file where a folder should be, or the reverse.
_MISSING = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR)


class ObjectBlobStore:
    """Blobs in an object store. See `BlobStore` for what the methods promise."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    @traced("storage.put")
    async def put(self, name: str, content: bytes) -> None:
        check_name(name)
        with storage_errors():
            # In one part: an upload in several may be left half done.
            await self._store.put_async(name, content, use_multipart=False)

    @traced("storage.get")
    async def get(self, name: str) -> bytes:
        check_name(name)
        content = None
        with storage_errors(), _missing_is_fine():
            result = await self._store.get_async(name)
            content = bytes(await result.bytes_async())
        if content is None:
            raise FileNotFoundError(errno.ENOENT, "There is no such blob", name)
        return content

    @traced("storage.delete")
    async def delete(self, name: str) -> None:
        check_name(name)
        with storage_errors(), _missing_is_fine():
            await self._store.delete_async(name)

    async def list(self, prefix: str = "") -> AsyncIterator[BlobInfo]:
        folder = prefix.rstrip("/")
        if folder:
            check_name(folder)
        batches = aiter(self._store.list(folder))
        while True:
            batch: Any = None
            with storage_errors():
                batch = await anext(batches, None)
            if batch is None:
                return
            for entry in batch:
                if is_name(entry["path"]):  # what is not ours is not shown, hence never swept
                    yield BlobInfo(entry["path"], entry["size"], entry["last_modified"])

    async def sweep_unfinished(self, older_than_s: float) -> int:
        """Nothing to do: an object store shows no part of an upload."""
        return 0

    async def ping(self) -> None:
        probe = f".probe-{uuid4().hex}"  # no name of a blob, so that no list shows it
        with storage_errors():
            await self._store.put_async(probe, b"probe", use_multipart=False)
            await self._store.delete_async(probe)


def is_name(name: str) -> bool:
    """Whether this is the name of a blob: nothing that leaves the store or hides in it."""
    return len(name) <= _MAX_NAME and _NAME.fullmatch(name) is not None


def check_name(name: str) -> None:
    """Raise `ValueError` for what is no name: names are made by this program, never by callers."""
    if not is_name(name):
        raise ValueError("not the name of a blob")


@contextmanager
def storage_errors() -> Iterator[None]:
    """Turn the errors of obstore and of the operating system into `StorageError`."""
    try:
        yield
    except (BaseError, OSError) as error:
        raise StorageError(*_MEANINGS.get(_errno(error), _UNKNOWN)) from error


@contextmanager
def _missing_is_fine() -> Iterator[None]:
    try:
        yield
    except (BaseError, OSError) as error:
        if not isinstance(error, FileNotFoundError) and _errno(error) not in _MISSING:
            raise


def _errno(error: Exception) -> int:
    """The number of the operating system's error; 0 if there is none.

    obstore gives it only in its messages.
    """
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    found = re.search(r"\(os error (\d+)\)", str(error))
    return int(found[1]) if found else 0
