"""What only buckets in memory can show: time that is moved by hand, and their own size."""

import pytest

from app.limits.memory import MemoryBuckets
from tests.clock import StoppedClock

pytestmark = pytest.mark.anyio


async def count(buckets: MemoryBuckets, clock: StoppedClock, *, gap_s: float, limit: int) -> int:
    """How many of the calls of ten minutes are allowed, once the first burst is over."""
    allowed = 0
    for step in range(int(1200 / gap_s)):
        taken = await buckets.take("a", limit=limit, cost=1)
        allowed += taken.allowed and step * gap_s >= 600
        clock.advance(gap_s)
    return allowed


@pytest.mark.parametrize("gap_s", [0.2, 0.5, 1.0])
@pytest.mark.parametrize("limit", [10, 50])
async def test_who_asks_for_too_much_gets_the_limit_and_not_less(gap_s, limit):
    clock = StoppedClock()

    allowed = await count(MemoryBuckets(clock=clock), clock, gap_s=gap_s, limit=limit)

    assert allowed == pytest.approx(limit * 10, abs=1)


async def test_who_keeps_below_the_limit_is_never_refused():
    clock = StoppedClock()

    assert await count(MemoryBuckets(clock=clock), clock, gap_s=1.25, limit=50) == 480


async def test_the_number_of_buckets_is_bounded():
    clock = StoppedClock()
    buckets = MemoryBuckets(clock=clock, max_buckets=100)
    for name in range(1000):
        await buckets.take(str(name), limit=5, cost=5)

    assert len(buckets) == 100
    assert (await buckets.take("999", limit=5, cost=1)).allowed is False


async def test_full_buckets_are_forgotten():
    clock = StoppedClock()
    buckets = MemoryBuckets(clock=clock)
    for name in range(100):
        await buckets.take(str(name), limit=5, cost=5)

    clock.advance(61)
    await buckets.take("next", limit=5, cost=1)

    assert len(buckets) == 1
