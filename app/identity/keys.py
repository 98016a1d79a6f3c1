"""The keys of one issuer, remembered."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from jwt import PyJWK

from app.core.clock import Clock
from app.core.exceptions import IdentityError
from app.core.logging import get_logger

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key.

    Attributes:
        issuer: whose tokens alone it signs, if the key says so. May contain `{tenantid}`.
    """

    jwk: PyJWK
    issuer: str | None


@dataclass(frozen=True, slots=True)
class KeySet:
    """What an issuer publishes.

    Attributes:
        issuer: as its tokens name it. May contain `{tenantid}`.
        keys: by key id.
    """

    issuer: str
    keys: Mapping[str, SigningKey]


@dataclass(frozen=True, slots=True)
class CacheTimes:
    """In seconds.

    Attributes:
        ttl_s: older keys are fetched anew. If that fails they go on being used.
        cooldown_s: shortest time between two fetches, however many unknown keys are asked for.
        retry_s: the same after a fetch that failed.
    """

    ttl_s: float = 24 * 3600.0
    cooldown_s: float = 300.0
    retry_s: float = 5.0


class KeyCache:
    """Fetches when it must. Calls that come together share one fetch.

    Args:
        fetch: raises `IdentityError` when the issuer cannot be asked.
        clock: seconds, never going back.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[KeySet]],
        *,
        times: CacheTimes | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._times = times or CacheTimes()
        self._clock = clock
        self._known: KeySet | None = None
        self._expires = 0.0
        self._next_fetch = 0.0
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, kid: str) -> tuple[KeySet, SigningKey | None]:
        """The key of this id, None if the issuer has none; with the set that was looked through.

        Raises:
            IdentityError: no keys are known, and the issuer cannot be asked.
        """
        if self._must_fetch(kid):
            fetching = self._fetching = self._fetching or asyncio.create_task(self._refresh())
            if not self._knows(kid):  # else the key at hand is good enough to go on with
                # One caller who goes away must not end what the others wait for.
                await asyncio.shield(fetching)
        if self._known is None:
            raise IdentityError(
                "The keys of the token issuer cannot be fetched.",
                "Try again in a moment. An administrator finds the reason in the log.",
            )
        return self._known, self._known.keys.get(kid)

    async def close(self) -> None:
        """End a fetch that is under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait([self._fetching])

    def _must_fetch(self, kid: str) -> bool:
        now = self._clock()
        return now >= self._next_fetch and (now >= self._expires or not self._knows(kid))

    def _knows(self, kid: str) -> bool:
        return self._known is not None and kid in self._known.keys

    async def _refresh(self) -> None:
        pause_s = self._times.retry_s
        try:
            self._known = await self._fetch()
            self._expires = self._clock() + self._times.ttl_s
            pause_s = self._times.cooldown_s
        except IdentityError as error:
            log.warning(
                "the keys of the token issuer cannot be fetched",
                detail=error.detail,
                older_ones_are_used=self._known is not None,
            )
        finally:
            self._next_fetch = self._clock() + pause_s
            self._fetching = None
