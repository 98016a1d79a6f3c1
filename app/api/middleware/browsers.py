"""What browsers are told with every answer: security headers, and CORS."""

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.access import OWNER_HEADER
from app.api.audio import HEADERS as SPEECH_HEADERS
from app.api.errors import METHODS
from app.api.rates import POLICY, RETRY_AFTER, STATE
from app.core.config import Settings
from app.core.logging import REQUEST_ID_HEADER
from app.services.access import KEY_HEADER

_SENT = (
    *("Authorization", KEY_HEADER, REQUEST_ID_HEADER, OWNER_HEADER, "traceparent"),
    *("Idempotency-Key", "If-Match"),
)
_EXPOSED = (REQUEST_ID_HEADER, *SPEECH_HEADERS, STATE, POLICY, RETRY_AFTER, "ETag")

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # Of pages that embed without CORS; those of ALLOWED_ORIGINS ask with it and are let through.
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
_ONE_YEAR_S = 365 * 24 * 3600


def for_browsers(settings: Settings) -> list[Middleware]:
    """Security headers, and CORS where pages of other origins may call."""
    around = [Middleware(SecurityHeaders, strict_transport=not settings.unsafe_allowed)]
    if settings.allowed_origins:
        around.append(
            Middleware(
                CORSMiddleware,
                allow_origins=settings.allowed_origins,
                allow_credentials=settings.cors_allow_credentials,
                allow_methods=METHODS,
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
