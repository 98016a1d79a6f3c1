"""What a server does by itself: make ready at the start, sweep from time to time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from opentelemetry.trace import Tracer

from app.assets.store import PullProgress, PullStage
from app.context import AppContext
from app.core.clock import utc_now
from app.core.config import Settings
from app.core.config.vault import VaultSecret, vault_secrets
from app.core.exceptions import AssetError, DatabaseError, EngineError, StorageError
from app.core.logging import get_logger
from app.core.tasks import in_thread
from app.core.tracing import open_tracing
from app.jobs.worker import JobWorker
from app.models.job import Job, Worker
from app.services.consents import ConsentEndings
from app.services.retention import SweptFiles
from app.text.normalization import normalize

log = get_logger(__name__)

_MIN_SWEEP_PAUSE_S = 60.0


async def warm_up(context: AppContext) -> None:
    """Load the engine and sweep leftovers, as a server does before it takes requests."""
    try:
        if context.settings.models_auto_pull:
            await in_thread(None, _pull, context)
        await context.engine.open()
        context.metrics.engine_loaded(context.engine.info.name)
        await context.ears.warm_up()
        await context.watermark.warm_up()
        await in_thread(None, _ready_rules, context.engine.info.languages)
    except (AssetError, EngineError) as error:
        log.warning("cannot speak", detail=error.detail, suggestion=error.suggestion)
    for engine in context.standbys:
        try:
            await engine.open()
        except (AssetError, EngineError) as error:
            log.warning("an engine cannot stand by", engine=engine.info.name, detail=error.detail)
    if "api_key" in context.settings.auth_mode and not await context.keys.exist():
        log.warning(
            "there is no API key yet",
            suggestion="`voice-cloning keys create --name first --scope admin` makes one",
        )
    await _sweep(context)


def _ready_rules(languages: Sequence[str]) -> None:
    """Load what numbers and dates are put into words with: else the first request would wait."""
    for language in languages:
        normalize("1 km", language)


async def keep_swept(context: AppContext) -> None:
    """Sweep again and again: what a crash has left is too young to be swept by the next start."""
    while True:
        await asyncio.sleep(max(context.settings.sweep_grace_s, _MIN_SWEEP_PAUSE_S))
        await _sweep(context)


async def keep_renewed(settings: Settings) -> None:
    """Read the secrets of Key Vault again and again, if there are any. Those that have changed hold
    from then on where they are asked for with every use; docs/azure.md says where.
    """
    secrets = list(vault_secrets(settings))
    while secrets and settings.key_vault_refresh_minutes:
        await asyncio.sleep(settings.key_vault_refresh_minutes * 60)
        await in_thread(None, _renewed, settings, secrets)


def _renewed(settings: Settings, secrets: Sequence[VaultSecret]) -> None:
    from app.core.vault import renew_secrets

    renew_secrets(vars(settings), secrets)


@asynccontextmanager
async def traced(settings: Settings) -> AsyncIterator[Tracer | None]:
    """What records traces meanwhile, if any are wanted.

    Raises:
        ConfigurationError: an extra is missing, or a setting has no meaning.
    """
    tracing = open_tracing(settings)
    try:
        yield tracing.tracer if tracing else None
    finally:
        if tracing:
            await in_thread(None, tracing.close)


@asynccontextmanager
async def working(context: AppContext, tracer: Tracer | None = None) -> AsyncIterator[None]:
    """Work on jobs meanwhile.

    Args:
        tracer: records what is done for them.

    Raises:
        ConfigurationError: this process works on jobs already.
        DatabaseError: the queue cannot be used.
    """
    settings, database = context.settings, context.database
    async with JobWorker(
        context.jobs,
        context.job_queue,
        jobs=database.collection(Job),
        workers=database.collection(Worker),
        owners_at_once=settings.jobs_owners_at_once,
        dead_after_s=settings.jobs_dead_after_s,
        poll_s=settings.jobs_poll_s,
        metrics=context.metrics,
        tracer=tracer,
    ):
        yield


def _pull(context: AppContext) -> None:
    def count(progress: PullProgress) -> None:
        if progress.stage is PullStage.DONE:
            context.metrics.asset_fetched(progress.total)

    try:
        context.assets.pull(progress=count)
    except AssetError as error:
        context.metrics.assets_failed(len(error.extra.get("failures", ())))
        raise


@dataclass(frozen=True, slots=True)
class Erased:
    """What a sweep has erased.

    Attributes:
        consents: that were revoked long enough ago, with their voices.
        history: entries.
        batches: whose time had come.
        lexicons: deleted ones whose entries were left.
        speakers: of deleted voices.
        events: of the audit trail.
        files: of no voice, unfinished, and older than they are kept.
    """

    consents: int
    history: int
    batches: int
    lexicons: int
    speakers: int
    events: int
    files: SweptFiles


async def sweep(context: AppContext) -> Erased:
    """Erase what is due, and what crashes have left.

    Raises:
        DatabaseError, StorageError: some of it is left for the next time.
    """
    consents = await ConsentEndings(context.consent_tools).expire()
    forgotten = await context.history.expire()
    batches = await context.batches.expire()
    await context.identify.expire()
    lexicons = await context.lexicon_tools.store.sweep()
    before = utc_now() - timedelta(seconds=context.settings.sweep_grace_s)
    speakers = await context.guards.watch.sweep(context.voice_tools.voices, before=before)
    files = await context.retention.sweep(context.settings.sweep_grace_s)
    events = await context.audit.expire()
    return Erased(consents, forgotten.entries, batches, lexicons, speakers, events, files)


async def _sweep(context: AppContext) -> None:
    """A store that is away keeps no server from its start: `/health/ready` says so."""
    try:
        swept = await sweep(context)
    except (DatabaseError, StorageError) as error:
        log.warning("sweep failed", detail=error.detail, suggestion=error.suggestion)
        return
    if swept.history:
        log.info("erased history that was kept long enough", entries=swept.history)
    if swept.consents:
        log.info("erased consents that were revoked, with their voices", consents=swept.consents)
    if swept.events:
        log.info("removed audit events that were kept long enough", events=swept.events)
    if swept.batches:
        log.info("deleted batches whose time had come", batches=swept.batches)
    if swept.lexicons:
        log.warning("swept the entries of deleted lexicons", lexicons=swept.lexicons)
    if swept.speakers:
        log.warning("swept the speakers of deleted voices", speakers=swept.speakers)
    if leftovers := swept.files.leftovers + swept.files.unfinished:
        log.warning("swept files that belong to no voice", files=leftovers)
    if swept.files.expired:
        log.info("swept outputs that were kept long enough", files=swept.files.expired)
