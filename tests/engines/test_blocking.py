"""Synchronous engines in threads: errors, cancelling, slots, training. Events steer, not time."""

import asyncio
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import aclosing
from dataclasses import replace

import numpy as np
import pytest

from app.audio.types import Recording, SpeechChunk
from app.core.exceptions import EngineFailed, EngineUnavailable, TrainingUnsupported
from app.core.turns import Turns
from app.engines.base import (
    EngineInfo,
    SynthesisRequest,
    Trainable,
    TrainingEvent,
    TrainingOptions,
    VoiceState,
)
from app.engines.blocking import BlockingEngine

pytestmark = pytest.mark.anyio

VOICE = VoiceState("steered", "steered/v1", b"")


def chunk(value: float) -> SpeechChunk:
    return SpeechChunk(np.full(10, value, np.float32), 24_000, 0, 1)


class SteeredEngine(BlockingEngine):
    """Speaks as many chunks as the text has letters; `w` waits for `go` first, `f` fails."""

    def __init__(self, concurrency: int = 1) -> None:
        super().__init__(
            EngineInfo(
                "steered", "Steered", "1", 24_000, ("en",), 100, None, concurrency=concurrency
            )
        )
        self.loads = 0
        self.load_error: Exception | None = None
        self.started, self.go = threading.Event(), threading.Event()
        self.said: list[str] = []
        self.interrupted: list[str] = []
        self.closed = self.refined = 0
        self.running = self.most_running = 0
        self.lock = threading.Lock()

    def load(self) -> None:
        self.loads += 1
        if self.load_error:
            raise self.load_error

    def make_voice(self, recordings: Sequence[Recording]) -> VoiceState:
        if not recordings:
            raise EngineFailed("nothing to hear")
        return VOICE

    def sample_voice(self) -> VoiceState:
        return VOICE

    def refine_blocking(
        self, recordings: Sequence[Recording], start: VoiceState
    ) -> Generator[VoiceState | None, None, None]:
        for _ in range(3):
            self.refined += 1
            yield None
        if recordings:
            yield replace(start, similarity=0.9)

    def check(self, text: str, language: str | None) -> None: ...

    def speak(self, request: SynthesisRequest) -> Generator[SpeechChunk, None, None]:
        try:
            for letter in request.text:
                yield self._letter(letter)
        finally:
            self.closed += 1

    def interrupt(self, request: SynthesisRequest) -> None:
        self.interrupted.append(request.text)
        if "i" in request.text:
            self.go.set()

    def _letter(self, letter: str) -> SpeechChunk:
        with self.lock:
            self.running += 1
            self.most_running = max(self.most_running, self.running)
        try:
            if letter == "w":
                self.started.set()
                assert self.go.wait(30)
            if letter == "f":
                raise EngineFailed("it broke")
            if letter == "z":
                raise ZeroDivisionError("a bug")
            self.said.append(letter)
            return chunk(ord(letter) / 1000)
        finally:
            with self.lock:
                self.running -= 1


async def spoken(engine: BlockingEngine, text: str) -> int:
    return len([c async for c in engine.synthesize(SynthesisRequest(text, VOICE))])


async def until(condition: Callable[[], bool]) -> None:
    """Let other tasks run until it holds; the test's time limit ends it otherwise."""
    while not condition():
        await asyncio.sleep(0)


async def test_it_is_loaded_once_however_many_open_it():
    engine = SteeredEngine(concurrency=4)

    await asyncio.gather(engine.open(), engine.open(), spoken(engine, "ab"), engine.enroll([None]))
    await engine.open()

    assert engine.loads == 1
    await engine.close()


async def test_a_failed_load_is_told_to_everybody_and_tried_again():
    engine = SteeredEngine()
    engine.load_error = EngineUnavailable("no weights")

    results = await asyncio.gather(
        engine.open(), engine.enroll([None]), spoken(engine, "a"), return_exceptions=True
    )
    assert [type(result) for result in results] == [EngineUnavailable] * 3

    engine.load_error = None
    assert await spoken(engine, "ab") == 2
    await engine.close()


@pytest.mark.parametrize(
    ("text", "before", "error"),
    [
        ("f", 0, EngineFailed),
        ("abf", 2, EngineFailed),
        ("az", 1, ZeroDivisionError),
    ],
)
async def test_an_error_in_the_thread_reaches_the_caller_behind_what_was_spoken(
    text, before, error
):
    engine = SteeredEngine()
    heard: list[SpeechChunk] = []

    async def listen() -> None:
        async for piece in engine.synthesize(SynthesisRequest(text, VOICE)):
            heard.append(piece)

    with pytest.raises(error):
        await listen()

    assert len(heard) == before
    assert await spoken(engine, "abc") == 3  # the slot is free
    await engine.close()


async def test_an_error_of_enrolling_reaches_the_caller_and_frees_the_slot():
    engine = SteeredEngine()

    with pytest.raises(EngineFailed):
        await engine.enroll([])

    assert await engine.enroll([None]) == VOICE
    await engine.close()


