"""All that a batch has made, in one file: a zip, or one piece of audio."""

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from io import BytesIO
from tempfile import TemporaryFile
from typing import Any, Final
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray

from app.audio.encode import file_extension
from app.audio.join import Joiner, Mark, blocks, silence
from app.audio.types import AudioFormat
from app.core.exceptions import AudioNotKept
from app.core.tasks import in_thread
from app.models.batch import Batch, BatchItem, ItemStatus
from app.models.batch_details import Chapter
from app.models.batch_request import JoinedFormat
from app.models.job import Job
from app.provenance.claim import Claim
from app.provenance.credentials import Credentials
from app.services.batches.records import status_of
from app.storage.base import BlobStore
from app.text.prosody import Prosody
from app.text.ssml import parse

MANIFEST: Final = "manifest.json"
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
_MAX_NAME: Final = 80
_ZIP_DATE: Final = (1980, 1, 1, 0, 0, 0)  # the earliest there is: the same batch, the same bytes
_AT_ONCE: Final = 16
_BLOCK: Final = 256 * 1024
_MOST_SIGNED_S: Final = 30 * 60.0


def chapters_of(items: Sequence[BatchItem], pause_s: float) -> list[Chapter]:
    """Where each item that was spoken is in the file of all."""
    made: list[Chapter] = []
    at_s = 0.0
    for item in items:
        end_s = at_s + (item.duration_s or 0.0)
        title = item.custom_id or str(item.position + 1)
        made.append(
            Chapter(
                position=item.position, title=title, start_s=round(at_s, 3), end_s=round(end_s, 3)
            )
        )
        at_s = end_s + pause_s
    return made


def voices_of(items: Sequence[BatchItem]) -> tuple[str, ...]:
    """The ids of all that speak. Blocks. Of items whose SSML was not to be kept, those that it
    names are not known any more.
    """
    found: dict[str, None] = {}
    for item in items:
        found[item.voice_id] = None
        if ssml := item.request.get("ssml"):
            spans = parse(ssml, Prosody()).spans
            found |= dict.fromkeys(span.voice for span in spans if span.voice)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Joined:
    """One piece of audio of the items of a batch, made while it is sent.

    Attributes:
        items: that were spoken, in order.
        rate: of the audio, in Hz.
        pause_s: between two items.
    """

    outputs: BlobStore
    items: Sequence[BatchItem]
    fmt: JoinedFormat
    rate: int
    pause_s: float

    async def check(self) -> None:
        """Raise `AudioNotKept` unless the audio of all items is there."""
        looking = asyncio.Semaphore(_AT_ONCE)

        async def there(item: BatchItem) -> bool:
            async with looking:
                try:
                    await self.outputs.info(item.output or "")
                except FileNotFoundError:
                    return False
                return True

        found = await asyncio.gather(*(there(item) for item in self.items))
        if not all(found):
            raise AudioNotKept(
                f"The audio of {found.count(False)} items is gone, with their voice or by age.",
                "GET the batch's result: a zip of what is there.",
            )

    async def encoded(self) -> AsyncGenerator[bytes, None]:
        """The file. One item at a time is in memory."""
        ends = self._ends()
        marks = [
            Mark(chapter.title, chapter.start_s, chapter.end_s)
            for chapter in chapters_of(self.items, self.pause_s)
        ]
        joiner = await in_thread(
            None, Joiner, self.fmt.audio, rate=self.rate, marks=marks, samples=ends[-1]
        )
        with joiner:
            at = 0
            for item, end in zip(self.items, ends, strict=True):
                content = await self.outputs.get(item.output or "")
                samples = blocks(content, item.content_type or "", rate=self.rate)
                async for block in _in_threads(_fitted(samples, end - at, self.rate)):
                    if data := await in_thread(None, joiner.write, block):
                        yield data
                at = end
            if data := await in_thread(None, joiner.finish):
                yield data

    def signed_by(self, credentials: Credentials) -> bool:
        """Whether the file gets a manifest, for which all of it has to be made before the first
        byte is sent. Longer ones than half an hour would keep the caller waiting: they get one
        only where every file must have one.
        """
        short = self._ends()[-1] <= _MOST_SIGNED_S * self.rate
        return credentials.takes(self.fmt.audio) and (short or credentials.required)

    async def signed(self, credentials: Credentials, claim: Claim) -> AsyncGenerator[bytes, None]:
        """The file with its manifest; it waits on the disk.

        Raises:
            ProvenanceUnavailable: it has to be signed, and cannot be.
        """
        with TemporaryFile() as plain, TemporaryFile() as target:
            async with aclosing(self.encoded()) as pieces:
                async for piece in pieces:
                    await in_thread(None, plain.write, piece)
            plain.seek(0)
            done = await in_thread(None, credentials.sign, plain, target, self.fmt.audio, claim)
            file = target if done else plain
            file.seek(0)
            while piece := await in_thread(None, file.read, _BLOCK):
                yield piece

    def _ends(self) -> list[int]:
        """Behind each item and its pause, in samples: no rounding adds up."""
        ends, at_s = [], 0.0
        for index, item in enumerate(self.items):
            last = index == len(self.items) - 1
            at_s += (item.duration_s or 0.0) + (0.0 if last else self.pause_s)
            ends.append(round(at_s * self.rate))
        return ends


