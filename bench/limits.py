"""What counting a request costs, in memory and in Redis on loopback."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np

from app.limits.base import Buckets, Rate
from app.limits.limiter import RateLimiter
from app.limits.memory import MemoryBuckets
from app.limits.redis import RedisBuckets
from tests.servers.redis import redis_server

CHECKS = 5000
CALLERS = 50
TOGETHER = 64
ROUNDS = 3


@asynccontextmanager
async def _limiter(buckets: Buckets) -> AsyncIterator[RateLimiter]:
    limiter = RateLimiter(
        buckets,
        local=MemoryBuckets(clock=time.monotonic),
        limits=dict.fromkeys(Rate, 100),
    )
    yield limiter
    await limiter.close()


async def _alone(limiter: RateLimiter) -> list[float]:
    """Seconds of each check, one after the other."""
    took = []
    for number in range(CHECKS):
        start = time.perf_counter()
        await limiter.spend(str(number % CALLERS), Rate.DEFAULT)
        took.append(time.perf_counter() - start)
    return took


async def _together(limiter: RateLimiter) -> float:
    """Checks a second, so many at once."""

    async def work(number: int) -> None:
        for _ in range(CHECKS // TOGETHER):
            await limiter.spend(str(number), Rate.DEFAULT)

    start = time.perf_counter()
    await asyncio.gather(*(work(number) for number in range(TOGETHER)))
    return CHECKS // TOGETHER * TOGETHER / (time.perf_counter() - start)


async def _measure(name: str, buckets: Buckets) -> None:
    async with _limiter(buckets) as limiter:
        await limiter.spend("first", Rate.DEFAULT)  # the connection, the script
        took = [seconds for _ in range(ROUNDS) for seconds in await _alone(limiter)]
        rate = max([await _together(limiter) for _ in range(ROUNDS)])
        assert limiter.failures == 0  # noqa: S101 - else it measured nothing
    middle, late = np.percentile(took, [50, 99]) * 1e6
    print(f"| {name} | {middle:.0f} us | {late:.0f} us | {rate:,.0f} a second |")


async def _run() -> None:
    print(f"| buckets | one check, median | p99 | {TOGETHER} at once |")
    print("|---|---|---|---|")
    with redis_server() as url:
        await _measure("memory", MemoryBuckets(clock=time.monotonic))
        await _measure("Redis", RedisBuckets(url, clock=time.monotonic, timeout_s=10))


def main() -> None:
    asyncio.run(_run())
