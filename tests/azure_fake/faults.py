"""What can go wrong with a call: a test says what happens to the next ones of a route."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any, Protocol

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Scope = MutableMapping[str, Any]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Fault:
    """What a call gets.

    Attributes:
        status: answered instead; None: the true answer.
        retry_after: the header; None without one.
        body, kind: of the answer.
        cut: bytes of the true answer that get through before the connection breaks.
        mute: there is no answer at all, until the caller gives up.
        done: the call is carried out, though its answer is this one.
        short: the body ends too early: it was to be longer.
        slow_s: before the true answer.
        more: headers.
    """

    status: int | None = None
    retry_after: str | None = None
    body: bytes = b""
    kind: str = "application/json"
    cut: int | None = None
    mute: bool = False
    done: bool = False
    short: bool = False
    slow_s: float = 0.0
    more: tuple[tuple[str, str], ...] = ()


EMPTY = Fault(200)
HTML = Fault(200, body=b"<html><body>Gateway</body></html>", kind="text/html")
MUTE = Fault(mute=True)
TRUE = Fault()
"""Nothing goes wrong this time."""
_BODY = b"<html>PROVIDER-SECRET-WORDS</html>"


def refused(status: int, code: Any, **headers: str) -> Fault:
    """An error as JSON. What its message says must reach nobody."""
    body = json.dumps({"error": {"code": code, "message": "PROVIDER-SECRET-WORDS"}}).encode()
    more = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Fault(status, body=body, more=(("x-requestid", "req-of-the-fake"), *more))


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
        "empty body": EMPTY,
        "HTML body": Fault(200, body=_BODY, kind="text/html"),
        "HTML error": Fault(502, body=_BODY, kind="text/html"),
        "cut": Fault(200, body=b'[{"translations": [{"te', short=True),
    }
)
"""By name; each is known by its name in tables."""


class Judged(Protocol):
    """A request that was held against its description: `tests.azure_fake.published` has them."""

    @property
    def wrong(self) -> Sequence[str]: ...
    @property
    def receive(self) -> Receive: ...
    async def refuse(self, send: Send) -> None: ...
    def over(self, app: App) -> App: ...


class Judge(Protocol):
    async def heard(self, scope: Scope, receive: Receive) -> Judged | None: ...


@dataclass
class Faults:
    """A middleware.

    Attributes:
        calls: method and path of each call, also of those that failed.
        judge: of all requests, and of answers that are no faults.
    """

    app: App | None = None
    calls: list[str] = field(default_factory=list)
    waiting: list[tuple[str, Fault]] = field(default_factory=list)
    judge: Judge | None = None

    def add(self, route: str, fault: Fault, times: int = 1) -> None:
        """The next calls of a route, `METHOD /path` with `*` for anything, get a fault."""
        self.waiting += [(route, fault)] * times

    def clear(self) -> None:
        self.waiting.clear()
        self.calls.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self.app
        assert app is not None
        if scope["type"] != "http":
            return await app(scope, receive, send)
        call = f"{scope['method']} {scope['path']}"
        self.calls.append(call)
        judged = self.judge and await self.judge.heard(scope, receive)
        if judged and judged.wrong:
            return await judged.refuse(send)
        if judged:
            receive, app = judged.receive, judged.over(app)
        for index, (route, fault) in enumerate(self.waiting):
            if fnmatchcase(call, route):
                del self.waiting[index]
                return await _fail(fault, app, scope, receive=receive, send=send)
        return await app(scope, receive, send)


async def _fail(fault: Fault, app: App, scope: Scope, *, receive: Receive, send: Send) -> None:
    if fault.mute:
        while (await receive())["type"] != "http.disconnect":
            pass
        return None
    if fault.status is None and fault.cut is None:
        await asyncio.sleep(fault.slow_s)
        return await app(scope, receive, send)
    if fault.done:
        await app(scope, receive, _nowhere)
    if fault.cut is not None:
        return await app(scope, receive, _cutting(send, fault.cut))
    while not fault.done and (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", fault.kind.encode())]
    if fault.short:
        headers.append((b"content-length", str(len(fault.body) + 100).encode()))
    if fault.retry_after is not None:
        headers.append((b"retry-after", fault.retry_after.encode()))
    headers.append((b"apim-request-id", b"0f1e2d3c-aaaa-bbbb-cccc-000000000001"))
    headers += [(name.encode(), text.encode()) for name, text in fault.more]
    await send({"type": "http.response.start", "status": fault.status, "headers": headers})
    await send({"type": "http.response.body", "body": fault.body})
    return None


async def _nowhere(message: Message) -> None:
    """The answer that gets lost."""


class _Broken(Exception):
    """The connection breaks."""


def _cutting(send: Send, left: int) -> Send:
    async def some(message: Message) -> None:
        nonlocal left
        if message["type"] == "http.response.body":
            body = message.get("body", b"")[:left]
            left -= len(body)
            await send({"type": "http.response.body", "body": body, "more_body": True})
            if not left:
                raise _Broken
            return
        kept = [(name, text) for name, text in message["headers"] if name != b"content-length"]
        await send({**message, "headers": kept})

    return some
