"""Clients that send or read too slowly, on purpose or not: they must not hold what others need.

This works under any server. What only the protocol of the server can do, `Connection` does.
"""

import asyncio

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.connection import Patience
from app.core.exceptions import ClientTooSlow
from app.core.logging import get_logger

log = get_logger(__name__)

# What Apache's mod_reqtimeout asks for, MinRate=500: slower than any line that speech is sent on.
_MIN_BYTES_PER_S = 500
READER_STOPPED = "reader_stopped"
"""Key in the state of a request: its answer was broken off since nobody read it."""


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
