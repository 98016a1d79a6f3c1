"""Audio responses: whole with exact length, or streamed under the first-chunk rule."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from typing import Any, Final, TypeVar

from fastapi import Request, Response
from starlette.types import Receive, Scope, Send

from app.api.events import MEDIA_TYPE, UNBUFFERED
from app.services.synthesis import Speech

T = TypeVar("T")

DURATION: Final = "X-Audio-Duration"
VOICE_VERSION: Final = "X-Voice-Version"
ENGINE: Final = "X-Engine"
FIRST_AUDIO: Final = "X-First-Audio-Ms"
TOTAL: Final = "X-Total-Ms"
SIMILARITY: Final = "X-Similarity"
HISTORY_ID: Final = "X-History-ID"
NORMALIZED: Final = "X-Normalized"
LEXICON_APPLIED: Final = "X-Lexicon-Applied"
LEXICON_IGNORED: Final = "X-Lexicon-Ignored"
TRANSLATED_FROM: Final = "X-Translated-From"
TRANSLATED_TO: Final = "X-Translated-To"
PREPARED: Final = "X-Prepared"
SSML_IGNORED: Final = "X-SSML-Ignored"
HEADERS: Final = {
    DURATION: "Seconds of audio; not where it is streamed.",
    VOICE_VERSION: "Number of the version of the voice.",
    ENGINE: "The engine that speaks.",
    FIRST_AUDIO: "Milliseconds until the first piece of audio was there.",
    TOTAL: "Milliseconds until all of it was; not where it is streamed.",
    SIMILARITY: "Cosine of the voice to its recording, if it was measured.",
    HISTORY_ID: "Id of the entry in the history, where one is kept.",
    NORMALIZED: "Whether numbers and the like were put into words: `true` or `false`.",
    LEXICON_APPLIED: "Places where an entry of a lexicon was applied; not where it is streamed.",
    LEXICON_IGNORED: "Places where one fits and was not; not where it is streamed.",
    TRANSLATED_FROM: "Language of the text, if it was translated.",
    TRANSLATED_TO: "Language that it was translated into.",
    PREPARED: "Whether the text was prepared, if that was asked for: `true` or `false`.",
    SSML_IGNORED: "What of the SSML has no effect here, with commas between; if there is any.",
}
"""What answers with speech carry, with its meaning."""
_OF_THE_WHOLE: Final = (DURATION, TOTAL, LEXICON_APPLIED, LEXICON_IGNORED)

MEDIA_TYPES: Final = (
    "audio/wav", "audio/mpeg", "audio/flac", "audio/ogg", "audio/aac", "audio/pcm",
    "audio/basic", "audio/x-mulaw",
)  # fmt: skip
"""Of all that is spoken."""

CLIENT_GONE = 499
"""Status that nobody reads; access logs show it, as those of nginx do."""

_EVENT = {
    "type": "object",
    "properties": {
        "event": {"type": "string", "enum": ["audio", "mark", "done", "error"]},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "description": "See docs/speaking.md.",
        },
    },
    "required": ["event", "data"],
}


def speech_responses(
    description: str, *, events: bool = False, whole: bool = True
) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that answers with speech, for OpenAPI."""
    content: dict[str, Any] = {
        mime: {"schema": {"type": "string", "format": "binary"}} for mime in MEDIA_TYPES
    }
    if events:
        content[MEDIA_TYPE] = {"itemSchema": _EVENT}
    return {
        200: {
            "description": description,
            "content": content,
            "headers": {
                name: {"description": text, "schema": {"type": "string"}}
                for name, text in HEADERS.items()
                if whole or name not in _OF_THE_WHOLE
            },
        }
    }


async def whole(speech: Speech, request: Request) -> Response:
    """All of the audio, with `Content-Length` and its duration; stops if the client goes away."""
    body = await while_connected(request, _collect(speech))
    if body is None:
        return Response(status_code=CLIENT_GONE)
    headers = _headers(speech) | {
        DURATION: f"{speech.duration_s:.3f}",
        TOTAL: str(round(speech.total_s * 1000)),
        LEXICON_APPLIED: str(speech.lexicon.applied_places),
        LEXICON_IGNORED: str(speech.lexicon.ignored_places),
    }
    return Response(body, media_type=speech.content_type, headers=headers)


async def streamed(
    speech: Speech,
    request: Request,
    body: AsyncGenerator[bytes, None] | None = None,
    *,
    media_type: str | None = None,
) -> Response:
    """Audio as it is made. The first piece is there before the status is sent, so that an error
    has its own.

    Args:
        body: made of the speech, instead of its bytes.
        media_type: of the body.
    """
    body = speech.encoded() if body is None else body
    first = await _first(body, request)
    if first is None:
        return Response(status_code=CLIENT_GONE)
    headers = _headers(speech) | UNBUFFERED
    return _Stream(first, body, media_type or speech.content_type, headers)


async def download(
    body: AsyncGenerator[bytes, None], request: Request, *, media_type: str, filename: str
) -> Response:
    """A file as it is made, under the same rule."""
    first = await _first(body, request)
    if first is None:
        return Response(status_code=CLIENT_GONE)
    headers = {"Content-Disposition": f'attachment; filename="{filename}"'}
    return _Stream(first, body, media_type, headers)


async def _first(body: AsyncGenerator[bytes, None], request: Request) -> bytes | None:
    """The first piece; None if the client went away."""
    first = None
    try:
        first = await while_connected(request, anext(body))
    finally:
        if first is None:  # it failed, or the client went away
            await body.aclose()
    return first


def _headers(speech: Speech) -> dict[str, str]:
    """Those that are known when the first piece is there."""
    similarity = speech.voice.similarity
    headers = {
        VOICE_VERSION: str(speech.voice.active_version),
        ENGINE: speech.engine,
        FIRST_AUDIO: str(round((speech.first_audio_s or 0.0) * 1000)),
        NORMALIZED: str(speech.plan.normalized).lower(),
    }
    if ignored := speech.plan.draft.script.ignored:
        headers[SSML_IGNORED] = ", ".join(ignored).encode("ascii", "replace").decode()
    if (translation := speech.translation) is not None:
        headers[TRANSLATED_FROM] = translation.source_language
        headers[TRANSLATED_TO] = translation.target_language
    if speech.asked_to_prepare:
        headers[PREPARED] = str(speech.prepared is not None).lower()
    if speech.history_id is not None:
        headers[HISTORY_ID] = speech.history_id
    if similarity is not None:
        headers[SIMILARITY] = f"{similarity:.4f}"
    return headers


class _Stream(Response):
    """Sends pieces as they come; closing the connection stops their making, at once."""

    def __init__(
        self,
        first: bytes,
        rest: AsyncGenerator[bytes, None],
        media_type: str,
        headers: dict[str, str],
    ) -> None:
        super().__init__(media_type=media_type, headers=headers)
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


async def while_connected(request: Request, work: Awaitable[T]) -> T | None:
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
