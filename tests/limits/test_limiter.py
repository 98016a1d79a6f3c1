import pytest

from app.limits.base import Rate, Taken
from app.limits.limiter import RateLimiter
from app.limits.memory import MemoryBuckets
from tests.clock import StoppedClock

pytestmark = pytest.mark.anyio


class Seen:
    def __init__(self) -> None:
        self.events: list[str] = []

    def refused(self, rate: Rate) -> None:
        self.events.append(rate)

    def failed(self) -> None:
        self.events.append("failed")


class Silent:
    """Buckets that never answer."""

    async def take(self, name: str, *, limit: int, cost: int) -> Taken | None:
        return None

    async def close(self) -> None: ...


async def test_refusals_and_failures_are_told_as_they_happen():
    clock, seen = StoppedClock(), Seen()
    local = MemoryBuckets(clock=clock)
    limits = dict.fromkeys(Rate, 1)
    limiter = RateLimiter(local, local=local, limits=limits, observer=seen)
    for _ in range(2):
        await limiter.spend("a", Rate.TRAINING)
    for _ in range(2):
        await limiter.spend("::1", Rate.AUTHENTICATION)
    await limiter.look("::1", Rate.AUTHENTICATION)
    lost = RateLimiter(Silent(), local=local, limits=limits, observer=seen)
    verdict = await lost.spend("a", Rate.DEFAULT)

    assert seen.events == ["training", "authentication", "authentication", "failed"]
    assert verdict.allowed
    assert verdict.remaining is None


async def test_failed_attempts_are_counted_even_while_the_store_is_away():
    clock = StoppedClock()
    limiter = RateLimiter(Silent(), local=MemoryBuckets(clock=clock), limits=dict.fromkeys(Rate, 2))
    for _ in range(2):
        await limiter.spend("a", Rate.AUTHENTICATION)

    assert not (await limiter.look("a", Rate.AUTHENTICATION)).allowed
