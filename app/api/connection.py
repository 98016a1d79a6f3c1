"""A connection of uvicorn that waits for its client only so long.

`uvicorn --http app.api.connection:Connection`, and always under our own `serve`.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.core.config import Settings

PATIENCE: Final = "patience"
"""Where the lifespan leaves a `Patience` for the connections."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a client, in seconds.

    Attributes:
        request_s: for its next bytes, and for all headers together.
        answer_s: until it has read what was sent.
    """

    request_s: float
    answer_s: float

    @classmethod
    def of(cls, settings: Settings) -> "Patience":
        return cls(settings.body_timeout_s, settings.send_timeout_s)


class Connection(HttpToolsProtocol):
    """Ends a connection whose headers do not come, or whose answer is not read.

    The server itself bounds only the pause between two requests. Without a `Patience` in the state
    of the lifespan this is the plain protocol.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._patience: Patience | None = self.app_state.get(PATIENCE)
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
