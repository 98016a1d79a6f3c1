"""The composition root: everything that lives as long as the process, opened in order, closed in
reverse.
"""

import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from threading import Lock

from app.assets.store import AssetStore
from app.audio.activity import EnergyDetector
from app.audio.decode import DecodeLimits
from app.audio.ears import Ears, Listener
from app.audio.quality import RecordingLimits
from app.core.clock import Clock
from app.core.config import Settings
from app.core.metrics import Metrics
from app.core.turns import Turns
from app.db.audit import AuditTrail
from app.db.base import Collection
from app.db.sql import SqlDatabase
from app.db.usage import UsageCounters
from app.engines.base import Engine, EngineInfo
from app.engines.registry import EngineOptions, create_engine
from app.identity.tokens import TokenVerifier
from app.jobs.board import JobBoard
from app.jobs.dbos import DbosQueue
from app.jobs.webhooks import Webhooks
from app.limits.create import create_limiter
from app.limits.limiter import RateLimiter
from app.models.api_key import ApiKey
from app.models.audit import AuditEvent
from app.models.history import HistoryEntry, UsageDay
from app.models.job import Job, JobKind
from app.models.voice import Voice, VoiceSample, VoiceVersion
from app.services.access import AccessService
from app.services.audit import AuditService
from app.services.history import HistoryService
from app.services.keys import KeyService
from app.services.retention import Keepers, RetentionService
from app.services.speech_log import HistoryLog, HistoryRules
from app.services.synthesis import SynthesisLimits, SynthesisService
from app.services.training import TrainingService
from app.services.usage import UsageService
from app.services.versions import VersionService
from app.services.voices import VoiceService
from app.speaker.judge import Judge
from app.storage.stores import StorageOptions, Stores, open_stores
from app.training.measuring import Measuring
from app.training.session import Workshop
from app.training.versions import Versions

_MAX_DEFAULT_THREADS = 8
_WHISPER = "whisper-base-model"


@dataclass(frozen=True)
class AppContext:
    """What routes and commands work with."""

    settings: Settings
    metrics: Metrics
    assets: AssetStore
    database: SqlDatabase
    stores: Stores
    engine: Engine
    ears: Ears
    access: AccessService
    keys: KeyService
    limiter: RateLimiter | None
    turns: Turns
    voices: VoiceService
    synthesis: SynthesisService
    training: TrainingService
    versions: VersionService
    retention: RetentionService
    history_log: HistoryLog
    history: HistoryService
    usage: UsageService
    jobs: JobBoard
    job_queue: DbosQueue
    audit: AuditService
    trail: AuditTrail


@asynccontextmanager
async def open_context(
    settings: Settings, *, engine: Engine | None = None, clock: Clock = time.monotonic
) -> AsyncIterator[AppContext]:
    """Open everything. A missing model file is not fatal: what needs it answers with the reason.

    Args:
        engine: instead of the one that the settings name.
        clock: by which limits fill and waits are measured.

    Raises:
        EngineUnavailable: there is no engine of that name.
        DatabaseError, StorageError: the data folder or the database cannot be used.
    """
    async with AsyncExitStack() as stack:
        database = SqlDatabase(settings.database, pool_size=settings.database_pool_size)
        await database.open(migrate=settings.database_migrate)
        stack.push_async_callback(database.close)
        assets = AssetStore(settings.models)
        engine = engine or create_engine(settings.voice_engine, _engine_options(settings, assets))
        stack.push_async_callback(engine.close)
        ears = _ears(settings, _listener(engine.info, assets))
        stack.push_async_callback(ears.close)
        queue = DbosQueue.of(settings)
        stack.push_async_callback(queue.close)
        context = _wired(
            settings, clock, assets=assets, database=database, engine=engine, ears=ears, queue=queue
        )
        stack.push_async_callback(context.trail.close)
        stack.push_async_callback(context.history_log.close)
        stack.push_async_callback(context.access.close)
        if context.limiter is not None:
            stack.push_async_callback(context.limiter.close)
        stack.push_async_callback(context.training.close)
        context.jobs.register(JobKind.TRAINING, context.training)
        yield context


