"""A blob container from which Azure reads recordings: put there, and taken away again. By plain
requests of its REST interface, with the signature that the container's address carries.
"""

import asyncio
import re
from collections.abc import Mapping
from html import unescape
from typing import Final
from urllib.parse import quote

import httpx2

from app.core.exceptions import EngineUnavailable
from app.core.outgoing import outgoing
from app.core.retrying import Pauses, asked_wait_s
from app.core.trust import authorities
from app.engines.azure.pace import Pause

_VERSION: Final = "2021-12-02"
_CONNECT_S: Final = 10.0
_TRIES: Final = 4
_PAUSES: Final = Pauses(1.0, 30.0)
_NAME: Final = re.compile(r"<Name>([^<]+)</Name>")
_NEXT: Final = re.compile(r"<NextMarker>([^<]+)</NextMarker>")
_SETTING: Final = "AZURE_SPEECH_TRAINING_CONTAINER_URL"


class Container:
    """One, by its address.

    Args:
        url: with a SAS that may read, list, write and delete. Told nobody.
        timeout_s: without a byte.
    """

    def __init__(self, url: str, *, timeout_s: float = 30.0, pause: Pause = asyncio.sleep) -> None:
        try:
            address = httpx2.URL(url)
        except httpx2.InvalidURL:
            raise _unusable("is not an address") from None
        # A slash at its end would become part of the names.
        path = address.path.rstrip("/")
        self._path = address.copy_with(query=None, path=path)
        self._signed = dict(address.params)
        self._timeout = httpx2.Timeout(timeout_s, connect=min(_CONNECT_S, timeout_s))
        self._pause = pause

    async def put(self, name: str, content: bytes) -> None:
        """Write a blob; one that is there is replaced.

        Raises:
            EngineUnavailable
        """
        headers = {"x-ms-blob-type": "BlockBlob", "Content-Type": "audio/wav"}
        await self._send("PUT", name, ok=(201,), headers=headers, content=content)

    async def delete_prefix(self, prefix: str) -> None:
        """Delete all blobs whose names begin so.

        Raises:
            EngineUnavailable
        """
        query = {"restype": "container", "comp": "list", "prefix": prefix}
        while True:
            answer = await self._send("GET", "", ok=(200,), query=query)
            names = [unescape(name) for name in _NAME.findall(answer.text)]
            for name in names:
                if not name.startswith(prefix):  # nothing but what is ours
                    raise _unusable("lists blobs that were not asked for")
                await self._send("DELETE", name, ok=(202, 404))
            after = _NEXT.search(answer.text)
            if after is not None:  # there may be more, also after an empty page
                query["marker"] = unescape(after[1])
            elif not names:
                return
            else:  # until nothing is left
                query.pop("marker", None)

    async def _send(
        self,
        method: str,
        name: str,
        *,
        ok: tuple[int, ...],
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx2.Response:
        url = httpx2.URL(f"{self._path}/{quote(name)}" if name else str(self._path))
        url = url.copy_merge_params({**self._signed, **(query or {})})
        for tried in range(1, _TRIES + 1):
            answer: httpx2.Response | None = None
            try:
                async with (
                    outgoing("azure-blob", method, str(self._path), azure=True) as told,
                    httpx2.AsyncClient(timeout=self._timeout, verify=authorities()) as client,
                ):
                    said = {**told, "x-ms-version": _VERSION, **(headers or {})}
                    answer = await client.request(method, url, headers=said, content=content)
                    told.answered(answer.status_code, answer.headers)
            except httpx2.HTTPError as error:
                failure = _unusable(f"cannot be reached: {type(error).__name__}")
            else:
                if answer.status_code in ok:
                    return answer
                failure = _unusable(f"refuses ({answer.status_code})")
                if answer.status_code not in (408, 429) and answer.status_code < 500:
                    break
            if tried < _TRIES:
                asked_s = None if answer is None else asked_wait_s(answer.headers)
                await self._pause(min(_PAUSES.longest_s, _PAUSES.after(tried, asked_s)))
        raise failure


def _unusable(why: str) -> EngineUnavailable:
    return EngineUnavailable(
        f"The container of recordings for Azure {why}.",
        f"The operator must check {_SETTING}: its signature may have expired, or lack a "
        "permission. docs/azure.md.",
    )
