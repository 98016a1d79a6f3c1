import asyncio

import pytest

from app.core.exceptions import EngineBusy
from app.core.turns import Turns
from tests.clock import StoppedClock

pytestmark = pytest.mark.anyio


class Waits:
    def __init__(self) -> None:
        self.seen: list[float] = []

    def on_wait(self, seconds: float) -> None:
        self.seen.append(seconds)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Speakers:
    """Tasks that take a turn each and keep it until they are told."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.spoke: list[str] = []
        self.done = {}
        self.tasks = {}

    async def come(self, name: str) -> None:
        self.done[name] = asyncio.Event()

        async def speak() -> None:
            async with self.turns.turn():
                self.spoke.append(name)
                await self.done[name].wait()

        self.tasks[name] = asyncio.create_task(speak())
        await settle()

    async def end(self, name: str) -> None:
        self.done[name].set()
        await settle()

    async def leave(self, name: str) -> None:
        self.tasks[name].cancel()
        await settle()


async def test_turns_are_taken_in_the_order_of_coming_and_so_many_at_once():
    speakers = Speakers(Turns(2, max_requests=9, clock=StoppedClock()))
    for name in "abcde":
        await speakers.come(name)
    first = list(speakers.spoke)
    for name in "badce":
        await speakers.end(name)

    assert first == ["a", "b"]
    assert speakers.spoke == list("abcde")
    assert speakers.turns.depth == 0


async def test_the_wait_of_each_turn_is_measured():
    clock, waits = StoppedClock(), Waits()
    speakers = Speakers(Turns(1, max_requests=9, clock=clock, observers=[waits]))
    await speakers.come("a")
    clock.advance(2)
    await speakers.come("b")
    await speakers.come("c")
    clock.advance(3)
    waiting = (speakers.turns.depth, speakers.turns.waiting_s())
    for name in "abc":
        await speakers.end(name)

    assert waiting == (2, 3.0)
    assert waits.seen == [0.0, 3.0, 3.0]
    assert speakers.turns.waiting_s() == 0.0


async def test_who_is_cancelled_leaves_the_queue_at_once_and_frees_the_turn():
    clock, waits = StoppedClock(), Waits()
    speakers = Speakers(Turns(1, max_requests=9, clock=clock, observers=[waits]))
    for name in "abc":
        await speakers.come(name)

    await speakers.leave("b")
    left = speakers.turns.depth
    await speakers.leave("a")

    assert left == 1
    assert speakers.spoke == ["a", "c"]
    assert len(waits.seen) == 2


async def test_more_requests_than_allowed_are_told_how_long_others_wait():
    clock = StoppedClock()
    turns = Turns(1, max_requests=1, clock=clock)
    with turns.enter():
        with pytest.raises(EngineBusy) as at_first:
            turns.enter().__enter__()
        speakers = Speakers(turns)
        await speakers.come("a")
        await speakers.come("b")
        clock.advance(6.5)
        with pytest.raises(EngineBusy) as crowded:
            turns.enter().__enter__()
        inside = turns.requests
        await speakers.end("a")
        await speakers.end("b")

    assert (at_first.value.retry_after_s, crowded.value.retry_after_s) == (1, 7)
    assert (inside, turns.requests) == (1, 0)
    with turns.enter():
        assert turns.requests == 1


class Backlog:
    """Background work that is never done by itself."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.begun: list[str] = []
        self.let = asyncio.Event()
        self.tasks: list[asyncio.Task[str]] = []

    async def come(self, name: str) -> None:
        async def work() -> str:
            self.begun.append(name)
            await self.let.wait()
            return name

        self.tasks.append(asyncio.create_task(self.turns.in_background(work)))
        await settle()


async def test_background_work_is_broken_off_for_whoever_waits_and_begun_again():
    turns = Turns(1, background_at_once=2, max_requests=9, clock=StoppedClock())
    backlog, speakers = Backlog(turns), Speakers(turns)
    for name in "xyz":
        await backlog.come(name)
    first = list(backlog.begun)
    await speakers.come("a")
    await speakers.come("b")
    while_spoken = list(backlog.begun)
    await speakers.end("a")
    await speakers.end("b")
    await settle()
    backlog.let.set()

    assert await asyncio.gather(*backlog.tasks) == ["x", "y", "z"]
    assert first == ["x", "y"]
    assert while_spoken == ["x", "y"]
    assert speakers.spoke == ["a", "b"]
    assert backlog.begun == ["x", "y", "x", "y", "z"]


async def test_background_work_that_is_always_broken_off_is_let_through_at_last():
    clock = StoppedClock()
    turns = Turns(1, max_requests=9, clock=clock)
    backlog, speakers = Backlog(turns), Speakers(turns)
    await backlog.come("x")
    for name in "abcdefghijkl":
        await speakers.come(name)
        await speakers.end(name)
        clock.advance(5.0)
    backlog.let.set()

    assert await backlog.tasks[0] == "x"
    assert len(backlog.begun) < len(speakers.spoke)


async def test_background_work_fails_with_its_own_error_and_can_be_cancelled():
    turns = Turns(1, max_requests=9, clock=StoppedClock())
    backlog = Backlog(turns)

    async def fail() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await turns.in_background(fail)
    await backlog.come("x")
    backlog.tasks[0].cancel()
    await settle()
    await backlog.come("y")

    assert backlog.tasks[0].cancelled()
    assert backlog.begun == ["x", "y"]


async def test_background_work_counts_neither_as_a_request_nor_as_a_wait():
    waits = Waits()
    turns = Turns(1, max_requests=1, clock=StoppedClock(), observers=(waits,))
    backlog = Backlog(turns)
    await backlog.come("x")

    with turns.enter():
        assert turns.depth == 0
    assert waits.seen == []
    backlog.tasks[0].cancel()
