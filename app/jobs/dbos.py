"""The queue, over DBOS: only what waits and who has taken it. What a job is, and how far it is,
stands in our own records.

DBOS is imported where it is opened: it is not needed to answer requests.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy import create_engine, make_url

from app.core.config import Settings
from app.core.exceptions import DatabaseError
from app.core.tasks import in_thread
from app.db.engine import make_file, server_options, set_pragmas, sqlite_file, with_driver
from app.db.errors import database_errors
from app.models.job import Job, JobKind

if TYPE_CHECKING:
    from dbos import DBOSClient, EnqueueOptions, WorkflowStatus
    from sqlalchemy import Engine

T = TypeVar("T")

PROTOCOL: Final = "1"
"""Version of what is written into the queue. DBOS gives an entry only to workers with the same:
raise it when older programs must not work on what newer ones have queued."""

APPLICATION: Final = "voice-cloning"
SCHEMA: Final = "dbos"  # in PostgreSQL
PART, WEBHOOK = "part", "webhook"  # names of workflows
QUEUES: Final = {JobKind.BATCH: "batches", JobKind.TRAINING: "trainings"}
WEBHOOKS: Final = "webhooks"
POOL: Final = 4  # connections
_OVER: Final = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
_FORGOTTEN_AT_ONCE, _MOST_FORGOTTEN = 200, 10_000


@dataclass(frozen=True, slots=True)
class Entry:
    """What the queue knows of a part of a job.

    Attributes:
        over: it will not be run any more.
        failed: and did not end as it should.
    """

    over: bool
    failed: bool


def entry_ids(job: Job) -> list[str]:
    """Ids of the entries of a job. Those of another run of it are others."""
    return [f"{job.id}:{job.runs}:{part}" for part in range(job.parts)]


class DbosQueue:
    """Where jobs wait: a file beside the database, or tables in PostgreSQL. Connects when it is
    first needed.

    Args:
        url: of SQLAlchemy, for SQLite or PostgreSQL.
        migrate: bring the schema up to date when it is opened, else see that it is.
        protocol: version of the entries.

    Raises:
        DatabaseError: the URL has no meaning.
    """

    def __init__(self, url: str, *, migrate: bool = True, protocol: str = PROTOCOL) -> None:
        self.url = _without_asyncio(url)
        self.protocol = protocol
        self._migrate = migrate
        self._client: DBOSClient | None = None
        self._server: Engine | None = None
        self._opening = threading.Lock()
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="jobs-queue")

    @classmethod
    def of(cls, settings: Settings) -> "DbosQueue":
        return cls(jobs_url(settings), migrate=settings.database_migrate)

    async def open(self) -> None:
        """Connect, and bring the schema up to date.

        Raises:
            DatabaseError: that cannot be done.
        """
        await self._call(lambda client: None)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await in_thread(self._threads, client.destroy)
        if self._server is not None:  # the client does not close what it was given
            await in_thread(self._threads, self._server.dispose)
        self._threads.shutdown(wait=False)

    async def put(self, job: Job) -> None:
        await self._call(_put, job, self.protocol)

    async def put_webhook(self, job: Job) -> None:
        await self._call(_put_webhook, job, self.protocol)

    async def entries(self, jobs: Sequence[Job]) -> dict[str, Entry]:
        """Those of some jobs that exist, by their ids.

        Raises:
            DatabaseError: of the database.
        """
        return await self._call(_entries, jobs)

    async def forget(self, before: datetime) -> None:
        """Delete entries that were over before that moment: no more than some thousands at once.

        Raises:
            DatabaseError: some may be deleted, and others not.
        """
        await self._call(_forget, before)

    async def takers(self) -> set[str]:
        """Workers that have taken entries, and not ended them.

        Raises:
            DatabaseError: of the database.
        """
        return {taken.executor_id for taken in await self._call(_taken, None) if taken.executor_id}

    async def put_back(self, worker_id: str) -> int:
        """Queue again what a worker has taken, which is not there any more. Returns how many.

        Raises:
            DatabaseError: some may be queued again, and others not.
        """
        return await self._call(_put_back, worker_id)

    async def _call(self, work: "Callable[..., T]", *args: Any) -> T:
        def run() -> T:
            with queue_errors():
                return work(self._connected(), *args)

        return await in_thread(self._threads, run)

    def _connected(self) -> "DBOSClient":
        from dbos import DBOSClient, DBOSPortableJSONSerializer

        with self._opening:
            if self._client is None:
                quieten()
                if self._migrate:
                    _migrate(self.url)
                self._server = server_engine(self.url)
                self._client = DBOSClient(
                    system_database_url=self.url,
                    system_database_engine=self._server,
                    system_database_pool_size=POOL,
                    dbos_system_schema=SCHEMA,
                    serializer=DBOSPortableJSONSerializer(),
                    application_name=APPLICATION,
                    retry_connection_errors=False,
                )
            return self._client


def jobs_url(settings: Settings) -> str:
    """Where jobs wait. May hold a password."""
    if settings.jobs_database_url:
        return settings.jobs_database_url.get_secret_value()
    with database_errors():
        if sqlite_file(with_driver(settings.database)) is None:
            return settings.database
    return f"sqlite:///{(settings.data_dir / 'jobs.db').absolute()}"


def quieten() -> None:
    """DBOS tells every start in several lines, and that SQLite is no server. With a handler it
    brings none of its own, and its lines go where all others go.
    """
    logger = logging.getLogger("dbos")
    logger.setLevel(logging.WARNING)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


def _without_asyncio(url: str) -> str:
    with database_errors():
        parsed = make_url(with_driver(url))
        sqlite_file(str(parsed))  # is it a URL that we can use?
        if parsed.get_backend_name() == "sqlite":
            parsed = parsed.set(drivername="sqlite")
        return parsed.render_as_string(hide_password=False)


def server_engine(url: str) -> "Engine | None":
    """Connections for DBOS, with our own options for PostgreSQL; of SQLite it makes its own, with
    events of its own.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return None
    options = server_options(parsed)
    return create_engine(parsed, pool_size=POOL, max_overflow=0, hide_parameters=True, **options)


