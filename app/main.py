"""The HTTP application: `uvicorn app.main:app`. `python -m app.main` serves it."""

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from functools import partial
from typing import Any

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from pydantic import ValidationError

from app.api import docs, errors
from app.api.connection import PATIENCE, Patience
from app.api.middleware.browsers import for_browsers
from app.api.middleware.stack import HardenedAPI, add_middleware
from app.api.openapi import describe
from app.api.readiness import Readiness
from app.api.router import ROUTES
from app.audio.ears import Listener
from app.context import AppContext, open_context
from app.core.clock import Clock
from app.core.config import Settings
from app.core.config.checks import check
from app.core.exceptions import AppError
from app.core.logging import get_logger, setup_logging_for
from app.core.outgoing import measured
from app.core.tracing import check_extras
from app.engines.base import Engine
from app.serve import serve
from app.upkeep import keep_renewed, keep_swept, traced, warm_up, working
from app.watermark.marking import Watermark

# The framework's own spans name paths and queries, hence voices.
_NO_TELEMETRY = TelemetryConfig(tracing=False, metrics=False, logs=False, auto_configure=False)

log = get_logger(__name__)


def create_app(  # long: every part by its name
    settings: Settings | None = None,
    *,
    engine: Engine | None = None,
    standbys: Sequence[Engine] | None = None,
    listener: Callable[[], Listener] | None = None,
    watermark: Watermark | None = None,
    clock: Clock = time.monotonic,
) -> FastAPI:
    """The application.

    Args:
        settings: default: from the environment.
        engine: instead of the one that the settings name. standbys: the same of the others.
        listener: instead of what judges recordings for that engine.
        watermark: instead of the one that the settings name.
        clock: by which limits fill and waits are measured.
    """
    settings = settings or Settings()
    setup_logging_for(settings)
    warnings = check(settings)
    check_extras(settings)
    app = HardenedAPI(
        title="Voice Cloning API",
        version=settings.app_version,
        lifespan=partial(
            _lifespan,
            settings=settings,
            warnings=warnings,
            opening=partial(
                open_context,
                settings,
                engine=engine,
                standbys=standbys,
                listener=listener,
                watermark=watermark,
                clock=clock,
            ),
            clock=clock,
        ),
        around=for_browsers(settings),
        telemetry=_NO_TELEMETRY,
    )
    add_middleware(app, settings)
    docs.add_pages(app)
    app.router.routes += ROUTES
    errors.install(app)
    describe(app)
    return app


@contextmanager
def _told() -> Iterator[None]:
    """Say in one line why the start fails; the server that is told shows a traceback at most."""
    try:
        yield
    except AppError as error:
        log.critical(
            "cannot start",
            code=error.code,
            detail=error.detail,
            suggestion=error.suggestion,
            exc_info=error if logging.getLogger(__name__).isEnabledFor(logging.DEBUG) else None,
        )
        raise


@asynccontextmanager
async def _lifespan(
    app: FastAPI,
    *,
    settings: Settings,
    warnings: list[str],
    opening: Callable[[], AbstractAsyncContextManager[AppContext]],
    clock: Clock,
) -> AsyncIterator[dict[str, Any]]:
    for warning in warnings:
        log.warning("settings warning", detail=warning)
    async with AsyncExitStack() as opened:
        with _told():
            app.state.tracer = await opened.enter_async_context(traced(settings))
            app.state.context = await opened.enter_async_context(opening())
            opened.enter_context(measured(app.state.context.metrics))  # what is begun here too
            await warm_up(app.state.context)
            if settings.jobs_worker:
                await opened.enter_async_context(working(app.state.context, app.state.tracer))
        yield await opened.enter_async_context(_answering(app, app.state.context, clock))


@asynccontextmanager
async def _answering(
    app: FastAPI, context: AppContext, clock: Clock
) -> AsyncIterator[dict[str, Any]]:
    """What goes on while requests are taken. Gives what connections need to know."""
    app.state.readiness = Readiness(context, clock=clock)
    keeping = [
        asyncio.create_task(keep_swept(context)),
        asyncio.create_task(keep_renewed(context.settings)),
    ]
    try:
        with app.state.drain.on_signals():
            yield {PATIENCE: Patience.of(context.settings)}
    finally:
        for task in keeping:
            task.cancel()
        await asyncio.gather(*keeping, return_exceptions=True)
        await app.state.readiness.close()


if __name__ == "__main__":
    try:
        serve()
    except (AppError, ValidationError) as error:
        sys.exit(str(error))
else:
    app = create_app()
