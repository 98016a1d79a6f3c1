"""The blob store port: named byte strings."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """A stored blob: its name, size in bytes and time of last change (UTC)."""

    name: str
    size: int
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class Removed:
    """What a deletion took away."""

    files: int = 0
    bytes: int = 0


class BlobStore(Protocol):
    """Files under names of our own making (`<id>/<file>`), written atomically: all of it or none.

    A name is at most 200 characters: segments of ASCII letters, digits, `.`, `_` and `-` that do
    not begin with a dot, joined by `/`. Anything else is a `ValueError`.

    All methods raise `StorageError` when the store cannot be reached, is full or refuses. A store
    that is not on this machine has some 20 s to answer, and a second for each 100 kB it is sent
    or asked for.
    """

    async def put(self, name: str, content: bytes) -> None:
        """Write or replace.

        A put that is cancelled may still take place: list before you rely on its absence.
        """

    async def get(self, name: str) -> bytes:
        """Read.

        Raises:
            FileNotFoundError: there is no such blob.
        """
        ...

    async def get_range(self, name: str, start: int, length: int) -> bytes:
        """Read `length` bytes from `start` on: fewer at the end of the blob, none past it.

        Raises:
            FileNotFoundError: there is no such blob.
            ValueError: the start is negative, or the length is less than 1.
        """
        ...

    async def info(self, name: str) -> BlobInfo:
        """Size and time of a blob.

        Raises:
            FileNotFoundError: there is no such blob.
        """
        ...

    async def link(self, name: str, seconds: int) -> str:
        """An address from which anybody can fetch a blob for so long. Nothing looks whether there
        is such a blob.

        Raises:
            LinksUnsupported: this store cannot make one.
        """
        ...

    async def delete(self, name: str) -> None:
        """Delete; nothing happens if there is no such blob."""

    async def delete_prefix(self, prefix: str) -> Removed:
        """Delete all blobs in the folder `prefix` (whole segments: `<id>`). What is put meanwhile
        may stay; a failure in the middle leaves some, and the call may be repeated.
        """
        ...

    def list(self, prefix: str = "") -> AsyncIterator[BlobInfo]:
        """All blobs, or those in the folder `prefix` (whole segments: `<id>`), in no order."""
        ...

    async def sweep_unfinished(self, older_than_s: float) -> int:
        """Remove what killed puts have left behind, which no list shows, and return how many.

        Args:
            older_than_s: seconds since their last change; younger ones may be in the making.
        """
        ...

    async def ping(self) -> None:
        """Raise `StorageError` if the store cannot be written."""
