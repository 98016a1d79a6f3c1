"""Who works on jobs, and what becomes of the jobs of those who do no longer."""

import os
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol
from uuid import getnode

from app.core.clock import Clock
from app.core.exceptions import Conflict, NotFound
from app.core.logging import get_logger
from app.db.base import Collection, Page, every
from app.models.job import Worker

log = get_logger(__name__)

_SERVICE: Final = "service"  # owner of these records
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_PID_SPACE: Final = Path("/proc/self/ns/pid")


class Takings(Protocol):
    """What workers have taken from the queue."""

    async def takers(self) -> set[str]:
        """Workers that have taken entries, and not ended them."""

    async def put_back(self, worker_id: str) -> int:
        """Queue again what a worker has taken, which is not there any more. Returns how many."""


class Watch:
    """Shows the others that this worker lives, and takes over from those that do not.

    A worker is dead if its count does not grow for long enough by the clock of the one who
    watches: no clock is compared with another one. On the same machine it is dead as soon as its
    process is gone.

    Args:
        interrupted: called when this worker was taken for dead: others do its work now.
        took_over: called when this one has taken over from another.
        dead_after_s: without any sign of life.
        clock: never runs backwards.
    """

    def __init__(
        self,
        workers: Collection[Worker],
        queue: Takings,
        *,
        interrupted: Callable[[], Awaitable[None]],
        dead_after_s: float,
        clock: Clock = time.monotonic,
        took_over: Callable[[], None] = lambda: None,
    ) -> None:
        self.me = Worker(owner=_SERVICE, host=here(), pid=os.getpid())
        self._workers = workers
        self._queue = queue
        self._interrupted = interrupted
        self._dead_after_s = dead_after_s
        self._clock = clock
        self._took_over = took_over
        self._seen: dict[str, tuple[int, float]] = {}  # beats, and since when so many
        self._looked_at = float("-inf")

    async def enter(self) -> None:
        """Become known; before anything is taken from the queue."""
        await self._workers.add(self.me)

    async def leave(self) -> None:
        """Be known no longer; after everything was put back."""
        await self._workers.delete(self.me.id)

    async def beat(self) -> None:
        """Show that this worker lives.

        Raises:
            DatabaseError: nobody has seen it.
        """
        try:
            self.me = await self._workers.update(
                self.me.model_copy(update={"beats": self.me.beats + 1})
            )
        except (Conflict, NotFound):
            log.warning("this worker was taken for dead: it begins anew", worker=self.me.id)
            await self._interrupted()
            with suppress(Conflict, NotFound):  # somebody was faster: the next time
                await self._begin_anew()

    async def _begin_anew(self) -> None:
        known = await self._workers.get(self.me.id)
        if known is None:
            self.me = await self._workers.add(self.me.model_copy(update={"version": 1}))
        elif known.reaper is None or await self._workers.get(known.reaper) is None:
            # Who was about to take over is gone.
            alive = {"beats": self.me.beats + 1, "reaper": None}
            self.me = await self._workers.update(known.model_copy(update=alive))

    async def look(self) -> None:
        """Take over from workers that are dead.

        Raises:
            DatabaseError: some were perhaps not looked at.
        """
        takers = await self._queue.takers()  # before the workers: who takes was known before
        known = [worker async for worker in every(self._page)]
        others = [worker for worker in known if worker.id != self.me.id]
        dead = self._dead(others)
        alive = {worker.id for worker in others} - {worker.id for worker in dead}
        for worker in dead:
            if worker.reaper not in alive:  # who was about to take over may be dead as well
                await self._claim(worker)
        for unknown in takers - {worker.id for worker in known} - {self.me.id}:
            await self._claim_unknown(unknown)

    async def _page(self, cursor: str | None) -> Page[Worker]:
        return await self._workers.list(limit=100, cursor=cursor)

    def _dead(self, others: list[Worker]) -> list[Worker]:
        now = self._clock()
        if not 0 <= now - self._looked_at <= self._dead_after_s / 2:
            self._seen.clear()  # this process slept, and the others may have slept with it
        self._looked_at = now
        before, self._seen = self._seen, {}
        for worker in others:
            beats, since = before.get(worker.id, (None, now))
            self._seen[worker.id] = (worker.beats, since if beats == worker.beats else now)
        return [
            worker
            for worker in others
            if now - self._seen[worker.id][1] > self._dead_after_s or self._process_gone(worker)
        ]

    def _process_gone(self, worker: Worker) -> bool:
        if worker.host != self.me.host:
            return False
        # A process has one worker: another one with our number was before us.
        return worker.pid == self.me.pid or not _runs(worker.pid)

    async def _claim(self, worker: Worker) -> None:
        with suppress(Conflict, NotFound):  # somebody else does, or it lives after all
            claimed = await self._workers.update(worker.model_copy(update={"reaper": self.me.id}))
            await self._take_over(claimed)

    async def _claim_unknown(self, worker_id: str) -> None:
        """Of a worker without a record, which only somebody who meddled with it leaves."""
        unknown = Worker(id=worker_id, owner=_SERVICE, host="", pid=0, reaper=self.me.id)
        with suppress(Conflict):
            await self._take_over(await self._workers.add(unknown))

    async def _take_over(self, worker: Worker) -> None:
        entries = await self._queue.put_back(worker.id)
        await self._workers.delete(worker.id)
        self._took_over()
        log.warning("took over from a worker that is gone", worker=worker.id, parts=entries)


def here() -> str:
    """What machine this is, since it was started, and which processes can be seen on it."""
    place = [socket.gethostname()[:64]]
    try:
        place += [_BOOT.read_text().strip(), str(_PID_SPACE.readlink())]
    except OSError:  # not on Linux; many machines have the same name
        place.append(f"{getnode():x}")
    return " ".join(place)


def _runs(pid: int) -> bool:
    """Whether there is such a process; True where that cannot be told."""
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
