"""The id of a request, and what log lines say of it."""

import re
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.addresses import client_address
from app.core.logging import (
    NOBODY,
    REQUEST_ID_HEADER,
    actor,
    request_id,
    request_scope,
    source,
    trace_id,
)
from app.core.masking import masked_text

_USABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TRACE = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}.*")


class RequestId:
    """Takes the caller's `X-Request-ID` or makes one, and sends it back. Log lines and audit events
    of the request carry it, log lines also the trace of a `traceparent`, audit events the address
    that the request comes from.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        given = headers.get(REQUEST_ID_HEADER, "")
        current = given if _usable(given) else uuid4().hex[:16]
        request_id.set(current)
        trace = _TRACE.fullmatch(headers.get("traceparent", ""))
        trace_id.set(trace[1] if trace else None)
        request_scope.set(scope)
        actor.set(NOBODY)
        source.set(str(client_address(scope) or NOBODY))

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = current
            await send(message)

        return await self._app(scope, receive, send_with_id)


def _usable(given: str) -> bool:
    """Short, and no secret that somebody put into the wrong header."""
    return _USABLE_ID.fullmatch(given) is not None and masked_text(given) == given
