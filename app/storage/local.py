"""Blobs on this machine: in a folder, or in memory for tests."""

import asyncio
import os
import re
import time
from pathlib import Path

from obstore.store import LocalStore, MemoryStore

from app.core.tracing import span
from app.storage.base import Removed
from app.storage.objects import ObjectBlobStore, is_name, storage_errors

# obstore writes to `<name>#<number>`, then renames.
_UNFINISHED = re.compile(r"(.+)#\d+")
_PUT_PAUSE_S = 60.0


class LocalBlobStore(ObjectBlobStore):
    """Blobs as files under a folder. They survive a power cut from the return of `put` on.

    A new folder can be read only by the user who runs this program.

    Raises:
        StorageError: the folder cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        with storage_errors():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # The cleanup takes the folder of a record away with its last file.
            super().__init__(LocalStore(self._folder, automatic_cleanup=True))

    async def put(self, name: str, content: bytes) -> None:
        await super().put(name, content)
        with storage_errors(), span("storage.sync"):
            await asyncio.to_thread(self._flush, self._folder / name)

    async def delete_prefix(self, prefix: str) -> Removed:
        removed = await super().delete_prefix(prefix)
        with storage_errors():  # a put under way changes its file all the time
            await asyncio.to_thread(self._sweep, self._folder / prefix, time.time() - _PUT_PAUSE_S)
        return removed

    async def sweep_unfinished(self, older_than_s: float) -> int:
        with storage_errors():
            return await asyncio.to_thread(self._sweep, self._folder, time.time() - older_than_s)

    def _flush(self, file: Path) -> None:
        """Have the file and its folder entries on the disk, not only in the system's cache."""
        folders = [file.parents[i] for i in range(len(file.relative_to(self._folder).parts))]
        try:
            _sync(file, os.O_RDWR)
            for folder in folders if os.name == "posix" else []:  # Windows opens no folders
                _sync(folder, os.O_RDONLY)
        except FileNotFoundError:  # deleted meanwhile: there is nothing to keep
            return

    def _sweep(self, folder: Path, before: float) -> int:
        """Remove the unfinished files last changed before this time (s since 1970)."""
        count = 0
        for part in list(folder.rglob("*#*")):
            name = _UNFINISHED.fullmatch(part.relative_to(self._folder).as_posix())
            if name and is_name(name[1]) and _modified_at(part) < before:
                self._remove(part)
                count += 1
        return count

    def _remove(self, part: Path) -> None:
        part.unlink(missing_ok=True)
        for folder in part.parents:
            if folder == self._folder:
                return
            try:
                folder.rmdir()
            except OSError:  # not empty
                return


class MemoryBlobStore(ObjectBlobStore):
    """Blobs in the memory of this process, for tests."""

    def __init__(self) -> None:
        super().__init__(MemoryStore())


def _modified_at(file: Path) -> float:
    """In s since 1970; infinite for a file that has gone meanwhile."""
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
