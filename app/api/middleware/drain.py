"""Stopping: what is being said is finished, nothing new is begun."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from types import FrameType

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.errors import problem_response
from app.api.middleware.probes import PROBED
from app.core.exceptions import ShuttingDown
from app.core.logging import get_logger

log = get_logger(__name__)

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Drain:
    """Holds a signal to stop back from the server until the requests under way are answered, or
    broken off. The server would close the door first, and under its own command wait for ever.

    Attributes:
        begun: nothing new is taken.
        over: the time is up; what still runs is broken off.
    """

    def __init__(self, grace_s: float) -> None:
        self.begun = False
        self.over = False
        self._grace_s = grace_s
        self._requests: set[asyncio.Task[object]] = set()

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Watch for signals, where that is possible: in the main thread, under a server that
        handles them.
        """
        with ExitStack() as restored:
            if threading.current_thread() is threading.main_thread():
                for number in _SIGNALS:
                    self._watch(number, restored)
            yield

    @contextmanager
    def request(self) -> Iterator[None]:
        """The current task is answering a request."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - there always is one on a loop
        self._requests.add(task)
        try:
            yield
        finally:
            self._requests.discard(task)

    def _watch(self, number: signal.Signals, restored: ExitStack) -> None:
        server_stops = signal.getsignal(number)
        if not callable(server_stops):
            return
        loop = asyncio.get_running_loop()
        stop = partial(server_stops, number, None)

        def handle(_number: int, _frame: FrameType | None) -> None:
            if self.begun:  # the second one means it
                stop()
            else:
                self.begun = True
                loop.call_soon_threadsafe(self._start, stop)

        signal.signal(number, handle)
        restored.callback(signal.signal, number, server_stops)

    def _start(self, stop: "partial[object]") -> None:
        draining = asyncio.ensure_future(self._finish())
        draining.add_done_callback(lambda _: stop())

    async def _finish(self) -> None:
        under_way = set(self._requests)
        log.info("stopping", under_way=len(under_way))
        if not under_way:
            return
        _, unfinished = await asyncio.wait(under_way, timeout=self._grace_s)
        self.over = True
        for request in unfinished:
            request.cancel()
        if unfinished:
            log.warning("broke off what was under way", requests=len(unfinished))
            await asyncio.wait(unfinished)


class Draining:
    """Refuses requests once the server is being stopped, probes excepted."""

    def __init__(self, app: ASGIApp, *, drain: Drain) -> None:
        self._app = app
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in PROBED:
            return await self._app(scope, receive, send)
        started = False

        async def send_last(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                if self._drain.begun:
                    MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)

        if self._drain.begun:
            return await problem_response(_stopping())(scope, receive, send_last)
        with self._drain.request():
            try:
                await self._app(scope, receive, send_last)
            except asyncio.CancelledError:
                if not self._drain.over:
                    raise
                # Returning from an unfinished answer breaks the connection: never a clean end.
                if not started:
                    await problem_response(_stopping())(scope, receive, send_last)


def _stopping() -> ShuttingDown:
    return ShuttingDown("The server is being stopped.", "Send the request again.")
