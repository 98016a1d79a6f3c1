"""Requests to other services: what their traces see of them, and what they see of ours.

A request becomes a span of the kind CLIENT, a *dependency* in Application Insights, below the
request or job that it is sent for. It tells the service, the method, the host and the status.
Never a path, a query, a header or a body: ids of voices, signatures and texts stand there.
It is measured as well, by service and outcome.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Final
from urllib.parse import urlsplit

from opentelemetry.trace import Span, StatusCode

from app.core.logging import NOBODY, REQUEST_ID_HEADER, request_id
from app.core.metrics import Metrics, Outcome
from app.core.tracing import carried, client_span, mark_failed

AZURE_REQUEST_ID: Final = "x-ms-client-request-id"
"""Where services of Azure look for the id of the request, and send it back."""
_FAILED: Final = 400
_THEIRS: Final = 500


Seen = Callable[[int, Mapping[str, str]], None]
"""Is told the status and the headers of an answer."""
_watching: ContextVar[Seen | None] = ContextVar("watching", default=None)
# Set where requests are served, jobs worked on, and at the start; their tasks inherit it.
_metrics: ContextVar[Metrics | None] = ContextVar("metrics", default=None)


@contextmanager
def measured(metrics: Metrics | None) -> Iterator[None]:
    """Have the requests measured that are sent in here."""
    token = _metrics.set(metrics)
    try:
        yield
    finally:
        _metrics.reset(token)


@contextmanager
def watched(seen: Seen) -> Iterator[None]:
    """Have all answers told that come in here, those of every try."""
    token = _watching.set(seen)
    try:
        yield
    finally:
        _watching.reset(token)


def notice(status: int, headers: Mapping[str, str]) -> None:
    """Tell an answer to whoever watches."""
    if (seen := _watching.get()) is not None:
        seen(status, headers)


class OutgoingHeaders(dict[str, str]):
    """To be sent with the request: `traceparent` where it is traced, and the id of our request."""

    def __init__(self, span: Span, request: str, *, azure: bool) -> None:
        super().__init__(carried(span))
        if request != NOBODY:
            self[REQUEST_ID_HEADER] = request
            if azure:
                self[AZURE_REQUEST_ID] = request
        self._span = span
        self._status: int | None = None

    def answered(self, status: int, headers: Mapping[str, str] | None = None) -> None:
        """Note the status of the answer. Its headers are for those who watch, not for traces."""
        notice(status, headers or {})
        self._status = status
        self._span.set_attribute("http.response.status_code", status)
        if status >= _FAILED:
            self._span.set_attribute("error.type", str(status))
            self._span.set_status(StatusCode.ERROR)

    def outcome(self, error: BaseException | None) -> Outcome:
        """What came of it. An answer without an error says it by its status alone."""
        if self._status is not None and self._status >= _FAILED:
            return "failed" if self._status >= _THEIRS else "refused"
        if error is None:
            return "ok"
        return "failed" if isinstance(error, Exception) else "cancelled"


@asynccontextmanager
async def outgoing(
    service: str, method: str, url: str, *, request: str | None = None, azure: bool = False
) -> AsyncIterator[OutgoingHeaders]:
    """Around one request to another service, each try of it by itself:

        async with outgoing("azure-speech", "POST", url, azure=True) as headers:
            response = await client.post(url, headers={**own, **headers})
            headers.answered(response.status_code)

    It may enclose a `yield` of an asynchronous generator: the span becomes nobody's parent.

    Args:
        service: which one, in a word of ours; the span is named `SERVICE METHOD`.
        url: only its host and port are told.
        request: id of the request that it is sent for. Default: the one that is being served.
        azure: whether the service is one of Azure, which has a name of its own for that id.
    """
    span = client_span(
        f"{service} {method}",
        **{"http.request.method": method, "peer.service": service, **_host(url)},
    )
    headers = OutgoingHeaders(span, request or request_id.get(), azure=azure)
    metrics, start = _metrics.get(), time.perf_counter()
    failure: BaseException | None = None
    try:
        yield headers
    except (Exception, asyncio.CancelledError) as error:  # who waits no longer cancels
        failure = error
        mark_failed(span, error)
        raise
    finally:
        span.end()
        if metrics is not None:
            outcome = headers.outcome(failure)
            metrics.outgoing_ended(service, outcome, duration_s=time.perf_counter() - start)


def _host(url: str) -> dict[str, str | int]:
    try:
        address = urlsplit(url)
        host, port = address.hostname, address.port
    except ValueError:  # the request will fail by it
        return {}
    known = {"http": 80, "https": 443}.get(address.scheme)
    found = {"server.address": host, "server.port": port or known}
    return {name: value for name, value in found.items() if value is not None}
