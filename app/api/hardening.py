"""What stands around every answer: headers for browsers, the names of this server."""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.access import OWNER_HEADER
from app.api.audio import DURATION
from app.api.errors import problem_response
from app.core.config import Settings
from app.core.exceptions import HostUnknown
from app.core.logging import REQUEST_ID_HEADER

PROBED = ("/health", "/health/live", "/health/ready", "/metrics")
"""Asked by machines that know this process by its address only, and while it is being stopped."""

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_SENT = ("Authorization", "X-API-Key", REQUEST_ID_HEADER, OWNER_HEADER, "traceparent")
_EXPOSED = (REQUEST_ID_HEADER, DURATION, "RateLimit", "RateLimit-Policy", "Retry-After")

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # Of pages that embed without CORS; those of ALLOWED_ORIGINS ask with it and are let through.
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
_ONE_YEAR_S = 365 * 24 * 3600


class HardenedAPI(FastAPI):
    """An application with middleware around even its answer to unexpected errors, which the
    framework makes outside of all middleware that is added to it.
    """

    def __init__(self, *, around: Sequence[Middleware], **options: Any) -> None:
        self._around = around
        # Its own pages would load whatever a third party sends; see docs.py. It would send callers
        # of `/voices/`, with what they authenticate by, to whatever `Host` says, and without TLS
        # where no proxy is believed.
        super().__init__(docs_url=None, redoc_url=None, redirect_slashes=False, **options)

    def build_middleware_stack(self) -> ASGIApp:
        app = super().build_middleware_stack()
        for middleware, args, kwargs in reversed(self._around):
            app = middleware(app, *args, **kwargs)
        return app


def for_browsers(settings: Settings) -> list[Middleware]:
    """Security headers, and CORS where pages of other origins may call."""
    around = [Middleware(SecurityHeaders, strict_transport=not settings.unsafe_allowed)]
    if settings.allowed_origins:
        around.append(
            Middleware(
                CORSMiddleware,
                allow_origins=settings.allowed_origins,
                allow_credentials=settings.cors_allow_credentials,
                allow_methods=_METHODS,
                allow_headers=_SENT,
                expose_headers=_EXPOSED,
            )
        )
    return around


class SecurityHeaders:
    """Adds what an answer does not say itself.

    Args:
        strict_transport: tell browsers that came by HTTPS to do so for a year.
    """

    def __init__(self, app: ASGIApp, *, strict_transport: bool) -> None:
        self._app = app
        self._strict_transport = strict_transport

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        added = dict(_HEADERS)
        if self._strict_transport and scope["scheme"] == "https":
            added["Strict-Transport-Security"] = f"max-age={_ONE_YEAR_S}"

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in added.items():
                    headers.setdefault(name, value)
            await send(message)

        return await self._app(scope, receive, send_with_headers)


class KnownHosts:
    """Answers 421 to requests for names that are not ours, probes excepted.

    Args:
        hosts: names, `*.example.com` for all below it, either with or without a port. `*` or
            none: all.
    """

    def __init__(self, app: ASGIApp, *, hosts: Sequence[str]) -> None:
        self._app = app
        self._hosts = () if "*" in hosts else tuple(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = scope["type"] == "http" and self._hosts and scope["path"] not in PROBED
        if asked and not self._knows(Headers(scope=scope).get("Host", "")):
            error = HostUnknown(
                "The request names a host that is not ours.",
                "Use the address of this service; its operator lists it in ALLOWED_HOSTS.",
            )
            return await problem_response(error)(scope, receive, send)
        return await self._app(scope, receive, send)

    def _knows(self, host: str) -> bool:
        host = host.lower()
        name, colon, port = host.rpartition(":")
        bare = name if colon and port.isdigit() else host
        return any(_fits(known, host) or _fits(known, bare) for known in self._hosts)


def _fits(known: str, host: str) -> bool:
    if known.startswith("*."):
        return host.endswith(known[1:]) and len(host) > len(known[1:])
    return host == known


class HeadAsGet:
    """Answers HEAD as GET, without the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            return await self._app(scope, receive, send)
        inner = {**scope, "method": "GET"}

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                for name, value in inner.items():  # the route and such, for the log
                    scope.setdefault(name, value)
            else:
                message = {**message, "body": b""}
            await send(message)

        return await self._app(inner, receive, send_head)
