"""A limit that follows what the engine can do: fewer requests while they wait long for it."""

from collections.abc import Callable
from typing import Final

from app.core.clock import Clock

FLOOR: Final = 0.1
"""Share of the limit that is always left."""

_TIGHTER = 0.7
_WIDER = 0.05  # of the whole limit
_MIN_STEP_S = 1.0


class AdaptiveLimit:
    """Tightens by a factor and recovers by equal parts, so that several processes end up with
    equal shares.

    One step takes as long as the wait that is wanted: sooner, a change does not show.

    Args:
        limit: the widest.
        target_wait_s: wait for the engine above which it tightens.
        waiting_s: how long the next one in the queue has been waiting, 0 for an empty queue.
    """

    def __init__(
        self, limit: int, *, target_wait_s: float, waiting_s: Callable[[], float], clock: Clock
    ) -> None:
        self._limit = limit
        self._target_wait_s = target_wait_s
        self._waiting_s = waiting_s
        self._clock = clock
        self._step_s = max(_MIN_STEP_S, target_wait_s)
        self._current = float(limit)
        self._changed_at = clock()
        self._long_wait_at: float | None = None

    def on_wait(self, seconds: float) -> None:
        """Somebody got the engine, after waiting so long."""
        if seconds > self._target_wait_s:
            self._long_wait_at = self._clock()
            self.current()

    def current(self) -> int:
        """The limit now."""
        now = self._clock()
        steps = int((now - self._changed_at) / self._step_s)
        if steps:
            self._changed_at = now
            if self._is_crowded(now):
                self._current = max(self._current * _TIGHTER, self._limit * FLOOR)
            else:
                widened = self._current + steps * _WIDER * self._limit
                self._current = min(widened, float(self._limit))
        return max(1, round(self._current))

    def _is_crowded(self, now: float) -> bool:
        seen = self._long_wait_at is not None and now - self._long_wait_at < self._step_s
        return seen or self._waiting_s() > self._target_wait_s
