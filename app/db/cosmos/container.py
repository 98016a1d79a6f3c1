"""One container: documents read, written and found, its partitions asked one by one."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.core.exceptions import DatabaseError
from app.db.cosmos.client import Answer, CosmosClient, nonsense
from app.db.cosmos.forms import Form
from app.db.cosmos.queries import Query

Document = dict[str, Any]
Documents = list[Document]

MOST_OPERATIONS: Final = 100
"""Of one transaction."""
_MOST_BYTES: Final = 1_500_000  # of one transaction; 2 MB are refused
_PAGE: Final = 1000
_GONE: Final = 410
_MOVES: Final = 4  # times that partitions may split while we ask
_LEFT_OUT: Final = 424  # an operation that another one has kept from being done
_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class Operation:
    """Part of a transaction.

    Attributes:
        verb: `Create`, `Replace` or `Delete`.
        etag: that the document must have.
    """

    verb: str
    document: Document
    etag: str | None = None

    def body(self) -> Document:
        content: Document = {"operationType": self.verb}
        if self.verb != "Create":
            content["id"] = self.document["id"]
        if self.verb != "Delete":
            content["resourceBody"] = self.document
        return content | ({"ifMatch": self.etag} if self.etag else {})


class Refused(Exception):
    """A write that was not done, for a reason that says something about the document.

    Attributes:
        status: 404, 409 or 412.
        doubtful: an earlier try may have done it.
    """

    def __init__(self, status: int, *, doubtful: bool) -> None:
        super().__init__(status)
        self.status = status
        self.doubtful = doubtful


class Container:
    """The documents of one form.

    Args:
        session: whether what this process has written must be told with each reading, so that it
            finds it.
    """

    def __init__(
        self, client: CosmosClient, database: str, form: Form[Any], *, session: bool = True
    ) -> None:
        self.form = form
        self.extending = asyncio.Lock()
        self._client = client
        self._link = f"dbs/{database}/colls/{form.name}"
        self._session = session
        self._seen: dict[str, str] = {}
        self._ranges: list[str] = []

    async def read(self, document_id: str, partition: str) -> Document | None:
        answer = await self._send("GET", self._of(document_id), partition)
        if _is_absent(answer):
            return None
        if not answer.ok:
            raise answer.error()
        return answer.object()

    async def create(self, document: Document) -> None:
        """Add a document.

        Raises:
            Refused: 409, it is there, or something else that only one may have.
        """
        partition = document[self.form.partition_field]
        answer = await self._send("POST", self._link, partition, feed="docs", body=document)
        self._judged(answer, 201)

    async def replace(self, document: Document, etag: str) -> None:
        """Replace a document that has an ETag.

        Raises:
            Refused: 404, 409 or 412.
        """
        partition = document[self.form.partition_field]
        link, match = self._of(document["id"]), {"if-match": etag}
        answer = await self._send("PUT", link, partition, body=document, headers=match)
        self._judged(answer, 200)
        answer.object()

    async def delete(self, document: Document, *, match: bool = False) -> bool:
        """Delete a document; False if there was none, or `match` and it has another ETag."""
        partition, link = document[self.form.partition_field], self._of(document["id"])
        headers = {"if-match": document["_etag"]} if match else {}
        try:
            self._judged(await self._send("DELETE", link, partition, headers=headers), 204)
        except Refused as refused:
            return refused.status == 404 and refused.doubtful
        return True

    async def transact(self, operations: Sequence[Operation]) -> None:
        """Do all, or none: some hundred at most, of one partition.

        Raises:
            Refused: 404, 409 or 412 of one of them.
        """
        partition = operations[0].document[self.form.partition_field]
        headers = {
            "x-ms-cosmos-is-batch-request": "True",
            "x-ms-cosmos-batch-atomic": "True",
            "x-ms-cosmos-batch-continue-on-error": "False",
        }
        body = [operation.body() for operation in operations]
        answer = await self._send(
            "POST", self._link, partition, feed="docs", body=body, headers=headers
        )
        if not answer.ok:
            self._judged(answer, 200)
        results = answer.content
        if not isinstance(results, list) or len(results) != len(operations):
            raise nonsense()
        for result in results:
            status = int(result.get("statusCode", 500))
            if status >= 400 and status != _LEFT_OUT:
                self._judged(Answer(status, answer.headers, None, answer.doubtful), 200)

    async def find(
        self, query: Query, *, partition: str | None = None, first: int | None = None
    ) -> list[Document]:
        """The documents that a query finds: `first` of each partition, or all. Ordered queries
        are in order within each partition only.
        """
        if query.nothing:
            return []
        body = query.body()
        for _ in range(_MOVES):
            if partition is not None:
                where = [{_PARTITION: _key(partition)}]
            else:
                where = [{_RANGE: one} for one in self._ranges or await self._ask_ranges()]
            found = await asyncio.gather(
                *(self._collected(body, one, first) for one in where), return_exceptions=True
            )
            errors = [one for one in found if isinstance(one, BaseException)]
            if not errors:
                return [document for one in found if isinstance(one, list) for document in one]
            if not all(isinstance(error, _Moved) for error in errors):
                raise next(error for error in errors if not isinstance(error, _Moved))
            self._ranges = []
        raise DatabaseError("Cosmos DB is being moved about.", "Try again in a moment.")

    async def _collected(
        self, body: Document, headers: Mapping[str, str], first: int | None
    ) -> list[Document]:
        found: list[Document] = []
        async for page in self._pages(body, headers, min(first or _PAGE, _PAGE)):
            found += page
            if first is not None and len(found) >= first:
                return found[:first]
        return found

    async def _pages(
        self, body: Document, headers: Mapping[str, str], size: int
    ) -> AsyncIterator[list[Document]]:
        usual = {
            "content-type": "application/query+json",
            "x-ms-documentdb-isquery": "True",
            "x-ms-documentdb-query-enablecrosspartition": "True",
            "x-ms-max-item-count": str(size),
            **headers,
        }
        token: str | None = None
        while True:
            more = {"x-ms-continuation": token} if token else {}
            answer = await self._send(
                "POST", self._link, None, feed="docs", body=body, headers=usual | more
            )
            if answer.status == _GONE:
                raise _Moved
            if not answer.ok:
                raise answer.error()
            yield answer.objects("Documents")
            token = answer.headers.get("x-ms-continuation")
            if not token:
                return

    async def _ask_ranges(self) -> list[str]:
        answer = await self._client.send("GET", self._link, "pkranges")
        if not answer.ok:
            raise answer.error()
        ranges = answer.objects("PartitionKeyRanges")
        split = {parent for one in ranges for parent in one.get("parents") or ()}
        self._ranges = [str(one["id"]) for one in ranges if one["id"] not in split]
        return self._ranges

    async def _send(
        self,
        verb: str,
        link: str,
        partition: str | None,
        *,
        feed: str = "",
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        sent = dict(headers or {})
        if partition is not None:
            sent[_PARTITION] = _key(partition)
        if self._session and self._seen:
            sent[_SESSION] = ",".join(f"{of}:{token}" for of, token in self._seen.items())
        answer = await self._client.send(verb, link, feed, body=body, headers=sent)
        self._notice(answer.headers.get(_SESSION, ""))
        return answer

    def _notice(self, tokens: str) -> None:
        """How far each partition was when it answered: `0:-1#42`, several with commas."""
        for text in filter(None, tokens.split(",")):
            of, _, token = text.partition(":")
            if _progress(token) >= _progress(self._seen.get(of, "")):
                self._seen[of] = token

    def _judged(self, answer: Answer, wanted: int) -> None:
        """Whether it is done: an answer of something in between is no such word."""
        if answer.status == wanted:
            return
        if answer.status in (409, 412) or _is_absent(answer):
            raise Refused(answer.status, doubtful=answer.doubtful)
        raise answer.error()

    def _of(self, document_id: str) -> str:
        return f"{self._link}/docs/{document_id}"


def transactions(
    operations: Sequence[Operation], most: int = MOST_OPERATIONS
) -> Iterator[list[Operation]]:
    """As few as can be, in their order. All are of one partition."""
    some: list[Operation] = []
    size = 0
    for operation in operations:
        length = len(json.dumps(operation.body(), ensure_ascii=True))
        if some and (len(some) >= most or size + length > _MOST_BYTES):
            yield some
            some, size = [], 0
        some.append(operation)
        size += length
    if some:
        yield some


class _Moved(Exception):
    """A partition is not there any more: it was split, or two became one."""


_PARTITION: Final = "x-ms-documentdb-partitionkey"
_RANGE: Final = "x-ms-documentdb-partitionkeyrangeid"
_SESSION: Final = "x-ms-session-token"


def _is_absent(answer: Answer) -> bool:
    """Whether a document is not there; a container that is missing has a further code."""
    return answer.status == 404 and not answer.substatus.strip("0")


def _key(partition: str) -> str:
    return json.dumps([partition])  # in ASCII, as headers are


def _progress(token: str) -> int:
    """Which of two tokens of a partition is the later one: `-1#42`, `3#42#5=7`, or `42`."""
    parts = token.split("#")
    number = parts[1] if len(parts) > 1 else parts[0]
    return int(number) if number.isdigit() else -1
