"""How often a caller may call: counting requests, and telling the caller in headers.

The headers are those of draft-ietf-httpapi-ratelimit-headers, as structured fields (RFC 9651).
"""

from collections.abc import Mapping, MutableMapping
from ipaddress import IPv6Address
from typing import Any, Final

from fastapi import Request

from app.api.addresses import client_address
from app.core.exceptions import RateLimited
from app.limits.base import WINDOW_S, Rate
from app.limits.limiter import RateLimiter, Verdict

POLICY: Final = "RateLimit-Policy"
STATE: Final = "RateLimit"
RETRY_AFTER: Final = "Retry-After"

_VERDICTS = "rate_verdicts"
# Who has one address of IPv6 usually has as many as fit into the other half.
_IPV6_NETWORK_BYTES = 8


def rate_headers(scope: Mapping[str, Any]) -> dict[str, str]:
    """The headers of a request's limits; without those that nobody knows the state of."""
    verdicts: dict[Rate, Verdict] = scope.get("state", {}).get(_VERDICTS, {})
    if not verdicts:
        return {}
    policy = [f'"{v.rate}";q={v.limit};w={WINDOW_S}' for v in verdicts.values()]
    known = [v for v in verdicts.values() if v.remaining is not None]
    state = [f'"{v.rate}";r={v.remaining};t={v.reset_s}' for v in known]
    headers = {POLICY: ", ".join(policy), STATE: ", ".join(state)}
    return {name: value for name, value in headers.items() if value}


async def spend(request: Request, rate: Rate, cost: int = 1) -> None:
    """Count something that the caller does.

    Raises:
        RateLimited: it was too much; nothing was counted.
    """
    if limiter := _limiter(request):
        owner = request.state.principal.owner
        _note(request, await limiter.spend(owner, rate, cost=cost), cost)


async def spend_up_to_all(request: Request, rate: Rate, cost: int) -> None:
    """The same for what may be more than a caller has in a minute: it takes all that there can be.

    Raises:
        RateLimited: less than that is left.
    """
    if limiter := _limiter(request):
        await spend(request, rate, min(cost, limiter.limit(rate)))


async def check_address(request: Request) -> None:
    """Raise `RateLimited` if too many requests of this address have failed to authenticate."""
    if limiter := _limiter(request):
        verdict = await limiter.look(_network(request), Rate.AUTHENTICATION)
        if not verdict.allowed:
            _note(request, verdict, 1)


async def count_failure(request: Request) -> None:
    """The caller failed to authenticate."""
    if limiter := _limiter(request):
        _note(request, await limiter.spend(_network(request), Rate.AUTHENTICATION), 1)


def _limiter(request: Request) -> RateLimiter | None:
    limiter: RateLimiter | None = request.app.state.context.limiter
    return limiter


def _note(request: Request, verdict: Verdict, cost: int) -> None:
    state: MutableMapping[str, Any] = request.scope["state"]
    state.setdefault(_VERDICTS, {})[verdict.rate] = verdict
    if verdict.allowed:
        return
    unit = "characters" if verdict.rate is Rate.CHARACTERS else "requests"
    raise RateLimited(
        f"The limit `{verdict.rate}` is {verdict.limit} {unit} in {WINDOW_S} seconds; "
        f"{verdict.remaining} are left and {cost} would be needed.",
        f"Try again in {verdict.retry_after_s} seconds. "
        "The header `RateLimit` of each answer tells what is left.",
        retry_after_s=verdict.retry_after_s,
        rate=verdict.rate,
        limit=verdict.limit,
        remaining=verdict.remaining,
        window_s=WINDOW_S,
    )


def _network(request: Request) -> str:
    """Whose failures are counted together: an address of IPv4, the first half of one of IPv6. What
    has no address is one for all: who makes up names would never run out of them.
    """
    address = client_address(request.scope)
    if isinstance(address, IPv6Address):
        return address.packed[:_IPV6_NETWORK_BYTES].hex()
    return "" if address is None else str(address)
