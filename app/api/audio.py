"""Audio responses: whole with exact length, or streamed under the first-chunk rule."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from typing import TypeVar

from fastapi import Request, Response
from starlette.types import Receive, Scope, Send

from app.services.synthesis import Speech

T = TypeVar("T")

DURATION = "X-Audio-Duration"
CLIENT_GONE = 499
"""Status that nobody reads; access logs show it, as those of nginx do."""


async def whole(speech: Speech, request: Request) -> Response:
    """All of the audio, with `Content-Length` and its duration; stops if the client goes away."""
    body = await _while_connected(request, _collect(speech))
    if body is None:
        return Response(status_code=CLIENT_GONE)
    headers = {DURATION: f"{speech.duration_s:.3f}"}
    return Response(body, media_type=speech.content_type, headers=headers)


async def streamed(speech: Speech, request: Request) -> Response:
    """Audio as it is made. The first piece is there before the status is sent, so that an error
    has its own.
    """
    body = speech.encoded()
    first = None
    try:
        first = await _while_connected(request, anext(body))
    finally:
        if first is None:  # it failed, or the client went away
            await body.aclose()
    if first is None:
        return Response(status_code=CLIENT_GONE)
    return _Stream(first, body, speech.content_type)


class _Stream(Response):
    """Sends pieces as they come; closing the connection stops their making, at once."""

    def __init__(self, first: bytes, rest: AsyncGenerator[bytes, None], media_type: str) -> None:
        super().__init__(media_type=media_type)
        del self.headers["content-length"]
        self._first = first
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.ensure_future(self._send(send))
        leaving = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait([sending, leaving], return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()  # a failure breaks the connection: never a clean end
        finally:
            leaving.cancel()
            sending.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)

    async def _send(self, send: Send) -> None:
        async with aclosing(self._rest) as rest:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": self._first, "more_body": True})
            async for piece in rest:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _collect(speech: Speech) -> bytes:
    async with aclosing(speech.encoded()) as pieces:
        return b"".join([piece async for piece in pieces])


async def _while_connected(request: Request, work: Awaitable[T]) -> T | None:
    """The result of the work, or None if the client went away first: then the work is stopped."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_gone(request.receive))
    try:
        await asyncio.wait([working, leaving], return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        leaving.cancel()
        working.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
