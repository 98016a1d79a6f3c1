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
