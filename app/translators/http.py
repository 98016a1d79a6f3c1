"""Calling a service over HTTP: JSON in and out, tried again where that can help.

429, 5xx and what fails before any byte of an answer is tried again: when `Retry-After` says so,
else after growing pauses with some chance in them. Nothing else is: what a service refuses once it
will refuse again, and an answer that breaks off was made, and counted, once.
"""

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import httpx2

from app.core.clock import Clock
from app.core.outgoing import outgoing
from app.core.retrying import Pauses, asked_wait_s
from app.core.trust import authorities

_MAX_BYTES: Final = 16 * 2**20
_PAUSES: Final = Pauses(first_s=0.5, longest_s=20.0)
_TOKEN: Final = re.compile(r"[\w.:-]{1,100}", re.ASCII)
_REQUEST_IDS: Final = ("x-requestid", "apim-request-id", "x-request-id", "x-ms-request-id")

Headers = Callable[[], Awaitable[Mapping[str, str]]]
"""Made for each try: tokens expire, and secrets are renewed."""
Pause = Callable[[float], Awaitable[None]]


class Reason(StrEnum):
    """Why a call came to nothing."""

    CREDENTIALS = "credentials"
    """401 or 403."""
    NOT_FOUND = "not-found"
    REFUSED = "refused"
    """Any other 4xx, or 3xx."""
    BUSY = "busy"
    """429, to the last try."""
    DOWN = "down"
    """5xx or no answer, to the last try."""
    UNREADABLE = "unreadable"
    """An answer that broke off, or is not what it should be."""


class CallFailed(Exception):
    """A call came to nothing. Holds nothing of what the service wrote but its code.

    Args:
        code: of the error, as the service names it.
        request_id: of the service, for its support.
    """

    def __init__(
        self,
        reason: Reason,
        *,
        status: int | None = None,
        code: str | None = None,
        retry_after_s: float | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(f"{reason} status={status} code={code} request={request_id}")
        self.reason = reason
        self.status = status
        self.code = code
        self.retry_after_s = retry_after_s
        self.request_id = request_id

    @property
    def again(self) -> bool:
        """Whether another try could do better."""
        return self.reason in (Reason.BUSY, Reason.DOWN)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited.

    Attributes:
        timeout_s: for one try.
        tries: in all.
        total_s: for all tries and the pauses between.
    """

    timeout_s: float = 30.0
    tries: int = 4
    total_s: float = 90.0


@dataclass(frozen=True, slots=True)
class Answer:
    """2xx. The document is what its JSON says."""

    document: Any
    request_id: str | None


class ServiceClient:
    """A client of one service.

    Args:
        service: in a word, for traces.
        headers: credentials and the like.
        pause: waits for so many seconds.
        clock: in seconds.
    """

    def __init__(
        self,
        service: str,
        headers: Headers,
        *,
        patience: Patience,
        pause: Pause = asyncio.sleep,
        clock: Clock = time.monotonic,
    ) -> None:
        self._service = service
        self._headers = headers
        self._patience = patience
        self._pause = pause
        self._clock = clock
        self._opened: httpx2.AsyncClient | None = None

    async def close(self) -> None:
        if self._opened is not None:
            await self._opened.aclose()

    async def call(
        self, method: str, url: str, *, params: Mapping[str, str] | None = None, body: Any = None
    ) -> Answer:
        """Ask, and ask again.

        Args:
            body: is sent as JSON; None sends none.

        Raises:
            CallFailed
        """
        until = self._clock() + self._patience.total_s
        tried = 1
        while True:
            try:
                return await self._try(method, url, params, body)
            except CallFailed as failure:
                pause_s = _PAUSES.after(tried, failure.retry_after_s)
                late = self._clock() + pause_s > until
                if not failure.again or tried >= self._patience.tries or late:
                    raise
                tried += 1
            await self._pause(pause_s)

    async def _try(
        self, method: str, url: str, params: Mapping[str, str] | None, body: Any
    ) -> Answer:
        own = {"Accept": "application/json", **await self._headers()}
        content = None
        if body is not None:
            own["Content-Type"] = "application/json"
            content = json.dumps(body, ensure_ascii=False).encode(errors="replace")
        begun = False
        try:
            async with (
                outgoing(self._service, method, url) as told,
                asyncio.timeout(self._patience.timeout_s),
                self._client().stream(
                    method, url, params=params, headers={**told, **own}, content=content
                ) as response,
            ):
                begun = True
                told.answered(response.status_code, response.headers)
                return _read(response, await _content(response))
        except (httpx2.HTTPError, TimeoutError) as error:
            raise CallFailed(Reason.UNREADABLE if begun else Reason.DOWN) from error

    def _client(self) -> httpx2.AsyncClient:
        if self._opened is None:
            # Redirects are refused: keys and texts go where we were told. `_try` has the time.
            self._opened = httpx2.AsyncClient(
                verify=authorities(), timeout=None, follow_redirects=False
            )
        return self._opened


async def _content(response: httpx2.Response) -> bytes:
    content = bytearray()
    async for piece in response.aiter_bytes():
        content += piece
        if len(content) > _MAX_BYTES:
            raise CallFailed(Reason.UNREADABLE, status=response.status_code)
    return bytes(content)


def _read(response: httpx2.Response, content: bytes) -> Answer:
    status = response.status_code
    names = (response.headers.get(name, "") for name in _REQUEST_IDS)
    request_id = next((name for name in names if _TOKEN.fullmatch(name)), None)
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        document = None
    if response.is_success and document is not None:
        return Answer(document, request_id)
    raise CallFailed(
        _reason(status),
        status=status,
        code=_code(document),
        retry_after_s=asked_wait_s(response.headers),
        request_id=request_id,
    )


def _reason(status: int) -> Reason:
    if status < 300:
        return Reason.UNREADABLE
    if status in (401, 403):
        return Reason.CREDENTIALS
    if status == 404:
        return Reason.NOT_FOUND
    if status == 429:
        return Reason.BUSY
    return Reason.DOWN if status >= 500 else Reason.REFUSED


def _code(document: Any) -> str | None:
    """Services write it as a number or a text."""
    error = document.get("error") if isinstance(document, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    text = str(code) if isinstance(code, int | str) else ""
    return text if _TOKEN.fullmatch(text) else None
