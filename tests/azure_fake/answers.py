"""What goes wrong with a service: told beforehand, for so many calls of a route."""

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

_JSON = (b"content-type", b"application/json")


@dataclass(frozen=True)
class Fault:
    """An answer instead of the right one.

    Attributes:
        cut: the connection breaks off behind the body, which was to be longer.
        slow_s: before the right answer.
    """

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    cut: bool = False
    slow_s: float = 0.0


def refused(status: int, code: Any, **headers: str) -> Fault:
    """An error as JSON. What its message says must reach nobody."""
    body = json.dumps({"error": {"code": code, "message": "PROVIDER-SECRET-WORDS"}}).encode()
    more = tuple(
        (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()
    )
    return Fault(status, body, (_JSON, (b"x-requestid", b"req-of-the-fake"), *more))


FAULTS: Mapping[str, Fault] = MappingProxyType(
    {
        "401": refused(401, 401000),
        "403": refused(403, 403000),
        "404": refused(404, 404000),
        "409": refused(409, 409000),
        "429": refused(429, 429000),
        "429 with Retry-After": refused(429, 429001, retry_after="7"),
        "500": refused(500, 500000),
        "503": refused(503, 503000),
        "empty body": Fault(200),
        "HTML body": Fault(200, b"<html>PROVIDER-SECRET-WORDS</html>"),
        "HTML error": Fault(502, b"<html>PROVIDER-SECRET-WORDS</html>"),
        "cut": Fault(200, b'[{"translations": [{"te', (_JSON,), cut=True),
    }
)  # fmt: skip
"""By name; each is known by its name in tables."""


@dataclass
class Faults:
    """The faults that wait, by the end of the path that they are for."""

    waiting: dict[str, deque[Fault]] = field(default_factory=dict)

    def next(self, route: str, fault: Fault, times: int = 1) -> None:
        """The next calls of paths that end so have this fault."""
        self.waiting.setdefault(route, deque()).extend([fault] * times)

    def clear(self) -> None:
        self.waiting.clear()

    def take(self, path: str) -> Fault | None:
        for route, faults in self.waiting.items():
            if path.endswith(route) and faults:
                return faults.popleft()
        return None


class Faulty:
    """An application with faults before it. Counts the calls.

    Attributes:
        calls: paths.
    """

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults
        self.calls: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = None
        if scope["type"] == "http":
            self.calls.append(scope["path"])
            fault = self._faults.take(scope["path"])
        if fault is None or fault.slow_s:
            await asyncio.sleep(fault.slow_s if fault else 0)
            await self._app(scope, receive, send)
            return
        while (await receive()).get("more_body"):
            pass
        length = len(fault.body) + 100 * fault.cut
        headers = [*fault.headers, (b"content-length", str(length).encode())]
        await send({"type": "http.response.start", "status": fault.status, "headers": headers})
        await send({"type": "http.response.body", "body": fault.body})  # cut: it is too short
