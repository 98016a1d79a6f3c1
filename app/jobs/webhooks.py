"""Telling others that a job has ended, as Standard Webhooks says (standardwebhooks.com, 1.0)."""

import asyncio
import hmac
import json
import random
import socket
import ssl
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Iterator
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, Final

import httpx2

from app.core.clock import WallClock, utc_now
from app.core.config import Settings
from app.core.exceptions import WebhookRefused
from app.core.logging import get_logger
from app.core.outgoing import outgoing
from app.core.trust import authorities
from app.models.job import Job, JobDetails

log = get_logger(__name__)

_MAX_URL: Final = 2000
_MAX_PORT: Final = 65_535
_PREFIX: Final = "whsec_"
_PAUSE_S, _GROWTH, _LONGEST_PAUSE_S = 2.0, 3.0, 600.0
_NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052
# Which lead to an address of IPv4 as well, and are of no use on the public internet: local
# NAT64 (RFC 8215), addresses that are "compatible" with IPv4 (RFC 4291), those of SIIT (RFC 7915).
_NEVER: Final = tuple(map(IPv6Network, ("64:ff9b:1::/48", "::/96", "::ffff:0:0:0/96")))

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Host and port to addresses; raises `OSError`."""


class Webhooks:
    """Delivers signed messages.

    Args:
        secret: what they are signed with; without one there are no webhooks. `whsec_` and base64,
            as Standard Webhooks writes it, or any text.
        allowed_hosts: that may be private, and may be called without TLS.
        timeout_s: for one delivery.
        attempts: before it is given up.
        trust: instead of the authorities that are trusted by default.
    """

    def __init__(
        self,
        secret: str | None,
        *,
        allowed_hosts: tuple[str, ...] = (),
        timeout_s: float = 10.0,
        attempts: int = 8,
        trust: ssl.SSLContext | None = None,
        resolve: Resolve | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: WallClock = utc_now,
    ) -> None:
        self._key = _key(secret) if secret else None
        self._allowed = frozenset(host.lower() for host in allowed_hosts)
        self._timeout_s = timeout_s
        self._attempts = attempts
        self._trust = trust
        self._resolve = resolve or _resolve
        self._sleep = sleep
        self._clock = clock

    @classmethod
    def of(cls, settings: Settings) -> "Webhooks":
        secret = settings.webhook_secret
        return cls(
            secret.get_secret_value() if secret else None,
            allowed_hosts=settings.webhook_allowed_hosts,
            timeout_s=settings.webhook_timeout_s,
            attempts=settings.webhook_attempts,
        )

    async def check(self, url: str) -> None:
        """Refuse what could not be delivered to.

        Raises:
            WebhookRefused: there are no webhooks, the address has not the right form, its host is
                not known, or is not one that may be called.
        """
        if self._key is None:
            raise WebhookRefused(
                "This server has no webhooks: it has nothing to sign them with.",
                "Ask the operator to set WEBHOOK_SECRET, or watch GET /api/v1/jobs/{id}/events.",
            )
        await self._address(self._parsed(url))

    async def deliver(self, job: Job) -> None:
        """Tell a job's webhook that it has ended; again, with growing pauses, until somebody
        answers with 2xx. Does not raise: what cannot be delivered is logged.
        """
        if job.webhook_url is None or self._key is None:
            return
        # Of the record, not of the delivery: a repeated one is known by it.
        message_id = f"msg_{job.id.replace('-', '')}_{job.runs}"
        content = _content(job)
        for attempt in range(1, self._attempts + 1):
            problem = await self._attempt(job, message_id, content)
            if problem is None:
                log.info("webhook delivered", job=job.id, attempt=attempt)
                return
            log.warning("webhook not delivered", job=job.id, attempt=attempt, problem=problem)
            if attempt < self._attempts:
                pause = min(_LONGEST_PAUSE_S, _PAUSE_S * _GROWTH ** (attempt - 1))
                await self._sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - not a secret
        log.error("webhook given up", job=job.id, attempts=self._attempts)

    async def _attempt(self, job: Job, message_id: str, content: bytes) -> str | None:
        """What went wrong, without anything of the address."""
        until = asyncio.get_running_loop().time() + self._timeout_s
        try:
            return await self._post(job, message_id, content, until=until)
        except WebhookRefused as error:
            return error.detail
        except TimeoutError:
            return "no answer in time"
        except (httpx2.HTTPError, OSError) as error:
            return type(error).__name__

    async def _post(self, job: Job, message_id: str, content: bytes, *, until: float) -> str | None:
        parsed = self._parsed(job.webhook_url or "")
        # The address that was judged is the one that is called: a name that is asked for twice
        # could have changed in between.
        address = await self._address(parsed)
        target = parsed.copy_with(host=address)
        trust = self._trust or authorities()
        headers = {
            "Host": parsed.netloc.decode("ascii"),
            "Content-Type": "application/json",
            **self._signed(message_id, content),
        }
        async with (
            httpx2.AsyncClient(verify=trust, trust_env=False, timeout=None) as client,
            outgoing("webhook", "POST", str(parsed), request=job.request_id) as ours,
            asyncio.timeout_at(until),
            client.stream(
                "POST",
                target,
                content=content,
                headers={**headers, **ours},
                extensions={"sni_hostname": parsed.raw_host.decode("ascii")},
            ) as response,
        ):
            ours.answered(response.status_code)
            return None if response.is_success else f"status {response.status_code}"

    def _signed(self, message_id: str, content: bytes) -> dict[str, str]:
        assert self._key is not None  # noqa: S101 - asked before
        timestamp = str(int(self._clock().timestamp()))
        signed = b".".join((message_id.encode(), timestamp.encode(), content))
        signature = b64encode(hmac.new(self._key, signed, sha256).digest()).decode()
        return {
            "webhook-id": message_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": f"v1,{signature}",
        }

    def _parsed(self, url: str) -> httpx2.URL:
        try:
            parsed = httpx2.URL(url)
        except (httpx2.InvalidURL, ValueError) as error:
            raise WebhookRefused("The webhook is not an address.", _FORM) from error
        allowed = parsed.host.lower() in self._allowed
        in_range = parsed.port is None or 0 < parsed.port <= _MAX_PORT
        if len(url) > _MAX_URL or not parsed.host or parsed.userinfo or not in_range:
            raise WebhookRefused("The webhook has not the form of an address.", _FORM)
        if parsed.scheme != "https" and not (allowed and parsed.scheme == "http"):
            raise WebhookRefused("The webhook must be an https:// address.", _FORM)
        return parsed

    async def _address(self, url: httpx2.URL) -> str:
        """One that the host has and that may be called."""
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            async with asyncio.timeout(self._timeout_s):
                found = await self._resolve(url.raw_host.decode("ascii"), port)
        except (OSError, UnicodeError, TimeoutError) as error:
            raise WebhookRefused(
                "The host of the webhook is not known.", "Check its name."
            ) from error
        if not found:
            raise WebhookRefused("The host of the webhook has no address.", "Check its name.")
        if url.host.lower() not in self._allowed and not all(map(_is_public, found)):
            raise WebhookRefused(
                "The host of the webhook is not on the public internet.",
                "Use a public address, or ask the operator to add its host to "
                "WEBHOOK_ALLOWED_HOSTS.",
            )
        return found[0]


_FORM = "Write it like https://example.org/hooks/voice."


def _key(secret: str) -> bytes:
    if secret.startswith(_PREFIX):
        try:
            return b64decode(secret.removeprefix(_PREFIX), validate=True)
        except ValueError:
            pass  # a text that only begins like one
    return secret.encode()


def _content(job: Job) -> bytes:
    message: dict[str, Any] = {
        "type": f"{job.kind.value}.{job.status.value}",
        "timestamp": (job.ended_at or job.updated_at).isoformat(),
        "data": JobDetails.of(job).model_dump(mode="json"),
    }
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


async def _resolve(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def _is_public(text: str) -> bool:
    return all(
        address.is_global
        and not address.is_multicast
        and not any(address in network for network in _NEVER)
        for address in _meanings(ip_address(text))
    )


def _meanings(address: IPv4Address | IPv6Address) -> Iterator[IPv4Address | IPv6Address]:
    """The address, and those of IPv4 that a gateway would take it for."""
    yield address
    if isinstance(address, IPv4Address):
        return
    for inner in (address.ipv4_mapped, address.sixtofour, *(address.teredo or ())):
        if inner is not None:
            yield inner
    if address in _NAT64:
        yield IPv4Address(int(address) & 0xFFFFFFFF)