def _migrate(url: str) -> None:
    from dbos import DBOS

    make_file(url)
    if (file := sqlite_file(with_driver(url))) is not None:
        with closing(sqlite3.connect(file)) as connection:
            # For good: those who look and the one who writes do not wait for each other.
            set_pragmas(connection, "busy_timeout=60000", "journal_mode=WAL")
    DBOS.migrate(url, schema=SCHEMA)


@contextmanager
def queue_errors() -> Iterator[None]:
    """Turn the errors of DBOS and of its database into ours.

    Raises:
        DatabaseError
    """
    from dbos import error as dbos_errors

    with database_errors():
        try:
            yield
        except dbos_errors.DBOSException as error:
            raise DatabaseError(
                "The queue of jobs does not answer as it should.",
                "Run `voice-cloning database upgrade`, and check JOBS_DATABASE_URL.",
            ) from error


def _put(client: "DBOSClient", job: Job, protocol: str) -> None:
    options: EnqueueOptions = {
        "workflow_name": PART,
        "queue_name": QUEUES[job.kind],
        "queue_partition_key": job.owner,  # a line for each: workers take from all lines
        "app_version": protocol,
    }
    for part, entry_id in enumerate(entry_ids(job)):
        client.enqueue({**options, "workflow_id": entry_id}, job.id, job.runs, part)


def _put_webhook(client: "DBOSClient", job: Job, protocol: str) -> None:
    options: EnqueueOptions = {
        "workflow_name": WEBHOOK,
        "queue_name": WEBHOOKS,
        "queue_partition_key": job.owner,
        "app_version": protocol,
        "workflow_id": f"{job.id}:{job.runs}:webhook",
    }
    client.enqueue(options, job.id)


def _entries(client: "DBOSClient", jobs: Sequence[Job]) -> dict[str, Entry]:
    ids = [entry_id for job in jobs for entry_id in entry_ids(job)]
    if not ids:  # none would mean all
        return {}
    found = client.list_workflows(workflow_ids=ids, load_input=False, load_output=False)
    return {
        entry.workflow_id: Entry(
            over=entry.status in _OVER, failed=entry.status in _OVER and entry.status != "SUCCESS"
        )
        for entry in found
    }


def _forget(client: "DBOSClient", before: datetime) -> None:
    for _ in range(_MOST_FORGOTTEN // _FORGOTTEN_AT_ONCE):
        found = client.list_workflows(
            status=[*_OVER],
            completed_before=before.isoformat(),
            limit=_FORGOTTEN_AT_ONCE,
            load_input=False,
            load_output=False,
        )
        if not found:
            return
        client.delete_workflows([entry.workflow_id for entry in found])


def _taken(client: "DBOSClient", worker_id: str | None) -> "list[WorkflowStatus]":
    return client.list_workflows(
        status="PENDING", executor_id=worker_id, load_input=False, load_output=False
    )


def _put_back(client: "DBOSClient", worker_id: str) -> int:
    queues: dict[str, list[str]] = {}
    for entry in _taken(client, worker_id):
        queues.setdefault(entry.queue_name or "", []).append(entry.workflow_id)
    for queue, ids in queues.items():
        client.resume_workflows(ids, queue_name=queue)
    return sum(map(len, queues.values()))
