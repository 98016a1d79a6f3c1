"""Azure Cosmos DB for NoSQL: the part of its REST interface that our adapter uses.

https://learn.microsoft.com/rest/api/cosmos-db/
"""

import base64
import copy
import hmac
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import sha256
from itertools import count
from typing import Any
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.azure_fake.cosmos_sql import Parsed, Unreadable, parse

KEY = base64.b64encode(b"a key of the fake account, for its tests").decode()
TOKEN = "a.token.of-the-fake"  # noqa: S105 - of nobody
_MAX_BYTES = 2 * 1024 * 1024
_MAX_OPERATIONS = 100
_MAX_SKEW = timedelta(minutes=15)


class Refusal(Exception):
    """An answer other than the one that was wanted."""

    def __init__(self, status: int, code: str, substatus: int = 0) -> None:
        super().__init__(status, code)
        self.status = status
        self.code = code
        self.substatus = substatus


@dataclass
class Container:
    """Documents by partition and id, and what the container was created with."""

    content: dict[str, Any]
    documents: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    @property
    def field(self) -> str:
        return str(self.content["partitionKey"]["paths"][0]).removeprefix("/")

    @property
    def unique(self) -> list[list[str]]:
        keys = self.content.get("uniqueKeyPolicy", {}).get("uniqueKeys", [])
        return [[path.removeprefix("/") for path in key["paths"]] for key in keys]

    def sorts_by(self, order: list[tuple[str, bool]]) -> bool:
        policy = self.content.get("indexingPolicy", {})
        if len(order) == 1:
            paths = {path["path"] for path in policy.get("includedPaths", [{"path": "/*"}])}
            return order[0][0] == "id" or bool({f"/{order[0][0]}/?", "/*"} & paths)
        there = [
            [(path["path"].removeprefix("/"), path["order"] == "descending") for path in paths]
            for paths in policy.get("compositeIndexes", [])
        ]
        return order in there or [(name, not down) for name, down in order] in there


@dataclass
class State:
    """An account, and its knobs.

    Attributes:
        may_create: whether a token may create databases and containers; a key always may.
        ranges: ids of the partitions of all containers, and what each came from.
    """

    key: str = KEY
    consistency: str = "Strong"
    may_create: bool = False
    databases: dict[str, dict[str, Container]] = field(default_factory=dict)
    offers: dict[str, str] = field(default_factory=dict)
    ranges: dict[str, list[str]] = field(default_factory=lambda: {"0": [], "1": []})
    sessions: list[str | None] = field(default_factory=list)
    _numbers: Any = field(default_factory=lambda: count(1))

    def number(self) -> int:
        return int(next(self._numbers))

    def split(self) -> None:
        """Each partition becomes another one: who asks the old ones is told that they are gone."""
        names = [str(self.number() + 1000) for _ in self.ranges]
        self.ranges = {name: [old] for name, old in zip(names, self.ranges, strict=True)}

    def range_of(self, partition: str) -> str:
        names = sorted(self.ranges)
        return names[sha256(partition.encode()).digest()[0] % len(names)]


def cosmos_app(state: State) -> Starlette:
    async def answer(request: Request) -> Response:
        body = await request.body()
        return _Call(state, request, body).answered()

    methods = ["GET", "POST", "PUT", "DELETE"]
    return Starlette(routes=[Route("/{path:path}", answer, methods=methods)])