class Zip:
    """A zip of the audio and a manifest, made while it is sent: one file at a time is in memory."""

    def __init__(self, outputs: BlobStore, batch: Batch, job: Job) -> None:
        self._outputs = outputs
        self._batch = batch
        self._job = job

    async def encoded(
        self, items: AsyncIterator[BatchItem], chapters: Sequence[Chapter] | None
    ) -> AsyncGenerator[bytes, None]:
        """The file.

        Args:
            items: of the batch, in order.
            chapters: of the one file of all, if there is one.
        """
        window = _Window()
        archive = ZipFile(window, "w", ZIP_STORED)
        listed = []
        async for item in items:
            content = await self._audio(item)
            name = None
            if content is not None:
                name = _file_name(item)
                yield await in_thread(None, _add, archive, window, name, content)
            listed.append(await in_thread(None, self._entry, item, name, content))
        manifest = {
            "batch_id": self._batch.id,
            "name": self._batch.name,
            "status": self._job.status.value,
            "partial": not self._job.ended,
            "total": self._batch.total,
            "created_at": self._batch.created_at.isoformat(),
            "items": listed,
            "chapters": None if chapters is None else [one.model_dump() for one in chapters],
        }
        text = json.dumps(manifest, ensure_ascii=False, indent=1).encode()
        yield await in_thread(None, _add, archive, window, MANIFEST, text)
        archive.close()
        yield window.take()

    async def _audio(self, item: BatchItem) -> bytes | None:
        if item.status is not ItemStatus.SUCCEEDED or item.output is None:
            return None
        try:
            return await self._outputs.get(item.output)
        except FileNotFoundError:  # gone with its voice, or by age
            return None

    def _entry(self, item: BatchItem, name: str | None, content: bytes | None) -> dict[str, Any]:
        return {
            "position": item.position,
            "custom_id": item.custom_id,
            "voice": item.voice_id,
            "status": status_of(item, self._job).value,
            "error": item.error and item.error.model_dump(),
            "duration_s": item.duration_s,
            "file": name,
            "bytes": None if content is None else len(content),
            "sha256": None if content is None else hashlib.sha256(content).hexdigest(),
        }


class _Window(BytesIO):
    """The end of a long file: what was taken is not there any more. So the header of the entry that
    is being written can be completed, as readers of streams want it, and no other.
    """

    def __init__(self) -> None:
        super().__init__()
        self._taken = 0

    def tell(self) -> int:
        return self._taken + super().tell()

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._taken + super().seek(offset - self._taken if whence == 0 else offset, whence)

    def take(self) -> bytes:
        taken = self.getvalue()
        self._taken += len(taken)
        super().seek(0)
        self.truncate()
        return taken


def _add(archive: ZipFile, window: _Window, name: str, content: bytes) -> bytes:
    entry = ZipInfo(name, _ZIP_DATE)
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)
    return window.take()


def _file_name(item: BatchItem) -> str:
    """`0001-<custom_id>.<ext>`: safe on every system, and no path."""
    label = _UNSAFE.sub("_", item.custom_id or "").strip("._")[:_MAX_NAME]
    extension = file_extension(AudioFormat(item.request["format"]))
    return f"{item.position + 1:04d}{'-' if label else ''}{label}.{extension}"


def _fitted(
    samples: Iterator[NDArray[np.int16]], wanted: int, rate: int
) -> Iterator[NDArray[np.int16]]:
    """Exactly so many: what a codec has added is cut off, what is missing is silence."""
    for block in samples:
        yield block[:wanted]
        wanted -= len(block[:wanted])
    yield from silence(wanted, rate)


async def _in_threads(
    values: Iterator[NDArray[np.int16]],
) -> AsyncGenerator[NDArray[np.int16], None]:
    while (value := await in_thread(None, next, values, None)) is not None:
        yield value
