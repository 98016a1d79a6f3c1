"""Azure Cosmos DB for NoSQL as the database."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from app.core.config import Settings
from app.core.exceptions import ConfigurationError, DatabaseError
from app.core.logging import get_logger
from app.db.base import RecordT
from app.db.cosmos.access import Access, KeyAccess, TokenAccess, scope_of
from app.db.cosmos.client import Answer, CosmosClient, Retries
from app.db.cosmos.collection import CosmosCollection
from app.db.cosmos.container import Container
from app.db.cosmos.forms import FORMS, Form
from app.db.cosmos.ledger import CosmosAuditLedger
from app.db.cosmos.outputs import NoOutputs
from app.models.audit import AuditEvent

log = get_logger(__name__)

_PING_TIMEOUT_S: Final = 5.0
_SCALES_FROM: Final = 1000
_REFUSALS: Final = (401, 403)
_SESSION, _TOO_WEAK = "Session", ("Eventual", "ConsistentPrefix")
_UPGRADE: Final = (
    "Run `voice-cloning database upgrade` with COSMOS_DB_KEY, or create them as docs/cosmos.md "
    "says."
)


class CosmosDatabase:
    """A database of an account. It has a container for each kind of record.

    Args:
        name: of the database.
        throughput: up to which it scales where it is created; 0 for a serverless account.
    """

    def __init__(self, client: CosmosClient, name: str, *, throughput: int = 0) -> None:
        self._client = client
        self._name = name
        self._throughput = throughput
        self._containers: dict[type[Any], Container] = {
            form.kind: Container(client, name, form) for form in FORMS
        }

    @classmethod
    def of(cls, settings: Settings) -> "CosmosDatabase":
        """The one that the settings name.

        Raises:
            ConfigurationError: its key has not the form of one.
        """
        client, name = client_of(settings), settings.cosmos_db_database
        return cls(client, name, throughput=settings.cosmos_db_throughput)

    async def open(self, *, migrate: bool = True) -> None:
        """See that all is there, and create what is missing, if `migrate` and we may.

        Raises:
            DatabaseError: something is missing, is not as it should be, or the account's
                consistency is too weak.
        """
        await self._look_at_account()
        link = f"dbs/{self._name}"
        if migrate and not (await self._client.send("GET", link)).ok:
            await self._create("", "dbs", {"id": self._name}, self._offer())
        if names := await self._missing(migrate):
            raise DatabaseError(
                f"Cosmos DB has no container for: {', '.join(names)}, in the database "
                f"{self._name!r}.",
                _UPGRADE,
            )

    async def missing(self) -> Sequence[str]:
        """Names of containers that are not there. Nothing is made.

        Raises:
            DatabaseError: one is not as it should be.
        """
        return await self._missing(migrate=False)

    async def close(self) -> None:
        await self._client.close()

    async def ping(self) -> None:
        """Raise `DatabaseError` if it does not answer within 5 s, or has no containers."""
        try:
            async with asyncio.timeout(_PING_TIMEOUT_S):
                answer = await self._client.send("GET", f"dbs/{self._name}/colls/{FORMS[0].name}")
        except TimeoutError as error:
            raise DatabaseError("Cosmos DB does not answer.", "Try again in a moment.") from error
        if not answer.ok:
            raise answer.error()

    def collection(self, kind: type[RecordT]) -> CosmosCollection[RecordT]:
        return CosmosCollection(self._containers[kind], kind)

    def audit_ledger(self) -> CosmosAuditLedger:
        return CosmosAuditLedger(self._containers[AuditEvent])

    def outputs(self) -> NoOutputs:
        return NoOutputs()

    async def consistency(self) -> str | None:
        """The account's default; None where we may not read the account."""
        answer = await self._client.send("GET", "")
        if answer.status == 401:
            raise answer.error()
        policy = answer.content.get("userConsistencyPolicy") if _is_object(answer) else None
        level = policy.get("defaultConsistencyLevel") if isinstance(policy, dict) else None
        return level if isinstance(level, str) else None

    async def _look_at_account(self) -> None:
        level = await self.consistency()
        if level in _TOO_WEAK:
            raise DatabaseError(
                f"The default consistency of the Cosmos DB account is {level}: what was written "
                "could be missing when it is read.",
                "Set it to BoundedStaleness or Strong; Session does for a single process.",
            )
        if level == _SESSION:
            log.warning(
                "other processes may read late what one has written: consistency is Session",
                suggestion="set the account's default consistency to BoundedStaleness or Strong",
            )

    def _offer(self) -> dict[str, str]:
        if not self._throughput:
            return {}
        if self._throughput < _SCALES_FROM or self._throughput % _SCALES_FROM:
            raise ConfigurationError("COSMOS_DB_THROUGHPUT must be 0, or some thousands.")
        return {"x-ms-cosmos-offer-autopilot-settings": f'{{"maxThroughput": {self._throughput}}}'}

    async def _create(
        self, link: str, feed: str, content: dict[str, Any], headers: dict[str, str] | None = None
    ) -> bool:
        """False if we may not. Another process may have been faster."""
        answer = await self._client.send("POST", link, feed, body=content, headers=headers)
        if answer.ok or answer.status == 409:
            return True
        if answer.status in _REFUSALS or (answer.status == 404 and feed == "colls"):
            return False
        raise answer.error()

    async def _missing(self, migrate: bool) -> Sequence[str]:
        every = (self._prepare(form, migrate) for form in FORMS)
        # All come to their end: whoever closes us then has no request under way.
        found = await asyncio.gather(*every, return_exceptions=True)
        for one in found:
            if isinstance(one, BaseException):
                raise one
        return [name for name in found if isinstance(name, str)]

    async def _prepare(self, form: Form[Any], migrate: bool) -> str | None:
        """The name of the container if it is missing."""
        link = f"dbs/{self._name}/colls/{form.name}"
        answer = await self._client.send("GET", link)
        if answer.status == 404:
            made = migrate and await self._create(f"dbs/{self._name}", "colls", form.container)
            return None if made else form.name
        if not answer.ok:
            raise answer.error()
        found = answer.object()
        if _fixed(found) != _fixed(form.container):
            raise DatabaseError(
                f"The container {form.name} of Cosmos DB was created in another way.",
                "Give this program a database of its own, or create it anew: docs/cosmos.md.",
            )
        if migrate and _indexes(form.container) - _indexes(found):
            changed = {**form.container, "id": form.name}
            answer = await self._client.send("PUT", link, body=changed)
            if not answer.ok and answer.status not in _REFUSALS:
                raise answer.error()
        return None


