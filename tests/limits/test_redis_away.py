"""Redis goes away, hangs, and comes back."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from app.core.exceptions import ConfigurationError
from app.limits.base import Rate
from app.limits.limiter import RateLimiter
from app.limits.memory import MemoryBuckets
from app.limits.redis import RedisBuckets
from tests.clock import StoppedClock
from tests.servers import free_port
from tests.servers.redis import redis_server

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def limiting(
    url: str, clock: StoppedClock, *, timeout_s: float = 60
) -> AsyncIterator[RateLimiter]:
    limiter = RateLimiter(
        RedisBuckets(url, clock=clock, timeout_s=timeout_s),
        local=MemoryBuckets(clock=clock),
        limits=dict.fromkeys(Rate, 2),
    )
    yield limiter
    await limiter.close()


async def spend(limiter: RateLimiter, owner: str, *, times: int) -> list[bool]:
    verdicts = [await limiter.spend(owner, Rate.DEFAULT) for _ in range(times)]
    return [verdict.allowed for verdict in verdicts]


async def test_while_redis_is_gone_everybody_passes_and_then_limits_hold_again(caplog):
    caplog.set_level(logging.INFO, "app.limits")
    clock, port = StoppedClock(), free_port()
    with redis_server(port) as url:
        async with limiting(url, clock) as limiter:
            before = await spend(limiter, "a", times=3)
    async with limiting(f"redis://127.0.0.1:{port}/0", clock) as limiter:
        during = await spend(limiter, "a", times=5)
        failures = limiter.failures
        with redis_server(port):
            still = await spend(limiter, "b", times=3)
            clock.advance(3)
            after = await spend(limiter, "b", times=3)

    assert before == [True, True, False]
    assert during == [True] * 5
    assert failures == 5
    assert still == [True] * 3  # nobody asks again so soon
    assert after == [True, True, False]
    away, back = (record.getMessage() for record in caplog.records)
    assert "Redis is away, nobody is limited" in away
    assert "ConnectionError" in away
    assert "Redis is back" in back


async def test_redis_killed_under_an_open_connection_lets_pass_and_a_new_one_is_found():
    clock, port = StoppedClock(), free_port()
    async with limiting(f"redis://127.0.0.1:{port}/0", clock) as limiter:
        with redis_server(port):
            before = await spend(limiter, "a", times=3)
        gone = await spend(limiter, "a", times=3)
        clock.advance(3)
        with redis_server(port):
            back = await spend(limiter, "a", times=3)

    assert before == [True, True, False]
    assert gone == [True, True, True]
    assert back == [True, True, False]  # with empty memory: the script is sent again


async def test_a_restart_between_two_requests_is_not_even_noticed():
    clock, port = StoppedClock(), free_port()
    async with limiting(f"redis://127.0.0.1:{port}/0", clock) as limiter:
        with redis_server(port):
            await spend(limiter, "a", times=1)
        with redis_server(port):
            after = await spend(limiter, "a", times=3)

    assert after == [True, True, False]
    assert limiter.failures == 0


async def test_while_redis_hangs_requests_do_not_queue_up_for_it():
    """It takes connections and never answers."""
    clock, connections = StoppedClock(), 0

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.read(-1)
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url = f"redis://127.0.0.1:{port}/0"
    async with limiting(url, clock, timeout_s=0.25) as limiter:
        allowed = await spend(limiter, "a", times=500)
        first = connections
        clock.advance(3)
        again = await asyncio.gather(*(spend(limiter, "a", times=1) for _ in range(500)))
    server.close()
    await server.wait_closed()

    assert allowed == [True] * 500
    assert again == [[True]] * 500
    assert first <= 2
    assert connections <= 4  # one request looks whether it is back
    assert limiter.failures == 1000


async def test_an_address_that_is_none_stops_the_start_without_showing_it():
    secret = uuid4().hex
    with pytest.raises(ConfigurationError) as raised:
        RedisBuckets(f"http://:{secret}@127.0.0.1", clock=StoppedClock(), timeout_s=1)

    assert secret not in str(raised.value)
