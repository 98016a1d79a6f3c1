"""Jobs over HTTP: list, look, cancel, try again, follow to the end."""

import asyncio
import json
import re
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from app.core.config import Settings
from app.core.exceptions import EngineFailed
from app.db.base import Collection
from app.db.opening import database_of
from app.jobs.base import JobRun
from app.models.base import LOCAL_OWNER
from app.models.job import Job, JobKind, JobStatus
from tests.api.access_table import bearer, guarded_settings, make_key
from tests.conftest import serving
from tests.jobs.parts import Handler, forever, job_of
from tests.jobs.test_webhooks import SECRET, receiver
from tests.speaking import create_app
from tests.telemetry.collector import collecting
from tests.telemetry.series import value

JOBS = "/api/v1/jobs"
_OF_ONE = (("GET", ""), ("POST", "/cancel"), ("POST", "/retry"), ("GET", "/events"))
NOBODYS = "550e8400-e29b-41d4-a716-446655440000"


class Board:
    """Puts jobs on the board of a server."""

    def __init__(self, client: TestClient) -> None:
        self._client = client
        state: Any = client.app.state  # type: ignore[attr-defined]
        self.board = state.context.jobs

    def submit(self, handler: Handler | None = None, **fields: object) -> Job:
        if handler is not None:
            self.board.register(JobKind.BATCH, handler)
        return self.call(self.board.submit, job_of(**{"owner": LOCAL_OWNER, **fields}))

    def call(self, work: Callable[..., Any], *args: Any) -> Any:
        assert self._client.portal is not None
        return self._client.portal.call(work, *args)


@pytest.fixture
def board(client: TestClient) -> Board:
    return Board(client)