def _is_object(answer: Answer) -> bool:
    return answer.ok and isinstance(answer.content, dict)


def _fixed(container: dict[str, Any]) -> tuple[Any, ...]:
    """What cannot be changed: how it is partitioned, and what only one document may have."""
    keys = (container.get("uniqueKeyPolicy") or {}).get("uniqueKeys") or []
    return container["partitionKey"]["paths"], [one["paths"] for one in keys]


def _indexes(container: dict[str, Any]) -> set[str]:
    found = container.get("indexingPolicy", {}).get("compositeIndexes") or []
    return {",".join(path["path"] for path in paths) for paths in found}


def client_of(settings: Settings) -> CosmosClient:
    """A client of the account that the settings name.

    Raises:
        ConfigurationError: its key has not the form of one.
    """
    endpoint, key = settings.cosmos_db_endpoint or "", settings.cosmos_db_key
    access: Access = (
        KeyAccess(key.get_secret_value())
        if key
        else TokenAccess(
            settings.cosmos_db_scope or scope_of(endpoint),
            client_id=settings.cosmos_db_client_id,
        )
    )
    retries = Retries(
        settings.cosmos_db_tries, settings.cosmos_db_max_wait_s, settings.cosmos_db_timeout_s
    )
    return CosmosClient(endpoint, access, retries=retries)
