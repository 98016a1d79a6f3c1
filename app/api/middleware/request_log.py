"""The log of requests and answers. Pure ASGI, so that streams pass through untouched."""

import json
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.middleware.probes import PROBED
from app.core.config import Settings
from app.core.logging import get_logger, route_of
from app.core.masking import masked, masked_field, masked_text

log = get_logger(__name__)

MAX_BODY_CHARS: Final = 4096
_KEPT_BYTES = 2 * MAX_BODY_CHARS  # more, so that no secret is cut where it could not be recognised


@dataclass(frozen=True, slots=True)
class Switches:
    """What is logged: `LOG_REQUESTS` and its sisters."""

    requests: bool
    responses: bool
    request_body: bool
    response_body: bool
    headers: bool

    @classmethod
    def of(cls, settings: Settings) -> "Switches":
        return cls(
            requests=settings.log_requests,
            responses=settings.log_responses,
            request_body=settings.log_request_body,
            response_body=settings.log_response_body,
            headers=settings.log_headers,
        )


class RequestLog:
    """Logs `request` when a request has found its route, `response` when its answer has ended.

    Bodies and query strings have lines or fields of their own, if switched on: only those of text
    or JSON, the first 4096 characters, secrets masked.
    """

    def __init__(self, app: ASGIApp, switches: Switches) -> None:
        self._app = app
        self._switches = switches

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        exchange = _Exchange(scope, self._switches)

        async def received() -> Message:
            exchange.began()
            message = await receive()
            exchange.received(message)
            return message

        async def sent(message: Message) -> None:
            exchange.began()
            exchange.sent(message)
            await send(message)

        try:
            await self._app(scope, received, sent)
        except Exception:
            exchange.failed()
            raise
        finally:
            exchange.ended()
        return None


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, switches: Switches) -> None:
        self._scope = scope
        self._switches = switches
        self._start = time.perf_counter()
        self._told = False
        self._status: int | None = None
        self._bytes = 0
        self._complete = False
        self._unanswered = False
        self._headers = Headers(scope=scope)
        self._question = _Body(self._headers, kept=switches.request_body)
        self._answer_headers = Headers({})
        self._answer = _Body(self._answer_headers, kept=False)

    def began(self) -> None:
        """The route is known now, and the caller."""
        if self._told:
            return
        self._told = True
        if self._switches.requests:
            self._log("request", **self._query(), **self._shown(self._headers))

    def received(self, message: Message) -> None:
        if message["type"] == "http.request" and self._question.takes(message):
            self._log("request body", body=self._question.text())

    def sent(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._answer_headers = Headers(raw=message["headers"])
            self._answer = _Body(self._answer_headers, kept=self._switches.response_body)
        elif message["type"] == "http.response.body":
            self._bytes += len(message.get("body", b""))
            self._complete = not message.get("more_body", False)
            if self._answer.takes(message):
                self._log("response body", body=self._answer.text())

    def failed(self) -> None:
        """The server answers 500 outside of this, if it still can."""
        self._unanswered = self._status is None
        self._status = self._status or 500

    def ended(self) -> None:
        self.began()
        if self._switches.responses:
            self._log(
                "response",
                status=self._status,
                duration_ms=round((time.perf_counter() - self._start) * 1000, 2),
                bytes=self._bytes,
                broken_off=not (self._complete or self._unanswered),
                **self._shown(self._answer_headers),
            )

    def _log(self, event: str, **fields: Any) -> None:
        (log.debug if route_of(self._scope) in PROBED else log.info)(event, **fields)

    def _query(self) -> dict[str, Any]:
        """Only if bodies are logged: it may hold as much."""
        text = self._scope["query_string"].decode("latin-1")
        if not text or not self._switches.request_body:
            return {}
        pairs = parse_qsl(text, keep_blank_values=True)
        return {"query": {name: masked_field(name, value) for name, value in pairs}}

    def _shown(self, headers: Headers) -> dict[str, Any]:
        if not self._switches.headers:
            return {}
        return {"headers": {name: masked_field(name, value) for name, value in headers.items()}}


class _Body:
    """The beginning of a body, if it is to be logged and is text."""

    def __init__(self, headers: Headers, *, kept: bool) -> None:
        mime = headers.get("content-type", "").partition(";")[0].strip().lower()
        self._json = mime == "application/json" or mime.endswith("+json")
        self._kept = kept and (self._json or mime.startswith("text/"))
        self._data = bytearray()
        self._length = 0

    def takes(self, message: Message) -> bool:
        """Take a piece; whether it was the last of a body that is logged."""
        if not self._kept:
            return False
        data = message.get("body", b"")
        self._length += len(data)
        self._data += data[: _KEPT_BYTES - len(self._data)]
        return not message.get("more_body", False) and self._length > 0

    def text(self) -> str:
        """Masked, with a note of what is left out."""
        text = self._data.decode(errors="replace")
        if self._json:
            # One that is cut off, or no JSON, is masked as text.
            with suppress(ValueError, RecursionError):
                text = json.dumps(masked(json.loads(text)), ensure_ascii=False)
        text = masked_text(text)[:MAX_BODY_CHARS]
        return text if self._length <= len(text) else f"{text}… ({self._length} bytes)"
