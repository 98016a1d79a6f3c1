"""The composition root: everything that lives as long as the process, opened in order, closed in
reverse.
"""

import logging
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache

from app.assets.store import AssetStore
from app.audio.activity import EnergyDetector
from app.audio.decode import DecodeLimits
from app.audio.quality import RecordingLimits
from app.core.config import Settings
from app.core.exceptions import AssetError, EngineError
from app.db.sql import SqlDatabase
from app.engines.base import Engine
from app.engines.registry import EngineOptions, create_engine
from app.models.voice import Voice
from app.services.synthesis import SynthesisLimits, SynthesisService
from app.services.voices import Listener, VoiceService
from app.storage.local import LocalBlobStore

log = logging.getLogger(__name__)

_MAX_DEFAULT_THREADS = 8


@dataclass(frozen=True)
class AppContext:
    """What routes and commands work with."""

    settings: Settings
    assets: AssetStore
    database: SqlDatabase
    recordings: LocalBlobStore
    states: LocalBlobStore
    engine: Engine
    voices: VoiceService
    synthesis: SynthesisService


@asynccontextmanager
async def open_context(
    settings: Settings, *, engine: Engine | None = None
) -> AsyncIterator[AppContext]:
    """Open everything. A missing model file is not fatal: what needs it answers with the reason.

    Args:
        engine: instead of the one that the settings name.

    Raises:
        EngineUnavailable: there is no engine of that name.
        DatabaseError, StorageError: the data folder or the database cannot be used.
    """
    async with AsyncExitStack() as stack:
        database = SqlDatabase(settings.database)
        await database.open()
        stack.push_async_callback(database.close)
        recordings = LocalBlobStore(settings.uploads)
        states = LocalBlobStore(settings.embeddings)
        assets = AssetStore(settings.models)
        engine = engine or create_engine(settings.voice_engine, _engine_options(settings, assets))
        stack.push_async_callback(engine.close)
        context = AppContext(
            settings=settings,
            assets=assets,
            database=database,
            recordings=recordings,
            states=states,
            engine=engine,
            voices=_voice_service(settings, database, recordings, states, engine, assets),
            synthesis=SynthesisService(
                states=states,
                engine=engine,
                limits=SynthesisLimits(
                    max_chars=settings.max_text_chars,
                    max_whole_chars=settings.max_whole_text_chars,
                    max_requests=settings.max_concurrent_requests,
                ),
            ),
        )
        yield context


async def warm_up(context: AppContext) -> None:
    """Load the engine and sweep leftovers, as a server does before it takes requests."""
    try:
        await context.engine.open()
        await context.voices.warm_up()
    except (AssetError, EngineError) as error:
        log.warning("cannot speak: %s %s", error.detail, error.suggestion or "")
    if swept := await context.voices.sweep(context.settings.sweep_grace_s):
        log.warning("swept %d files that belong to no voice", swept)


def _voice_service(
    settings: Settings,
    database: SqlDatabase,
    recordings: LocalBlobStore,
    states: LocalBlobStore,
    engine: Engine,
    assets: AssetStore,
) -> VoiceService:
    @cache
    def listener() -> Listener:
        if engine.info.name == "fake":  # it must run without any model file
            return Listener(EnergyDetector(), None)
        from app.audio.vad import SpeechDetector
        from app.speaker.encoder import SpeakerEncoder

        encoder = SpeakerEncoder(assets.verified_path("wespeaker-resnet34-lm"))
        detector = SpeechDetector(assets.verified_path("silero-vad"))
        return Listener(detector, lambda samples: encoder.embed(samples, 16_000))

    return VoiceService(
        voices=database.collection(Voice),
        recordings=recordings,
        states=states,
        engine=engine,
        listener=listener,
        decode_limits=DecodeLimits(
            max_bytes=settings.max_upload_bytes, max_seconds=settings.max_recording_s
        ),
        recording_limits=RecordingLimits(
            min_speech_s=settings.min_speech_s, max_duration_s=settings.max_recording_s
        ),
    )


def _engine_options(settings: Settings, assets: AssetStore) -> EngineOptions:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = settings.engine_threads or min(cores or 1, _MAX_DEFAULT_THREADS)
    return EngineOptions(
        assets=assets,
        threads=threads,
        # More threads than cores make less speech, not more: docs/performance.md.
        concurrency=settings.engine_concurrency or max(1, (cores or 1) // threads),
    )
