"""Clients that send or read too slowly, on purpose or not: they must not hold what others need.

`SlowClients` works under any server. `Connection` does what only the protocol of the server can,
for uvicorn: `uvicorn --http app.api.slow_clients:Connection`, and always under our own `serve`.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.core.exceptions import ClientTooSlow
from app.core.logging import get_logger

log = get_logger(__name__)

# What Apache's mod_reqtimeout asks for, MinRate=500: slower than any line that speech is sent on.
_MIN_BYTES_PER_S = 500
STATE_KEY = "patience"
"""Where the lifespan leaves a `Patience` for the connections."""
READER_STOPPED = "reader_stopped"
"""Key in the state of a request: its answer was broken off since nobody read it."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a client, in seconds.

    Attributes:
        request_s: for its next bytes, and for all headers together.
        answer_s: until it has read what was sent.
    """

    request_s: float
    answer_s: float


class ReaderStopped(ConnectionError):
    """The client does not read its answer. Nobody is left to be told."""


class SlowClients:
    """Answers 408 to a body that does not come; stops an answer that is not read."""

    def __init__(self, app: ASGIApp, *, patience: Patience) -> None:
        self._app = app
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        body = _Body(receive, self._patience.request_s)

        async def send_in_time(message: Message) -> None:
            if body.late and message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Connection"] = "close"
            try:
                async with asyncio.timeout(self._patience.answer_s):
                    await send(message)
            except TimeoutError:
                raise ReaderStopped from None

        try:
            await self._app(scope, body.receive, send_in_time)
        except ReaderStopped:
            scope.setdefault("state", {})[READER_STOPPED] = True
            # Returning from an unfinished answer breaks the connection.
            log.info("a client stopped reading its answer")


class _Body:
    """The body of a request: no long silence, and no slow trickle either.

    Attributes:
        late: the client was too slow.
    """

    def __init__(self, receive: Receive, patience_s: float) -> None:
        self.late = False
        self._receive = receive
        self._patience_s = patience_s
        self._budget_s = patience_s
        self._complete = False

    async def receive(self) -> Message:
        """The next message.

        Raises:
            ClientTooSlow: it did not come in time.
        """
        if self._complete:  # what comes now is the end of the connection
            return await self._receive()
        start = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self._budget_s):
                message = await self._receive()
        except TimeoutError:
            self.late = True
            raise _too_slow(self._patience_s) from None
        # Only waiting counts: the rest of the time it was us who were slow.
        waited_s = asyncio.get_running_loop().time() - start
        earned_s = len(message.get("body", b"")) / _MIN_BYTES_PER_S
        self._budget_s = min(self._patience_s, self._budget_s - waited_s + earned_s)
        self._complete = not message.get("more_body", False)
        return message


def _too_slow(patience_s: float) -> ClientTooSlow:
    return ClientTooSlow(
        f"The request was silent for {patience_s:g} s, or slower than {_MIN_BYTES_PER_S} bytes/s.",
        "Send it again, over a better connection.",
    )


class Connection(HttpToolsProtocol):
    """Ends a connection whose headers do not come, or whose answer is not read.

    The server itself bounds only the pause between two requests. Without a `Patience` in the state
    of the lifespan this is the plain protocol.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._patience: Patience | None = self.app_state.get(STATE_KEY)
        self._headers_due: asyncio.TimerHandle | None = None
        self._reading_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_headers()

    def data_received(self, data: bytes) -> None:
        # Also of bytes that begin no request: empty lines, the rest of a body nobody wanted.
        if self.cycle is not None and self.cycle.response_complete:
            self._expect_headers()
        super().data_received(data)

    def on_headers_complete(self) -> None:
        _stop(self._headers_due)
        self._headers_due = None
        super().on_headers_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._patience and self._reading_due is None:
            # Closing would wait for the reader.
            self._reading_due = self.loop.call_later(self._patience.answer_s, self.transport.abort)

    def resume_writing(self) -> None:
        _stop(self._reading_due)
        self._reading_due = None
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        _stop(self._headers_due, self._reading_due)
        super().connection_lost(exc)

    def _expect_headers(self) -> None:
        if self._patience and self._headers_due is None:
            self._headers_due = self.loop.call_later(self._patience.request_s, self.transport.abort)


def _stop(*timers: asyncio.TimerHandle | None) -> None:
    for timer in timers:
        if timer is not None:
            timer.cancel()