@dataclass(frozen=True)
class _Parts:
    """What the services of voices are made of."""

    settings: Settings
    metrics: Metrics
    stores: Stores
    engine: Engine
    ears: Ears
    turns: Turns
    voices: Collection[Voice]
    trail: AuditTrail


def _wired(  # long: every part by its name
    settings: Settings,
    clock: Clock,
    *,
    assets: AssetStore,
    database: SqlDatabase,
    engine: Engine,
    ears: Ears,
    queue: DbosQueue,
) -> AppContext:
    stores = open_stores(StorageOptions.of(settings))
    metrics = Metrics(version=settings.app_version, engine=engine.info.name)
    turns = _turns(settings, engine, clock, metrics)
    voices, events = database.collection(Voice), database.collection(AuditEvent)
    log = _history_log(settings, database, stores)
    parts = _Parts(settings, metrics, stores, engine, ears, turns, voices, AuditTrail(events))
    shop = _workshop(parts, database, clock, _judge(engine.info, assets))
    return AppContext(
        settings=settings,
        metrics=metrics,
        assets=assets,
        database=database,
        stores=stores,
        engine=engine,
        ears=ears,
        access=_access(settings, database),
        keys=KeyService(keys=database.collection(ApiKey), audit=parts.trail),
        limiter=create_limiter(settings, turns, clock=clock, observer=metrics.limits),
        turns=turns,
        voices=_voices(parts),
        synthesis=_synthesis(parts, log),
        training=_training(parts, shop),
        versions=VersionService(shop),
        retention=_retention(settings, database, stores),
        history_log=log,
        history=_history(settings, database, stores, log),
        usage=UsageService(days=database.collection(UsageDay), settle=log.settle),
        jobs=_board(parts, database, queue),
        job_queue=queue,
        audit=AuditService(events),
        trail=parts.trail,
    )


def _voices(parts: _Parts) -> VoiceService:
    return VoiceService(
        voices=parts.voices,
        stores=parts.stores,
        engine=parts.engine,
        ears=parts.ears,
        audit=parts.trail,
        max_registrations=parts.settings.max_concurrent_uploads,
        metrics=parts.metrics,
    )


def _synthesis(parts: _Parts, log: HistoryLog) -> SynthesisService:
    return SynthesisService(
        voices=parts.voices,
        states=parts.stores.states,
        engine=parts.engine,
        turns=parts.turns,
        audit=parts.trail,
        limits=SynthesisLimits(
            max_chars=parts.settings.max_text_chars,
            max_whole_chars=parts.settings.max_whole_text_chars,
        ),
        log=log,
        metrics=parts.metrics,
    )


def _training(parts: _Parts, shop: Workshop) -> TrainingService:
    return TrainingService(shop, refines=parts.settings.enrolment_refinement, metrics=parts.metrics)


def _workshop(
    parts: _Parts, database: SqlDatabase, clock: Clock, judge: Callable[[], Judge | None]
) -> Workshop:
    versions = database.collection(VoiceVersion)
    states = parts.stores.states
    return Workshop(
        voices=parts.voices,
        samples=database.collection(VoiceSample),
        versions=Versions(voices=parts.voices, versions=versions, states=states),
        recordings=parts.stores.recordings,
        states=states,
        engine=parts.engine,
        ears=parts.ears,
        measuring=Measuring(parts.engine, parts.turns, judge),
        audit=parts.trail,
        clock=clock,
    )


def _board(parts: _Parts, database: SqlDatabase, queue: DbosQueue) -> JobBoard:
    return JobBoard(
        database.collection(Job),
        queue,
        webhooks=Webhooks.of(parts.settings),
        max_per_owner=parts.settings.max_jobs_per_owner,
        metrics=parts.metrics,
    )


