"""The folder of blobs: what happens on the disk."""

import asyncio
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.exceptions import StorageError
from app.storage.local import LocalBlobStore

pytestmark = pytest.mark.anyio


@pytest.fixture
def store(tmp_path: Path) -> LocalBlobStore:
    return LocalBlobStore(tmp_path / "blobs")


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True
    )
    if mount.returncode:
        pytest.skip("needs the right to mount a file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


# Runs in a process of its own: the limit on file sizes holds for the whole process.
LIMITED_PUT = """
import asyncio, os, resource, signal, sys
from pathlib import Path
from app.core.exceptions import StorageError
from app.storage.local import LocalBlobStore

async def main():
    store = LocalBlobStore(Path(sys.argv[1]))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    try:
        await store.put("a/state", bytes(int(sys.argv[2])))
    except StorageError as error:
        sys.stdout.write(error.detail)

asyncio.run(main())
sys.stdout.flush()
os._exit(0)  # a thread of the store that is not done yet would abort an orderly end, now and then
"""


@pytest.mark.parametrize("size", [1_000_000, 12_000_000])
async def test_a_put_that_fails_leaves_the_old_content_and_no_half_file(store, tmp_path, size):
    await store.put("a/state", b"old")

    done = subprocess.run(
        [sys.executable, "-c", LIMITED_PUT, tmp_path / "blobs", str(size)],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "larger than the file store allows" in done.stdout
    assert await store.get("a/state") == b"old"
    assert files(tmp_path) == ["blobs/a/state"]


async def test_a_full_disk_is_said_and_the_old_content_stays(full_disk):
    store = LocalBlobStore(full_disk / "blobs")
    await store.put("a/state", b"old")

    with pytest.raises(StorageError) as raised:
        await store.put("a/state", bytes(2_000_000))

    assert "full" in raised.value.detail
    assert "space" in raised.value.suggestion
    assert await store.get("a/state") == b"old"
    assert files(full_disk) == ["blobs/a/state"]


async def test_a_full_disk_fails_the_ping(full_disk):
    store = LocalBlobStore(full_disk / "blobs")
    free = os.statvfs(full_disk)
    (full_disk / "filler").write_bytes(bytes(free.f_bavail * free.f_frsize))

    with pytest.raises(StorageError) as raised:
        await store.ping()

    assert "full" in raised.value.detail


async def test_an_error_names_no_path_and_keeps_its_cause(store, tmp_path):
    (tmp_path / "blobs" / "a").write_bytes(b"a file where a folder should be")

    with pytest.raises(StorageError) as raised:
        await store.put("a/state", b"x")

    assert str(tmp_path) not in f"{raised.value.detail} {raised.value.suggestion}"
    assert "Not a directory" in "".join(traceback.format_exception(raised.value.__cause__))


async def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path):
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(StorageError) as raised:
        LocalBlobStore(tmp_path / "file" / "blobs")

    assert raised.value.suggestion


async def test_only_the_user_of_the_program_can_enter_a_new_folder(store, tmp_path):
    assert (tmp_path / "blobs").stat().st_mode & 0o077 == 0


async def test_the_folder_of_a_record_goes_with_its_last_blob(store, tmp_path):
    await store.put("a/original", b"1")
    await store.put("a/state", b"2")

    await store.delete("a/original")
    assert (tmp_path / "blobs" / "a").is_dir()
    await store.delete("a/state")

    assert not (tmp_path / "blobs" / "a").exists()
    assert (tmp_path / "blobs").is_dir()


async def test_files_of_others_in_the_folder_are_not_listed(store, tmp_path):
    for name in (".gitkeep", "My Document.txt", "a b/c"):
        file = tmp_path / "blobs" / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"x")

    assert [blob async for blob in store.list()] == []


async def test_what_a_killed_put_has_left_is_not_listed_and_is_swept_after_a_while(store, tmp_path):
    await store.put("b/state", b"kept")
    for name in ("a/original#1", "b/state#12"):
        half = tmp_path / "blobs" / name
        half.parent.mkdir(exist_ok=True)
        half.write_bytes(b"half")
    os.utime(half, (0, 0))
    foreign = tmp_path / "blobs" / "notes#draft"
    foreign.write_bytes(b"not ours")

    assert [blob.name async for blob in store.list()] == ["b/state"]
    assert await store.sweep_unfinished(60) == 1
    assert await store.sweep_unfinished(-1) == 1
    assert await store.sweep_unfinished(-1) == 0

    assert files(tmp_path / "blobs") == ["b/state", "notes#draft"]
    assert not (tmp_path / "blobs" / "a").exists()


KILLED_PUT = """
import asyncio, sys
from pathlib import Path
from app.storage.local import LocalBlobStore

async def main():
    store = LocalBlobStore(Path(sys.argv[1]))
    content = bytes(200_000_000)
    sys.stdout.write("ready\\n")
    sys.stdout.flush()
    for n in range(1000):
        await store.put(f"killed/state", content)

asyncio.run(main())
"""


async def test_a_process_killed_in_a_put_leaves_whole_blobs_only(store, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED_PUT, tmp_path / "blobs"], stdout=subprocess.PIPE
    )
    with process:
        process.stdout.readline()
        while not list((tmp_path / "blobs").rglob("*#*")):
            await asyncio.sleep(0.001)
        process.kill()

    sizes = [blob.size async for blob in store.list()]
    await store.sweep_unfinished(-1)

    assert set(sizes) <= {200_000_000}
    assert [name for name in files(tmp_path) if "#" in name] == []


async def test_deleting_a_blob_while_others_of_its_folder_are_put_breaks_neither(store):
    async def churn(name: str) -> None:
        for _ in range(50):
            await store.put(name, b"x")
            await store.delete(name)

    await asyncio.gather(*(churn(f"a/{n}") for n in range(4)))

    assert [blob async for blob in store.list()] == []
