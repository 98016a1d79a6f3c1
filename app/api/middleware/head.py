"""HEAD, for every route that answers GET."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadAsGet:
    """Answers HEAD as GET, without the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            return await self._app(scope, receive, send)
        inner = {**scope, "method": "GET"}
        ended = False

        async def send_head(message: Message) -> None:
            nonlocal ended
            if message["type"] == "http.response.start":
                for name, value in inner.items():  # the route and such, for the log
                    scope.setdefault(name, value)
                await send(message)
            elif not ended:  # of a stream nobody waits for the rest
                ended = True
                await send({**message, "body": b"", "more_body": False})

        return await self._app(inner, receive, send_head)
