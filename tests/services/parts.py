"""What the services are made of, and what goes wrong in it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from app.audio.activity import EnergyDetector
from app.audio.decode import DecodeLimits
from app.audio.ears import Ears, Listener
from app.audio.quality import RecordingLimits
from app.consents.desk import ConsentDesk
from app.consents.permit import Permit
from app.core.clock import Clock
from app.core.config import Settings
from app.core.metrics import Metrics
from app.core.turns import Turns
from app.db.audit import AuditTrail
from app.db.base import Collection
from app.db.sql import SqlDatabase
from app.db.voices import VoiceReach
from app.engines.base import Engine
from app.guarding import GuardParts, barred_in
from app.jobs.board import JobBoard
from app.jobs.webhooks import Webhooks
from app.lexicons.shelf import LexiconShelf
from app.lexicons.store import LexiconStore
from app.models.access import Party
from app.models.audit import AuditEvent
from app.models.consent import Consent
from app.models.job import Job
from app.models.lexicon import Lexicon, LexiconContent
from app.models.share import VoiceShare
from app.models.voice import Voice, VoiceSample, VoiceVersion
from app.services.retention import Keepers, RetentionService
from app.services.training import TrainingService
from app.services.versions import VersionService
from app.services.voices import (
    BundleService,
    CloningService,
    SampleService,
    VoiceLimits,
    VoiceService,
    VoiceTools,
    admission_of,
)
from app.speaker.judge import Judge
from app.storage.base import BlobStore
from app.storage.local import LocalBlobStore, MemoryBlobStore
from app.storage.stores import Stores
from app.training.measuring import Measuring
from app.training.session import Workshop
from app.training.versions import Versions
from tests.conftest import recording
from tests.speaking import new_engine

OWNER = "local"
ME = Party(OWNER)
FREE = Permit("off", operator_attests=True)
"""No voice needs a consent."""


def reach(database: SqlDatabase | None) -> VoiceReach:
    assert database is not None
    return VoiceReach(database.collection(Voice), database.collection(VoiceShare))


def files(settings: Settings) -> list[str]:
    folders = (settings.uploads, settings.embeddings)
    return sorted(path.name for f in folders for path in f.rglob("*") if path.is_file())


class Unworked:
    """A queue that nobody takes from."""

    async def put(self, job: Job) -> None: ...

    async def put_webhook(self, job: Job) -> None: ...


@dataclass
class Parts:
    """What a service is made of; a test replaces one."""

    voices: Collection[Voice]
    recordings: BlobStore
    states: BlobStore
    events: Collection[AuditEvent]
    outputs: BlobStore = field(default_factory=MemoryBlobStore)
    keep_outputs_hours: float = 0.0
    samples: Any = None
    versions: Any = None
    jobs: Any = None
    lexicons: Any = None
    database: SqlDatabase | None = None
    engines: list[Engine] = field(default_factory=list)
    """Those that are closed in the end; the first is the one that is under test."""

    @property
    def stores(self) -> Stores:
        return Stores(self.recordings, self.states, self.outputs)

    def retention(self) -> RetentionService:
        assert self.database is not None
        keepers = replace(Keepers.of(self.database), voices=self.voices)
        return RetentionService(
            keepers=keepers, stores=self.stores, keep_outputs_hours=self.keep_outputs_hours
        )

    def service(self) -> VoiceService:
        return VoiceService(self.tools())

    def cloning(self) -> CloningService:
        return CloningService(self.tools())

    def sample_service(self) -> SampleService:
        return SampleService(self.tools())

    def bundles(self) -> BundleService:
        return BundleService(self.tools())

    def tools(self) -> VoiceTools:
        ears, trail = self._ears(), AuditTrail(self.events)
        assert self.database is not None
        barred = barred_in(self.database, time.monotonic)
        return VoiceTools(
            voices=self.voices,
            samples=self.samples,
            versions=self.versions,
            shares=self.database.collection(VoiceShare),
            lexicons=self.lexicons,
            stores=self.stores,
            engine=self.engines[0],
            ears=ears,
            desk=self._desk(),
            permit=FREE,
            watch=GuardParts(self.database, ears, trail, Metrics(), barred).watch(),
            audit=trail,
            jobs=self.board(),
            limits=VoiceLimits(),
            admission=admission_of(8),
        )

    def _desk(self) -> ConsentDesk:
        assert self.database is not None
        return ConsentDesk(self.database.collection(Consent))

    def board(self) -> JobBoard:
        return JobBoard(self.jobs, Unworked(), webhooks=Webhooks(None))

    def training(
        self,
        engine: Engine | None = None,
        *,
        judge: Judge | None = None,
        clock: Clock = time.monotonic,
    ) -> TrainingService:
        return TrainingService(self.workshop(engine, judge=judge, clock=clock))

    def version_service(self, *, judge: Judge | None = None) -> VersionService:
        return VersionService(self.workshop(judge=judge))

    def workshop(
        self,
        engine: Engine | None = None,
        *,
        judge: Judge | None = None,
        clock: Clock = time.monotonic,
    ) -> Workshop:
        engine = engine or self.engines[0]
        turns = Turns(engine.info.concurrency, max_requests=8, clock=time.monotonic)
        return Workshop(
            voices=self.voices,
            samples=self.samples,
            versions=Versions(voices=self.voices, versions=self.versions, states=self.states),
            recordings=self.recordings,
            states=self.states,
            engine=engine,
            ears=self._ears(),
            measuring=Measuring(engine, turns, lambda: judge),
            audit=AuditTrail(self.events),
            desk=self._desk(),
            clock=clock,
        )

    def _ears(self) -> Ears:
        return Ears(
            lambda: Listener(EnergyDetector(), None),
            decode_limits=DecodeLimits(max_bytes=10**7, max_seconds=60.0),
            recording_limits=RecordingLimits(min_speech_s=3.0, max_duration_s=60.0),
        )


@asynccontextmanager
async def parts(settings: Settings) -> AsyncIterator[Parts]:
    database = SqlDatabase(settings.database)
    await database.open()
    engines: list[Engine] = [new_engine()]
    try:
        yield Parts(
            database.collection(Voice),
            LocalBlobStore(settings.uploads),
            LocalBlobStore(settings.embeddings),
            database.collection(AuditEvent),
            samples=database.collection(VoiceSample),
            versions=database.collection(VoiceVersion),
            jobs=database.collection(Job),
            lexicons=database.collection(Lexicon),
            database=database,
            engines=engines,
        )
    finally:
        for engine in engines:
            await engine.close()
        await database.close()


class Interrupted:
    """Passes calls on, and cancels the task that makes one of them, while it is under way."""

    def __init__(self, inner: Any, method: str, *, behind: bool) -> None:
        self._inner, self._method, self._behind = inner, method, behind

    def __getattr__(self, method: str) -> Any:
        if method != self._method:
            return getattr(self._inner, method)

        async def call(*args: Any) -> Any:
            task = asyncio.current_task()
            assert task
            if not self._behind:
                task.cancel()  # takes effect at the first thing the call waits for
            result = await getattr(self._inner, method)(*args)
            task.cancel()
            await asyncio.sleep(0)
            return result

        return call


class Paused:
    """Passes calls on, and holds one of them up until it is let through.

    Attributes:
        reached: the call was made.
        let: set it to let the call through.
    """

    def __init__(self, inner: Any, method: str) -> None:
        self._inner, self._method = inner, method
        self.reached, self.let = asyncio.Event(), asyncio.Event()

    def __getattr__(self, method: str) -> Any:
        if method != self._method:
            return getattr(self._inner, method)

        async def call(*args: Any) -> Any:
            self.reached.set()
            await self.let.wait()
            return await getattr(self._inner, method)(*args)

        return call


class Dying:
    """Passes everything on, and kills this process before or after one call."""

    def __init__(self, inner: Any, name: str, step: str) -> None:
        self._inner, self._name, self._step = inner, name, step

    def __getattr__(self, method: str) -> Any:
        async def call(*args: Any, **kwargs: Any) -> Any:
            if self._step == f"before {self._name}.{method}":
                os.kill(os.getpid(), signal.SIGKILL)
            result = await getattr(self._inner, method)(*args, **kwargs)
            if self._step == f"after {self._name}.{method}":
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return call


# For each step, in a process and a folder of its own: dies at the step of what `main` does. The
# processes are forked from one that has imported everything but has no thread yet.
_KILLED = """
import asyncio, os, signal, sys
from pathlib import Path

