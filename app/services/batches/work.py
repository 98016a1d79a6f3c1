"""Speaking the items of a batch: what a worker does of a part of the job."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import aclosing, nullcontext
from dataclasses import dataclass
from typing import Any, Final

from app.core.clock import Clock, utc_now
from app.core.exceptions import (
    AppError,
    DatabaseError,
    EngineBusy,
    EngineFailed,
    JobNotFound,
    NotFound,
    PreparationFailed,
    PreparationUnavailable,
    TranslationFailed,
    TranslationUnavailable,
    VersionConflict,
    VoiceNotFound,
)
from app.core.logging import get_logger
from app.core.tasks import see_through
from app.db.base import Collection
from app.db.voices import VoiceReach
from app.jobs.base import JobRun
from app.models.batch import BatchItem, ItemStatus
from app.models.history import SpeechSource
from app.models.job import JobProblem, JobStatus
from app.models.speech import Priority, Speaker, SpeechRequest, SpeechStream
from app.models.voice import Voice
from app.services.batches.ahead import AheadBench
from app.services.batches.records import (
    OPEN,
    in_order,
    output_name,
    party_of,
    requeue,
    standing,
)
from app.storage.base import BlobStore

log = get_logger(__name__)

_TRIES: Final = 10  # when another one changes the same item
_REPORT_S: Final = 1.0
_WINDOW: Final = 16  # items that are looked at, for each part
_MAX_WINDOW: Final = 500
_MAX_WAIT_S: Final = 10.0
_TEXTS: Final = ("text", "ssml")
# A service that is away was waited for already, and may be there for the next item.
_OF_ONE_ITEM: Final = (
    EngineFailed, TranslationFailed, TranslationUnavailable, PreparationFailed,
    PreparationUnavailable,
)  # fmt: skip
_WRONG: Final = JobProblem(
    code=AppError.code,
    detail="Something went wrong inside the service.",
    suggestion="Try the item again. If it stays so, tell those who run the service.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What items are spoken with.

    Attributes:
        at_once: items in hand, of one part of a job.
        ahead: what speaks many texts in one go, if the engine does.
        pause: waits for so many seconds.
    """

    items: Collection[BatchItem]
    voices: Collection[Voice]
    reach: VoiceReach
    outputs: BlobStore
    speaker: Speaker
    at_once: int
    clock: Clock
    ahead: AheadBench | None = None
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep


class PartWork:
    """One run of a part: its own items, then those that wait for other parts, so that the engine
    is not idle at the end of each. Every change of an item is checked by its version: of two
    workers that have the same item, one stores what came of it.
    """

    def __init__(self, bench: Bench, run: JobRun) -> None:
        self._bench = bench
        self._run = run
        self._by = party_of(run.job)
        self._progress = _Progress(bench, run)
        self._others = _Others(bench, run)

    async def outcome(self) -> JobStatus | None:
        """Do what is left to do; what came of the whole batch if it was the last."""
        bench, job = self._bench, self._run.job
        await requeue(bench.items, job, part=self._run.part)
        mine = {"batch_id": job.subject_id, "part": self._run.part}
        left: deque[str] = deque()
        for status in reversed(OPEN):  # what was begun first
            async for item in in_order(bench.items, {**mine, "status": status}):
                left.append(item.id)
        await self._progress.begin()

        async def hand() -> None:
            while left:
                await self._do(await self._begun(left.popleft()))
            while (item := await self._others.next()) is not None:
                await self._do(await self._taken(item))

        async with bench.ahead.part(self._run) if bench.ahead else nullcontext():
            await _all([hand() for _ in range(bench.at_once)])
        now = await standing(bench.items, job)
        return None if now.open or not now.total else now.outcome

    async def _do(self, item: BatchItem | None) -> None:
        if item is not None:
            await self._speak(item)
            await self._progress.tell()

    async def _speak(self, item: BatchItem) -> None:
        try:
            voice, content, stream = await self._spoken(item)
        except AppError as error:
            if error.status >= 500 and not isinstance(error, _OF_ONE_ITEM):
                raise  # it is not this item's: no other could be spoken here
            problem = JobProblem(code=error.code, detail=error.detail, suggestion=error.suggestion)
            await self._end(item, {"status": ItemStatus.FAILED, "error": problem})
        except Exception:  # of one item; the others are not to blame
            log.exception("an item has failed", batch=item.batch_id, position=item.position)
            await self._end(item, {"status": ItemStatus.FAILED, "error": _WRONG})
        else:
            # What was made is kept, also of a batch that is being cancelled.
            await see_through(self._keep(item, voice, content, stream))

    async def _begun(self, item_id: str) -> BatchItem | None:
        items = self._bench.items
        for _ in range(_TRIES):
            item = await items.get(item_id)
            if item is None or item.status not in OPEN or item.part != self._run.part:
                return None  # done, or another part has taken it
            try:
                return await items.update(self._running(item))
            except VersionConflict:
                continue
            except NotFound:
                return None
        raise DatabaseError("An item is changed by too many at once.", "Try again.")

    async def _taken(self, item: BatchItem) -> BatchItem | None:
        """An item of another part, which is ours from now on; None if somebody was faster."""
        try:
            return await self._bench.items.update(self._running(item))
        except (VersionConflict, NotFound):
            return None
        finally:
            self._others.tried(item)

    def _running(self, item: BatchItem) -> BatchItem:
        news = {
            "status": ItemStatus.RUNNING, "run": self._run.job.runs, "error": None,
            "part": self._run.part, "attempts": item.attempts + 1,
        }  # fmt: skip
        return item.model_copy(update=news)

    async def _spoken(self, item: BatchItem) -> tuple[Voice, bytes, SpeechStream]:
        voice = await self._bench.reach.find(self._by, item.voice_id)
        request = SpeechRequest.model_validate(item.request)
        while True:
            try:
                stream = await self._bench.speaker.speak(
                    voice,
                    request,
                    by=self._by,
                    priority=Priority.BACKGROUND,
                    source=SpeechSource.BATCH,
                    batch_id=item.batch_id,
                )
                async with aclosing(stream.encoded()) as pieces:
                    return voice, b"".join([piece async for piece in pieces]), stream
            except EngineBusy as busy:
                await self._bench.pause(min(busy.retry_after_s or 1, _MAX_WAIT_S))
            except EngineFailed:  # its file may have gone with the voice
                await self._bench.reach.find(self._by, item.voice_id)
                raise

    async def _keep(
        self, item: BatchItem, voice: Voice, content: bytes, stream: SpeechStream
    ) -> None:
        name = output_name(item)
        now = await self._bench.items.get(item.id)
        if now is None or now.version != item.version:
            return  # somebody else has it in hand
        await self._bench.outputs.put(name, content)
        if await self._bench.voices.get(voice.id) is None:  # nothing of it may stay
            await self._bench.outputs.delete(name)
            gone = VoiceNotFound(f"The voice {voice.id!r} was deleted meanwhile.")
            problem = JobProblem(code=gone.code, detail=gone.detail)
            await self._end(item, {"status": ItemStatus.FAILED, "error": problem})
            return
        news: dict[str, Any] = {
            "status": ItemStatus.SUCCEEDED, "output": name, "bytes": len(content),
            "duration_s": stream.duration_s, "content_type": stream.content_type,
        }  # fmt: skip
        keeps = item.request.get("store") is not False
        if (made := stream.translation) is not None:
            kept = made.text if keeps else None
            news["translation"] = made.model_copy(update={"source_text": None, "text": kept})
        if keeps:
            news["prepared"] = stream.prepared
        else:
            news["request"] = {k: v for k, v in item.request.items() if k not in _TEXTS}
        if not await self._end(item, news):
            stored = await self._bench.items.get(item.id)
            if stored is None or stored.status in (ItemStatus.CANCELLED, ItemStatus.FAILED):
                await self._bench.outputs.delete(name)

    async def _end(self, item: BatchItem, news: dict[str, Any]) -> bool:
        """Note what came of an item; False if somebody else has noted something meanwhile."""
        ended = item.model_copy(update={**news, "ended_at": utc_now()})
        try:
            await self._bench.items.update(ended)
        except (VersionConflict, NotFound):
            log.info("an item was changed meanwhile", batch=item.batch_id, position=item.position)
            return False
        return True


