"""Copying blobs from one store to another."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from app.core.exceptions import StorageError
from app.storage.base import BlobInfo, BlobStore

_AT_ONCE: Final = 4  # each blob is held in memory whole


@dataclass(slots=True)
class Copied:
    """What a copy did.

    Attributes:
        copied: blobs written now.
        bytes: of these.
        present: blobs that were there already.
    """

    copied: int = 0
    bytes: int = 0
    present: int = 0


async def copy_blobs(source: BlobStore, target: BlobStore, *, compare: bool = False) -> Copied:
    """Copy all blobs; what is in the target already and not older stays as it is. Nothing is
    deleted. A copy that was stopped is finished by another.

    Args:
        source: what is deleted from it meanwhile is left out.
        target: may hold other blobs; they stay.
        compare: read every blob of both stores and compare the bytes. Otherwise sizes and times
            decide.

    Raises:
        StorageError: a store failed, or a copy is not like its original.
    """
    there = {blob.name: blob async for blob in target.list()}
    blobs = [blob async for blob in source.list()]
    work = _Work(source, target, there, compare=compare)
    pending = iter(blobs)
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(work.through(pending))
    except* StorageError as failed:
        raise failed.exceptions[0] from None
    await _check_sizes(work.done, target)
    return work.copied


class _Work:
    """What several tasks share who copy from one list."""

    def __init__(
        self, source: BlobStore, target: BlobStore, there: dict[str, BlobInfo], *, compare: bool
    ) -> None:
        self._source = source
        self._target = target
        self._there = there
        self._compare = compare
        self.copied = Copied()
        self.done: list[BlobInfo] = []

    async def through(self, blobs: Iterator[BlobInfo]) -> None:
        for blob in blobs:
            try:
                await self._copy(blob)
            except FileNotFoundError:  # deleted meanwhile
                continue
            self.done.append(blob)

    async def _copy(self, blob: BlobInfo) -> None:
        copy = self._there.get(blob.name)
        if copy and not self._compare and _is_like(copy, blob):
            self.copied.present += 1
            return
        content = await self._source.get(blob.name)
        if copy and self._compare and await self._target.get(blob.name) == content:
            self.copied.present += 1
            return
        await self._target.put(blob.name, content)
        if self._compare and await self._target.get(blob.name) != content:
            raise _different(blob.name)
        self.copied.copied += 1
        self.copied.bytes += len(content)


def _is_like(copy: BlobInfo, blob: BlobInfo) -> bool:
    """By size and time, which some services tell in whole seconds."""
    changed = blob.modified_at
    if not copy.modified_at.microsecond:
        changed = changed.replace(microsecond=0)
    return copy.size == blob.size and copy.modified_at >= changed


async def _check_sizes(blobs: Iterable[BlobInfo], target: BlobStore) -> None:
    """What was written is listed, with the right size."""
    sizes = {blob.name: blob.size async for blob in target.list()}
    for blob in blobs:
        if sizes.get(blob.name) != blob.size:
            raise _different(blob.name)


def _different(name: str) -> StorageError:
    return StorageError(
        f"The copy of {name} is not like its original.",
        "Was it changed meanwhile? Stop the server, then copy again.",
    )
