"""The names of this server."""

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.errors import problem_response
from app.api.middleware.probes import PROBED
from app.core.exceptions import HostUnknown


class KnownHosts:
    """Answers 421 to requests for names that are not ours, probes excepted.

    Args:
        hosts: names, `*.example.com` for all below it, either with or without a port. `*` or
            none: all.
    """

    def __init__(self, app: ASGIApp, *, hosts: Sequence[str]) -> None:
        self._app = app
        self._hosts = () if "*" in hosts else tuple(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = scope["type"] == "http" and self._hosts and scope["path"] not in PROBED
        if asked and not self._knows(Headers(scope=scope).get("Host", "")):
            error = HostUnknown(
                "The request names a host that is not ours.",
                "Use the address of this service; its operator lists it in ALLOWED_HOSTS.",
            )
            return await problem_response(error)(scope, receive, send)
        return await self._app(scope, receive, send)

    def _knows(self, host: str) -> bool:
        host = host.lower()
        name, colon, port = host.rpartition(":")
        bare = name if colon and port.isdigit() else host
        return any(_fits(known, host) or _fits(known, bare) for known in self._hosts)


def _fits(known: str, host: str) -> bool:
    if known.startswith("*."):
        return host.endswith(known[1:]) and len(host) > len(known[1:])
    return host == known