class _Others:
    """Items that wait for other parts. Each part begins with others, so that
    two of them seldom try the same one.
    """

    def __init__(self, bench: Bench, run: JobRun) -> None:
        self._bench = bench
        self._run = run
        self._waiting: deque[BatchItem] = deque()
        self._tried: set[str] = set()  # being taken here: they are queued until that is written
        self._looking = asyncio.Lock()

    async def next(self) -> BatchItem | None:
        async with self._looking:
            if not self._waiting:
                self._waiting.extend(await self._queued())
            if not self._waiting:
                return None
            item = self._waiting.popleft()
            self._tried.add(item.id)
            return item

    def tried(self, item: BatchItem) -> None:
        self._tried.discard(item.id)

    async def _queued(self) -> list[BatchItem]:
        job, part = self._run.job, self._run.part
        page = await self._bench.items.list(
            where={"batch_id": job.subject_id, "status": ItemStatus.QUEUED},
            order="position",
            limit=min(_WINDOW * job.parts + self._bench.at_once, _MAX_WINDOW),
        )
        found = [item for item in page.items if item.part != part and item.id not in self._tried]
        return sorted(found, key=lambda item: ((item.position - part) % job.parts, item.position))


class _Progress:
    """Tells how far the batch is, at most once a second."""

    def __init__(self, bench: Bench, run: JobRun) -> None:
        self._bench = bench
        self._run = run
        self._since = self._told = bench.clock()
        self._at_first: int | None = None

    async def begin(self) -> None:
        self._since = self._bench.clock()
        self._at_first = await self._report()

    async def tell(self) -> None:
        if self._bench.clock() - self._told >= _REPORT_S:
            await self._report()

    async def _report(self) -> int:
        """How many items are done."""
        now = self._told = self._bench.clock()
        stands = await standing(self._bench.items, self._run.job)
        total, done = stands.total, stands.total - stands.open
        new = 0 if self._at_first is None else done - self._at_first
        eta_s = stands.open * (now - self._since) / new if new > 0 else None
        try:
            message = f"{done} of {total} items"
            await self._run.report(done / max(total, 1), "speaking", message=message, eta_s=eta_s)
        except JobNotFound:  # deleted with its batch: nothing is left to do either
            log.info("the job of a batch is gone", job=self._run.job.id)
        return done


async def _all(work: list[Coroutine[Any, Any, None]]) -> None:
    """Do all at once. The first error stops the others, and is raised when they have stopped."""
    tasks = [asyncio.ensure_future(one) for one in work]
    if not tasks:
        return
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
