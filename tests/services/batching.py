"""What the tests of batches are made of: a service on a database, an engine that can be held up,
and workers that run parts of its jobs.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from app.audio.types import SpeechChunk
from app.core.clock import utc_now
from app.core.config import Settings
from app.core.exceptions import EngineFailed, StorageError
from app.core.turns import Turns
from app.db.audit import AuditTrail
from app.db.sql import SqlDatabase
from app.engines.base import SynthesisRequest
from app.engines.fake import read_back
from app.jobs.board import JobBoard
from app.jobs.runner import JobRunner
from app.jobs.webhooks import Webhooks
from app.models.audit import AuditEvent
from app.models.batch import Batch, BatchItem
from app.models.batch_details import BatchDetails
from app.models.batch_request import BatchRequest
from app.models.job import Job, JobKind
from app.models.voice import Voice
from app.planning.draft import Drafting, SynthesisLimits
from app.services.batches import AheadBench, BatchOptions, BatchService, Bench
from app.services.synthesis import SynthesisService
from app.services.voices import Upload, VoiceService
from app.storage.local import MemoryBlobStore
from app.watermark.marking import Watermark
from tests.audio.signals import read_pcm
from tests.conftest import recording
from tests.services.parts import FREE, ME, OWNER, Parts, parts, reach, shelf
from tests.speaking import engine_kind


class Untold:
    """A queue that nobody takes from: the tests do."""

    async def put(self, job: Job) -> None: ...

    async def put_webhook(self, job: Job) -> None: ...


class Held(engine_kind()):
    """Notes what it says, waits before some texts, fails at others.

    Attributes:
        said: all texts that it was to say, in order.
        stops_at: a text that has this in it waits for `go`.
        fails_at: a text that has this in it cannot be said.
        reached: a text that waits was to be said.
    """

    def __init__(self) -> None:
        self.said: list[str] = []
        self.stops_at = self.fails_at = "?!"
        self.reached, self.go = asyncio.Event(), asyncio.Event()
        self.stopped = 0

    async def synthesize(self, request: SynthesisRequest) -> AsyncGenerator[SpeechChunk, None]:
        self.said.append(request.text)
        if self.fails_at in request.text:
            raise EngineFailed("It came out wrong.")
        if self.stops_at in request.text:
            self.reached.set()
            try:
                await self.go.wait()
            except asyncio.CancelledError:
                self.stopped += 1
                raise
        async for chunk in super().synthesize(request):
            yield chunk


class Disk(MemoryBlobStore):
    """Is full when it has taken so many files."""

    def __init__(self) -> None:
        super().__init__()
        self.room = 10_000
        self.names: list[str] = []

    async def put(self, name: str, content: bytes) -> None:
        if len(self.names) >= self.room:
            raise StorageError("The disk is full.")
        self.names.append(name)
        await super().put(name, content)

    async def all(self) -> list[str]:
        return sorted([blob.name async for blob in self.list()])


@dataclass
class Batching:
    """A service, with what lies around it."""

    parts: Parts
    engine: Held
    outputs: Disk
    board: JobBoard
    service: BatchService
    voices: VoiceService
    batch_items: Any
    batches: Any
    pauses: list[float] = field(default_factory=list)

    async def voice(self, hz: float = 120.0) -> str:
        return (await self.voices.register(OWNER, Upload(recording(hz=hz), "a.wav"))).id

    async def begun(self, voice_id: str, count: int, **options: Any) -> BatchDetails:
        """A batch of `Item 0.` and so on."""
        items = [{"text": f"Item {n}."} for n in range(count)]
        usual = {"voice": voice_id, "format": "pcm", "normalize": "off", "items": items}
        request = BatchRequest.model_validate(usual | options)
        return (await self.service.submit(ME, request))[0]

    async def work(self, batch: BatchDetails, *, parts: list[int] | None = None) -> None:
        """Run parts of the batch's job at the same time, each as a worker does."""
        job = await self.board.get(OWNER, batch.job_id)
        runner = JobRunner(self.board, watch_s=0.02, pause_s=0.0)
        numbers = range(job.parts) if parts is None else parts
        await asyncio.gather(*(runner.run(job.id, job.runs, part) for part in numbers))

    async def now(self, batch: BatchDetails) -> BatchDetails:
        return await self.service.get(OWNER, batch.batch_id)

    async def items(self, batch: BatchDetails) -> list[BatchItem]:
        where = {"batch_id": batch.batch_id}
        page = await self.batch_items.list(where=where, order="position", limit=500)
        found: list[BatchItem] = page.items
        return found

    async def heard(self, batch: BatchDetails) -> dict[int, str]:
        """What is said in the audio of each item that has some."""
        texts = {}
        for item in await self.items(batch):
            if item.output is not None:
                content = await self.outputs.get(item.output)
                texts[item.position] = " ".join(text for _, text in read_back(read_pcm(content)))
        return texts


@asynccontextmanager
async def batching(settings: Settings, **options: Any) -> AsyncIterator[Batching]:
    """Options are those of the service."""
    database = SqlDatabase(settings.database)
    await database.open()
    engine, outputs = options.pop("engine", None) or Held(), Disk()
    try:
        async with parts(settings) as p:
            p.engines.append(engine)
            p.outputs = outputs
            board = JobBoard(database.collection(Job), Untold(), webhooks=Webhooks(None))
            items, batches = database.collection(BatchItem), database.collection(Batch)
            pauses: list[float] = []

            async def pause(seconds: float) -> None:
                pauses.append(seconds)

            speaker = SynthesisService(
                voices=p.voices,
                reach=reach(database),
                states=p.states,
                engine=engine,
                turns=Turns(8, background_at_once=8, max_requests=8, clock=time.monotonic),
                audit=AuditTrail(database.collection(AuditEvent)),
                lexicons=shelf(database),
                watermark=Watermark(),
                permit=FREE,
                drafting=Drafting(
                    engine.info, SynthesisLimits(max_chars=1000, max_whole_chars=500)
                ),
            )
            service = BatchService(
                batches=batches,
                board=board,
                bench=Bench(
                    items=items,
                    voices=database.collection(Voice),
                    reach=reach(database),
                    outputs=outputs,
                    speaker=options.pop("speaker", lambda inner: inner)(speaker),
                    at_once=options.pop("at_once", 2),
                    clock=options.pop("monotonic", time.monotonic),
                    ahead=AheadBench.of(engine, speaker, items, reach(database)),
                    pause=pause,
                ),
                options=BatchOptions(),
                clock=options.pop("clock", utc_now),
            )
            board.register(JobKind.BATCH, service)
            yield Batching(p, engine, outputs, board, service, p.service(), items, batches, pauses)
    finally:
        await database.close()
