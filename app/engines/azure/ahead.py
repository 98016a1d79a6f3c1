"""Texts that are spoken ahead, by batch synthesis: begun, waited for, fetched, deleted."""

import hashlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import BinaryIO, Final, cast

from app.core.exceptions import AppError, EngineUnavailable
from app.core.logging import get_logger
from app.core.tasks import in_thread, see_through
from app.engines.azure.batches import BatchJob, BatchSynthesis
from app.engines.azure.errors import senseless
from app.engines.azure.http import AzureHttp
from app.engines.azure.results import Results

log = get_logger(__name__)

_MAX_INPUTS: Final = 10_000
_MAX_PAYLOAD: Final = 1_800_000
"""Azure takes 2 MB."""
_MAX_TEXT: Final = 250_000
"""Bytes of text at the usual speed: some five hours of sound, a gigabyte at 24 kHz."""
_FRAME: Final = 1_000  # bytes of a request besides its documents
_EACH: Final = 16  # and of each
_GROWTH, _LONGEST_POLL_S = 1.5, 15.0
_FETCHES: Final = 3
_AT_ONCE: Final = 64 * 1024

Keep = Callable[[BaseException], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Document:
    """SSML. `text_bytes`: of its text, more of them where it is spoken slowly."""

    ssml: bytes = field(repr=False)
    text_bytes: float


@dataclass(slots=True)
class _Job:
    """A job at Azure.

    Attributes:
        anew: whether it may be begun; else it is there or is not.
        begun: whether something of it may be there. lost: whether nothing will come of it.
    """

    name: str
    documents: tuple[bytes, ...] = field(repr=False)
    anew: bool
    begun: bool = False
    lost: bool = False


class Ahead:
    """What was spoken ahead, and is waiting to be asked for."""

    def __init__(self, http: AzureHttp) -> None:
        self._http = http
        self._api = BatchSynthesis(http)
        self._shelf: list[Results] = []

    async def sound(self, ssml: bytes) -> AsyncGenerator[bytes, None] | None:
        """Samples of 16 bits of a document; None if it was not spoken ahead."""
        for results in self._shelf:
            if ssml in results:
                samples = await in_thread(None, results.sound, ssml)
                return None if samples is None else _pieces(samples)
        return None

    @asynccontextmanager
    async def spoken(
        self, documents: Sequence[Document], *, name: str, before: Sequence[Document], keep: Keep
    ) -> AsyncIterator[int]:
        """As `app.engines.ahead.SpeaksAhead.speak_ahead`, of documents."""
        at_least = self._http.options.batch.at_least
        if not at_least or max(len(documents), len(before)) < at_least:
            yield 0
            return
        jobs: list[_Job] = []
        shelf: list[Results] = []
        stays = False
        try:
            jobs += await self._jobs(documents, before, name)
            if documents:
                await self._fill(shelf, jobs)
                self._shelf += shelf
            yield sum(len(results) for results in shelf)
        except BaseException as error:
            stays = await see_through(keep(error))
            raise
        finally:
            await see_through(self._clear(shelf, [] if stays else jobs))

    async def _jobs(
        self, documents: Sequence[Document], before: Sequence[Document], name: str
    ) -> list[_Job]:
        """Those that are there already, or are to be begun."""
        wanted = self._cut(documents, name, anew=True)
        first = self._cut(before, name, anew=False)
        if first and {job.name for job in first} != {job.name for job in wanted}:
            with _tolerated(first[0]):
                if await self._api.find(first[0].name) is not None:
                    for job in first:
                        job.begun = True
                    return first
        return wanted if len(documents) >= self._http.options.batch.at_least else []

    def _cut(self, documents: Sequence[Document], name: str, *, anew: bool) -> list[_Job]:
        """Each document once, in order, in jobs that Azure takes."""
        options = self._http.options
        parts: list[list[bytes]] = []
        payload, text = 0, 0.0
        for one in {document.ssml: document for document in documents}.values():
            size = len(json.dumps(one.ssml.decode(), ensure_ascii=False).encode()) + _EACH
            is_full = parts and (
                payload + size > _MAX_PAYLOAD
                or text + one.text_bytes > _MAX_TEXT
                or len(parts[-1]) == _MAX_INPUTS
            )
            if not parts or is_full:
                parts.append([])
                payload, text = _FRAME, 0.0
            parts[-1].append(one.ssml)
            payload += size
            text += one.text_bytes
        return [_Job(_named(name, part, options.sample_rate), tuple(part), anew) for part in parts]

    async def _fill(self, shelf: list[Results], jobs: Sequence[_Job]) -> None:
        """All are begun, then one after the other is waited for."""
        until = self._http.clock() + self._http.options.batch.wait_s
        for job in jobs:
            with _tolerated(job):
                await self._begin(job)
        for job in jobs:
            if not job.lost:
                with _tolerated(job):
                    results = await self._results(job, until)
                    shelf.append(results)
                    log.info("spoken ahead", job=job.name, of=len(job.documents), got=len(results))

    async def _begin(self, job: _Job) -> None:
        if await self._api.find(job.name) is not None:
            job.begun = True
        elif job.anew:
            job.begun = True
            await self._api.begin(job.name, job.documents)
        else:
            job.lost = True

    async def _results(self, job: _Job, until: float) -> Results:
        found = await self._ended(job, until)
        # Without a name: it is gone with the process, however that ends.
        file = cast(BinaryIO, TemporaryFile())  # noqa: SIM115 - Results closes it
        try:
            await self._fetch(job, found, file, until)
            rate = self._http.options.sample_rate
            return await in_thread(None, Results.read, file, job.documents, rate)
        except BaseException:
            file.close()
            raise

    async def _fetch(self, job: _Job, found: BatchJob, file: BinaryIO, until: float) -> None:
        for tried in range(1, _FETCHES + 1):
            try:
                return await self._api.fetch(found, file)
            except AppError:
                if tried == _FETCHES:
                    raise
            await self._http.pause(self._http.options.poll_s * tried)
            found = await self._ended(job, until)  # with a new permission, if that was it
        return None

    async def _ended(self, job: _Job, until: float) -> BatchJob:
        """Look until it is done."""
        next_s = self._http.options.poll_s
        while True:
            found, asked_s = await self._api.look(job.name)
            if found.succeeded:
                return found
            if found.failed:
                raise senseless("a failure of all")
            pause_s = next_s if asked_s is None else max(self._http.options.poll_s, asked_s)
            if self._http.clock() + pause_s > until:
                raise EngineUnavailable("Azure did not finish a batch in time.")
            await self._http.pause(pause_s)
            next_s = min(_LONGEST_POLL_S, next_s * _GROWTH)

    async def _clear(self, shelf: Sequence[Results], jobs: Sequence[_Job]) -> None:
        self._shelf = [results for results in self._shelf if results not in shelf]
        for results in shelf:
            await in_thread(None, results.close)
        for job in jobs:
            if job.begun:
                try:
                    await self._api.delete(job.name)
                except AppError as error:
                    log.warning("a batch stays at Azure for a while", job=job.name, code=error.code)


def _named(name: str, documents: Sequence[bytes], sample_rate: int) -> str:
    """The same for the same documents of the same work; an id as Azure takes it."""
    digest = hashlib.sha256(f"{name}\0{sample_rate}".encode())
    for document in documents:
        digest.update(hashlib.sha256(document).digest())
    return f"{name[:39]}-{digest.hexdigest()[:24]}"


@contextmanager
def _tolerated(job: _Job) -> Iterator[None]:
    """What goes wrong is logged: its texts are spoken as usual."""
    try:
        yield
    except (AppError, OSError) as error:
        job.lost = True
        code = error.code if isinstance(error, AppError) else type(error).__name__
        log.warning("texts are not spoken ahead", job=job.name, of=len(job.documents), code=code)


async def _pieces(samples: bytes) -> AsyncGenerator[bytes, None]:
    for start in range(0, len(samples), _AT_ONCE):
        yield samples[start : start + _AT_ONCE]
