"""Blob Storage: a blob is put, read, linked to, and deleted."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final
from uuid import uuid4

import httpx2

from app.core.config import Settings
from app.core.exceptions import AppError, LinksUnsupported
from app.doctor.azure.watching import Watch
from app.doctor.findings import Check, Untried, Wrong
from app.storage.base import BlobStore
from app.storage.stores import StorageOptions, open_stores

_CONTENT: Final = b"Written by `voice-cloning doctor`, which deletes it."
_LINK_S: Final = 60
_ANSWER_S: Final = 20.0


@asynccontextmanager
async def blob_checks(settings: Settings, watch: Watch) -> AsyncIterator[Sequence[Check]]:
    probe = _Probe(open_stores(StorageOptions.of(settings)).outputs, f"doctor-{uuid4()}")
    try:
        yield [
            Check("write", probe.write, needed=True),
            Check("read", probe.read),
            Check("link", probe.link),
            Check("delete", probe.delete),
        ]
    finally:
        await probe.clean()


class _Probe:
    """A blob in a folder of its own."""

    def __init__(self, store: BlobStore, folder: str) -> None:
        self._store = store
        self._name = f"{folder}/probe.txt"
        self._there = False

    async def write(self) -> str:
        self._there = True  # it may be, even if no answer says so
        await self._store.put(self._name, _CONTENT)
        return "a blob was put: the account is there, its container too, and we may write."

    async def read(self) -> str:
        if await self._store.get(self._name) != _CONTENT:
            raise Wrong("the blob came back changed.")
        listed = [blob.name async for blob in self._store.list(self._name.partition("/")[0])]
        if listed != [self._name]:
            raise Wrong("the blob can be read, and is not in the list of its folder.")
        return "it came back whole, and is in the list."

    async def link(self) -> str:
        try:
            url = await self._store.link(self._name, _LINK_S)
        except LinksUnsupported as error:
            raise Untried(error.detail) from None
        try:
            async with httpx2.AsyncClient(timeout=_ANSWER_S) as client:
                answer = await client.get(url)
        except httpx2.HTTPError as error:
            raise Wrong(f"the link does not lead there: {type(error).__name__}.") from None
        if answer.status_code != 200 or answer.content != _CONTENT:
            raise Wrong(
                f"the link answers {answer.status_code}. With an identity, it needs the role "
                "`Storage Blob Delegator` as well."
            )
        return f"a link of {_LINK_S} s gave it to somebody without credentials."

    async def clean(self) -> None:
        """Delete what an interruption has left."""
        if self._there:
            with suppress(AppError):
                await self._store.delete(self._name)

    async def delete(self) -> str:
        self._there = False
        try:
            await self._store.delete(self._name)
        except AppError as error:
            raise Wrong(
                f"the blob outputs/{self._name} could not be deleted. {error.detail}"
            ) from error
        try:
            await self._store.get(self._name)
        except FileNotFoundError:
            return "it is gone: nothing is left."
        raise Wrong(f"the blob outputs/{self._name} is still there.")