def _history_log(settings: Settings, database: SqlDatabase, stores: Stores) -> HistoryLog:
    return HistoryLog(
        entries=database.collection(HistoryEntry),
        voices=database.collection(Voice),
        outputs=stores.outputs,
        usage=UsageCounters(database.collection(UsageDay)),
        rules=HistoryRules(
            enabled=settings.history_enabled,
            keep_text=settings.history_keep_text,
            keep_audio=settings.history_keep_audio,
        ),
    )


def _history(
    settings: Settings, database: SqlDatabase, stores: Stores, log: HistoryLog
) -> HistoryService:
    return HistoryService(
        entries=database.collection(HistoryEntry),
        outputs=stores.outputs,
        searchable=settings.history_enabled and settings.history_keep_text,
        keep_days=settings.history_retention_days,
        settle=log.settle,
    )


def _retention(settings: Settings, database: SqlDatabase, stores: Stores) -> RetentionService:
    return RetentionService(
        keepers=Keepers.of(database),
        stores=stores,
        keep_outputs_hours=settings.output_retention_hours,
    )


def _access(settings: Settings, database: SqlDatabase) -> AccessService:
    return AccessService(
        keys=database.collection(ApiKey) if "api_key" in settings.auth_mode else None,
        tokens=TokenVerifier.of(settings) if "entra" in settings.auth_mode else None,
    )


def _turns(settings: Settings, engine: Engine, clock: Clock, metrics: Metrics) -> Turns:
    return Turns(
        engine.info.concurrency,
        background_at_once=engine.info.background_concurrency or engine.info.concurrency,
        max_requests=settings.max_concurrent_requests,
        clock=clock,
        observers=(metrics,),
        on_depth=metrics.on_depth,
    )


def _ears(settings: Settings, listener: Callable[[], Listener]) -> Ears:
    return Ears(
        listener,
        decode_limits=DecodeLimits(
            max_bytes=settings.max_upload_bytes, max_seconds=settings.max_recording_s
        ),
        recording_limits=RecordingLimits(
            min_speech_s=settings.min_speech_s, max_duration_s=settings.max_recording_s
        ),
    )


def _listener(info: EngineInfo, assets: AssetStore) -> Callable[[], Listener]:
    """Loads what judges recordings when it is called first; later calls give the same."""
    loading = Lock()

    @cache
    def load() -> Listener:
        if info.test_double:  # it must run without any model file
            return Listener(EnergyDetector(), None)
        import pyloudnorm  # noqa: F401 - loaded now, not with the first recording

        from app.audio.vad import SpeechDetector
        from app.speaker.encoder import SpeakerEncoder

        encoder = SpeakerEncoder(assets.verified_path("wespeaker-resnet34-lm"), threads=2)
        detector = SpeechDetector(assets.verified_path("silero-vad"))
        return Listener(detector, lambda samples: encoder.embed(samples, 16_000))

    def listener() -> Listener:
        with loading:
            return load()

    return listener


def _judge(info: EngineInfo, assets: AssetStore) -> Callable[[], Judge | None]:
    """Loads what judges trained voices when it is called first."""

    @cache
    def load() -> Judge | None:
        if info.test_double:
            return None
        from app.speaker.encoder import SpeakerEncoder
        from app.speaker.judge import SpeechJudge
        from app.speaker.recogniser import Recogniser

        encoder = SpeakerEncoder(assets.verified_path("wespeaker-resnet34-lm"), threads=2)
        if not find_spec("faster_whisper") or not assets.is_present(_WHISPER):
            return SpeechJudge(encoder, None)
        folder = assets.verified_path(_WHISPER).parent
        return SpeechJudge(encoder, lambda: Recogniser(folder, threads=2))

    return load


def _engine_options(settings: Settings, assets: AssetStore) -> EngineOptions:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = settings.engine_threads or min(cores or 1, _MAX_DEFAULT_THREADS)
    return EngineOptions(
        assets=assets,
        threads=threads,
        # More threads than cores make less speech, not more: docs/performance.md.
        concurrency=settings.engine_concurrency or max(1, (cores or 1) // threads),
    )