async def test_no_audio_is_an_error():
    engine = SteeredEngine()

    with pytest.raises(EngineFailed):
        await spoken(engine, "")

    assert await spoken(engine, "a") == 1
    await engine.close()


async def test_nothing_is_made_that_nobody_asks_for():
    engine = SteeredEngine()
    chunks = engine.synthesize(SynthesisRequest("abcdef", VOICE))

    await anext(chunks)
    await anext(chunks)
    await chunks.aclose()

    assert engine.said == ["a", "b"]
    assert engine.closed == 1
    assert await spoken(engine, "x") == 1
    await engine.close()


async def test_a_cancelled_synthesis_waits_for_its_chunk_then_frees_the_slot():
    engine = SteeredEngine()
    task = asyncio.create_task(spoken(engine, "wab"))
    await until(engine.started.is_set)

    task.cancel()
    following = asyncio.create_task(spoken(engine, "x"))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not task.done()
    assert not following.done()

    engine.go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await following == 1
    assert engine.said == ["w", "x"]
    assert engine.closed == 2
    await engine.close()


async def test_cancelling_twice_still_waits_for_the_chunk():
    engine = SteeredEngine()
    task = asyncio.create_task(spoken(engine, "wab"))
    await until(engine.started.is_set)

    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    following = asyncio.create_task(spoken(engine, "x"))
    for _ in range(20):
        await asyncio.sleep(0)
    early = task.done()
    engine.go.set()
    result = (await asyncio.gather(task, return_exceptions=True))[0]

    assert isinstance(result, asyncio.CancelledError)
    assert not early
    assert await following == 1
    await engine.close()


async def test_a_cancelled_wait_for_a_slot_takes_none():
    engine = SteeredEngine()
    running = asyncio.create_task(spoken(engine, "w"))
    await until(engine.started.is_set)
    waiting = asyncio.create_task(spoken(engine, "x"))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    engine.go.set()

    assert await running == 1
    assert await spoken(engine, "y") == 1
    assert "x" not in engine.said
    await engine.close()


async def test_no_more_run_at_once_than_there_are_slots():
    engine = SteeredEngine(concurrency=2)

    counts = await asyncio.gather(*(spoken(engine, "abc") for _ in range(12)))

    assert counts == [3] * 12
    assert engine.most_running <= 2
    await engine.close()


async def test_two_slots_do_run_at_once():
    engine = SteeredEngine(concurrency=2)
    blocked = asyncio.create_task(spoken(engine, "w"))
    await until(engine.started.is_set)

    assert await spoken(engine, "abc") == 3

    engine.go.set()
    assert await blocked == 1
    await engine.close()


async def test_the_event_loop_goes_on_while_a_thread_works():
    engine = SteeredEngine()
    task = asyncio.create_task(spoken(engine, "w"))
    await until(engine.started.is_set)  # would never be seen by a loop that is blocked

    assert not task.done()
    engine.go.set()
    assert await task == 1
    await engine.close()


class TrainedEngine(SteeredEngine):
    """Trains as many steps as there are minutes; waits for `may_train` after its first."""

    def __init__(self, *, trainable: bool = True) -> None:
        super().__init__()
        self._info = replace(self._info, trainable=trainable)
        self.may_train = threading.Event()
        self.may_train.set()
        self.steps: list[tuple[int, str]] = []
        self.ended: list[str] = []

    def train_blocking(
        self, recordings: Sequence[Recording], start: VoiceState | None, options: TrainingOptions
    ) -> Generator[TrainingEvent, None, None]:
        try:
            for step in range(round(options.minutes)):
                self.steps.append((options.seed, threading.current_thread().name))
                if step:
                    self.started.set()
                    assert self.may_train.wait(30)
                if not recordings:
                    raise EngineFailed("nothing to hear")
                yield TrainingEvent("train", step / options.minutes, "a step", 0.0)
            yield TrainingEvent("done", 1.0, "ready", 0.0, None, VOICE)
        finally:
            self.ended.append(threading.current_thread().name)


async def trained(
    engine: BlockingEngine, steps: int, *, seed: int = 0, recordings: Sequence[object] = (None,)
) -> list[str]:
    options = TrainingOptions(float(steps), seed)
    return [event.stage async for event in engine.train(recordings, None, options=options)]


async def test_training_loads_the_engine_and_gives_its_events():
    engine = TrainedEngine()

    assert isinstance(engine, Trainable)
    assert await trained(engine, 3) == ["train", "train", "train", "done"]

    assert engine.loads == 1
    await engine.close()


async def test_all_of_a_training_runs_on_one_thread_that_is_not_for_speaking():
    engine = TrainedEngine()
    await asyncio.gather(trained(engine, 3), trained(engine, 3))

    async with aclosing(engine.train([None], None, options=TrainingOptions(3.0))) as events:
        await anext(events)

    threads = {name for _, name in engine.steps} | set(engine.ended)
    assert len(threads) == 1
    assert threads.isdisjoint(thread.name for thread in engine._threads._threads)
    assert len(engine.ended) == 3
    await engine.close()