def events(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Names and data, in their order; comments are left out."""
    found = []
    for block in text.strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if line[0] != ":")
        if lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


def test_jobs_are_listed_newest_first_by_what_is_asked_for(client, board):
    one = board.submit(subject_id="a")
    two = board.submit(subject_id="b", kind=JobKind.TRAINING)
    three = board.submit(subject_id="a")
    client.post(f"{JOBS}/{one.id}/cancel")

    def listed(**wanted: object) -> list[str]:
        return [item["job_id"] for item in client.get(JOBS, params=wanted).json()["items"]]

    assert listed() == [three.id, two.id, one.id]
    assert client.get(f"{JOBS}/").json() == client.get(JOBS).json()
    assert listed(kind="training") == [two.id]
    assert listed(status="queued", kind="batch") == [three.id]
    assert listed(subject_id="a") == [three.id, one.id]
    assert listed(subject_id="a\0'") == []
    page = client.get(JOBS, params={"limit": 2}).json()
    rest = client.get(JOBS, params={"limit": 2, "cursor": page["cursor"]}).json()
    assert [item["job_id"] for item in page["items"] + rest["items"]] == listed()
    assert rest["cursor"] is None


def test_what_cannot_be_asked_for_is_refused(client):
    bad = ({"kind": "x"}, {"status": "done"}, {"limit": 0}, {"limit": 501}, {"cursor": "x"})
    for wanted in bad:
        answer = client.get(JOBS, params=wanted)
        assert answer.status_code == 400, wanted
        assert answer.json()["code"] == "invalid-request"


def test_a_job_is_shown_as_it_is(client, board):
    job = board.submit(webhook_url=None, options={"secret": "text that was to be spoken"})
    board.call(board.board.begin, job.id, 1)
    board.call(board.board.report, job.id, 0.25, "speaking")

    shown = client.get(f"{JOBS}/{job.id}")

    assert "secret" not in shown.text
    told = shown.json()
    assert (told["status"], told["stage"], told["progress"]) == ("running", "speaking", 0.25)
    assert told["attempts"] == 1
    assert told["started_at"]
    assert told["ended_at"] is None


def test_one_that_is_not_there_is_not_found(client):
    for job_id in (NOBODYS, "x", "%00", "..%2f", "x" * 3000):
        for method, end in _OF_ONE:
            answer = client.request(method, f"{JOBS}/{job_id}{end}")
            assert answer.status_code == 404, f"{method} {job_id[:40]}{end}"


def test_cancelling_a_job_that_waits_and_trying_it_again(client, board):
    job = board.submit()
    cancelled = client.post(f"{JOBS}/{job.id}/cancel")
    twice = client.post(f"{JOBS}/{job.id}/cancel")
    again = client.post(f"{JOBS}/{job.id}/retry")
    too_soon = client.post(f"{JOBS}/{job.id}/retry")

    assert cancelled.json()["status"] == "cancelled"
    assert (twice.status_code, twice.json()["code"]) == (409, "job-ended")
    assert again.status_code == 202
    assert again.json()["status"] == "queued"
    assert (too_soon.status_code, too_soon.json()["code"]) == (409, "job-ended")


def test_another_owners_job_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    settings = guarded_settings(tmp_path, jobs_worker=False)
    ann, ben = (
        bearer(asyncio.run(make_key(settings, owner, "creator"))) for owner in ("ann", "ben")
    )
    with TestClient(create_app(settings)) as client:
        board = Board(client)
        jobs = [board.submit(owner="ann") for _ in range(2)]
        for method, end in _OF_ONE:
            path = f"{JOBS}/{jobs[0].id}{end}"
            theirs = client.request(method, path, headers=ben)
            assert theirs.status_code == 404, end
            none = client.request(method, path.replace(jobs[0].id, NOBODYS), headers=ben)
            assert (
                theirs.text.replace(jobs[0].id, NOBODYS).split('"instance"')[0]
                == (none.text.split('"instance"')[0])
            )
        cursor = client.get(f"{JOBS}?limit=1", headers=ann).json()["cursor"]

        assert client.get(JOBS, headers=ben).json()["items"] == []
        foreign = client.get(JOBS, params={"cursor": cursor}, headers=ben)
        assert foreign.status_code == 400
        assert len(client.get(JOBS, headers=ann).json()["items"]) == 2


def test_a_job_that_has_ended_is_told_once(client, board):
    job = board.submit()
    client.post(f"{JOBS}/{job.id}/cancel")
    answer = client.get(f"{JOBS}/{job.id}/events")

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-accel-buffering"] == "no"
    (first, told), (last, end) = events(answer.text)
    assert (first, last) == ("progress", "end")
    assert told == end == client.get(f"{JOBS}/{job.id}").json()


def test_a_job_is_followed_from_its_wait_to_its_end(working_client):
    board = Board(working_client)
    stages: Iterator[float] = iter((0.25, 0.5, 0.75))

    async def work(run: JobRun) -> JobStatus:
        for progress in stages:
            await run.report(progress, "speaking", message="a sentence", eta_s=1.0)
            await asyncio.sleep(0.6)  # the reader looks twice a second
        raise EngineFailed("There was no audio.", "Try another voice.")

    job = board.submit(Handler(work))
    told = events(working_client.get(f"{JOBS}/{job.id}/events").text)

    names = [name for name, _ in told]
    assert names == ["progress"] * (len(names) - 1) + ["end"]
    progress = [data["progress"] for _, data in told]
    assert progress == sorted(progress)
    assert {0.25, 0.5, 0.75} & set(progress)
    assert told[-1][1]["status"] == "failed"
    assert told[-1][1]["error"] == {
        "code": "engine-failed", "detail": "There was no audio.",
        "suggestion": "Try another voice.",
    }  # fmt: skip


def test_who_checks_a_webhook_as_the_page_says_believes_ours_and_finds_it_in_the_traces(
    settings: Settings,
) -> None:
    page = (Path(__file__).parents[2] / "docs/jobs.md").read_text()
    [example] = re.findall(r"```python\n(.*?)```", page, re.S)
    checks: dict[str, Any] = {}
    exec(example, checks)  # noqa: S102 - our own page
    given = {
        "jobs_worker": True,
        "jobs_poll_s": 0.05,
        "webhook_secret": SecretStr(SECRET),
        "webhook_allowed_hosts": ("127.0.0.1",),
    }
    with collecting() as collector:
        works = settings.model_copy(update={**given, "otel_exporter_otlp_endpoint": collector.url})
        with receiver(200) as hook, TestClient(create_app(works)) as client:
            job = Board(client).submit(webhook_url=f"http://127.0.0.1:{hook.port}/told")
            client.post(f"{JOBS}/{job.id}/cancel")
            deadline = time.monotonic() + 20
            while not hook.received:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            [(path, headers, body)] = hook.received
        spans = {span.name: span for span in collector.spans()}

    assert spans["webhook POST"].parent_span_id == spans["job webhook"].span_id
    assert spans["webhook POST"].span_id.hex() in headers["traceparent"]
    headers = {name.lower(): text for name, text in headers.items()}
    assert path == "/told"
    assert json.loads(body)["type"] == "batch.cancelled"
    assert json.loads(body)["data"]["job_id"] == job.id
    assert checks["is_genuine"](SECRET, headers, body)
    assert not checks["is_genuine"](SECRET, headers, body + b" ")
    assert not checks["is_genuine"](SECRET, {**headers, "webhook-timestamp": "1"}, body)


def test_cancelling_stops_what_runs_and_who_follows_it_is_told(working_client):
    board = Board(working_client)
    handler = Handler(forever)
    job = board.submit(handler)
    with _following(working_client, job) as told:
        deadline = time.monotonic() + 20
        while not handler.begun:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        asked = working_client.post(f"{JOBS}/{job.id}/cancel").json()

    assert (asked["status"], asked["cancel_requested"]) == ("running", True)
    assert told[-1][0] == "end"
    assert told[-1][1]["status"] == "cancelled"
    assert handler.let_go == [JobStatus.CANCELLED]


@contextmanager
def _following(client: TestClient, job: Job) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Its events, all there when the block is over."""
    told: list[tuple[str, dict[str, Any]]] = []

    def follow() -> None:
        told.extend(events(client.get(f"{JOBS}/{job.id}/events").text))

    thread = threading.Thread(target=follow)
    thread.start()
    yield told
    thread.join(30)


def test_a_deleted_job_ends_its_events(settings: Settings) -> None:
    job = job_of(owner=LOCAL_OWNER)
    asyncio.run(_records(settings, lambda jobs: jobs.add(job)))
    with serving(create_app(settings)) as client:
        with client.stream("GET", f"{JOBS}/{job.id}/events") as response:
            pieces = response.iter_text()
            told = next(pieces)
            asyncio.run(_records(settings, lambda jobs: jobs.delete(job.id)))
            told += "".join(pieces)

        assert [name for name, _ in events(told)] == ["progress", "end"]
        assert client.get(f"{JOBS}/{job.id}").status_code == 404


def test_who_leaves_or_asks_for_the_head_alone_is_not_told_any_more(settings: Settings) -> None:
    job = job_of(owner=LOCAL_OWNER)
    asyncio.run(_records(settings, lambda jobs: jobs.add(job)))
    with serving(create_app(settings)) as client:
        path = f"{JOBS}/{job.id}/events"
        head = client.head(path)
        with client.stream("GET", path) as response:
            first = next(response.iter_text())
        deadline = time.monotonic() + 10
        while in_flight(client) > 1:
            assert time.monotonic() < deadline, "it goes on for nobody"
            time.sleep(0.05)

    assert head.status_code == 200
    assert first.startswith("event: progress\n")


async def _records(
    settings: Settings, work: Callable[[Collection[Job]], Awaitable[object]]
) -> None:
    """Work on the records behind the server's back."""
    database = database_of(settings)
    await database.open()
    await work(database.collection(Job))
    await database.close()


def in_flight(client: httpx2.Client) -> float:
    """Requests under way, the one that asks included."""
    return value(client.get("/metrics").text, "http_requests_in_flight")
