"""Turns on the engine: first come, first served, and a bound on how many may wait."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Protocol

from app.core.admission import Admission
from app.core.clock import Clock

_MAX_RETRY_S = 60


class TurnObserver(Protocol):
    """Is told of every turn, as it begins."""

    def on_wait(self, seconds: float) -> None:
        """Somebody got a turn, after waiting so long; 0 if there was no need to."""


class Turns:
    """A request is inside from its first sentence to its last, and has a turn for each; between
    two of them another's comes. So a short text does not wait for the end of a long one.

    Args:
        at_once: turns that are taken at the same time.
        max_requests: requests inside, waiting or not; each waits for one turn at most.
        on_depth: is told how many wait, whenever that changes.
    """

    def __init__(
        self,
        at_once: int,
        *,
        max_requests: int,
        clock: Clock,
        observers: Sequence[TurnObserver] = (),
        on_depth: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._slots = asyncio.Semaphore(at_once)
        self._admission = Admission(
            max_requests, doing="requests are being spoken", retry_after_s=self._retry_after_s
        )
        self._clock = clock
        self._observers = list(observers)
        self._on_depth = on_depth
        self._waiting: dict[object, float] = {}  # since when, in the order of coming
        self._last_wait_s = 0.0

    @property
    def depth(self) -> int:
        """How many wait for a turn now."""
        return len(self._waiting)

    @property
    def requests(self) -> int:
        """How many are inside."""
        return self._admission.inside

    def observe(self, observer: TurnObserver) -> None:
        """Tell one more of every turn."""
        self._observers.append(observer)

    def waiting_s(self) -> float:
        """How long the one whose turn is next has been waiting; 0 if nobody is."""
        first = next(iter(self._waiting.values()), None)
        return 0.0 if first is None else self._clock() - first

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Be one of the requests that are inside.

        Raises:
            EngineBusy: there are as many as may be.
        """
        with self._admission.enter():
            yield

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for the engine and have it. Cancelled, one leaves the queue at once."""
        me, since = object(), self._clock()
        self._waiting[me] = since
        self._on_depth(len(self._waiting))
        try:
            await self._slots.acquire()
        finally:
            del self._waiting[me]
            self._on_depth(len(self._waiting))
        try:
            self._last_wait_s = self._clock() - since
            for observer in self._observers:
                observer.on_wait(self._last_wait_s)
            yield
        finally:
            self._slots.release()

    def _retry_after_s(self) -> int:
        """What the queue makes people wait is when there will be room in it, roughly."""
        return min(_MAX_RETRY_S, max(1, math.ceil(max(self._last_wait_s, self.waiting_s()))))
