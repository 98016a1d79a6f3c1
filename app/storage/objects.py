"""The blob store port over the object stores of obstore."""

import errno
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Final
from uuid import uuid4

from obstore.exceptions import BaseError
from obstore.store import ObjectStore

from app.core.exceptions import LinksUnsupported, StorageError
from app.core.tracing import traced
from app.storage.base import BlobInfo, Removed

_MAX_NAME: Final = 200
_BATCH: Final = 1000  # blobs of a listing or deletion at once
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


def no_links(why: str) -> LinksUnsupported:
    return LinksUnsupported(
        why, "Fetch the file from this service; or keep files in Azure Blob Storage or S3."
    )


class NoSuchBlob(FileNotFoundError):
    """Told apart from files that the operating system misses."""


class ObjectBlobStore:
    """Blobs in an object store. See `BlobStore` for what the methods promise."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    @asynccontextmanager
    async def _access(self, size: int = 0) -> AsyncIterator[None]:
        """Every use of the store happens in here: errors become ours.

        Args:
            size: bytes that are sent or received meanwhile.
        """
        with storage_errors():
            yield

    @traced("storage.put")
    async def put(self, name: str, content: bytes) -> None:
        check_name(name)
        async with self._access(len(content)):
            # In one part: an upload in several may be left half done.
            await self._store.put_async(name, content, use_multipart=False)

    @traced("storage.get")
    async def get(self, name: str) -> bytes:
        check_name(name)
        async with self._access():
            with _missing_as_none_such(name):
                result = await self._store.get_async(name)
        async with self._access(result.meta["size"]):
            with _missing_as_none_such(name):
                return bytes(await result.bytes_async())

    @traced("storage.get_range")
    async def get_range(self, name: str, start: int, length: int) -> bytes:
        check_name(name)
        if start < 0 or length < 1:
            raise ValueError("not a range of bytes")
        try:
            async with self._access(length):
                with _missing_as_none_such(name):
                    content = await self._store.get_range_async(name, start=start, length=length)
                    return bytes(content)
        except StorageError:
            # Each kind of store says in its own way that the range lies behind the end.
            if start < (await self.info(name)).size:
                raise
            return b""

    async def info(self, name: str) -> BlobInfo:
        check_name(name)
        async with self._access():
            with _missing_as_none_such(name):
                # Not `head`: its answer cannot tell a missing container from a missing blob.
                meta = (await self._store.get_async(name)).meta
        return BlobInfo(name, meta["size"], meta["last_modified"])

    async def link(self, name: str, seconds: int) -> str:
        check_name(name)
        raise no_links("The files of this server lie in a folder.")

    @traced("storage.delete")
    async def delete(self, name: str) -> None:
        check_name(name)
        with suppress(NoSuchBlob):
            async with self._access():
                with _missing_as_none_such(name):
                    await self._store.delete_async(name)

    @traced("storage.delete_prefix")
    async def delete_prefix(self, prefix: str) -> Removed:
        check_name(prefix.rstrip("/"))
        blobs = [blob async for blob in self.list(prefix)]
        for start in range(0, len(blobs), _BATCH):
            await self._delete_all([blob.name for blob in blobs[start : start + _BATCH]])
        return Removed(len(blobs), sum(blob.size for blob in blobs))

    async def _delete_all(self, names: Sequence[str]) -> None:
        try:
            async with self._access():
                with _missing_as_none_such(names[0]):
                    await self._store.delete_async(names)
        except NoSuchBlob:  # somebody else deletes too: whether the others went is not said
            for name in names:
                await self.delete(name)

    async def list(self, prefix: str = "") -> AsyncIterator[BlobInfo]:
        folder = prefix.rstrip("/")
        if folder:
            check_name(folder)
        batches = aiter(self._store.list(folder, chunk_size=_BATCH))
        while True:
            batch: Any = None
            async with self._access():
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
        async with self._access():
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
    except NoSuchBlob:
        raise
    except (BaseError, OSError) as error:
        raise StorageError(*_MEANINGS.get(_errno(error), _UNKNOWN)) from error


@contextmanager
def _missing_as_none_such(name: str) -> Iterator[None]:
    try:
        yield
    except (BaseError, OSError) as error:
        if is_place_missing(error):
            raise
        if isinstance(error, FileNotFoundError) or _errno(error) in _MISSING:
            raise NoSuchBlob(errno.ENOENT, "There is no such blob", name) from None
        raise


def is_place_missing(error: Exception) -> bool:
    """Whether there is no container or bucket, for which obstore raises `FileNotFoundError` too."""
    return re.search("ContainerNotFound|NoSuchBucket", str(error)) is not None


def _errno(error: Exception) -> int:
    """The number of the operating system's error; 0 if there is none.

    obstore gives it only in its messages.
    """
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    found = re.search(r"\(os error (\d+)\)", str(error))
    return int(found[1]) if found else 0
