"""Whether each part of the service can be used, asked at most once a second."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from app.context import AppContext
from app.core.clock import Clock
from app.core.exceptions import AppError, AssetError, EngineError
from app.core.logging import get_logger

OK = "ok"
UNAVAILABLE = "unavailable"
_TIMEOUT_S = 3.0
_KEPT_S = 1.0

log = get_logger(__name__)

Check = Callable[[], Awaitable[object]]


class Readiness:
    """Asks all parts at once. Anybody may ask, so it is cheap: an answer holds for a second, and a
    part that does not answer is not asked again before it does.

    Reasons may name databases and accounts: strangers are told them in development only, and the
    log always.
    """

    def __init__(self, context: AppContext, *, clock: Clock) -> None:
        self._clock = clock
        self._checks: dict[str, Check] = {
            "database": context.database.ping,
            "storage": context.stores.ping,
            "engine": partial(_open_one, context),
            "recordings": context.ears.warm_up,
            "watermark": context.watermark.warm_up,
        }
        if context.provenance.credentials.required:
            self._checks["signing"] = context.provenance.credentials.ready
        self._explains = context.settings.unsafe_allowed
        self._told: dict[str, str] = {}
        self._running: dict[str, asyncio.Future[str]] = {}
        self._asked_at = float("-inf")
        self._states: asyncio.Future[dict[str, str]] | None = None

    async def states(self) -> dict[str, str]:
        """Part -> `ok`, or why it cannot be used."""
        now = self._clock()
        if self._states is None or (self._states.done() and now - self._asked_at > _KEPT_S):
            self._asked_at = now
            self._states = asyncio.ensure_future(self._ask())
        # Others may wait for the same answer: it goes on when one of them leaves.
        return await asyncio.shield(self._states)

    async def close(self) -> None:
        """Stop asking."""
        asked: list[asyncio.Future[Any]] = list(self._running.values())
        asked += [self._states] if self._states else []
        for future in asked:
            future.cancel()
        await asyncio.gather(*asked, return_exceptions=True)

    async def _ask(self) -> dict[str, str]:
        for name, check in self._checks.items():
            if name not in self._running or self._running[name].done():
                self._running[name] = asyncio.ensure_future(_state(check))
        await asyncio.wait(self._running.values(), timeout=_TIMEOUT_S)
        states = {
            name: state.result() if state.done() else f"Did not answer within {_TIMEOUT_S:g} s."
            for name, state in self._running.items()
        }
        for name, state in states.items():
            if state not in (OK, self._told.get(name)):
                log.warning("not ready", part=name, detail=state)
        self._told = states
        if self._explains:
            return states
        return {name: OK if state == OK else UNAVAILABLE for name, state in states.items()}


async def _open_one(context: AppContext) -> None:
    """One that may speak. Where another one only may if it is asked for, that is the first."""
    failure: AppError | None = None
    standbys = context.standbys if context.settings.fallback == "always" else ()
    for engine in (context.engine, *standbys):
        try:
            await engine.open()
            return
        except (EngineError, AssetError) as error:
            failure = failure or error
    if failure is not None:
        raise failure


async def _state(check: Check) -> str:
    try:
        await check()
    except AppError as error:
        return " ".join(filter(None, [error.detail, error.suggestion]))
    return OK
