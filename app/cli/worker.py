"""The command that works on jobs."""

import asyncio
import signal
from contextlib import suppress

from app.cli.console import cli, command
from app.context import open_context
from app.core.config import Settings
from app.core.config.checks import check
from app.core.logging import get_logger, setup_logging_for
from app.upkeep import traced, warm_up, working

log = get_logger(__name__)


@command(cli, "worker")
async def worker() -> None:
    """Work on jobs, beside servers with JOBS_WORKER=false or on other machines.

    Ctrl-C or SIGTERM ends it: what it works on is queued again, and somebody goes on with it.
    """
    settings = Settings()
    setup_logging_for(settings)
    for warning in check(settings):
        log.warning("settings warning", detail=warning)
    told = asyncio.Event()
    with suppress(NotImplementedError):  # on Windows, where Ctrl-C is all there is
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, told.set)
    async with traced(settings) as tracer, open_context(settings) as context:
        await warm_up(context)
        async with working(context, tracer):
            log.info("working on jobs")
            await told.wait()
            log.info("stopping")