from app.core.config import Settings
from app.engines.base import TrainingOptions
from app.services.voices import Upload
from tests.services.parts import OWNER, Dying, parts

content, folder, steps = Path(sys.argv[1]).read_bytes(), Path(sys.argv[2]), sys.argv[3:]

{main}

children = {{}}
for step in steps:
    if (child := os.fork()) == 0:
        asyncio.run(main(step))
        os._exit(0)
    children[step] = child
for step, child in children.items():
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != -signal.SIGKILL:
        sys.exit(f"{{step}}: was not reached")
"""


def kill_at(steps: Iterable[str], main: str, *, folder: Path) -> None:
    """Run `main(step)` and have it die at each of its steps.

    Args:
        main: source of a coroutine function; there are `content`, an upload, and `folder`, whose
            subfolder `step` is the data folder.
    """
    source = folder / "a.wav"
    source.write_bytes(recording())
    root = Path(__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-c", _KILLED.format(main=main), str(source), str(folder), *steps],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr


def shelf(database: SqlDatabase) -> LexiconShelf:
    """From where speech takes the lexicons of a database."""
    lexicons = database.collection(Lexicon)
    store = LexiconStore(
        lexicons=lexicons,
        contents=database.collection(LexiconContent),
        audit=AuditTrail(database.collection(AuditEvent)),
    )
    return LexiconShelf(lexicons=lexicons, store=store)
