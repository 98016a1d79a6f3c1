"""Measures every exchange, and opens its trace. The outermost middleware."""

import time
from typing import Any, Literal

from opentelemetry.trace import Span, StatusCode
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.audio import CLIENT_GONE
from app.api.errors import PROBLEM_CODE
from app.api.middleware.slow_clients import READER_STOPPED
from app.core.exceptions import AppError
from app.core.metrics import METHODS, Metrics
from app.core.outgoing import measured
from app.core.tracing import mark_failed, request_span


class HttpMetrics:
    """Counts and times requests, until the last byte of streams too, and answers that break off.

    Finds `Metrics` in `app.state.context`, and a tracer in `app.state.tracer` where there is one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        context = getattr(scope["app"].state, "context", None) if "app" in scope else None
        if scope["type"] != "http" or context is None:  # nothing is open yet
            return await self._app(scope, receive, send)
        metrics: Metrics = context.metrics
        exchange = _Exchange(scope, receive, send)
        metrics.http_started()
        tracer = getattr(scope["app"].state, "tracer", None)
        method = exchange.method
        headers = Headers(scope=scope)
        with (
            measured(metrics),
            request_span(tracer, method, headers, **{"http.request.method": method}) as span,
        ):
            try:
                await self._app(scope, exchange.receive, exchange.send)
            except Exception as error:
                exchange.fail(error)
                raise
            finally:
                exchange.end(metrics, span)


class _Exchange:
    """What is seen of a request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        # The dictionary that `request.state` shows: shared by copies of the scope.
        self._state: dict[str, Any] = scope.setdefault("state", {})
        self._start = time.perf_counter()
        self._status: int | None = None
        self._first_byte_s: float | None = None
        self._duration_s: float | None = None
        self._client_gone = False
        self._error: Exception | None = None

    @property
    def method(self) -> str:
        method: str = self._scope["method"]
        return method if method in METHODS else "HTTP"  # as OpenTelemetry names the others

    async def receive(self) -> Message:
        message = await self._receive()
        # It comes as well when an answer is complete, and then means nothing.
        if message["type"] == "http.disconnect" and self._duration_s is None:
            self._client_gone = True
        return message

    async def send(self, message: Message) -> None:
        await self._send(message)
        if message["type"] == "http.response.start":
            self._status = message["status"]
        elif message["type"] == "http.response.body":
            if self._first_byte_s is None and message.get("body"):
                self._first_byte_s = self._elapsed()
            if not message.get("more_body", False):
                self._duration_s = self._elapsed()

    def fail(self, error: Exception) -> None:
        self._error = error
        if self._status is None:  # a handler outside of us will answer
            self._state[PROBLEM_CODE] = AppError.code

    def end(self, metrics: Metrics, span: Span) -> None:
        # The first where the request got as far as its route, the second where only the path fits.
        route = self._state.get("route") or getattr(self._scope.get("route"), "path", None)
        status = self._status
        broken_by: Literal["client", "server"] | None = None
        if status is None:
            status = CLIENT_GONE if self._client_gone and self._error is None else 500
        elif self._duration_s is None:
            left = self._client_gone or self._state.get(READER_STOPPED, False)
            broken_by = "client" if left else "server"
        metrics.http_ended(
            self.method,
            route,
            status=status,
            duration_s=self._elapsed() if self._duration_s is None else self._duration_s,
            first_byte_s=self._first_byte_s,
            broken_by=broken_by,
        )
        code = self._state.get(PROBLEM_CODE)
        if code is not None:
            metrics.error(code)
        if span.is_recording():
            self._describe(span, route, status=status, code=code, broken_by=broken_by)

    def _describe(
        self, span: Span, route: str | None, *, status: int, code: str | None, broken_by: str | None
    ) -> None:
        if route:
            span.update_name(f"{self.method} {route}")
            span.set_attribute("http.route", route)
        span.set_attribute("http.response.status_code", status)
        if code is not None:
            span.set_attribute("error.type", code)
        if broken_by is not None:
            span.set_attribute("voice.answer.broken_by", broken_by)
        if self._error is not None:
            mark_failed(span, self._error)
        elif status >= 500 or broken_by == "server":
            span.set_status(StatusCode.ERROR)

    def _elapsed(self) -> float:
        return time.perf_counter() - self._start
