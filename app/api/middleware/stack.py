"""What a request passes on its way to a route, and its answer on the way back."""

import re
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from app.api.connection import Patience
from app.api.middleware.body_limit import BodyLimit
from app.api.middleware.drain import Drain, Draining
from app.api.middleware.head import HeadAsGet
from app.api.middleware.hosts import KnownHosts
from app.api.middleware.http_metrics import HttpMetrics
from app.api.middleware.rate_headers import RateHeaders
from app.api.middleware.request_id import RequestId
from app.api.middleware.request_log import RequestLog, Switches
from app.api.middleware.slow_clients import SlowClients
from app.core.config import Settings

# A multipart body is longer than the file in it.
_FORM_BYTES = 64 * 1024
_BATCHES = re.compile(r"/api/v1/synthesis/batch/?")
_MANY_FILES = re.compile(r"/api/v1/voices/(train|import|[^/]+/samples)")
# JSON writes a character in up to twelve bytes: \ud83d\ude00.
_JSON_BYTES_A_CHAR = 12


class HardenedAPI(FastAPI):
    """An application with middleware around even its answer to unexpected errors, which the
    framework makes outside of all middleware that is added to it.
    """

    def __init__(self, *, around: Sequence[Middleware], **options: Any) -> None:
        self._around = around
        # Its own pages would load whatever a third party sends; see app/api/docs.py. It would send
        # callers of `/voices/`, with what they authenticate by, to whatever `Host` says, and
        # without TLS where no proxy is believed.
        super().__init__(docs_url=None, redoc_url=None, redirect_slashes=False, **options)

    def build_middleware_stack(self) -> ASGIApp:
        app = super().build_middleware_stack()
        for middleware, args, kwargs in reversed(self._around):
            app = middleware(app, *args, **kwargs)
        return app


def add_middleware(app: FastAPI, settings: Settings) -> None:
    """What requests pass before they reach a route, the last one first."""
    app.state.drain = Drain(settings.shutdown_grace_s)
    app.add_middleware(HeadAsGet)
    app.add_middleware(
        BodyLimit,
        form_bytes=settings.max_upload_bytes + _FORM_BYTES,
        many_bytes=max(settings.max_voice_upload_bytes, settings.max_upload_bytes) + _FORM_BYTES,
        many=_MANY_FILES,
        batch_bytes=settings.max_batch_bytes + _FORM_BYTES,
        batch=_BATCHES,
        other_bytes=settings.max_text_chars * _JSON_BYTES_A_CHAR + _FORM_BYTES,
    )
    app.add_middleware(SlowClients, patience=Patience.of(settings))
    app.add_middleware(Draining, drain=app.state.drain)
    app.add_middleware(KnownHosts, hosts=settings.allowed_hosts)
    app.add_middleware(RateHeaders)
    app.add_middleware(RequestLog, switches=Switches.of(settings))
    app.add_middleware(RequestId)
    app.add_middleware(HttpMetrics)  # it sees all answers
