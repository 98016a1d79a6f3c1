"""A worker over DBOS: takes what waits in the queue, and has it done."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError
from contextvars import Context
from typing import Any, Final

from app.core.exceptions import ConfigurationError
from app.core.tasks import in_thread
from app.jobs.dbos import (
    APPLICATION,
    PART,
    POOL,
    QUEUES,
    SCHEMA,
    WEBHOOK,
    WEBHOOKS,
    DbosQueue,
    queue_errors,
    quieten,
    server_engine,
)
from app.models.job import JobKind

# A webhook that nobody answers is tried for half an hour: others do not wait for it.
_WEBHOOKS_AT_ONCE: Final = 32
_WEBHOOKS_OF_OWNER: Final = 4
_OTHER_THREADS: Final = 8
_STOP_S: Final = 10.0  # for handlers to let go

RunPart = Callable[[str, int, int], Awaitable[None]]
"""Works on a part of a run of a job: its id, which run, which part."""
Deliver = Callable[[str], Awaitable[None]]
"""Tells a job's webhook that the job with this id has ended."""


class DbosWorker:
    """Takes what waits, and has it done on the loop it is made on. One in a process: DBOS itself
    is one.

    Args:
        worker_id: of this start of the process; no other may ever have the same.
        owners_at_once: whose batches are worked on at the same time.
        poll_s: how often the queues are looked at.
    """

    def __init__(
        self,
        queue: DbosQueue,
        worker_id: str,
        *,
        run: RunPart,
        deliver: Deliver,
        owners_at_once: int = 8,
        poll_s: float = 0.5,
    ) -> None:
        self._queue = queue
        self._id = worker_id
        self._run = run
        self._deliver = deliver
        self._owners_at_once = owners_at_once
        self._poll_s = poll_s
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._held = False  # nothing is begun
        self._refused = False  # something was to be, meanwhile

    async def open(self) -> None:
        """Begin to take what waits.

        Raises:
            ConfigurationError: this process has a worker.
            DatabaseError: the queue cannot be reached.
        """
        if not _ONLY_ONE.acquire(blocking=False):
            raise ConfigurationError(
                "This process works on jobs already.",
                "One worker in a process is all there can be.",
            )
        try:
            await self._queue.open()
            await in_thread(None, self._launch)
        except BaseException:
            await in_thread(None, _destroy)
            _ONLY_ONE.release()
            raise

    async def close(self) -> None:
        """Stop what is worked on, and queue it again for others.

        Raises:
            DatabaseError: it could not be queued again; other workers will find it.
        """
        self._held = True
        await self._interrupt()
        try:
            await in_thread(None, _destroy)
        finally:
            _ONLY_ONE.release()
        await self._queue.put_back(self._id)

    async def put_back(self) -> None:
        """Stop what is worked on, and queue it again for others and for this one.

        Raises:
            DatabaseError: it stays taken by this worker.
        """
        self._held = True
        try:
            await self._interrupt()
            while True:
                self._refused = False
                await self._queue.put_back(self._id)
                if not self._refused:  # else it may have been taken behind our back
                    return
        finally:
            self._held = False

    async def _interrupt(self) -> None:
        running = set(self._tasks)
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=_STOP_S)

    def _launch(self) -> None:
        from dbos import DBOS, DBOSPortableJSONSerializer

        quieten()
        with queue_errors():
            DBOS(
                config={
                    "name": APPLICATION,
                    "application_version": self._queue.protocol,
                    "executor_id": self._id,
                    "system_database_url": self._queue.url,
                    "system_database_engine": server_engine(self._queue.url),
                    "sys_db_pool_size": POOL,
                    "dbos_system_schema": SCHEMA,
                    "serializer": DBOSPortableJSONSerializer(),
                    "run_migrations": False,  # the queue has done so, where it may
                    "use_listen_notify": False,  # nothing here waits for its notifications
                    "notification_listener_polling_interval_sec": 0.5,  # so long is an end, too
                    "scheduler_polling_interval_sec": 3600.0,
                    "max_executor_threads": self._owners_at_once
                    + _WEBHOOKS_AT_ONCE
                    + _OTHER_THREADS,
                    "enable_otlp": False,
                    "log_level": "WARNING",
                }
            )
            self._register_workflows()
            DBOS.listen_queues([*QUEUES.values(), WEBHOOKS])
            DBOS.launch()
            self._register_queues()

    def _register_workflows(self) -> None:
        from dbos import DBOS

        # The bound on attempts is our own.
        @DBOS.workflow(name=PART, max_recovery_attempts=None)
        def part(job_id: str, run: int, number: int) -> None:
            self._bridge(self._run, job_id, run, number)

        @DBOS.workflow(name=WEBHOOK, max_recovery_attempts=None)
        def webhook(job_id: str) -> None:
            self._bridge(self._deliver, job_id)

    def _register_queues(self) -> None:
        from dbos import DBOS

        for queue, at_once, of_owner in (
            (QUEUES[JobKind.BATCH], self._owners_at_once, 1),
            (QUEUES[JobKind.TRAINING], 1, 1),  # it takes every core there is
            (WEBHOOKS, _WEBHOOKS_AT_ONCE, _WEBHOOKS_OF_OWNER),
        ):
            DBOS.register_queue(
                queue,
                worker_concurrency=at_once,
                partition_worker_concurrency=of_owner,
                polling_interval_sec=self._poll_s,
                on_conflict="always_update",
            )

    def _bridge(self, work: Callable[..., Awaitable[None]], *args: Any) -> None:
        """From a thread of DBOS to the loop of the application."""
        coroutine = self._tracked(work, *args)
        try:
            # In a context of its own: DBOS's is no business of ours.
            Context().run(asyncio.run_coroutine_threadsafe, coroutine, self._loop).result()
        except CancelledError:
            raise _Interrupted from None

    async def _tracked(self, work: Callable[..., Awaitable[None]], *args: Any) -> None:
        if self._held:
            self._refused = True
            raise asyncio.CancelledError
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await work(*args)


class _Interrupted(BaseException):
    """Ends a workflow without any outcome. DBOS notes every `Exception` as its end."""


_ONLY_ONE: Final = threading.Lock()


def _destroy() -> None:
    from dbos import DBOS

    DBOS.destroy(destroy_registry=True)