class _Call:
    def __init__(self, state: State, request: Request, body: bytes) -> None:
        self.state = state
        self.request = request
        self.body = body
        self.verb = request.method
        raw = request.scope.get("raw_path", b"").split(b"?")[0].decode()
        self.parts = [unquote(part) for part in raw.strip("/").split("/") if part]
        self.is_query = self._header("x-ms-documentdb-isquery").lower() == "true"
        self.is_batch = self._header("x-ms-cosmos-is-batch-request").lower() == "true"

    @property
    def kind(self) -> str:
        even = len(self.parts) % 2 == 0
        return "" if not self.parts else self.parts[-2] if even else self.parts[-1]

    def _header(self, name: str) -> str:
        return str(self.request.headers.get(name, ""))

    def answered(self) -> Response:
        headers = {"x-ms-activity-id": "6c0d3b3e-6f3e-4b52-9a3e-2d4d7c1f0a11"}
        try:
            self._authorised()
            status, content, more = self._done()
        except Refusal as refusal:
            headers["x-ms-substatus"] = str(refusal.substatus)
            body = {"code": refusal.code, "message": f"Message: {refusal.code} secret text"}
            return JSONResponse(body, refusal.status, headers)
        headers |= more
        if content is None:
            return Response(status_code=status, headers=headers)
        return JSONResponse(content, status, headers)

    def _authorised(self) -> None:
        if not self._header("x-ms-version"):
            raise Refusal(400, "BadRequest")
        date = self._header("x-ms-date")
        if not date or abs(parsedate_to_datetime(date) - datetime.now(UTC)) > _MAX_SKEW:
            raise Refusal(403, "Forbidden")
        given = unquote(self._header("authorization"))
        if given == f"type=aad&ver=1.0&sig={TOKEN}":
            writes = self.kind in ("dbs", "colls") and self.verb != "GET"
            if writes and not self.state.may_create:
                raise Refusal(403, "Forbidden", 5300)
            return
        even = len(self.parts) % 2 == 0
        link = "/".join(self.parts if even else self.parts[:-1])
        text = f"{self.verb.lower()}\n{self.kind}\n{link}\n{date.lower()}\n\n"
        digest = hmac.new(base64.b64decode(self.state.key), text.encode(), sha256).digest()
        wanted = f"type=master&ver=1.0&sig={base64.b64encode(digest).decode()}"
        if not hmac.compare_digest(given, wanted):
            raise Refusal(401, "Unauthorized")

    def _done(self) -> tuple[int, Any, dict[str, str]]:
        match self.verb, self.parts:
            case "GET", []:
                policy = {"defaultConsistencyLevel": self.state.consistency}
                return 200, {"id": "fake", "userConsistencyPolicy": policy}, {}
            case "POST", ["dbs"]:
                return self._new_database()
            case "GET", ["dbs", name]:
                self._database(name)
                return 200, {"id": name}, {}
            case "POST", ["dbs", name, "colls"]:
                return self._new_container(name)
            case "GET", ["dbs", name, "colls", one]:
                return 200, self._container(name, one).content, {}
            case "PUT", ["dbs", name, "colls", one]:
                self._container(name, one).content |= json.loads(self.body)
                return 200, self._container(name, one).content, {}
            case "GET", ["dbs", name, "colls", one, "pkranges"]:
                self._container(name, one)
                ranges = [{"id": i, "parents": p} for i, p in self.state.ranges.items()]
                return 200, {"PartitionKeyRanges": ranges}, {}
            case _, ["dbs", name, "colls", one, "docs", *rest] if len(rest) < 2:
                return self._documents(self._container(name, one), rest[0] if rest else None)
        raise Refusal(405, "MethodNotAllowed")

    def _database(self, name: str) -> dict[str, Container]:
        if name not in self.state.databases:
            raise Refusal(404, "NotFound", 0 if len(self.parts) == 2 else 1003)
        return self.state.databases[name]

    def _container(self, name: str, one: str) -> Container:
        containers = self._database(name)
        if one not in containers:
            raise Refusal(404, "NotFound", 0 if len(self.parts) == 4 else 1003)
        return containers[one]

    def _new_database(self) -> tuple[int, Any, dict[str, str]]:
        name = json.loads(self.body)["id"]
        if name in self.state.databases:
            raise Refusal(409, "Conflict")
        self.state.databases[name] = {}
        self.state.offers[name] = self._header("x-ms-cosmos-offer-autopilot-settings")
        return 201, {"id": name}, {}

    def _new_container(self, name: str) -> tuple[int, Any, dict[str, str]]:
        containers, content = self._database(name), json.loads(self.body)
        if content["id"] in containers:
            raise Refusal(409, "Conflict")
        containers[content["id"]] = Container(content)
        return 201, content, {}

    def _documents(
        self, container: Container, document_id: str | None
    ) -> tuple[int, Any, dict[str, str]]:
        self.state.sessions.append(self.request.headers.get("x-ms-session-token"))
        session = {"x-ms-session-token": f"0:-1#{self.state.number()}"}
        if self.is_query:
            content, more = self._queried(container)
            return 200, content, session | more
        partition = self._partition()
        if len(self.body) > _MAX_BYTES:
            raise Refusal(413, "RequestEntityTooLarge")
        if self.is_batch:
            status, results = self._transacted(container, partition)
            return status, results, session
        writing = _Writing(self.state, container, partition)
        match = self._header("if-match")
        if document_id is None:
            return 201, writing.create(json.loads(self.body)), session
        if self.verb == "GET":
            return 200, writing.there(document_id), session
        if self.verb == "DELETE":
            writing.delete(document_id, match)
            return 204, None, session
        return 200, writing.replace(document_id, json.loads(self.body), match), session

    def _partition(self) -> str:
        try:
            (partition,) = json.loads(self._header("x-ms-documentdb-partitionkey"))
        except ValueError as error:
            raise Refusal(400, "BadRequest", 1001) from error
        return str(partition)

    def _transacted(self, container: Container, partition: str) -> tuple[int, list[Any]]:
        operations = json.loads(self.body)
        if not 0 < len(operations) <= _MAX_OPERATIONS:
            raise Refusal(400, "BadRequest")
        before = copy.copy(container.documents)
        writing = _Writing(self.state, container, partition)
        for at, operation in enumerate(operations):
            try:
                _operate(writing, operation)
            except Refusal as refusal:
                container.documents = before
                left_out = [{"statusCode": 424} for _ in operations]
                left_out[at] = {"statusCode": refusal.status}
                return 207, left_out
        return 200, [{"statusCode": 200} for _ in operations]

    def _queried(self, container: Container) -> tuple[Any, dict[str, str]]:
        asked = json.loads(self.body)
        given = {one["name"]: one["value"] for one in asked["parameters"]}
        try:
            parsed = parse(asked["query"], given)
        except Unreadable as error:
            raise Refusal(400, "BadRequest") from error
        found = parsed.run(iter(self._reached(container, parsed)))
        size = int(self._header("x-ms-max-item-count") or 100)
        start = int(self._header("x-ms-continuation").removeprefix("at ") or 0)
        page = found[start : start + size]
        more = {"x-ms-continuation": f"at {start + size}"} if start + size < len(found) else {}
        return {"_rid": "", "Documents": page, "_count": len(page)}, more

    def _reached(self, container: Container, parsed: Parsed) -> list[dict[str, Any]]:
        """The documents that the request is about, if it can be answered."""
        if parsed.order and not container.sorts_by(parsed.order):
            raise Refusal(400, "BadRequest")
        within = self._header("x-ms-documentdb-partitionkeyrangeid")
        if self._header("x-ms-documentdb-partitionkey"):
            wanted = self._partition()
            return [one for (of, _), one in container.documents.items() if of == wanted]
        if self._header("x-ms-documentdb-query-enablecrosspartition").lower() != "true":
            raise Refusal(400, "BadRequest")
        if not within:
            if parsed.order:  # which the gateway leaves to its clients
                raise Refusal(400, "BadRequest")
            return list(container.documents.values())
        if within not in self.state.ranges:
            raise Refusal(410, "Gone", 1002)
        of = self.state.range_of
        return [one for (part, _), one in container.documents.items() if of(part) == within]


