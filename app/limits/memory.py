"""Buckets of this process alone."""

from collections import OrderedDict

from app.core.clock import Clock
from app.limits.base import ROUNDING, WINDOW_S, Taken

MAX_BUCKETS = 50_000


class MemoryBuckets:
    """Implements `Buckets`. Full buckets are forgotten; past the bound, the one least used."""

    def __init__(self, *, clock: Clock, max_buckets: int = MAX_BUCKETS) -> None:
        self._clock = clock
        self._max_buckets = max_buckets
        # What was left and when, the one drawn on last at the end.
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    async def take(self, name: str, *, limit: int, cost: int) -> Taken:
        now = self._clock()
        left, at = self._buckets.get(name, (float(limit), now))
        left = min(limit, left + (now - at) * limit / WINDOW_S)
        if cost > left + ROUNDING:
            return Taken(allowed=False, left=left)
        if cost:
            left = max(0.0, left - cost)
            self._buckets[name] = (left, now)
            self._buckets.move_to_end(name)
            self._forget(now)
        return Taken(allowed=True, left=left)

    async def close(self) -> None: ...

    def _forget(self, now: float) -> None:
        while len(self._buckets) > self._max_buckets or self._oldest() <= now - WINDOW_S:
            self._buckets.popitem(last=False)

    def _oldest(self) -> float:
        return next(iter(self._buckets.values()))[1]
