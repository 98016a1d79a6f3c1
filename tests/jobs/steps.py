"""Workers as processes, on jobs whose steps are files: `python -m tests.jobs.steps`."""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from app.db.sql import SqlDatabase
from app.jobs.base import JobRun
from app.jobs.board import JobBoard
from app.jobs.dbos import PROTOCOL, DbosQueue
from app.jobs.webhooks import Webhooks
from app.jobs.worker import JobWorker
from app.models.job import Job, JobKind, JobStatus, Worker
from tests.jobs.parts import job_of
from tests.servers import running

ROOT = Path(__file__).parents[2]


class Steps:
    """Does jobs of `steps` steps of `step_s` seconds each, and keeps the result of each in a file
    that is there or not: none is half written, and a second one is told of.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def run(self, run: JobRun) -> JobStatus:
        folder = self._folder / run.job.id
        folder.mkdir(exist_ok=True)
        steps = run.job.options["steps"]
        for step in range(steps):
            result = folder / f"{step}.done"
            if result.exists():
                continue
            self._tell(folder, "begun", step)
            await asyncio.sleep(run.job.options["step_s"])
            try:
                with result.open("x") as file:
                    file.write(str(os.getpid()))
            except FileExistsError:
                self._tell(folder, "doubled", step)
            await run.report((step + 1) / steps, "stepping")
        return JobStatus.SUCCEEDED

    async def stopped(self, job: Job) -> None:
        """What was done is kept."""

    def _tell(self, folder: Path, name: str, step: int) -> None:
        with (folder / name).open("a") as file:
            file.write(f"{step} {os.getpid()} {time.monotonic()}\n")


class Site:
    """Where workers work, and what they have done.

    Attributes:
        url: of the database, and of the queue.
        folder: of the results.
    """

    def __init__(self, folder: Path, url: str | None = None) -> None:
        self.folder = folder
        self.url = url or f"sqlite:///{folder / 'voices.db'}"
        self.queue_url = url or f"sqlite:///{folder / 'jobs.db'}"
        self.board: JobBoard
        self.queue: DbosQueue

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Site"]:
        database = SqlDatabase(self.url)
        await database.open()
        self.queue = DbosQueue(self.queue_url)
        self.board = JobBoard(
            database.collection(Job), self.queue, webhooks=Webhooks(None), max_per_owner=500
        )
        try:
            await self.queue.open()
            yield self
        finally:
            await self.queue.close()
            await database.close()

    async def submit(self, *, owner: str = "ann", steps: int = 20, step_s: float = 0.05) -> Job:
        options = {"steps": steps, "step_s": step_s}
        return await self.board.submit(job_of(owner=owner, options=options))

    @contextmanager
    def worker(
        self, protocol: str = PROTOCOL, *, dead_after_s: float = 15.0
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A worker, from when it is ready to work."""
        number = len(list(self.folder.glob("*.log")))
        log, ready = self.folder / f"{number}.log", self.folder / f"{number}.ready"
        with running(
            [
                *(sys.executable, "-m", "tests.jobs.steps", self.url, self.queue_url),
                *(self.folder, "--ready", ready, "--protocol", protocol),
                *("--dead-after-s", str(dead_after_s)),
            ],
            answers=ready.exists,
            log=log,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        ) as process:
            yield process

    def begun(self, job: Job, name: str = "begun") -> list[tuple[int, int, float]]:
        """The steps that were begun, in that order: which, by which process, when."""
        file = self.folder / job.id / name
        lines = file.read_text().splitlines() if file.exists() else []
        rows = (line.split() for line in lines)
        return [(int(step), int(pid), float(when)) for step, pid, when in rows]

    def workers_of(self, job: Job) -> set[int]:
        return {pid for _, pid, _ in self.begun(job)}

    def check_results(self, job: Job) -> Counter[int]:
        """All steps have a result, and none was made twice. How often each step was begun."""
        done = {int(file.stem) for file in (self.folder / job.id).glob("*.done")}
        assert done == set(range(job.options["steps"]))
        assert self.begun(job, "doubled") == []
        return Counter(step for step, _, _ in self.begun(job))

    async def ended(self, *jobs: Job) -> list[Job]:
        async def over() -> bool:
            return all([(await self.board.get(job.owner, job.id)).ended for job in jobs])

        await until(over)
        return [await self.board.get(job.owner, job.id) for job in jobs]

    async def reached(self, job: Job, step: int) -> None:
        await until(lambda: any(begun >= step for begun, _, _ in self.begun(job)))


async def until(true: Callable[[], object], *, within_s: float = 60.0) -> None:
    deadline = time.monotonic() + within_s
    while True:
        answer = true()
        if await answer if asyncio.iscoroutine(answer) else answer:
            return
        assert time.monotonic() < deadline, "it takes too long"
        await asyncio.sleep(0.02)


async def main() -> None:
    given = argparse.ArgumentParser()
    given.add_argument("url")
    given.add_argument("queue_url")
    given.add_argument("folder", type=Path)
    given.add_argument("--ready", type=Path, required=True)
    given.add_argument("--protocol", default=PROTOCOL)
    given.add_argument("--dead-after-s", type=float, default=15.0)
    options = given.parse_args()
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    database = SqlDatabase(options.url)
    await database.open()
    queue = DbosQueue(options.queue_url, protocol=options.protocol)
    jobs = database.collection(Job)
    board = JobBoard(jobs, queue, webhooks=Webhooks(None))
    board.register(JobKind.BATCH, Steps(options.folder))
    async with JobWorker(
        board,
        queue,
        jobs=jobs,
        workers=database.collection(Worker),
        poll_s=0.1,
        dead_after_s=options.dead_after_s,
    ):
        options.ready.touch()
        await told.wait()
    await queue.close()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main())
