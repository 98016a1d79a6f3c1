"""Paths as they are written."""

from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.errors import problem_response
from app.core.exceptions import NotFound


class ExactPaths:
    """Answers 404 to paths that end in a line break: routes are matched by patterns that end in
    `$`, which overlooks one, so that `/history/%0A` would be answered as `/history/`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].endswith("\n"):
            error = NotFound(f"There is no path {scope['path']!r}.", "See /docs.")
            return await problem_response(error)(scope, receive, send)
        return await self._app(scope, receive, send)
