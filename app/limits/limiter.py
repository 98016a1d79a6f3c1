"""How much of each kind a caller may still do."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from app.limits.adaptive import AdaptiveLimit
from app.limits.base import ROUNDING, WINDOW_S, Buckets, LimitObserver, Rate, Taken


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may pass, and what the caller is told.

    Attributes:
        limit: per minute, as it is now.
        remaining: whole units; None if nobody knows, since the store does not answer.
        reset_s: whole seconds until the bucket is full.
        retry_after_s: whole seconds until the same would be allowed; 0 if it is.
    """

    rate: Rate
    allowed: bool
    limit: int
    remaining: int | None
    reset_s: int
    retry_after_s: int


class RateLimiter:
    """Counts what callers do. If the store of the buckets does not answer, everything is allowed:
    a limit is not worth an outage.

    Args:
        buckets: of the callers.
        local: of failed attempts to authenticate: in this process, so that looking costs nothing.
        limits: per minute.
        adaptive: goes before the limit of synthesis.
    """

    def __init__(
        self,
        buckets: Buckets,
        *,
        local: Buckets,
        limits: Mapping[Rate, int],
        adaptive: AdaptiveLimit | None = None,
        observer: LimitObserver | None = None,
    ) -> None:
        self._buckets = buckets
        self._local = local
        self._limits = limits
        self._adaptive = adaptive
        self._observer = observer
        self.failures = 0

    async def spend(self, owner: str, rate: Rate, *, cost: int = 1) -> Verdict:
        """Draw on a caller's bucket; one that is refused pays nothing."""
        limit = self.limit(rate)
        taken = await self._store(rate).take(f"{rate}:{owner}", limit=limit, cost=cost)
        return self._verdict(rate, limit, cost=cost, taken=taken)

    async def look(self, owner: str, rate: Rate) -> Verdict:
        """Whether one more would be allowed. Takes nothing."""
        limit = self.limit(rate)
        taken = await self._store(rate).take(f"{rate}:{owner}", limit=limit, cost=0)
        if taken is not None:
            taken = Taken(allowed=taken.left >= 1, left=taken.left)
        return self._verdict(rate, limit, cost=1, taken=taken)

    def limit(self, rate: Rate) -> int:
        """Of all callers, per minute, as it is now."""
        if rate is Rate.SYNTHESIS and self._adaptive is not None:
            return self._adaptive.current()
        return self._limits[rate]

    async def close(self) -> None:
        await self._buckets.close()
        await self._local.close()

    def _store(self, rate: Rate) -> Buckets:
        return self._local if rate is Rate.AUTHENTICATION else self._buckets

    def _verdict(self, rate: Rate, limit: int, *, cost: int, taken: Taken | None) -> Verdict:
        if taken is None:
            self.failures += 1
            if self._observer is not None:
                self._observer.failed()
            return Verdict(rate, True, limit, None, 0, 0)
        if not taken.allowed and self._observer is not None:
            self._observer.refused(rate)

        def seconds(missing: float) -> int:
            return math.ceil((missing - ROUNDING) * WINDOW_S / limit)

        return Verdict(
            rate,
            taken.allowed,
            limit,
            remaining=math.floor(taken.left),
            reset_s=seconds(limit - taken.left),
            retry_after_s=0 if taken.allowed else max(1, seconds(cost - taken.left)),
        )
