"""What jobs cost beside the work that they do, on SQLite and PostgreSQL, and how soon those of a
dead worker are taken over.
"""

import asyncio
import signal
import tempfile
import time
from pathlib import Path
from statistics import median

from app.models.job import Job
from tests.jobs.steps import Site, until
from tests.servers.postgres import postgres

_JOBS = 100
_OWNERS = 10


def main() -> None:
    """Print two tables. Every job has one step that takes no time."""
    with tempfile.TemporaryDirectory() as folder, postgres(durable=True) as server:
        urls = {"SQLite": None, "PostgreSQL": server.create()}
        costs = {name: asyncio.run(_costs(_new(folder, name), url)) for name, url in urls.items()}
        print("| | " + " | ".join(costs) + " |")
        print("|---|" + "---|" * len(costs))
        for row in costs["SQLite"]:
            print(f"| {row} | " + " | ".join(f"{cost[row]:.2f}" for cost in costs.values()) + " |")
        print("\n| what happens to a worker | its job is gone on with after |\n|---|---|")
        for how in ("stopped", "killed", "killed unseen"):
            where = _new(folder, how)
            took_s = asyncio.run(_take_over(where, server.create(), how))
            print(f"| {_HOW[how]} | {took_s:.1f} s |")


_HOW = {
    "stopped": "stopped by SIGTERM",
    "killed": "killed, the other one on the same machine",
    "killed unseen": "killed, and only its silence tells, as on another machine",
}


def _new(folder: str, name: str) -> Path:
    made = Path(folder) / name.replace(" ", "-")
    made.mkdir()
    return made


async def _costs(folder: Path, url: str | None) -> dict[str, float]:
    async with Site(folder, url).opened() as site:
        start = time.perf_counter()
        jobs = [await _nothing(site, number) for number in range(_JOBS)]
        submitted_s = time.perf_counter() - start
        with site.worker():
            await site.ended(*jobs[:1])
            start = time.perf_counter()
            ended_before = await _ended(site, jobs)
            await site.ended(*jobs)
            worked_s = time.perf_counter() - start
            waits = [await _wait_s(site, number) for number in range(10)]
    return {
        "jobs submitted a second, one after another": _JOBS / submitted_s,
        f"jobs done a second by one worker, of {_OWNERS} owners": (_JOBS - ended_before) / worked_s,
        "seconds from submission to the first step, idle worker, median": median(waits),
    }


async def _nothing(site: Site, number: int) -> Job:
    return await site.submit(owner=f"owner-{number % _OWNERS}", steps=1, step_s=0.0)


async def _ended(site: Site, jobs: list[Job]) -> int:
    return sum([(await site.board.get(job.owner, job.id)).ended for job in jobs])


async def _wait_s(site: Site, number: int) -> float:
    submitted_at = time.monotonic()
    job = await _nothing(site, number)
    await until(lambda: site.begun(job))
    [(_, _, begun_at)] = site.begun(job)
    return begun_at - submitted_at


async def _take_over(folder: Path, url: str, how: str) -> float:
    """From the end of the one worker to the first step of the other."""
    async with Site(folder, url).opened() as site:
        job = await site.submit(steps=1000, step_s=0.05)
        with site.worker() as first:
            await site.reached(job, 20)
            with site.worker() as second:
                await asyncio.sleep(4)  # it has seen the other one
                if how == "stopped":
                    first.send_signal(signal.SIGTERM)
                else:
                    first.kill()
                if how == "killed":
                    first.wait()  # as its parent does; until then it seems to be there
                ended_at = time.monotonic()
                await until(lambda: second.pid in site.workers_of(job))
    return min(when for _, pid, when in site.begun(job) if pid == second.pid) - ended_at
