"""Cosmos DB: the account is read, and two records are made, found, changed and deleted."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final
from uuid import uuid4

from app.core.clock import utc_now
from app.core.config import Settings
from app.core.exceptions import AppError, NotFound
from app.db.base import AnyOf
from app.db.cosmos.client import CosmosClient
from app.db.cosmos.container import Container, Document, Refused
from app.db.cosmos.database import CosmosDatabase, client_of
from app.db.cosmos.forms import FORMS
from app.doctor.azure.watching import Watch
from app.doctor.findings import Check, Untried, Wrong, told
from app.models.history import HistoryEntry, SpeechSource, SpeechStatus

_TOO_WEAK: Final = ("Eventual", "ConsistentPrefix")
_FORM: Final = next(form for form in FORMS if form.kind is HistoryEntry)


@asynccontextmanager
async def cosmos_checks(settings: Settings, watch: Watch) -> AsyncIterator[Sequence[Check]]:
    client, name = client_of(settings), settings.cosmos_db_database
    tries = _Trying(client, name)
    try:
        yield [
            Check("account", tries.account),
            Check("containers", tries.containers, needed=True),
            Check("write", tries.write, needed=True),
            Check("query", tries.query),
            Check("ETag", tries.change),
            Check("delete", tries.delete),
        ]
    finally:
        await tries.clean()
        await client.close()


class _Trying:
    """Two entries of a history, of an owner that nobody is."""

    def __init__(self, client: CosmosClient, name: str) -> None:
        self._name = name
        self._database = CosmosDatabase(client, name)
        self._entries = self._database.collection(HistoryEntry)
        self._container = Container(client, name, _FORM)
        self._owner = f"doctor-{uuid4()}"
        self._there = False
        self._made = [_entry(self._owner, number) for number in (1, 2)]

    async def account(self) -> str:
        level = await self._database.consistency()
        if level is None:
            raise Untried("we may not read the account, and so not its consistency.")
        if level in _TOO_WEAK:
            raise Wrong(f"consistency is {level}; it must be Session, BoundedStaleness or Strong.")
        more = ": enough for a single process, not for several" if level == "Session" else ""
        return f"consistency is {level}{more}."

    async def containers(self) -> str:
        missing = await self._database.missing()
        if missing:
            raise Untried(
                f"missing in the database {self._name!r}: {', '.join(missing)}. The first start "
                "makes them, or `voice-cloning database upgrade`, or you: docs/cosmos.md."
            )
        return f"all are in the database {self._name!r}, as they should be."

    async def write(self) -> str:
        await self._entries.add_all(self._made)
        self._there = True
        return "two records were made in one transaction."

    async def query(self) -> str:
        newest = self._made[::-1]
        of_one = await self._entries.list(where={"owner": self._owner})
        of_all = await self._entries.list(where={"owner": AnyOf((self._owner, "nobody"))})
        if [one.id for one in of_one.items] != [one.id for one in newest]:
            raise Wrong("ORDER BY in one partition does not find both records in order.")
        if [one.id for one in of_all.items] != [one.id for one in newest]:
            raise Wrong("ORDER BY over all partitions does not find both records in order.")
        return "ORDER BY found both in order, in their partition and over all."

    async def change(self) -> str:
        record = await self._container.read(self._made[0].id, self._owner)
        if record is None:
            raise NotFound("The record is not there.")
        if (status := await self._replaced(record)) != 200:
            raise Wrong(f"a change by the right ETag is answered with {status}.")
        status = await self._replaced(record)  # which has another one by now
        if status == 200:
            raise Wrong("a change by an old ETag is taken: changes could be lost.")
        if status != 412:
            raise Wrong(f"a change by an old ETag is answered with {status}, not 412.")
        return "a change by an old ETag is refused: nothing is overwritten unseen."

    async def _replaced(self, record: Document) -> int:
        try:
            await self._container.replace(record, record["_etag"])
        except Refused as refused:
            return refused.status
        return 200

    async def clean(self) -> None:
        """Delete what an interruption has left."""
        if self._there:
            with suppress(AppError):
                await self._entries.delete_where({"owner": self._owner})

    async def delete(self) -> str:
        self._there = False
        try:
            await self._entries.delete_where({"owner": self._owner})
            left = await self._entries.list(where={"owner": self._owner})
        except AppError as error:
            raise Wrong(
                f"records of the owner {self._owner} may be left in {_FORM.name!r}. {told(error)}"
            ) from error
        if left.items:
            raise Wrong(f"records of the owner {self._owner} are left in {_FORM.name!r}.")
        return "both are gone: nothing is left."


def _entry(owner: str, number: int) -> HistoryEntry:
    return HistoryEntry(
        owner=owner,
        voice_id="doctor",
        voice_version=1,
        engine="doctor",
        source=SpeechSource.SPEAK,
        status=SpeechStatus.OK,
        characters=number,
        format="wav",
        sample_rate=24_000,
        duration_s=0.0,
        total_s=0.0,
        request_id="doctor",
        created_at=utc_now() + timedelta(seconds=number),
    )
