"""The composition root: everything that lives as long as the process, opened in order, closed in
reverse.
"""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from app import machine, wiring
from app.assets.store import AssetStore
from app.audio.ears import Ears, Listener
from app.core.clock import Clock
from app.core.config import Settings
from app.core.exceptions import ConfigurationError
from app.core.metrics import Metrics
from app.core.turns import Turns
from app.db.audit import AuditTrail
from app.db.base import Database
from app.db.opening import database_of
from app.db.voices import VoiceReach
from app.engines.base import Engine
from app.engines.registry import create_engine
from app.guarding import Guards, guards_of
from app.jobs.board import JobBoard
from app.jobs.dbos import DbosQueue
from app.limits.limiter import RateLimiter
from app.models.api_key import ApiKey
from app.models.history import UsageDay
from app.models.job import JobKind
from app.provenance.opening import Provenance
from app.services.access import AccessService
from app.services.audit import AuditService
from app.services.batches import BatchService
from app.services.consents import ConsentTools
from app.services.history import HistoryService
from app.services.identify import IdentifyService
from app.services.keys import KeyService
from app.services.lexicon_check import LexiconCheckService
from app.services.lexicons import LexiconTools
from app.services.output_log import OutputLog
from app.services.retention import RetentionService
from app.services.sharing import SharingService
from app.services.speech_log import HistoryLog
from app.services.synthesis import SynthesisService
from app.services.training import TrainingService
from app.services.translation import TranslationService
from app.services.usage import UsageService
from app.services.verify import VerifyService
from app.services.versions import VersionService
from app.services.voices import VoiceService, VoiceTools
from app.services.watermark import WatermarkService
from app.storage.stores import Stores
from app.watermark.marking import Watermark


@dataclass(frozen=True)
class AppContext:
    """What routes and commands work with."""

    settings: Settings
    metrics: Metrics
    assets: AssetStore
    database: Database
    stores: Stores
    engine: Engine
    standbys: tuple[Engine, ...]
    ears: Ears
    watermark: Watermark
    provenance: Provenance
    marks: WatermarkService
    access: AccessService
    guards: Guards
    keys: KeyService
    limiter: RateLimiter | None
    turns: Turns
    voices: VoiceService
    reach: VoiceReach
    sharing: SharingService
    voice_tools: VoiceTools
    consent_tools: ConsentTools
    synthesis: SynthesisService
    training: TrainingService
    versions: VersionService
    retention: RetentionService
    lexicon_tools: LexiconTools
    lexicon_check: LexiconCheckService
    translations: TranslationService
    history_log: HistoryLog
    history: HistoryService
    output_log: OutputLog
    identify: IdentifyService
    verify: VerifyService
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
    standbys: Sequence[Engine] | None = None,
    listener: Callable[[], Listener] | None = None,
    watermark: Watermark | None = None,
    clock: Clock = time.monotonic,
) -> AsyncIterator[AppContext]:
    """Open everything. A missing model file is not fatal: what needs it answers with the reason.

    Args:
        engine: instead of the one that the settings name. standbys: the same of the others.
        listener: instead of what judges recordings for that engine.
        watermark: instead of the one that the settings name.
        clock: by which limits fill and waits are measured.

    Raises:
        EngineUnavailable: there is no engine of that name.
        DatabaseError, StorageError: the data folder or the database cannot be used.
    """
    async with AsyncExitStack() as stack:
        database = database_of(settings)
        await database.open(migrate=settings.database_migrate)
        stack.push_async_callback(database.close)
        assets = AssetStore(settings.models)
        engines = _engines(settings, assets, engine, standbys)
        for one in engines:
            stack.push_async_callback(one.close)
        engine = engines[0]
        speaking = next((one for one in engines if not one.info.test_double), engine)
        ears = machine.ears(settings, listener or machine.listener(engine.info, assets))
        stack.push_async_callback(ears.close)
        queue = DbosQueue.of(settings)
        stack.push_async_callback(queue.close)
        parts = wiring.parts_of(
            settings,
            clock,
            assets=assets,
            database=database,
            engine=engine,
            standbys=engines[1:],
            ears=ears,
            watermark=watermark or machine.watermark(settings, speaking.info, assets),
            queue=queue,
        )
        stack.push_async_callback(parts.translating.close)
        stack.push_async_callback(parts.preparer.close)
        context = _wired(parts)
        stack.push_async_callback(context.trail.close)
        stack.push_async_callback(context.history_log.close)
        stack.push_async_callback(context.output_log.close)
        stack.push_async_callback(context.synthesis.close)
        stack.push_async_callback(context.access.close)
        if context.limiter is not None:
            stack.push_async_callback(context.limiter.close)
        stack.push_async_callback(context.training.close)
        await context.provenance.open()
        _say_who_does_jobs(context)
        yield context


