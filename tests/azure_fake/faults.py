"""What can go wrong with a call: a test says what happens to the next ones of a route."""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

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
        more: headers.
    """

    status: int | None = None
    retry_after: str | None = None
    body: bytes = b""
    kind: str = "application/json"
    cut: int | None = None
    mute: bool = False
    done: bool = False
    more: tuple[tuple[str, str], ...] = ()


EMPTY = Fault(200)
HTML = Fault(200, body=b"<html><body>Gateway</body></html>", kind="text/html")
MUTE = Fault(mute=True)
TRUE = Fault()
"""Nothing goes wrong this time."""


@dataclass
class Faults:
    """A middleware. `calls`: method and path of each call, also of those that failed."""

    app: App
    calls: list[str] = field(default_factory=list)
    waiting: list[tuple[str, Fault]] = field(default_factory=list)

    def add(self, route: str, fault: Fault, times: int = 1) -> None:
        """The next calls of a route, `METHOD /path` with `*` for anything, get a fault."""
        self.waiting += [(route, fault)] * times

    def clear(self) -> None:
        self.waiting.clear()
        self.calls.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        call = f"{scope['method']} {scope['path']}"
        self.calls.append(call)
        for index, (route, fault) in enumerate(self.waiting):
            if fnmatchcase(call, route):
                del self.waiting[index]
                return await self._fail(fault, scope, receive, send)
        return await self.app(scope, receive, send)

    async def _fail(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        if fault.mute:
            while (await receive())["type"] != "http.disconnect":
                pass
            return None
        if fault == TRUE:
            return await self.app(scope, receive, send)
        if fault.done:
            await self.app(scope, receive, _nowhere)
        if fault.cut is not None:
            return await self.app(scope, receive, _cutting(send, fault.cut))
        headers = [(b"content-type", fault.kind.encode())]
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
