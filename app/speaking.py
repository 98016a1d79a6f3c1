"""What speech is made with: turns on engines, what rewords texts."""

from app.core.clock import Clock
from app.core.config import Settings
from app.core.metrics import Metrics
from app.core.turns import Turns
from app.engines.base import Engine
from app.planning.draft import Drafting
from app.preparing.preparer import PreparationLimits, Preparer
from app.services.synthesis import Standby
from app.translators.create import create_chat_model, create_translator
from app.translators.desk import Memory, TranslationDesk


def translating(settings: Settings, clock: Clock) -> TranslationDesk:
    return TranslationDesk(
        create_translator(settings, clock),
        max_chars=settings.max_text_chars,
        memory=Memory(settings.translation_cache_chars),
        clock=clock,
    )


def preparer(settings: Settings, clock: Clock) -> Preparer:
    limits = PreparationLimits(settings.prepare_max_chars, settings.prepare_timeout_s)
    return Preparer(create_chat_model(settings, clock), limits)


def turns(
    settings: Settings, engine: Engine, clock: Clock, metrics: Metrics, *, stands_by: bool = False
) -> Turns:
    """On an engine. Who waits for one that stands by is not counted among those that wait."""
    return Turns(
        engine.info.concurrency,
        background_at_once=engine.info.background_concurrency or engine.info.concurrency,
        max_requests=settings.max_concurrent_requests,
        clock=clock,
        observers=(metrics,),
        on_depth=(lambda _: None) if stands_by else metrics.on_depth,
    )


def standby(
    settings: Settings, engine: Engine, clock: Clock, metrics: Metrics, *, first: Engine
) -> Standby:
    """An engine that may speak in the place of the first one: its audio has the same rate."""
    return Standby(
        engine,
        turns(settings, engine, clock, metrics, stands_by=True),
        Drafting.of(settings, engine.info, native_rate=first.info.sample_rate),
    )
