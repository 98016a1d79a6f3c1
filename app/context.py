"""The composition root: everything that lives as long as the process, opened in order, closed in
reverse.
"""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from app import machine
from app.assets.store import AssetStore
from app.audio.ears import Ears, Listener
from app.core.admission import Admission
from app.core.clock import Clock
from app.core.config import Settings
from app.core.metrics import Metrics
from app.core.turns import Turns
from app.db.audit import AuditTrail
from app.db.base import Collection
from app.db.sql import SqlDatabase
from app.db.usage import UsageCounters
from app.engines.base import Engine
from app.engines.registry import create_engine
from app.identity.tokens import TokenVerifier
from app.jobs.board import JobBoard
from app.jobs.dbos import DbosQueue
from app.jobs.webhooks import Webhooks
from app.lexicons.shelf import LexiconShelf
from app.lexicons.store import LexiconStore
from app.limits.create import create_limiter
from app.limits.limiter import RateLimiter
from app.models.api_key import ApiKey
from app.models.audit import AuditEvent
from app.models.batch import Batch, BatchItem
from app.models.history import HistoryEntry, UsageDay
from app.models.job import Job, JobKind
from app.models.lexicon import Lexicon, LexiconContent
from app.models.speech import Speaker
from app.models.voice import Voice, VoiceSample, VoiceVersion
from app.planning.draft import Drafting
from app.services.access import AccessService
from app.services.audit import AuditService
from app.services.batches import BatchOptions, BatchService, Bench
from app.services.history import HistoryService
from app.services.identify import IdentifyService
from app.services.keys import KeyService
from app.services.lexicon_check import LexiconCheckService
from app.services.lexicons import LexiconLimits, LexiconTools
from app.services.output_log import OutputLog
from app.services.retention import Keepers, RetentionService
from app.services.speech_log import HistoryLog, HistoryRules
from app.services.synthesis import SynthesisService
from app.services.training import TrainingService
from app.services.usage import UsageService
from app.services.versions import VersionService
from app.services.voices import VoiceLimits, VoiceService, VoiceTools, admission_of
from app.speaker.judge import Judge
from app.storage.stores import StorageOptions, Stores, open_stores
from app.training.measuring import Measuring
from app.training.session import Workshop
from app.training.versions import Versions
from app.watermark.marking import Watermark


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
    watermark: Watermark
    access: AccessService
    keys: KeyService
    limiter: RateLimiter | None
    turns: Turns
    voices: VoiceService
    voice_tools: VoiceTools
    synthesis: SynthesisService
    training: TrainingService
    versions: VersionService
    retention: RetentionService
    lexicon_tools: LexiconTools
    lexicon_check: LexiconCheckService
    history_log: HistoryLog
    history: HistoryService
    output_log: OutputLog
    identify: IdentifyService
    usage: UsageService
    batches: BatchService
    jobs: JobBoard
    job_queue: DbosQueue
    audit: AuditService
    trail: AuditTrail


