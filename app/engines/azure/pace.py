"""As many requests in a while as Azure allows, and no more."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from app.core.clock import Clock

Pause = Callable[[float], Awaitable[None]]
"""Waits for so many seconds."""


class Pace:
    """Lets `most` through in each window of `window_s` seconds; the others wait, in order."""

    def __init__(self, most: int, window_s: float, *, pause: Pause, clock: Clock) -> None:
        self._most = most
        self._window_s = window_s
        self._pause = pause
        self._clock = clock
        self._passed: deque[float] = deque()
        self._order = asyncio.Lock()

    async def turn(self) -> None:
        async with self._order:
            while len(self._passed) >= self._most:
                wait_s = self._passed[0] + self._window_s - self._clock()
                if wait_s > 0:
                    await self._pause(wait_s)
                else:
                    self._passed.popleft()
            self._passed.append(self._clock())
