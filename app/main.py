"""The HTTP server: `uvicorn app.main:app` or `python -m app.main`."""

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from pydantic import ValidationError

from app.api import docs, errors
from app.api.drain import Drain, Draining
from app.api.hardening import HardenedAPI, HeadAsGet, KnownHosts, for_browsers
from app.api.http_metrics import HttpMetrics
from app.api.middleware import BodyLimit, RequestId
from app.api.openapi import describe
from app.api.rates import RateHeaders
from app.api.readiness import Readiness
from app.api.request_log import RequestLog, Switches
from app.api.router import router
from app.api.slow_clients import STATE_KEY, Patience, SlowClients
from app.context import AppContext, keep_swept, open_context, warm_up
from app.core.config import Settings
from app.core.config.checks import check
from app.core.exceptions import AppError
from app.core.logging import get_logger, setup_logging
from app.core.metrics_folder import shared_folder
from app.core.tasks import in_thread
from app.core.tracing import check_extras, open_tracing
from app.engines.base import Engine
from app.limits.base import Clock

# A multipart body is longer than the file in it.
_FORM_BYTES = 64 * 1024
# JSON writes a character in up to twelve bytes: \ud83d\ude00.
_JSON_BYTES_A_CHAR = 12
# For what is answered and still in our buffers when the server stops.
_FLUSH_S = 5

# The framework's own spans name paths and queries, hence voices.
_NO_TELEMETRY = TelemetryConfig(tracing=False, metrics=False, logs=False, auto_configure=False)

log = get_logger(__name__)


def create_app(  # long: each line is a part
    settings: Settings | None = None,
    *,
    engine: Engine | None = None,
    clock: Clock = time.monotonic,
) -> FastAPI:
    """The application.

    Args:
        settings: default: from the environment.
        engine: instead of the one that the settings name.
        clock: by which limits fill and waits are measured.
    """
    settings = settings or Settings()
    _log_by(settings)
    warnings = check(settings)
    check_extras(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        for warning in warnings:
            log.warning("settings warning", detail=warning)
        async with AsyncExitStack() as opened:
            with _told():
                await opened.enter_async_context(_traced(app, settings))
                parts = open_context(settings, engine=engine, clock=clock)
                app.state.context = await opened.enter_async_context(parts)
                await warm_up(app.state.context)
            yield await opened.enter_async_context(_answering(app, app.state.context, clock))

    app = HardenedAPI(
        title="Voice Cloning API",
        version=settings.app_version,
        lifespan=lifespan,
        around=for_browsers(settings),
        telemetry=_NO_TELEMETRY,
    )
    _add_middleware(app, settings)
    docs.add_pages(app)
    app.include_router(router)
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
async def _answering(
    app: FastAPI, context: AppContext, clock: Clock
) -> AsyncIterator[dict[str, Any]]:
    """What goes on while requests are taken. Gives what connections need to know."""
    app.state.readiness = Readiness(context, clock=clock)
    sweeping = asyncio.create_task(keep_swept(context))
    try:
        with app.state.drain.on_signals():
            yield {STATE_KEY: _patience(context.settings)}
    finally:
        sweeping.cancel()
        await app.state.readiness.close()


def _patience(settings: Settings) -> Patience:
    return Patience(settings.body_timeout_s, settings.send_timeout_s)


def _add_middleware(app: FastAPI, settings: Settings) -> None:
    """What requests pass before they reach a route, the last one first."""
    app.state.drain = Drain(settings.shutdown_grace_s)
    app.add_middleware(HeadAsGet)
    app.add_middleware(
        BodyLimit,
        form_bytes=settings.max_upload_bytes + _FORM_BYTES,
        other_bytes=settings.max_text_chars * _JSON_BYTES_A_CHAR + _FORM_BYTES,
    )
    app.add_middleware(SlowClients, patience=_patience(settings))
    app.add_middleware(Draining, drain=app.state.drain)
    app.add_middleware(KnownHosts, hosts=settings.allowed_hosts)
    app.add_middleware(RateHeaders)
    app.add_middleware(
        RequestLog,
        switches=Switches(
            requests=settings.log_requests,
            responses=settings.log_responses,
            request_body=settings.log_request_body,
            response_body=settings.log_response_body,
            headers=settings.log_headers,
        ),
    )
    app.add_middleware(RequestId)
    app.add_middleware(HttpMetrics)  # it sees all answers


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def _log_by(settings: Settings) -> None:
    personal = settings.log_request_body or settings.log_response_body
    setup_logging(settings.log_level, settings.log_format, personal=personal)


@asynccontextmanager
async def _traced(app: FastAPI, settings: Settings) -> AsyncIterator[None]:
    tracing = open_tracing(settings)
    app.state.tracer = tracing.tracer if tracing else None
    try:
        yield
    finally:
        if tracing:
            await in_thread(None, tracing.close)


def main(*, host: str | None = None, port: int | None = None) -> None:
    """Serve with the settings of the environment; `host` and `port` go before them."""
    given = {"HOST": host, "PORT": port}
    # In the environment, where the processes that serve read them.
    os.environ.update({name: str(value) for name, value in given.items() if value is not None})
    settings = Settings()
    _log_by(settings)
    check(settings)
    # The server repeats the signal that ended it, and would die of it.
    signal.signal(signal.SIGTERM, _leave)
    with shared_folder(settings.workers):
        uvicorn.run(
            "app.main:app",
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            log_config=None,
            http="app.api.slow_clients:Connection",
            timeout_graceful_shutdown=_FLUSH_S,
        )


if __name__ == "__main__":
    try:
        main()
    except (AppError, ValidationError) as error:
        sys.exit(str(error))
else:
    app = create_app()
