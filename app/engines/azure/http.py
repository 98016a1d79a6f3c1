"""Requests to Azure AI Speech: signed, paced, and tried again where that may help."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from typing import Any, Final

import httpx2

from app.core.clock import Clock
from app.core.exceptions import AppError, EngineFailed
from app.core.logging import get_logger
from app.core.outgoing import outgoing
from app.core.retrying import Pauses, asked_wait_s
from app.core.trust import authorities
from app.engines.azure.errors import refusal, senseless, unreachable
from app.engines.azure.identity import Signer, signer
from app.engines.azure.options import AzureOptions
from app.engines.azure.pace import Pace, Pause

log = get_logger(__name__)

_PAUSES: Final = Pauses(first_s=0.5, longest_s=16.0)
_MAX_ANSWER: Final = 4 * 1024 * 1024
_CONNECT_S: Final = 10.0
_MANAGEMENT: Final = (50, 10.0)
_BATCHES: Final = (100, 10.0)
_AGENT: Final = "voice-cloning-api"
_NO_SOUND: Final = ("text/", "application/json", "application/xml", "application/problem")

_Send = Callable[[Mapping[str, str]], Awaitable[httpx2.Response]]

File = tuple[str, tuple[str, bytes, str]]
"""Name of the field; name of the file, content, type."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request to the management of voices, or to batch synthesis.

    Attributes:
        path: behind the address of one of them: of batch synthesis if it is `batch`.
        query: without the version, as a rule.
        fields, files: of a form.
        operation_id: the same for all tries: so that none is done twice.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, Any] | None = field(default=None, repr=False)
    fields: Mapping[str, str] | None = field(default=None, repr=False)
    files: Sequence[File] = field(default=(), repr=False)
    operation_id: str | None = None
    batch: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `retry_after_s`: when to look again, if it says so."""

    status: int
    content: bytes = field(repr=False)
    retry_after_s: float | None


class AzureHttp:
    """A client of one account. Opened when it is used first; close it."""

    def __init__(
        self,
        options: AzureOptions,
        *,
        pause: Pause = asyncio.sleep,
        clock: Clock = time.monotonic,
        signs: Signer | None = None,
    ) -> None:
        self.options = options
        self.pause = pause
        self.clock = clock
        self._signer = signs or signer(options)
        self._managing = Pace(*_MANAGEMENT, pause=pause, clock=clock)
        self._batches = Pace(*_BATCHES, pause=pause, clock=clock)
        self._speaking = Pace(options.per_second, 1.0, pause=pause, clock=clock)

    async def close(self) -> None:
        client = vars(self).pop("_client", None)
        if client is not None:
            await client.aclose()

    async def call(self, call: Call, *, ok: Sequence[int], tries: int | None = None) -> Answer:
        """Ask the management of voices.

        Args:
            ok: statuses that are no error.

        Raises:
            EngineUnavailable, EngineBusy, EngineFailed
        """
        options, pace = self.options, self._batches if call.batch else self._managing
        url = f"{options.batch_url if call.batch else options.custom_voice_url}{call.path}"
        version = options.batch.api_version if call.batch else options.api_version
        query = {"api-version": version, **call.query}

        async def send(told: Mapping[str, str]) -> httpx2.Response:
            headers = {**told, **await self._signer.management()}
            if call.operation_id:
                headers["Operation-Id"] = call.operation_id
            request = self._client.build_request(
                call.method,
                httpx2.URL(url).copy_merge_params(query),
                headers=headers,
                json=call.json,
                data=call.fields,
                files=list(call.files) or None,
            )
            return await self._client.send(request, stream=True)

        response = await self._tried(send, pace, tries or options.tries, at=(call.method, url))
        async with aclosing(response):
            self._check(response, ok, call.method)
            return Answer(
                response.status_code, await _content(response), asked_wait_s(response.headers)
            )

    @asynccontextmanager
    async def speech(
        self, ssml: bytes, output_format: str, *, to: str | None = None
    ) -> AsyncGenerator[AsyncGenerator[bytes, None], None]:
        """Send a text; gives the sound as it comes in.

        Args:
            to: address; None: the usual one.

        Raises:
            EngineUnavailable, EngineBusy, EngineFailed: the last one also in the middle.
        """
        url = to or self.options.synthesis_url

        async def send(told: Mapping[str, str]) -> httpx2.Response:
            headers = {
                **told,
                **await self._signer.speech(),
                "Content-Type": "application/ssml+xml",
                "X-Microsoft-OutputFormat": output_format,
            }
            request = self._client.build_request("POST", url, headers=headers, content=ssml)
            return await self._client.send(request, stream=True)

        response = await self._tried(send, self._speaking, self.options.tries, at=("POST", url))
        async with aclosing(response):
            self._check(response, (200,), "speech")
            if response.headers.get("content-type", "").lower().startswith(_NO_SOUND):
                raise senseless("a text instead of sound")
            yield _pieces(response)

    @asynccontextmanager
    async def file(self, url: str) -> AsyncGenerator[AsyncGenerator[bytes, None], None]:
        """Fetch a file from an address that says by itself that we may: no key goes there.

        Raises:
            EngineUnavailable, EngineBusy, EngineFailed: the last one also in the middle.
        """

        async def send(told: Mapping[str, str]) -> httpx2.Response:
            request = self._client.build_request("GET", url, headers=told)
            return await self._client.send(request, stream=True)

        response = await self._tried(send, self._batches, self.options.tries, at=("GET", url))
        async with aclosing(response):
            self._check(response, (200,), "results")
            yield _pieces(response)

    @cached_property
    def _client(self) -> httpx2.AsyncClient:
        patience_s = self.options.timeout_s
        return httpx2.AsyncClient(
            timeout=httpx2.Timeout(patience_s, connect=min(_CONNECT_S, patience_s)),
            follow_redirects=False,
            verify=authorities(),
            headers={"User-Agent": _AGENT},
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=32),
        )

    def _check(self, response: httpx2.Response, ok: Sequence[int], doing: str) -> None:
        if response.status_code not in ok:
            error = refusal(response.status_code, response.headers)
            log.warning("Azure AI Speech refuses", doing=doing, **error.extra)
            raise error

    async def _tried(
        self, send: _Send, pace: Pace, tries: int, *, at: tuple[str, str]
    ) -> httpx2.Response:
        """The answer, or the last of those that may be tried again.

        Args:
            send: with headers besides its own.
            at: method and address, for traces.
        """
        began = self.clock()
        for attempt in count(1):
            await pace.turn()
            failure: AppError
            asked_s: float | None = None
            try:
                async with outgoing("azure-speech", *at, azure=True) as told:
                    response = await send(told)
                    told.answered(response.status_code, response.headers)
            except (httpx2.TransportError, httpx2.InvalidURL) as error:
                failure = unreachable(type(error).__name__)
                failure.__cause__ = error
            else:
                if response.status_code != 429 and response.status_code < 500:
                    return response
                asked_s = asked_wait_s(response.headers)
                failure = refusal(response.status_code, response.headers)
                await response.aclose()
            wait_s = _PAUSES.after(attempt, asked_s)
            took_s = self.clock() - began
            if attempt >= tries or took_s + wait_s > self.options.retry_s:
                log.warning("Azure AI Speech fails", code=failure.code, tries=attempt)
                raise failure
            await self.pause(wait_s)
        raise AssertionError  # the loop has no end


async def _content(response: httpx2.Response) -> bytes:
    content = bytearray()
    try:
        async for piece in response.aiter_bytes():
            content += piece
            if len(content) > _MAX_ANSWER:
                raise senseless("far too much")
    except httpx2.TransportError as error:
        raise unreachable(type(error).__name__) from error
    except httpx2.DecodingError as error:
        raise senseless("something that cannot be decoded") from error
    return bytes(content)


async def _pieces(response: httpx2.Response) -> AsyncGenerator[bytes, None]:
    try:
        async for piece in response.aiter_bytes():
            if piece:
                yield piece
    except (httpx2.TransportError, httpx2.DecodingError) as error:
        raise EngineFailed(
            f"The speech of Azure broke off: {type(error).__name__}.", "Send the text again."
        ) from error
