"""What metrics and traces cost each request: the same application with them and without, in turns,
without a network between.

With `PROMETHEUS_MULTIPROC_DIR` set, the metrics are those of several processes.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from app.api.middleware.http_metrics import HttpMetrics
from app.context import AppContext
from app.core.config import Settings
from app.core.tracing import Tracing, span
from app.main import create_app
from app.services.voices import Upload
from tests.conftest import recording

_ROUNDS = 40
_REQUESTS = {"GET /health": 100, "GET /voices/{voice_id}": 40, "synthesize, 10 sentences": 6}
_TEXT = "This is a short sentence. " * 10


class _Nowhere(SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS


def main() -> None:
    asyncio.run(_main())


async def _main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(_env_file=None, data_dir=Path(folder), voice_engine="fake")
        app = create_app(settings)
        async with app.router.lifespan_context(app):
            context: AppContext = app.state.context
            voice = await context.voices.register("local", Upload(recording(), "a.wav"))
            tracing = Tracing(settings, _Nowhere())
            print("| request | without | metrics | metrics and traces |\n|---|---|---|---|")
            for (name, count), (method, path, body) in zip(
                _REQUESTS.items(), _scopes(voice.id), strict=True
            ):
                without, counted, traced = await _compare(app, tracing, (method, path, body), count)
                cells = [
                    f"{taken:.0f} µs ({taken / without - 1:+.1%})" for taken in (counted, traced)
                ]
                print(f"| {name} | {without:.0f} µs | {cells[0]} | {cells[1]} |")
            tracing.close()
    print(f"\nA span where nothing is traced: {1e6 * _no_op_s():.2f} µs.")


def _scopes(voice_id: str) -> list[tuple[str, str, bytes]]:
    speak = json.dumps({"text": _TEXT, "format": "pcm", "stream": True}).encode()
    return [
        ("GET", "/health", b""),
        ("GET", f"/voices/{voice_id}", b""),
        ("POST", f"/voices/{voice_id}/synthesize", speak),
    ]


async def _compare(
    app: FastAPI, tracing: Tracing, request: tuple[str, str, bytes], count: int
) -> tuple[float, float, float]:
    """Microseconds a request: without, with metrics, with traces too. The best of the rounds:
    others use these cores too.
    """
    whole = list(app.user_middleware)
    bare = [item for item in whole if item.cls is not HttpMetrics]  # type: ignore[comparison-overlap]

    def use(middleware: list[Any], tracer: Any) -> Callable[[], None]:
        app.user_middleware = middleware
        stack = app.build_middleware_stack()

        def switch() -> None:
            app.middleware_stack = stack
            app.state.tracer = tracer

        return switch

    variants = [use(bare, None), use(whole, None), use(whole, tracing.tracer)]
    times: list[list[float]] = [[], [], []]
    for number in range(_ROUNDS + 1):
        for switch, taken in zip(variants, times, strict=True):
            switch()
            start = time.perf_counter()
            for _ in range(count):
                await _send(app, *request)
            if number:  # the first one warms up
                taken.append(1e6 * (time.perf_counter() - start) / count)
    app.user_middleware = whole
    without, counted, traced = (min(taken) for taken in times)
    return without, counted, traced


async def _send(app: FastAPI, method: str, path: str, body: bytes) -> None:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }
    coming = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        return coming.pop() if coming else await asyncio.Event().wait()

    async def send(message: Any) -> None: ...

    await app(scope, receive, send)


def _no_op_s() -> float:
    count = 100_000
    start = time.perf_counter()
    for _ in range(count):
        with span("sentence", number=1):
            pass
    return (time.perf_counter() - start) / count
