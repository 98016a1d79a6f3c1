"""Requests to Cosmos DB: signed, repeated where that may help, their errors put in our words.

https://learn.microsoft.com/rest/api/cosmos-db/
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, Final
from urllib.parse import quote

import httpx2

from app.core.exceptions import DatabaseError, InvalidRequest
from app.core.outgoing import notice
from app.core.retrying import Pauses, asked_wait_s
from app.db.cosmos.access import Access

VERSION: Final = "2020-07-15"
_PAUSES: Final = Pauses(first_s=0.1, longest_s=5.0)
_THROTTLED, _RETRY_WITH = 429, 449
_NO_ANSWER: Final = (
    "Cosmos DB does not answer as it should.",
    "Check COSMOS_DB_ENDPOINT and the state of the account, then try again.",
)
_BUSY: Final = (
    "Cosmos DB has no request units left.",
    "Try again in a moment. If it stays so, raise the throughput of the database.",
)
_FULL: Final = (
    "A partition of Cosmos DB is full: the records of one owner, or the audit trail, fill 20 GB.",
    "Delete some, or keep them for a shorter time.",
)
_MEANINGS: Final[Mapping[int, tuple[str, str]]] = {
    401: (
        "Cosmos DB does not let this program in.",
        "Check COSMOS_DB_KEY and the clock of this machine.",
    ),
    403: (
        "Cosmos DB does not let this program do that.",
        "Give its identity the role Cosmos DB Built-in Data Contributor, and look at the account's "
        "firewall.",
    ),
    404: (
        "The database or a container is missing in Cosmos DB.",
        "Check COSMOS_DB_DATABASE; `voice-cloning database upgrade` creates what is missing.",
    ),
    _THROTTLED: _BUSY,
}
_PARTITION_FULL: Final = "1014"
# With 404: the replica is behind what this session has seen; the container was only just created.
_TOO_EARLY: Final = ("1002", "1013")


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how long.

    Attributes:
        tries: of one request.
        max_wait_s: between them, in all.
        timeout_s: of one try.
    """

    tries: int = 9
    max_wait_s: float = 30.0
    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        content: the JSON; None if there is none.
        doubtful: an earlier try got no answer, and may have been done all the same.
    """

    status: int
    headers: Mapping[str, str]
    content: Any
    doubtful: bool = False

    @property
    def substatus(self) -> str:
        return self.headers.get("x-ms-substatus", "")

    @property
    def ok(self) -> bool:
        return self.status < 300

    def objects(self, name: str) -> list[dict[str, Any]]:
        """The JSON objects under a name.

        Raises:
            DatabaseError: there are none.
        """
        found = self.content.get(name) if isinstance(self.content, dict) else None
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise nonsense()
        return found

    def object(self) -> dict[str, Any]:
        """The JSON object.

        Raises:
            DatabaseError: there is none.
        """
        if not isinstance(self.content, dict):
            raise nonsense()
        return self.content

    def error(self) -> Exception:
        """What it means if nobody expected it. Nothing of the answer's text."""
        told = {"activity_id": self.headers["x-ms-activity-id"]} if self._is_traced else {}
        if self.status == 413:
            return InvalidRequest("A record is too large: Cosmos DB takes 2 MB.")
        if self.status == 403 and self.substatus == _PARTITION_FULL:
            return DatabaseError(*_FULL, **told)
        return DatabaseError(*_MEANINGS.get(self.status, _NO_ANSWER), **told)

    @property
    def _is_traced(self) -> bool:
        return self.headers.get("x-ms-activity-id", "").replace("-", "").isalnum()


class CosmosClient:
    """An account.

    Args:
        endpoint: its address.
        transport: instead of the network.
        pause: waits between tries.
    """

    def __init__(
        self,
        endpoint: str,
        access: Access,
        *,
        retries: Retries | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._access = access
        self._retries = retries or Retries()
        self._pause = pause
        self._http = httpx2.AsyncClient(
            timeout=self._retries.timeout_s, follow_redirects=False, transport=transport
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def send(
        self,
        verb: str,
        link: str,
        feed: str = "",
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request; again where that may help.

        Args:
            link: of a resource, as `dbs/x/colls/y`; empty for the account.
            feed: what is asked for below it, as `docs`.

        Raises:
            DatabaseError: nobody has answered, or only to wait.
            InvalidRequest: a text that is no Unicode.
        """
        content = _encoded(body)
        waited, doubtful = 0.0, False
        for attempt in range(1, self._retries.tries + 1):
            answer = await self._once(verb, link, feed, content, dict(headers or {}))
            if answer is not None and not _passes(answer):
                return Answer(answer.status, answer.headers, answer.content, doubtful)
            doubtful |= answer is None or answer.status >= 500 or answer.status == 408
            asked = None if answer is None else asked_wait_s(answer.headers)
            wait = _PAUSES.after(attempt, asked)
            waited += wait
            if attempt < self._retries.tries and waited <= self._retries.max_wait_s:
                await self._pause(wait)
                continue
            break
        raise nonsense() if answer is None else answer.error()

    async def _once(
        self, verb: str, link: str, feed: str, content: bytes | None, headers: dict[str, str]
    ) -> Answer | None:
        date = formatdate(time.time(), usegmt=True)
        kind = feed or (link.split("/")[-2] if link else "")
        headers = {
            "accept": "application/json",
            "content-type": "application/json",
            "x-ms-date": date,
            "x-ms-version": VERSION,
            "authorization": await self._access.header(verb, kind, link, date),
            **headers,
        }
        path = quote("/".join(part for part in (link, feed) if part), safe="/")
        try:
            async with asyncio.timeout(self._retries.timeout_s):
                response = await self._http.request(
                    verb, f"{self._endpoint}/{path}", content=content, headers=headers
                )
        except (httpx2.HTTPError, TimeoutError, OSError):
            return None
        except httpx2.InvalidURL as error:
            raise DatabaseError("COSMOS_DB_ENDPOINT is no address.") from error
        notice(response.status_code, response.headers)
        return _answer(response)


def nonsense() -> DatabaseError:
    """There is no answer, or one that Cosmos DB would not give."""
    return DatabaseError(*_NO_ANSWER)


def _answer(response: httpx2.Response) -> Answer:
    try:
        content = json.loads(response.content) if response.content else None
    except (ValueError, RecursionError):
        content = None
    return Answer(response.status_code, response.headers, content)


def _passes(answer: Answer) -> bool:
    """Whether the next try may have another answer."""
    early = answer.status == 404 and answer.substatus in _TOO_EARLY
    return early or answer.status in (408, _THROTTLED, _RETRY_WITH) or answer.status >= 500


def _encoded(body: Any) -> bytes | None:
    if body is None:
        return None
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (UnicodeEncodeError, ValueError) as error:
        raise InvalidRequest("A value cannot be stored: it is no text, or no number.") from error
