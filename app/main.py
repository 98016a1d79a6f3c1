"""The HTTP server: `uvicorn app.main:app` or `python -m app.main`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

from app import __version__
from app.api import errors
from app.api.middleware import BodyLimit, RequestId
from app.api.openapi import describe
from app.api.router import router
from app.context import keep_swept, open_context, warm_up
from app.core.config import Settings
from app.core.logging import setup_logging
from app.engines.base import Engine

# A multipart body is longer than the file in it.
_FORM_BYTES = 64 * 1024
# A stream may take an hour: one that is not done by then is broken off. Container engines kill
# after 10 s.
_GRACE_S = 8


def create_app(settings: Settings | None = None, *, engine: Engine | None = None) -> FastAPI:
    """The application.

    Args:
        settings: default: from the environment.
        engine: instead of the one that the settings name.
    """
    settings = settings or Settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_context(settings, engine=engine) as context:
            app.state.context = context
            await warm_up(context)
            sweeping = asyncio.create_task(keep_swept(context))
            yield
            sweeping.cancel()

    app = FastAPI(title="Voice Cloning API", version=__version__, lifespan=lifespan)
    app.add_middleware(BodyLimit, max_bytes=settings.max_upload_bytes + _FORM_BYTES)
    app.add_middleware(RequestId)
    app.include_router(router)
    errors.install(app)
    describe(app)
    return app


app = create_app()


def main(*, host: str | None = None, port: int | None = None) -> None:
    """Serve with the settings of the environment; `host` and `port` go before them."""
    settings = Settings()
    setup_logging(settings.log_level)
    uvicorn.run(
        app,
        host=host or settings.host,
        port=settings.port if port is None else port,
        log_config=None,
        timeout_graceful_shutdown=_GRACE_S,
    )


if __name__ == "__main__":
    main()
