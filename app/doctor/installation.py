"""What is installed, what is missing, and does it speak?"""

import importlib.util
import platform
import shutil
import time
from collections.abc import AsyncIterator
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from app import __version__
from app.assets.manifest import Purpose
from app.assets.store import AssetState, AssetStore
from app.context import open_context
from app.core.config import Settings
from app.core.exceptions import AppError
from app.doctor.findings import Finding
from app.engines.base import Engine, SynthesisRequest

_LIBRARIES = ("fastapi", "onnxruntime", "av", "numpy", "sqlalchemy", "obstore", "hibari-tts")
_EXTRAS = {
    "espeak": ("phonemizer", "languages other than English"),
    "train": ("torch", "adapting voices"),
    "postgres": ("psycopg", "records in PostgreSQL"),
    "redis": ("redis", "rate limits shared by several processes"),
    "otel": ("opentelemetry.exporter", "traces"),
    "azure-monitor": ("azure.monitor", "traces to Application Insights"),
}
_MIN_FREE_BYTES = 500_000_000


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Look at everything, the cheap things first. Nothing is changed but missing folders made."""
    yield Finding("version", True, f"{__version__}, Python {platform.python_version()}")
    for name in _LIBRARIES:
        yield _library(name)
    for extra, (module, purpose) in _EXTRAS.items():
        there = _is_there(module)
        yield Finding(
            f"extra {extra}", True, "installed" if there else f"not installed ({purpose})"
        )
    yield _models(settings)
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(settings.data_dir).free
        yield Finding(
            "disk", free > _MIN_FREE_BYTES, f"{free / 1e9:.1f} GB free in {settings.data_dir}"
        )
        async with open_context(settings) as context:
            await context.database.ping()
            yield Finding("database", True, "answers")
            await context.stores.ping()
            yield Finding("file store", True, "can be written")
            await context.job_queue.open()
            who = "servers work" if settings.jobs_worker else "`voice-cloning worker` works"
            yield Finding("jobs", True, f"their queue answers; {who} on them")
            yield await _speak(context.engine)
    except AppError as error:
        yield Finding(error.title, False, f"{error.detail} {error.suggestion or ''}")
    except OSError as error:
        yield Finding("disk", False, f"{settings.data_dir}: {error.strerror}")


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # the package that it would be in is missing
        return False


def _library(name: str) -> Finding:
    try:
        return Finding(f"library {name}", True, version(name))
    except PackageNotFoundError:
        return Finding(f"library {name}", False, "not installed")


def _models(settings: Settings) -> Finding:
    missing = [
        asset.name
        for asset in AssetStore(settings.models).status(verify=True)
        if asset.state is not AssetState.PRESENT and asset.purpose is Purpose.SPEECH
    ]
    if missing:
        detail = f"missing or damaged: {', '.join(missing)}. Run `voice-cloning models pull`."
        return Finding("models", False, detail)
    return Finding("models", True, f"complete in {settings.models}")


async def _speak(engine: Engine) -> Finding:
    await engine.open()
    start = time.perf_counter()
    voice = engine.sample_voice()
    request = SynthesisRequest("The quick brown fox jumps over the lazy dog.", voice)
    spoken = [chunk.samples async for chunk in engine.synthesize(request)]
    samples = np.concatenate(spoken)
    took, length = time.perf_counter() - start, len(samples) / engine.info.sample_rate
    detail = f"{engine.info.title}: {length:.1f} s of speech in {took:.1f} s"
    return Finding("speech", float(np.abs(samples).max()) > 0.01, detail)
