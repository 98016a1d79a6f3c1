"""Turns on the engine: who waits for the sound goes first, in the order of coming, and so many at
most. Work that nobody waits for fills what is left.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, Protocol, TypeVar

from app.core.admission import Admission
from app.core.clock import Clock

T = TypeVar("T")

_MAX_RETRY_S = 60
_PATIENCE_S: Final = 30.0
"""What was always broken off for so long is let through: it must be done some day."""


class TurnObserver(Protocol):
    """Is told of every turn, as it begins."""

    def on_wait(self, seconds: float) -> None:
        """Somebody got a turn, after waiting so long; 0 if there was no need to."""


class Turns:
    """A request is inside from its first sentence to its last, and has a turn for each; between
    two of them another's comes. So a short text does not wait for the end of a long one.

    Background work has turns of its own while nobody else has one, and is broken off as soon as
    somebody comes. It is not among the requests, nor do its waits count.

    Args:
        at_once: turns that are taken at the same time.
        background_at_once: the same of background work.
        max_requests: requests inside, waiting or not; each waits for one turn at most.
        on_depth: is told how many wait, whenever that changes.
    """

    def __init__(
        self,
        at_once: int,
        *,
        background_at_once: int = 1,
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
        self._background = asyncio.Semaphore(background_at_once)
        self._breakable: dict[asyncio.Future[Any], None] = {}  # in the order of coming
        self._taken = 0
        self._idle = asyncio.Event()  # nobody has a turn, nobody waits for one
        self._idle.set()
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
        self._idle.clear()
        for work in self._breakable:
            work.cancel()
        try:
            await self._slots.acquire()
            self._taken += 1
        finally:
            del self._waiting[me]
            self._on_depth(len(self._waiting))
            self._set_idle()
        try:
            self._last_wait_s = self._clock() - since
            for observer in self._observers:
                observer.on_wait(self._last_wait_s)
            yield
        finally:
            self._slots.release()
            self._taken -= 1
            self._set_idle()

    async def in_background(self, work: Callable[[], Awaitable[T]]) -> T:
        """Have something done that nobody waits for.

        Args:
            work: begun again when it was broken off; what it had done by then is lost. It should
                end soon when it is cancelled.
        """
        async with self._background:
            since = self._clock()
            while self._clock() - since < _PATIENCE_S:
                await self._idle.wait()
                task = asyncio.ensure_future(work())
                self._breakable[task] = None
                try:
                    await asyncio.wait([task])
                finally:
                    del self._breakable[task]
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)
                if not task.cancelled():
                    return task.result()
            return await work()

    def _set_idle(self) -> None:
        if not self._waiting and not self._taken:
            self._idle.set()

    def _retry_after_s(self) -> int:
        """What the queue makes people wait is when there will be room in it, roughly."""
        return min(_MAX_RETRY_S, max(1, math.ceil(max(self._last_wait_s, self.waiting_s()))))
