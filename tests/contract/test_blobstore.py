"""What every blob store must do. A new implementation is one more entry in `STORES`, and a case."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from app.storage.azure import azure_store, parse_connection_string
from app.storage.base import BlobStore, Removed
from app.storage.local import LocalBlobStore, MemoryBlobStore
from app.storage.s3 import Bucket, s3_store
from tests.servers.blobs import Azurite, S3rver, azurite, s3rver

pytestmark = pytest.mark.anyio

STORES = [
    "local",
    "memory",
    pytest.param("azure", marks=pytest.mark.services),
    pytest.param("s3", marks=pytest.mark.services),
]


# S3 promises the same, but the server that stands for it here writes its files in place.
ATOMIC = pytest.mark.parametrize("store", STORES[:3], indirect=True)


@pytest.fixture(scope="session")
def azure_server() -> Iterator[Azurite]:
    with azurite() as server:
        server.create_container("voices")
        yield server


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3rver]:
    with s3rver(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    """A store without blobs."""
    match request.param:
        case "azure":
            server = request.getfixturevalue("azure_server")
            account = parse_connection_string(server.connection_string)
            return azure_store(account, "voices", folder=uuid4().hex)
        case "s3":
            server = request.getfixturevalue("s3_server")
            bucket = Bucket("voices", server.endpoint, None, server.key, server.key)
            return s3_store(bucket, folder=uuid4().hex)
        case "memory":
            return MemoryBlobStore()
        case _:
            return LocalBlobStore(tmp_path / "new folder" / "blobs")


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


@pytest.mark.parametrize("store", ["memory", *STORES[2:]], indirect=True)
async def test_a_list_and_a_deletion_take_more_blobs_than_a_page_of_the_service(store):
    wanted = [f"a/{n:04}" for n in range(1100)]
    await asyncio.gather(*(store.put(name, b"xy") for name in [*wanted, "b/state"]))

    assert await names(store, "a") == wanted
    assert await store.delete_prefix("a") == Removed(files=1100, bytes=2200)
    assert await names(store) == ["b/state"]


@pytest.mark.parametrize(
    ("start", "length", "expected"),
    [
        (0, 2, b"01"),
        (3, 4, b"3456"),
        (0, 10, b"0123456789"),
        (8, 100, b"89"),
        (9, 1, b"9"),
        (10, 1, b""),
        (11, 5, b""),
        (10**12, 1, b""),
    ],
)
async def test_a_range_is_cut_at_the_end_of_the_blob(store, start, length, expected):
    await store.put("a/original", b"0123456789")

    read = await store.get_range("a/original", start, length)

    assert type(read) is bytes
    assert read == expected


async def test_every_range_of_an_empty_blob_is_empty(store):
    await store.put("a/original", b"")

    assert await store.get_range("a/original", 0, 5) == b""


@pytest.mark.parametrize(("start", "length"), [(-1, 5), (0, 0), (2, -1)])
async def test_what_is_no_range_is_refused(store, start, length):
    await store.put("a/original", b"0123456789")

    with pytest.raises(ValueError, match="not a range"):
        await store.get_range("a/original", start, length)


@pytest.mark.parametrize("name", ["a/none", "none", "a"])
async def test_a_blob_that_does_not_exist_has_no_range_and_no_size(store, name):
    await store.put("a/state", b"x")

    with pytest.raises(FileNotFoundError):
        await store.get_range(name, 0, 1)
    with pytest.raises(FileNotFoundError):
        await store.info(name)


async def test_what_is_said_of_one_blob_is_what_the_list_says(store):
    await store.put("a/original", b"12345")

    info = await store.info("a/original")

    assert (info.name, info.size) == ("a/original", 5)
    [listed] = [blob async for blob in store.list()]
    assert abs(listed.modified_at - info.modified_at) < timedelta(seconds=1)


async def test_a_folder_is_deleted_with_all_below_it_and_nothing_beside_it(store):
    for name in ("a/original", "a/state", "a/b/deep", "ab/state", "b/a/state", "top"):
        await store.put(name, b"12345")

    assert await store.delete_prefix("a") == Removed(files=3, bytes=15)

    assert await names(store) == ["ab/state", "b/a/state", "top"]
    assert await store.delete_prefix("a") == await store.delete_prefix("c") == Removed()


@pytest.mark.parametrize("prefix", ["", "/", "..", "a/../b", "/etc"])
async def test_only_a_folder_can_be_deleted_never_the_whole_store(store, prefix):
    await store.put("a/state", b"x")

    with pytest.raises(ValueError, match="not the name of a blob"):
        await store.delete_prefix(prefix)

    assert await names(store) == ["a/state"]


async def test_several_may_delete_the_same_folder_at_once(store):
    await asyncio.gather(*(store.put(f"a/{n}", b"x") for n in range(60)))

    await asyncio.gather(*(store.delete_prefix("a") for _ in range(4)), store.delete("a/1"))

    assert await names(store) == []


@ATOMIC
async def test_a_cancelled_put_leaves_all_or_nothing(store):
    contents = [b"old" * 1000, b"new" * 1_000_000]
    await store.put("a/state", contents[0])
    pauses = random.Random(5)  # noqa: S311

    for _ in range(15):
        putting = asyncio.create_task(store.put("a/state", contents[1]))
        for _ in range(pauses.randrange(30)):
            await asyncio.sleep(0)
        putting.cancel()
        with suppress(asyncio.CancelledError):
            await putting
        assert await store.get("a/state") in contents

    assert await names(store) == ["a/state"]


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
    "x" * 100_000,
    "a/\u202e",
    "ａ/b",
    "名前/状態",
    "a?comp=list",
    "a&b",
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
    with pytest.raises(ValueError, match="not the name of a blob"):
        await store.get_range(name, 0, 1)
    with pytest.raises(ValueError, match="not the name of a blob"):
        await store.info(name)

    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("prefix", ["..", "../outside", "/etc", "a/../.."])
async def test_a_list_does_not_leave_the_store(store, prefix):
    with pytest.raises(ValueError, match="not the name of a blob"):
        await names(store, prefix)


@pytest.mark.parametrize("name", ["x" * 200, "A-b_c.9/d..e", "1/2/3/4"])
async def test_a_name_of_the_allowed_form_is_taken(store, name):
    await store.put(name, b"x")

    assert await names(store) == [name]


@ATOMIC
async def test_of_concurrent_puts_one_is_kept_whole(store):
    contents = [bytes([n]) * 300_000 for n in range(8)]

    await asyncio.gather(*(store.put("a/state", content) for content in contents))

    assert await store.get("a/state") in contents
    assert await names(store) == ["a/state"]


@ATOMIC
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
