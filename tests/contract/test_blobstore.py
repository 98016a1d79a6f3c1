"""What every blob store must do. A new implementation is one more entry in `STORES`."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.storage.base import BlobStore
from app.storage.local import LocalBlobStore, MemoryBlobStore

pytestmark = pytest.mark.anyio

STORES: dict[str, Callable[[Path], BlobStore]] = {
    "local": lambda folder: LocalBlobStore(folder / "new folder" / "blobs"),
    "memory": lambda _folder: MemoryBlobStore(),
}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    return STORES[request.param](tmp_path)


async def names(store: BlobStore, prefix: str = "") -> list[str]:
    return sorted([blob.name async for blob in store.list(prefix)])


@pytest.mark.parametrize("content", [b"", b"\0\xff\r\n", bytes(range(256)) * 50_000])
async def test_what_was_put_is_what_is_read(store, content):
    await store.put("a/original", content)

    read = await store.get("a/original")

    assert type(read) is bytes
    assert read == content


async def test_a_second_put_replaces_the_first_whatever_their_sizes(store):
    await store.put("a/state", b"long content")
    await store.put("a/state", b"short")

    assert await store.get("a/state") == b"short"
    assert await names(store) == ["a/state"]


@pytest.mark.parametrize("name", ["a/none", "none", "a/state/below", "a"])
async def test_a_blob_that_does_not_exist_cannot_be_read(store, name):
    await store.put("a/state", b"x")

    with pytest.raises(FileNotFoundError) as raised:
        await store.get(name)

    assert raised.value.filename == name


@pytest.mark.parametrize("name", ["a/none", "none", "a/state/below", "a"])
async def test_deleting_what_does_not_exist_does_nothing(store, name):
    await store.put("a/state", b"x")

    await store.delete(name)

    assert await names(store) == ["a/state"]


async def test_a_deleted_blob_is_gone_and_the_others_stay(store):
    await store.put("a/original", b"1")
    await store.put("a/state", b"2")

    await store.delete("a/original")

    assert await names(store) == ["a/state"]
    with pytest.raises(FileNotFoundError):
        await store.get("a/original")


async def test_a_list_says_name_size_and_time(store):
    await store.put("a/original", b"12345")

    [blob] = [blob async for blob in store.list()]

    assert (blob.name, blob.size) == ("a/original", 5)
    assert blob.modified_at.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - blob.modified_at) < timedelta(minutes=1)


async def test_a_list_with_a_prefix_holds_that_folder_only(store):
    for name in ("a/original", "a/state", "ab/state", "b/a/state", "top"):
        await store.put(name, b"x")

    assert await names(store, "a") == await names(store, "a/") == ["a/original", "a/state"]
    assert await names(store, "b") == ["b/a/state"]
    assert await names(store, "c") == []
    assert len(await names(store)) == 5


async def test_a_list_holds_more_blobs_than_a_batch_of_the_library(store):
    await asyncio.gather(*(store.put(f"{n}/state", b"x") for n in range(150)))

    assert len(await names(store)) == 150


async def test_an_empty_store_lists_nothing(store):
    assert await names(store) == []


BAD_NAMES = [
    "",
    "/",
    "/etc/passwd",
    "..",
    "../outside",
    "a/../../outside",
    "a/..",
    "a/./b",
    "a//b",
    "a/",
    "a\\b",
    "..\\outside",
    ".hidden",
    "a/.hidden",
    "a/b#1",
    "a/b\n",
    "a b",
    "a/\0",
    "%2e%2e/x",
    "é",
    "C:x",
    "x" * 201,
]


@pytest.mark.parametrize("name", BAD_NAMES)
async def test_a_name_that_is_none_is_refused(store, name, tmp_path):
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(ValueError, match="not the name of a blob"):
        await store.put(name, b"x")
    with pytest.raises(ValueError, match="not the name of a blob"):
        await store.get(name)
    with pytest.raises(ValueError, match="not the name of a blob"):
        await store.delete(name)

    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("prefix", ["..", "../outside", "/etc", "a/../.."])
async def test_a_list_does_not_leave_the_store(store, prefix):
    with pytest.raises(ValueError, match="not the name of a blob"):
        await names(store, prefix)


@pytest.mark.parametrize("name", ["x" * 200, "A-b_c.9/d..e", "1/2/3/4"])
async def test_a_name_of_the_allowed_form_is_taken(store, name):
    await store.put(name, b"x")

    assert await names(store) == [name]


async def test_of_concurrent_puts_one_is_kept_whole(store):
    contents = [bytes([n]) * 300_000 for n in range(8)]

    await asyncio.gather(*(store.put("a/state", content) for content in contents))

    assert await store.get("a/state") in contents
    assert await names(store) == ["a/state"]


async def test_a_reader_never_sees_half_of_a_put(store):
    contents = [bytes([n]) * 1_000_000 for n in range(10)]
    await store.put("a/state", contents[0])

    async def write() -> None:
        for content in contents:
            await store.put("a/state", content)

    writing = asyncio.create_task(write())
    while not writing.done():
        assert await store.get("a/state") in contents
    await writing


async def test_a_ping_leaves_nothing_behind(store):
    await store.ping()

    assert await names(store) == []