def _operate(writing: "_Writing", operation: dict[str, Any]) -> None:
    match, verb = operation.get("ifMatch", ""), operation["operationType"]
    if verb == "Create":
        writing.create(operation["resourceBody"])
    elif verb == "Replace":
        writing.replace(operation["id"], operation["resourceBody"], match)
    elif verb == "Delete":
        writing.delete(operation["id"], match)
    else:
        raise Refusal(400, "BadRequest")


class _Writing:
    """Within one partition."""

    def __init__(self, state: State, container: Container, partition: str) -> None:
        self._state = state
        self._container = container
        self._partition = partition

    def there(self, document_id: str, match: str = "") -> dict[str, Any]:
        found = self._container.documents.get((self._partition, document_id))
        if found is None:
            raise Refusal(404, "NotFound")
        if match and found["_etag"] != match:
            raise Refusal(412, "PreconditionFailed")
        return found

    def create(self, document: dict[str, Any]) -> dict[str, Any]:
        self._fit(document)
        if (self._partition, document["id"]) in self._container.documents:
            raise Refusal(409, "Conflict")
        return self._store(document)

    def replace(self, document_id: str, document: dict[str, Any], match: str) -> dict[str, Any]:
        self.there(document_id, match)
        self._fit(document)
        if document["id"] != document_id:
            raise Refusal(400, "BadRequest")
        return self._store(document)

    def delete(self, document_id: str, match: str) -> None:
        self.there(document_id, match)
        del self._container.documents[self._partition, document_id]

    def _fit(self, document: dict[str, Any]) -> None:
        name = document.get("id")
        if not isinstance(name, str) or not 0 < len(name) <= 255 or set("/\\?#") & set(name):
            raise Refusal(400, "BadRequest")
        if document.get(self._container.field) != self._partition:
            raise Refusal(400, "BadRequest", 1001)
        for names in self._container.unique:
            values = [document.get(one) for one in names]
            for (of, other), there in self._container.documents.items():
                another = of == self._partition and other != name
                if another and [there.get(one) for one in names] == values:
                    raise Refusal(409, "Conflict")

    def _store(self, document: dict[str, Any]) -> dict[str, Any]:
        etag = f'"{self._state.number():08x}-0000-0000-0000-{sha256(b"").hexdigest()[:12]}"'
        system = {"_rid": "r", "_self": "s", "_etag": etag, "_attachments": "a/", "_ts": 1}
        stored = document | system
        self._container.documents[self._partition, document["id"]] = stored
        return stored
