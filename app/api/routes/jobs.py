"""Jobs: what was begun and is not done at once."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from app.api.access import GuardedRoute, access
from app.api.dependencies import Asker, JobKeeper, Jobs, Owner
from app.api.errors import problems
from app.api.events import KEEP_ALIVE_S, MEDIA_TYPE, UNBUFFERED, event
from app.core import exceptions as err
from app.jobs.board import JobBoard
from app.models.access import Permission
from app.models.job import Job, JobDetails, JobKind, JobPage, JobStatus

router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"], route_class=GuardedRoute)

_LOOK_S = 0.5
_KEEP_ALIVE = b": still at it\n\n"
_OF_ONE = problems(err.JobNotFound, err.DatabaseError)
_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events `progress`, each with the job, at first and whenever it has "
        "changed; then `end`, with the job as it was last.",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
    }
}


@router.get("", operation_id="list_jobs", responses=problems(err.DatabaseError))
@router.get("/", include_in_schema=False)
@access(Permission.JOBS_READ)
async def list_jobs(
    jobs: Jobs,
    owner: Owner,
    kind: JobKind | None = None,
    status: JobStatus | None = None,
    subject_id: Annotated[
        str | None, Query(max_length=100, description="Id of a voice or batch.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[str | None, Query(description="From the page before.")] = None,
) -> JobPage:
    """Your jobs, newest first."""
    wanted = {"owner": owner, "kind": kind, "status": status, "subject_id": subject_id}
    where = {name: value for name, value in wanted.items() if value is not None}
    page = await jobs.list(where, limit=limit, cursor=cursor or None)
    return JobPage(items=[JobDetails.of(job) for job in page.items], cursor=page.cursor)


@router.get("/{job_id}", operation_id="get_job", responses=_OF_ONE)
@access(Permission.JOBS_READ)
async def get_job(jobs: Jobs, owner: JobKeeper, job_id: str) -> JobDetails:
    """One job, and how far it is."""
    return JobDetails.of(await jobs.get(owner, job_id))


@router.post(
    "/{job_id}/cancel",
    operation_id="cancel_job",
    responses=problems(err.JobNotFound, err.JobEnded, err.DatabaseError),
)
@access(Permission.JOBS_WRITE)
async def cancel_job(jobs: Jobs, owner: JobKeeper, job_id: str) -> JobDetails:
    """Cancel a job. A batch keeps what was done; a training leaves the voice as it was. One that
    waits is cancelled at once, one that runs is
    within a sentence: `cancel_requested` is true until then.
    """
    return JobDetails.of(await jobs.cancel(owner, job_id))


@router.post(
    "/{job_id}/retry",
    operation_id="retry_job",
    status_code=202,
    responses=problems(
        err.JobNotFound, err.JobEnded, err.JobRunning, err.TooManyJobs, err.DatabaseError
    ),
)
@access(Permission.JOBS_WRITE)
async def retry_job(jobs: Jobs, owner: JobKeeper, by: Asker, job_id: str) -> JobDetails:
    """Try a job again that has failed, was cancelled, or failed in part. A batch goes on from what
    was done, a training begins anew; not while another training of the voice is under way.
    """
    return JobDetails.of(await jobs.retry(owner, job_id, groups=by.groups))


@router.get(
    "/{job_id}/events",
    operation_id="job_events",
    response_class=Response,
    responses=_EVENTS | _OF_ONE,
)
@access(Permission.JOBS_READ)
async def job_events(
    jobs: Jobs, owner: JobKeeper, job_id: str, request: Request
) -> StreamingResponse:
    """Follow a job to its end, as server-sent events. Without an event `end` the server was
    stopped: ask again.
    """
    job = await jobs.get(owner, job_id)
    drain = request.app.state.drain
    events = _events(jobs, job, stops=lambda: drain.begun)
    return StreamingResponse(events, media_type=MEDIA_TYPE, headers=UNBUFFERED)


async def _events(
    jobs: JobBoard, job: Job, *, stops: Callable[[], bool]
) -> AsyncGenerator[bytes, None]:
    told, silent_s = None, 0.0
    while True:
        if (details := JobDetails.of(job)) != told:
            yield event("progress", details)
            told, silent_s = details, 0.0
        elif silent_s >= KEEP_ALIVE_S:
            yield _KEEP_ALIVE
            silent_s = 0.0
        if job.ended:
            break
        if stops():  # it would be waited for
            return
        await asyncio.sleep(_LOOK_S)
        silent_s += _LOOK_S
        try:
            now = await jobs.find(job.id)  # another process may work on it
        except err.DatabaseError:  # it may be back when it is asked again
            continue
        if now is None:  # deleted with its subject
            break
        job = now
    yield event("end", details)
