"""Copying blobs from store to store."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.core.exceptions import StorageError
from app.storage.azure import azure_store, parse_connection_string
from app.storage.base import BlobStore
from app.storage.copying import Copied, copy_blobs
from app.storage.local import LocalBlobStore, MemoryBlobStore
from tests.servers.blobs import azurite

pytestmark = pytest.mark.anyio


async def filled(store: BlobStore, count: int = 12) -> dict[str, bytes]:
    """Puts blobs of different sizes, an empty one too."""
    contents = {f"voice-{n}/original": os.urandom(n * 1000) for n in range(count)}
    await asyncio.gather(*(store.put(name, content) for name, content in contents.items()))
    return contents


async def content(store: BlobStore) -> dict[str, bytes]:
    return {blob.name: await store.get(blob.name) async for blob in store.list()}


async def test_a_copy_is_like_the_original_which_stays(tmp_path):
    source, target = LocalBlobStore(tmp_path / "a"), LocalBlobStore(tmp_path / "b")
    contents = await filled(source)
    await target.put("other/original", b"of the target")

    copied = await copy_blobs(source, target)

    assert copied == Copied(copied=12, bytes=66_000, present=0)
    assert await content(source) == contents
    assert await content(target) == contents | {"other/original": b"of the target"}


async def test_a_second_copy_sends_only_what_is_new_or_changed(tmp_path):
    source, target = LocalBlobStore(tmp_path / "a"), MemoryBlobStore()
    await filled(source)
    await copy_blobs(source, target)
    await source.put("voice-3/original", b"longer or shorter")
    await source.put("voice-4/original", b"x" * 4000)  # of the same size as before
    await source.put("new/original", b"new")

    assert await copy_blobs(source, target) == Copied(copied=3, bytes=4020, present=10)
    assert await content(target) == await content(source)


async def test_comparing_finds_what_sizes_and_times_do_not_show():
    source, target = MemoryBlobStore(), MemoryBlobStore()
    await filled(source)
    await copy_blobs(source, target)
    await target.put("voice-2/original", b"y" * 2000)

    assert (await copy_blobs(source, target)).copied == 0
    assert await copy_blobs(source, target, compare=True) == Copied(1, 2000, 11)
    assert await content(target) == await content(source)


@pytest.mark.parametrize("compare", [False, True])
async def test_a_store_that_loses_bytes_is_an_error(compare):
    class Losing(MemoryBlobStore):
        async def put(self, name: str, content: bytes) -> None:
            await super().put(name, content[:-1])

    source = MemoryBlobStore()
    await source.put("a/original", b"content")

    with pytest.raises(StorageError, match="a/original is not like its original"):
        await copy_blobs(source, Losing(), compare=compare)


async def test_a_store_that_fails_in_the_middle_is_its_own_error():
    class Full(MemoryBlobStore):
        async def put(self, name: str, content: bytes) -> None:
            if name == "voice-5/original":
                raise StorageError("It is full.", "Make room.")
            await super().put(name, content)

    source = MemoryBlobStore()
    await filled(source)

    with pytest.raises(StorageError, match="It is full"):
        await copy_blobs(source, Full())


async def test_a_voice_that_is_deleted_during_the_copy_is_left_out():
    class Deleting(MemoryBlobStore):
        async def get(self, name: str) -> bytes:
            await self.delete("voice-7/original")
            return await super().get(name)

    source, target = Deleting(), MemoryBlobStore()
    contents = await filled(source)

    await copy_blobs(source, target)

    del contents["voice-7/original"]
    assert await content(target) == contents


# Dies at its 20th put: the first bytes of the blob are written, and are not yet under its name.
KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from app.storage.copying import copy_blobs
from app.storage.local import LocalBlobStore

class Dying(LocalBlobStore):
    puts = 0
    async def put(self, name, content):
        self.puts += 1
        if self.puts == 20:
            half = Path(sys.argv[2]) / f"{name}#1"
            half.parent.mkdir(exist_ok=True)
            half.write_bytes(content[: len(content) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        await super().put(name, content)

asyncio.run(copy_blobs(LocalBlobStore(Path(sys.argv[1])), Dying(Path(sys.argv[2]))))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
async def test_a_copy_that_was_killed_is_finished_by_the_next(tmp_path):
    source, target = LocalBlobStore(tmp_path / "a"), LocalBlobStore(tmp_path / "b")
    contents = await filled(source, 60)

    root = Path(__file__).parents[2]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, tmp_path / "a", tmp_path / "b"],
        env=os.environ | {"PYTHONPATH": str(root)},
    )
    arrived = await content(target)
    again = await copy_blobs(source, target)

    assert killed.returncode == -signal.SIGKILL
    assert 0 < len(arrived) < 60
    assert arrived.items() <= contents.items()
    assert again.copied == 60 - len(arrived)
    assert await content(target) == contents


@pytest.mark.services
async def test_to_azure_and_back_every_byte_is_the_same(tmp_path):
    with azurite() as server:
        server.create_container("voices")
        account = parse_connection_string(server.connection_string)
        away = azure_store(account, "voices", folder="recordings")
        source, back = LocalBlobStore(tmp_path / "a"), LocalBlobStore(tmp_path / "b")
        contents = await filled(source, 40) | {"big/original": os.urandom(9_000_000)}
        await source.put("big/original", contents["big/original"])

        assert (await copy_blobs(source, away)).copied == 41
        assert (await copy_blobs(source, away)).present == 41
        assert (await copy_blobs(source, away, compare=True)).present == 41
        assert (await copy_blobs(away, back)).copied == 41

    assert await content(back) == contents
