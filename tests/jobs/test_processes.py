"""Workers in processes of their own, killed in the middle of what they do."""

import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.models.job import Job, JobStatus
from tests.jobs.steps import Site, until
from tests.servers.postgres import BOTH

pytestmark = [pytest.mark.anyio, pytest.mark.services]


@pytest.fixture(params=BOTH)
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    server = request.param == "postgresql"
    url = request.getfixturevalue("new_postgres")() if server else None
    async with Site(tmp_path, url).opened() as opened:
        yield opened


async def test_what_a_killed_worker_was_at_is_gone_on_with_where_it_was(site: Site) -> None:
    job = await site.submit(steps=40)
    with site.worker() as first:
        await site.reached(job, 15)
        first.kill()
        first.wait()
    reached = len(list((site.folder / job.id).glob("*.done")))
    with site.worker():
        [ended] = await site.ended(job)

    assert ended.status is JobStatus.SUCCEEDED
    assert ended.attempts == 2
    times = site.check_results(job)
    assert reached >= 15
    assert all(times[step] == 1 for step in range(40) if step != reached)
    assert times[reached] <= 2  # that was under way


async def test_a_stopped_worker_puts_back_what_another_goes_on_with(site: Site) -> None:
    job = await site.submit(steps=40)
    with site.worker() as first:
        await site.reached(job, 10)
        first.send_signal(signal.SIGTERM)
        assert first.wait(15) == 0
    taken = await site.queue.takers()
    left = await site.board.get(job.owner, job.id)
    with site.worker():
        [ended] = await site.ended(job)

    assert taken == set()
    assert not left.ended
    assert ended.status is JobStatus.SUCCEEDED
    assert max(site.check_results(job).values()) <= 2


async def test_an_owner_with_many_jobs_does_not_hold_up_another(site: Site) -> None:
    many = [await site.submit(owner="ann", steps=10) for _ in range(5)]
    one = await site.submit(owner="bob", steps=10)
    with site.worker():
        ended = await site.ended(one, *many)

    first, *others = [job.ended_at for job in ended]
    assert first < sorted(others)[1]
    for job in (one, *many):
        assert max(site.check_results(job).values()) == 1


async def test_a_worker_of_an_older_program_takes_nothing_that_it_may_not(site: Site) -> None:
    with site.worker(protocol="0") as old, site.worker() as new:
        jobs = [await site.submit(owner=owner, steps=3) for owner in "abcdefgh"]
        await site.ended(*jobs)

        assert {pid for job in jobs for pid in site.workers_of(job)} == {new.pid}
        assert old.poll() is None


async def test_a_worker_that_hung_stops_what_others_do_now_and_works_again(site: Site) -> None:
    job = await site.submit(steps=60, step_s=0.1)
    with site.worker(dead_after_s=2) as first, site.worker(dead_after_s=2) as second:
        await site.reached(job, 5)
        [hung] = site.workers_of(job)
        one, other = (first, second) if hung == first.pid else (second, first)
        one.send_signal(signal.SIGSTOP)
        await until(lambda: other.pid in site.workers_of(job))
        one.send_signal(signal.SIGCONT)
        [ended] = await site.ended(job)
        late = [step for step, pid, _ in site.begun(job) if pid == one.pid]
        other.kill()
        other.wait()
        [again] = await site.ended(await site.submit(steps=3))

    assert ended.status is again.status is JobStatus.SUCCEEDED
    assert len(list((site.folder / job.id).glob("*.done"))) == 60
    assert len(late) < 40  # it let go long before the end
    assert site.workers_of(again) == {one.pid}


async def test_two_workers_share_and_one_takes_over_from_the_other(
    tmp_path: Path, postgres_url: str
) -> None:
    """The killed one is not reaped before the end: it seems to be there, as one on another machine
    would, and only its silence tells.
    """
    async with Site(tmp_path, postgres_url).opened() as site:
        with site.worker() as one, site.worker() as two:
            jobs = [
                await site.submit(owner=owner, steps=40, step_s=0.2)
                for owner in ("ann", "bob", "eve", "joe") * 2
            ]

            def both_work() -> bool:
                return {one.pid, two.pid} <= {p for job in jobs for p in site.workers_of(job)}

            await until(both_work)
            one.kill()
            victims = await _of(site, jobs, one.pid)
            killed_at = time.monotonic()

            def taken_over() -> bool:
                return all(any(p == two.pid for _, p, _ in site.begun(job)) for job in victims)

            await until(taken_over)
            took_s = time.monotonic() - killed_at
            ended = await site.ended(*jobs)

    print(f"taken over in {took_s:.1f} s")  # noqa: T201 - shown by `pytest -s`
    assert victims
    assert took_s <= 30
    assert {job.status for job in ended} == {JobStatus.SUCCEEDED}
    for job in jobs:
        times = site.check_results(job)
        assert sum(times.values()) <= 40 + (job in victims)


async def _of(site: Site, jobs: list[Job], pid: int) -> list[Job]:
    """Those that a process is at."""
    return [
        job
        for job in jobs
        if (begun := site.begun(job))
        and begun[-1][1] == pid
        and not (await site.board.get(job.owner, job.id)).ended
    ]