def _engines(
    settings: Settings,
    assets: AssetStore,
    engine: Engine | None,
    standbys: Sequence[Engine] | None,
) -> tuple[Engine, ...]:
    """The first one and those that stand by, not yet opened."""
    options = machine.engine_options(settings, assets)
    first = engine or create_engine(settings.voice_engine, options)
    if standbys is None:
        standbys = [create_engine(name, options) for name in settings.fallback_engines]
    engines = (first, *standbys)
    names = [one.info.name for one in engines]
    if len(set(names)) < len(names):
        raise ConfigurationError(
            f"The same engine stands twice in VOICE_ENGINE and FALLBACK_ENGINES: {names}.",
            "Name others in FALLBACK_ENGINES.",
        )
    return engines


def _wired(parts: wiring.Parts) -> AppContext:  # long: every service by its name
    settings, database, board = parts.settings, parts.database, wiring.board(parts)
    log, shop = wiring.history_log(parts), wiring.workshop(parts)
    outputs = OutputLog(database.outputs())
    synthesis, tools = wiring.synthesis(parts, log, outputs), wiring.voice_tools(parts, board)
    return AppContext(
        settings=settings,
        metrics=parts.metrics,
        assets=parts.assets,
        database=database,
        stores=parts.stores,
        engine=parts.engine,
        standbys=parts.standbys,
        ears=parts.ears,
        watermark=parts.watermark,
        provenance=parts.provenance,
        marks=WatermarkService(parts.ears, parts.watermark, tools.admission),
        access=wiring.access(parts),
        guards=guards_of(parts.guarding, jobs=board),
        keys=KeyService(keys=database.collection(ApiKey), audit=parts.trail),
        limiter=wiring.limiter(parts),
        turns=parts.turns,
        voices=VoiceService(tools),
        reach=parts.reach,
        sharing=SharingService(shares=tools.shares, audit=parts.trail),
        voice_tools=tools,
        consent_tools=wiring.consent_tools(parts, tools),
        synthesis=synthesis,
        training=wiring.training(parts, shop),
        versions=VersionService(shop),
        retention=wiring.retention(parts),
        lexicon_tools=wiring.lexicon_tools(parts),
        lexicon_check=wiring.lexicon_check(parts),
        translations=TranslationService(parts.translating, parts.engine),
        history_log=log,
        history=wiring.history(parts, log),
        output_log=outputs,
        identify=wiring.identify(parts, outputs, tools.admission),
        verify=wiring.verify(parts, tools.admission),
        usage=UsageService(days=database.collection(UsageDay), settle=log.settle),
        batches=wiring.batches(parts, synthesis, board),
        jobs=board,
        job_queue=parts.queue,
        audit=wiring.audit(parts),
        trail=parts.trail,
    )


def _say_who_does_jobs(context: AppContext) -> None:
    context.jobs.register(JobKind.TRAINING, context.training)
    context.jobs.register(JobKind.BATCH, context.batches)
