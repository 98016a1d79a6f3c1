"""The jobs there are, and how far they are: records in the database, entries in the queue."""

from collections.abc import Callable, Mapping
from typing import Any

from app.core.clock import utc_now
from app.core.exceptions import (
    Conflict,
    DatabaseError,
    IdempotencyMismatch,
    JobEnded,
    JobNotFound,
    JobRunning,
    NotFound,
    StorageError,
    TooManyJobs,
    VersionConflict,
)
from app.core.ids import is_id
from app.core.logging import actor, get_logger, request_id
from app.core.metrics import Metrics
from app.db.base import Collection, Page
from app.jobs.base import JobHandler, JobQueue
from app.jobs.webhooks import Webhooks
from app.models.job import GROUPS, Job, JobKind, JobProblem, JobStatus

log = get_logger(__name__)

_CHANGES = 50  # tries, when others change the same record
_BUSY_RETRY_S = 30


class JobBoard:
    """What services and workers do with jobs.

    Args:
        max_per_owner: jobs that wait or run, at most 500.
    """

    def __init__(
        self,
        jobs: Collection[Job],
        queue: JobQueue,
        *,
        webhooks: Webhooks,
        max_per_owner: int = 100,
        metrics: Metrics | None = None,
    ) -> None:
        self._jobs = jobs
        self._queue = queue
        self._webhooks = webhooks
        self._max_per_owner = max_per_owner
        self._metrics = metrics
        self._handlers: dict[JobKind, JobHandler] = {}

    def register(self, kind: JobKind, handler: JobHandler) -> None:
        """Say what does the jobs of a kind."""
        self._handlers[kind] = handler

    @property
    def handlers(self) -> Mapping[JobKind, JobHandler]:
        return self._handlers

    async def check_webhook(self, url: str | None) -> None:
        """Raise `WebhookRefused` if it could not be told of the end of a job."""
        if url is not None:
            await self._webhooks.check(url)

    async def known(self, owner: str, key: str | None, fingerprint: str) -> Job | None:
        """The job that an earlier request with this idempotency key has made.

        Raises:
            IdempotencyMismatch: that request was another one.
        """
        if key is None:
            return None
        where = {"owner": owner, "idempotency_key": key}
        found = (await self._jobs.list(where=where, limit=1)).items
        if not found:
            return None
        if found[0].fingerprint != fingerprint:
            raise IdempotencyMismatch(
                "The idempotency key was used for another request.",
                "Use a new key for a new request, and the same one only to repeat a request.",
            )
        return found[0]

    async def submit(self, job: Job) -> Job:
        """Make a job known and queue it. With an idempotency key that is known: the first job.

        Raises:
            IdempotencyMismatch: the key was used for another request.
            TooManyJobs: the owner has as many as may be.
            DatabaseError: nothing was submitted, or it was and runs: ask again with the same key.
        """
        # Before there must be room: a request that is repeated makes no new job.
        if first := await self.known(job.owner, job.idempotency_key, job.fingerprint or ""):
            return first
        await self._check_room(job.owner)
        try:
            await self._jobs.add(job)
        except Conflict:
            first = await self.known(job.owner, job.idempotency_key, job.fingerprint or "")
            if first is None:
                raise
            return first
        await self._put(job)
        return job

    async def get(self, owner: str, job_id: str) -> Job:
        """One job.

        Raises:
            JobNotFound: there is none with this id, or it is somebody else's.
        """
        job = await self._jobs.get(job_id) if is_id(job_id) else None
        if job is None or job.owner != owner:
            raise JobNotFound(f"There is no job {job_id[:64]!r}.", "GET /api/v1/jobs lists them.")
        return job

    async def find(self, job_id: str) -> Job | None:
        """A job of whatever owner, for the service itself."""
        return await self._jobs.get(job_id)

    async def under_way(self, kind: JobKind, subject_id: str) -> Job | None:
        """A job about a voice or batch that has not ended, for the service itself."""
        for status in (JobStatus.RUNNING, JobStatus.QUEUED):
            where = {"kind": kind, "subject_id": subject_id, "status": status}
            if found := (await self._jobs.list(where=where, limit=1)).items:
                return found[0]
        return None

    async def list(self, where: Mapping[str, Any], *, limit: int, cursor: str | None) -> Page[Job]:
        """Jobs, newest first."""
        return await self._jobs.list(where=where, limit=limit, cursor=cursor)

    async def cancel(self, owner: str, job_id: str) -> Job:
        """Cancel a job; what was done is kept. One that runs stops soon, one that waits at once.

        Raises:
            JobNotFound: there is none with this id, or it is somebody else's.
            JobEnded: there is nothing to cancel.
        """
        await self.get(owner, job_id)

        def cancelled(job: Job) -> Job:
            if job.ended:
                raise JobEnded(f"The job has ended: it is {job.status.value}.")
            if job.status is JobStatus.QUEUED:
                return _ended(job, JobStatus.CANCELLED, None)
            return job.model_copy(update={"cancel_requested": True})

        job = await self.change(job_id, cancelled)
        if job.ended:
            try:
                await self._after_end(job)
            except (DatabaseError, StorageError) as error:
                # It is cancelled; who takes its entry from the queue sees to the rest.
                log.warning("a job is settled later", job=job_id, detail=error.detail)
        return job

    async def retry(self, owner: str, job_id: str, *, groups: frozenset[str] = frozenset()) -> Job:
        """Queue a job that has failed, was cancelled, or failed in part, once more, for whoever
        asks now: groups that they have left since do not count.

        Raises:
            JobNotFound: there is none with this id, or it is somebody else's.
            JobEnded: it has not ended, or there is nothing left to do.
            JobRunning: another one about the same voice has not ended.
            TooManyJobs: the owner has as many as may be.
        """
        known = await self.get(owner, job_id)
        by = {"actor": actor.get(), "request_id": request_id.get()}

        def again(job: Job) -> Job:
            if not job.ended or job.status is JobStatus.SUCCEEDED:
                raise JobEnded(
                    f"The job is {job.status.value}: there is nothing to try again.",
                    "A job that failed, was cancelled, or failed in part can be tried again.",
                )
            fresh = {
                "status": JobStatus.QUEUED, "stage": "queued", "progress": 0.0, "eta_s": None,
                "message": None, "error": None, "cancel_requested": False, "ended_at": None,
                "runs": job.runs + 1, "stalls": 0, "options": _options(job, groups), **by,
            }  # fmt: skip
            return job.model_copy(update=fresh)

        other = await self.under_way(known.kind, known.subject_id)
        if other is not None and other.id != job_id:
            raise JobRunning(
                f"The job {other.id} works on the same.", "Wait for its end, or cancel it."
            )
        await self._check_room(owner)
        job = await self.change(job_id, again)
        await self._put(job)
        return job

    async def begin(self, job_id: str, run: int) -> Job | None:
        """Note that a part of a job is begun. None if there is nothing to do any more.

        Args:
            run: which of the times that somebody asked for it.
        """

        def begun(job: Job) -> Job:
            if job.ended or job.runs != run:
                return job
            first = {"started_at": job.started_at or utc_now()}
            counts = {"attempts": job.attempts + 1, "stalls": job.stalls + 1}
            return job.model_copy(update={"status": JobStatus.RUNNING, **first, **counts})

        try:
            job = await self.change(job_id, begun)
        except JobNotFound:  # deleted with its subject
            return None
        return None if job.ended or job.runs != run else job

    async def settle(self, job_id: str, run: int) -> None:
        """Do what follows the end of a job once more: who ended it may have been killed then."""
        job = await self.find(job_id)
        if job is not None and job.ended and job.runs == run:
            await self._after_end(job)

    async def report(
        self,
        job_id: str,
        progress: float,
        stage: str,
        *,
        run: int | None = None,
        message: str | None = None,
        eta_s: float | None = None,
    ) -> None:
        """Note how far a running job is.

        Args:
            run: that is meant; nothing is noted if there was another one since.
        """

        def reported(job: Job) -> Job:
            if job.ended or run not in (None, job.runs):
                return job
            news = {
                "progress": max(job.progress, min(progress, 1.0)), "stage": stage,
                "message": message, "eta_s": eta_s,
            }  # fmt: skip
            further = {"stalls": 0} if progress > job.progress else {}
            return job.model_copy(update=news | further)

        await self.change(job_id, reported)

    async def finish(
        self,
        job_id: str,
        status: JobStatus,
        *,
        run: int | None = None,
        problem: JobProblem | None = None,
    ) -> Job:
        """Note the end of a job; the first one counts. Tells its webhook.

        Args:
            run: that has ended; nothing is noted if there was another one since.

        Raises:
            JobNotFound: it was deleted.
        """

        def finished(job: Job) -> Job:
            over = job.ended or run not in (None, job.runs)
            return job if over else _ended(job, status, problem)

        job = await self.change(job_id, finished)
        if job.ended:
            await self._after_end(job)
        return job

    async def deliver(self, job_id: str) -> None:
        """Tell a job's webhook that it has ended."""
        job = await self.find(job_id)
        if job is not None and job.ended:
            await self._webhooks.deliver(job)

    async def change(self, job_id: str, change: Callable[[Job], Job]) -> Job:
        """Change a record that others change as well: read, change, write, again if need be.

        Raises:
            JobNotFound: there is no such job.
        """
        for _ in range(_CHANGES):
            job = await self._jobs.get(job_id)
            if job is None:
                break
            changed = change(job)
            if changed == job:
                return job
            try:
                stored = await self._jobs.update(changed)
            except VersionConflict:
                continue
            except NotFound:  # deleted since it was read
                break
            if self._metrics and stored.ended and not job.ended:
                self._metrics.job_ended(job.kind.value, stored.status.value)
            return stored
        else:
            raise DatabaseError("A job is changed by too many at once.", "Try again.")
        raise JobNotFound(f"There is no job {job_id!r}.")

    async def delete(self, job_id: str) -> None:
        """Forget a job, with its subject."""
        await self._jobs.delete(job_id)

    async def _after_end(self, job: Job) -> None:
        handler = self._handlers.get(job.kind)
        try:
            if handler is not None and job.status in (JobStatus.FAILED, JobStatus.CANCELLED):
                await handler.stopped(job)
        finally:
            if job.webhook_url is not None:
                await self._queue.put_webhook(job)

    async def _check_room(self, owner: str) -> None:
        limit, count = self._max_per_owner, 0
        for status in (JobStatus.QUEUED, JobStatus.RUNNING):
            where = {"owner": owner, "status": status}
            count += len((await self._jobs.list(where=where, limit=limit)).items)
        if count >= limit:
            raise TooManyJobs(
                f"{count} jobs wait or run; at most {limit} may.",
                "Wait until some have ended, or cancel them.",
                retry_after_s=_BUSY_RETRY_S,
                limit=limit,
            )

    async def _put(self, job: Job) -> None:
        """The record is there: if this fails, workers find it and put it again."""
        try:
            await self._queue.put(job)
        except DatabaseError as error:
            log.warning("a job will be queued later", job=job.id, detail=error.detail)


def _ended(job: Job, status: JobStatus, problem: JobProblem | None) -> Job:
    progress = 1.0 if status in (JobStatus.SUCCEEDED, JobStatus.PARTIAL) else job.progress
    return job.model_copy(
        update={
            "status": status, "stage": status.value, "progress": progress, "eta_s": 0.0,
            "error": problem, "ended_at": utc_now(),
        }
    )  # fmt: skip


def _options(job: Job, groups: frozenset[str]) -> dict[str, Any]:
    """Those of another try."""
    kept = {name: value for name, value in job.options.items() if name != GROUPS}
    left = sorted(groups.intersection(job.options.get(GROUPS, ())))
    return kept | ({GROUPS: left} if left else {})
