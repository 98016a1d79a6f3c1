"""Buckets that several processes and machines share, in Redis."""

import asyncio
from typing import Final

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from app.core.clock import Clock
from app.core.exceptions import ConfigurationError
from app.core.logging import get_logger
from app.limits.base import ROUNDING, WINDOW_S, Taken

log = get_logger(__name__)

PREFIX: Final = "voice-cloning:limit:"

_PAUSE_S = 2.0
_MAX_CONNECTIONS = 32

# By the clock of Redis, so that those of the machines may differ. Numbers go as text: Redis
# would cut fractions off.
_TAKE = """
local limit, cost, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local bucket = redis.call('HMGET', KEYS[1], 'left', 'at')
local left = limit
if bucket[1] and bucket[2] then
  local passed = math.max(0, now - tonumber(bucket[2]))
  left = math.min(limit, tonumber(bucket[1]) + passed * limit / window)
end
if cost > left + tonumber(ARGV[4]) then
  return {0, string.format('%.6f', left)}
end
left = math.max(0, left - cost)
if cost > 0 then
  redis.call('HSET', KEYS[1], 'left', string.format('%.6f', left),
             'at', string.format('%.6f', now))
  redis.call('EXPIRE', KEYS[1], window + 1)
end
return {1, string.format('%.6f', left)}
"""


class RedisBuckets:
    """Implements `Buckets`. While Redis is away nobody waits for it but one request every other
    second.

    Args:
        timeout_s: how long that one waits.

    Raises:
        ConfigurationError: the address cannot be one of Redis.
    """

    def __init__(self, url: str, *, clock: Clock, timeout_s: float) -> None:
        try:
            pool = ConnectionPool.from_url(
                url,
                socket_connect_timeout=timeout_s,
                socket_timeout=timeout_s,
                # Once more at once: the connection may be older than a Redis that was restarted.
                retry=Retry(NoBackoff(), 1),
            )
        except ValueError as error:
            raise ConfigurationError(
                "REDIS_URL is no address of Redis.", "Write redis://HOST:PORT/0."
            ) from error
        self._redis = Redis.from_pool(pool)
        self._take = self._redis.register_script(_TAKE)
        # First come, first served, which a pool that blocks is not.
        self._connections = asyncio.Semaphore(_MAX_CONNECTIONS)
        self._clock = clock
        self._timeout_s = timeout_s
        self._away = False
        self._losses = 0
        self._try_at = 0.0

    async def take(self, name: str, *, limit: int, cost: int) -> Taken | None:
        now = self._clock()
        if self._away:
            if now < self._try_at:
                return None
            self._try_at = now + _PAUSE_S  # the others go on without
        losses = self._losses
        try:
            async with asyncio.timeout(self._timeout_s), self._connections:
                allowed, left = await self._take([PREFIX + name], [limit, cost, WINDOW_S, ROUNDING])
        except (RedisError, OSError, TimeoutError) as error:
            self._lose(error)
            return None
        if self._away and losses == self._losses:  # not an answer from before
            self._away = False
            log.info("Redis is back: rate limits hold again")
        return Taken(allowed=bool(allowed), left=float(left))

    async def close(self) -> None:
        await self._redis.aclose()

    def _lose(self, error: Exception) -> None:
        if not self._away:
            # The kind alone: the message may have the address, with its password.
            log.warning("Redis is away, nobody is limited", error=type(error).__name__)
        self._away = True
        self._losses += 1
        self._try_at = self._clock() + _PAUSE_S