async def test_an_engine_that_is_not_trainable_refuses():
    engine = TrainedEngine(trainable=False)

    with pytest.raises(TrainingUnsupported) as refused:
        await trained(engine, 1)

    assert "steered" in refused.value.detail
    assert engine.steps == []
    await engine.close()


async def test_an_error_of_training_reaches_the_caller_and_the_next_may_train():
    engine = TrainedEngine()

    with pytest.raises(EngineFailed):
        await trained(engine, 2, recordings=[])

    assert len(engine.ended) == 1
    assert await trained(engine, 1) == ["train", "done"]
    await engine.close()


async def test_a_training_that_is_closed_does_not_go_on():
    engine = TrainedEngine()

    async with aclosing(engine.train([None], None, options=TrainingOptions(9.0))) as events:
        await anext(events)
        await anext(events)

    assert len(engine.steps) == 2
    assert len(engine.ended) == 1
    await engine.close()


async def test_a_cancelled_training_ends_with_its_step():
    engine = TrainedEngine()
    engine.may_train.clear()
    task = asyncio.create_task(trained(engine, 9))
    await until(engine.started.is_set)

    task.cancel()
    following = asyncio.create_task(trained(engine, 1, seed=7))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not task.done()
    assert 7 not in dict(engine.steps)

    engine.may_train.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await following == ["train", "done"]
    assert [seed for seed, _ in engine.steps] == [0, 0, 7]
    assert len(engine.ended) == 2
    await engine.close()


async def test_trainings_come_one_after_the_other():
    engine = TrainedEngine()

    await asyncio.gather(*(trained(engine, 3, seed=seed) for seed in range(4)))

    assert [seed for seed, _ in engine.steps] == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3
    await engine.close()


async def test_it_speaks_and_enrols_while_it_trains():
    engine = TrainedEngine()
    engine.may_train.clear()
    task = asyncio.create_task(trained(engine, 2))
    await until(engine.started.is_set)

    assert await spoken(engine, "abc") == 3
    assert await engine.enroll([None]) == VOICE

    assert not task.done()
    engine.may_train.set()
    assert await task == ["train", "train", "done"]
    await engine.close()


async def test_refining_waits_while_somebody_listens():
    engine = SteeredEngine()
    chunks = engine.synthesize(SynthesisRequest("ab", VOICE))
    await anext(chunks)

    refining = asyncio.create_task(
        engine.refine([Recording(np.zeros(10, np.float32), 16_000)], VOICE)
    )
    for _ in range(20):
        await asyncio.sleep(0)
    assert engine.refined == 0
    await chunks.aclose()

    better = await asyncio.wait_for(refining, 30)
    assert better is not None
    assert (engine.refined, better.similarity) == (3, 0.9)
    await engine.close()


async def test_refining_waits_while_others_take_turns():
    """Between the end of one and the start of the next the engine itself has nothing to do."""
    engine, turns = SteeredEngine(), Turns(1, max_requests=9, clock=time.monotonic)
    refined = []

    async def speak(text: str) -> None:
        request = SynthesisRequest(text, VOICE)
        async with turns.turn(), aclosing(engine.synthesize(request)) as chunks:
            async for _ in chunks:
                refined.append(engine.refined)

    speakers = [asyncio.create_task(speak(text)) for text in ("w", "abc" * 9, "abc" * 9)]
    await until(engine.started.is_set)
    refining = asyncio.create_task(
        engine.refine([Recording(np.zeros(10, np.float32), 16_000)], VOICE)
    )
    await until(lambda: turns.depth == 2)
    engine.go.set()
    await asyncio.gather(*speakers)

    assert refined == [0] * 55
    assert await asyncio.wait_for(refining, 30)
    await engine.close()


async def test_refining_may_find_nothing():
    engine = SteeredEngine()

    assert await engine.refine([], VOICE) is None
    assert engine.refined == 3
    await engine.close()


async def test_a_chunk_that_is_not_wanted_any_more_is_interrupted_and_its_slot_is_free():
    engine = SteeredEngine()
    speaking = asyncio.create_task(spoken(engine, "wi"))
    await until(engine.started.is_set)
    speaking.cancel()
    await asyncio.gather(speaking, return_exceptions=True)

    assert speaking.cancelled()
    assert engine.interrupted == ["wi"]
    assert engine.closed == 1
    assert await spoken(engine, "b") == 1
    await engine.close()


async def test_background_work_has_slots_of_its_own():
    engine = SteeredEngine()
    background = SynthesisRequest("w", VOICE, background=True)
    working = asyncio.create_task(anext(engine.synthesize(background)))
    await until(engine.started.is_set)

    assert await spoken(engine, "b") == 1
    engine.go.set()
    await working
    await engine.close()
