"""The limit on the bodies of requests."""

import re

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.errors import problem_response
from app.core.exceptions import UploadTooLarge


class BodyLimit:
    """Answers 413 to a body over the limit: at once if its length is declared, else where it
    passes it.

    The framework's own limit answers in plain text.

    Args:
        form_bytes: of a form, which may hold a file.
        many_bytes: of a form that may hold many files, or files packed together.
        many: paths that take such forms.
        batch_bytes: of a batch in JSON, which holds many texts.
        batch: paths that take batches.
        other_bytes: of anything else. JSON is read into memory whole.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        form_bytes: int,
        many_bytes: int,
        many: re.Pattern[str],
        batch_bytes: int,
        batch: re.Pattern[str],
        other_bytes: int,
    ) -> None:
        self._app = app
        self._form_bytes = form_bytes
        self._many_bytes = many_bytes
        self._many = many
        self._batch_bytes = batch_bytes
        self._batch = batch
        self._other_bytes = other_bytes

    def _limit(self, scope: Scope, headers: Headers) -> int:
        if not headers.get("Content-Type", "").lower().startswith("multipart/form-data"):
            return self._batch_bytes if self._batch.fullmatch(scope["path"]) else self._other_bytes
        return self._many_bytes if self._many.fullmatch(scope["path"]) else self._form_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        limit = self._limit(scope, headers)
        declared = headers.get("Content-Length", "0")
        if declared.isdigit() and int(declared) > limit:
            return await problem_response(_too_large(limit))(scope, receive, send)
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _too_large(limit)
            return message

        return await self._app(scope, limited, send)


def _too_large(limit: int) -> UploadTooLarge:
    return UploadTooLarge(
        f"The request is larger than {limit} bytes.",
        "Send a shorter text, or a shorter or compressed recording (MP3, Opus, FLAC).",
        limit=limit,
    )
