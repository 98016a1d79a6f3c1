"""The server processes of `voice-cloning serve` and `python -m app.main`."""

import os
import signal
import sys
from types import FrameType

import uvicorn

from app.core.config import Settings
from app.core.config.checks import check
from app.core.logging import setup_logging_for
from app.core.metrics_folder import shared_folder
from app.core.tracing import check_extras

# For what is answered and still in our buffers when the server stops.
_FLUSH_S = 5


def serve(*, host: str | None = None, port: int | None = None) -> None:
    """Serve with the settings of the environment; `host` and `port` go before them."""
    given = {"HOST": host, "PORT": port}
    # In the environment, where the processes that serve read them.
    os.environ.update({name: str(value) for name, value in given.items() if value is not None})
    settings = Settings()
    setup_logging_for(settings)
    # Told once, here: processes that cannot start would be started again and again.
    check(settings)
    check_extras(settings)
    # The server repeats the signal that ended it, and would die of it.
    signal.signal(signal.SIGTERM, _leave)
    with shared_folder(settings.workers):
        uvicorn.run(
            "app.main:app",
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            log_config=None,
            server_header=False,
            http="app.api.connection:Connection",
            timeout_graceful_shutdown=_FLUSH_S,
        )


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)