@asynccontextmanager
async def open_context(  # long: every part in its order
    settings: Settings,
    *,
    engine: Engine | None = None,
    listener: Callable[[], Listener] | None = None,
    watermark: Watermark | None = None,
    clock: Clock = time.monotonic,
) -> AsyncIterator[AppContext]:
    """Open everything. A missing model file is not fatal: what needs it answers with the reason.

    Args:
        engine: instead of the one that the settings name.
        listener: instead of what judges recordings for that engine.
        watermark: instead of the one that the settings name.
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
        engine = engine or create_engine(
            settings.voice_engine, machine.engine_options(settings, assets)
        )
        stack.push_async_callback(engine.close)
        ears = machine.ears(settings, listener or machine.listener(engine.info, assets))
        stack.push_async_callback(ears.close)
        queue = DbosQueue.of(settings)
        stack.push_async_callback(queue.close)
        context = _wired(
            settings,
            clock,
            assets=assets,
            database=database,
            engine=engine,
            ears=ears,
            watermark=watermark or machine.watermark(settings, engine.info, assets),
            queue=queue,
        )
        stack.push_async_callback(context.trail.close)
        stack.push_async_callback(context.history_log.close)
        stack.push_async_callback(context.output_log.close)
        stack.push_async_callback(context.access.close)
        if context.limiter is not None:
            stack.push_async_callback(context.limiter.close)
        stack.push_async_callback(context.training.close)
        _say_who_does_jobs(context)
        yield context


@dataclass(frozen=True)
class _Parts:
    """What the services of voices are made of."""

    settings: Settings
    metrics: Metrics
    stores: Stores
    engine: Engine
    ears: Ears
    watermark: Watermark
    turns: Turns
    voices: Collection[Voice]
    lexicons: LexiconStore
    shelf: LexiconShelf
    drafting: Drafting
    trail: AuditTrail


def _wired(  # long: every part by its name
    settings: Settings,
    clock: Clock,
    *,
    assets: AssetStore,
    database: SqlDatabase,
    engine: Engine,
    ears: Ears,
    watermark: Watermark,
    queue: DbosQueue,
) -> AppContext:
    stores = open_stores(StorageOptions.of(settings))
    metrics = Metrics(version=settings.app_version, engine=engine.info.name)
    turns = _turns(settings, engine, clock, metrics)
    voices, events = database.collection(Voice), database.collection(AuditEvent)
    log, trail = _history_log(settings, database, stores), AuditTrail(events)
    lexicons, contents = database.collection(Lexicon), database.collection(LexiconContent)
    store = LexiconStore(lexicons=lexicons, contents=contents, audit=trail)
    shelf = LexiconShelf(lexicons=lexicons, store=store)
    drafting = Drafting.of(settings, engine.info)
    parts = _Parts(
        settings,
        metrics,
        stores,
        engine,
        ears,
        watermark,
        turns,
        voices,
        store,
        shelf,
        drafting,
        trail,
    )
    board = _board(parts, database, queue)
    prints = OutputLog(database.outputs())
    synthesis = _synthesis(parts, log, prints)
    shop = _workshop(parts, database, clock, machine.judge(engine.info, assets))
    tools = _voice_tools(parts, database, board)
    return AppContext(
        settings=settings,
        metrics=metrics,
        assets=assets,
        database=database,
        stores=stores,
        engine=engine,
        ears=ears,
        watermark=watermark,
        access=_access(settings, database),
        keys=KeyService(keys=database.collection(ApiKey), audit=parts.trail),
        limiter=create_limiter(settings, turns, clock=clock, observer=metrics.limits),
        turns=turns,
        voices=VoiceService(tools),
        voice_tools=tools,
        synthesis=synthesis,
        training=_training(parts, shop),
        versions=VersionService(shop),
        retention=_retention(settings, database, stores),
        lexicon_tools=_lexicon_tools(parts, database),
        lexicon_check=_lexicon_check(parts, assets),
        history_log=log,
        history=_history(settings, database, stores, log),
        output_log=prints,
        identify=_identify(parts, database, prints, tools.admission),
        usage=UsageService(days=database.collection(UsageDay), settle=log.settle),
        batches=_batches(parts, database, synthesis, board=board, clock=clock),
        jobs=board,
        job_queue=queue,
        audit=AuditService(events),
        trail=parts.trail,
    )


def _say_who_does_jobs(context: AppContext) -> None:
    context.jobs.register(JobKind.TRAINING, context.training)
    context.jobs.register(JobKind.BATCH, context.batches)


def _voice_tools(parts: _Parts, database: SqlDatabase, jobs: JobBoard) -> VoiceTools:
    settings = parts.settings
    return VoiceTools(
        voices=parts.voices,
        samples=database.collection(VoiceSample),
        versions=database.collection(VoiceVersion),
        lexicons=database.collection(Lexicon),
        stores=parts.stores,
        engine=parts.engine,
        ears=parts.ears,
        audit=parts.trail,
        jobs=jobs,
        limits=VoiceLimits(
            samples=settings.max_samples_per_voice,
            file_bytes=settings.max_upload_bytes,
            total_bytes=settings.max_voice_upload_bytes,
            speech_s=settings.max_voice_s,
            minutes=settings.training_minutes,
            max_minutes=settings.max_training_minutes,
        ),
        admission=admission_of(settings.max_concurrent_uploads),
        metrics=parts.metrics,
    )


def _lexicon_tools(parts: _Parts, database: SqlDatabase) -> LexiconTools:
    return LexiconTools(
        lexicons=database.collection(Lexicon),
        voices=parts.voices,
        store=parts.lexicons,
        audit=parts.trail,
        limits=LexiconLimits.of(parts.settings),
    )


def _synthesis(parts: _Parts, log: HistoryLog, prints: OutputLog) -> SynthesisService:
    return SynthesisService(
        voices=parts.voices,
        states=parts.stores.states,
        engine=parts.engine,
        turns=parts.turns,
        audit=parts.trail,
        lexicons=parts.shelf,
        drafting=parts.drafting,
        watermark=parts.watermark,
        log=log,
        tracer=prints if parts.settings.fingerprints else None,
        metrics=parts.metrics,
    )


def _lexicon_check(parts: _Parts, assets: AssetStore) -> LexiconCheckService:
    return LexiconCheckService(
        voices=parts.voices,
        states=parts.stores.states,
        lexicons=parts.shelf,
        engine=parts.engine,
        turns=parts.turns,
        drafting=parts.drafting,
        watermark=parts.watermark,
        recogniser=machine.recognise(parts.engine.info, assets),
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


def _batches(
    parts: _Parts, database: SqlDatabase, speaker: Speaker, *, board: JobBoard, clock: Clock
) -> BatchService:
    settings, info = parts.settings, parts.engine.info
    return BatchService(
        batches=database.collection(Batch),
        board=board,
        bench=Bench(
            items=database.collection(BatchItem),
            voices=parts.voices,
            outputs=parts.stores.outputs,
            speaker=speaker,
            # One is encoded and stored while the others are spoken.
            at_once=settings.batch_items_at_once or (info.background_concurrency or 1) + 1,
            clock=clock,
        ),
        options=BatchOptions(
            max_items=settings.max_batch_items,
            ttl_hours=settings.batch_ttl_hours,
            sample_rate=info.sample_rate,
        ),
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


def _identify(
    parts: _Parts, database: SqlDatabase, prints: OutputLog, admission: Admission
) -> IdentifyService:
    return IdentifyService(
        database.outputs(),
        max_bytes=parts.settings.max_upload_bytes,
        admission=admission,
        settle=prints.settle,
        keep_days=parts.settings.fingerprint_retention_days,
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
