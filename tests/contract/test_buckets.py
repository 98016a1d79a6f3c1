"""What all buckets must do, wherever they are kept."""

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from app.limits.base import Buckets
from app.limits.memory import MemoryBuckets
from app.limits.redis import RedisBuckets

pytestmark = pytest.mark.anyio


def redis_buckets(url: str) -> RedisBuckets:
    return RedisBuckets(url, clock=time.monotonic, timeout_s=60)


@pytest.fixture(params=["memory", "redis"])
async def buckets(request: pytest.FixtureRequest) -> AsyncIterator[Buckets]:
    made: Buckets
    if request.param == "memory":
        made = MemoryBuckets(clock=time.monotonic)
    else:
        made = redis_buckets(request.getfixturevalue("redis_url"))
    yield made
    await made.close()


@pytest.fixture
def name() -> str:
    """Of a bucket of the test's own: the server outlives it."""
    return f"test:{uuid4()}"


async def take(buckets: Buckets, name: str, *, limit: int, cost: int = 1) -> tuple[bool, int]:
    taken = await buckets.take(name, limit=limit, cost=cost)
    assert taken is not None
    return taken.allowed, int(taken.left)


async def test_as_much_as_the_limit_is_allowed_and_no_more(buckets, name):
    allowed = [(await take(buckets, name, limit=10))[0] for _ in range(12)]

    assert allowed == [True] * 10 + [False] * 2


async def test_what_is_left_is_told(buckets, name):
    told = [await take(buckets, name, limit=20, cost=cost) for cost in (1, 5, 0, 30, 14)]

    assert told == [(True, 19), (True, 14), (True, 14), (False, 14), (True, 0)]


async def test_a_bucket_is_not_another(buckets, name):
    await take(buckets, name, limit=5, cost=5)

    assert await take(buckets, name + "x", limit=5, cost=5) == (True, 0)


async def test_it_fills_evenly(buckets, name):
    """A thousand a second: the first one is back soon, and not all of them."""
    await take(buckets, name, limit=60_000, cost=60_000)

    while not (taken := await take(buckets, name, limit=60_000))[0]:
        pass

    assert taken[1] < 30_000


async def test_a_lower_limit_takes_away_what_is_over_it(buckets, name):
    await take(buckets, name, limit=50, cost=10)

    assert await take(buckets, name, limit=5) == (True, 4)


async def test_a_higher_limit_is_no_gift(buckets, name):
    await take(buckets, name, limit=5, cost=5)

    assert (await take(buckets, name, limit=50, cost=5))[0] is False


async def test_of_many_at_once_no_more_are_allowed_than_the_limit(buckets, name):
    taken = await asyncio.gather(*(take(buckets, name, limit=20) for _ in range(100)))

    assert sum(allowed for allowed, _ in taken) == 20


async def test_in_a_crowd_everybody_gets_an_answer(buckets, name):
    """Who has one does not go before those who wait for theirs."""

    async def ask() -> list[bool]:
        return [await buckets.take(name, limit=5, cost=0) is not None for _ in range(40)]

    answers = await asyncio.gather(*(ask() for _ in range(64)))

    assert all(all(answer) for answer in answers)


async def test_looking_at_a_bucket_leaves_no_trace(buckets, name):
    looks = [await take(buckets, name, limit=5, cost=0) for _ in range(10)]

    assert set(looks) == {(True, 5)}
    assert not isinstance(buckets, MemoryBuckets) or len(buckets) == 0


async def test_two_servers_with_one_redis_share_their_buckets(redis_url, name):
    one, other = (redis_buckets(redis_url) for _ in range(2))
    allowed = [(await take(each, name, limit=10))[0] for each in [one, other] * 6]
    await one.close()
    await other.close()

    assert allowed == [True] * 10 + [False] * 2
