"""A sentence that is sent while the engine speaks it: who waits for whom."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import numpy as np
import pytest

from app.audio.types import SpeechChunk
from app.core.exceptions import EngineFailed
from app.core.turns import Turns
from app.engines.base import SynthesisRequest
from app.engines.fake import FakeEngine, read_back
from app.planning.plan import Worded
from app.services.synthesis import Said
from app.services.synthesis.flow import Flow, flows
from app.text.frontend import Part, Wording
from app.text.plan import Piece
from app.text.prosody import Prosody
from app.text.spoken import SpokenText
from app.watermark.marking import Watermark

pytestmark = pytest.mark.anyio

TEXT = "Everything that is said comes in pieces. And so it goes."
MIDDLE = 40


class Streaming(FakeEngine):
    """Speaks in blocks of 40 ms. `closed`: whether its last call ended."""

    info = replace(FakeEngine.info, streams=True, controls=frozenset({"volume"}))
    closed = False

    def __init__(self, fails_after: int | None = None) -> None:
        self.go_on = asyncio.Event()
        self.fails_after = fails_after

    async def synthesize(self, request: SynthesisRequest) -> AsyncGenerator[SpeechChunk, None]:
        try:
            async for whole in super().synthesize(request):
                blocks = np.array_split(whole.samples, len(whole.samples) // 960)
                for number, block in enumerate(blocks):
                    if number == self.fails_after:
                        raise EngineFailed("It broke.")
                    yield replace(whole, samples=block, words=())
                    if number == 1:
                        await self.go_on.wait()
        finally:
            self.closed = True


def worded(*parts: Part) -> Worded:
    piece = Piece(TEXT, 0, len(TEXT), 0.1, Prosody())
    return Worded(piece, "en-US", Wording(SpokenText(TEXT, ()), parts), True)


WHOLE = worded(Part(0, len(TEXT), 0.0))


def saying(engine: Streaming, turns: Turns, one: Worded = WHOLE):
    request = SynthesisRequest("", engine.sample_voice())
    return aclosing(Flow(turns, Watermark()).said(engine, one, request))


@pytest.fixture
def turns() -> Turns:
    return Turns(1, max_requests=4, clock=time.monotonic)


async def test_all_that_is_said_arrives_in_order_with_its_pauses(turns: Turns) -> None:
    engine = Streaming()
    engine.go_on.set()
    one = worded(Part(0, MIDDLE, 0.2), Part(MIDDLE + 1, len(TEXT), 0.0))

    async with saying(engine, turns, one) as said:
        got = [part async for part in said]

    heard = read_back(np.concatenate([part.chunk.samples for part in got]))
    assert [text for _, text in heard] == [TEXT[:MIDDLE], TEXT[MIDDLE + 1 :]]
    assert [part.first for part in got] == [True] + [False] * (len(got) - 1)
    assert [part.last for part in got] == [False] * (len(got) - 1) + [True]


async def test_whoever_listens_slowly_keeps_nobody_waiting(turns: Turns) -> None:
    engine = Streaming()
    async with saying(engine, turns) as said:
        first = await anext(said)
        assert len(first.chunk.samples) > 0
        assert not engine.closed
        engine.go_on.set()
        async with turns.turn():  # though nothing more was taken
            assert engine.closed
        rest = [part async for part in said]

    samples = np.concatenate([part.chunk.samples for part in (first, *rest)])
    assert [text for _, text in read_back(samples)] == [TEXT]


async def test_whoever_leaves_stops_the_engine(turns: Turns) -> None:
    engine = Streaming()
    async with saying(engine, turns) as said:
        await anext(said)

    assert engine.closed
    async with turns.turn():
        pass


async def test_what_fails_later_has_said_what_it_said(turns: Turns) -> None:
    engine = Streaming(fails_after=10)
    engine.go_on.set()
    got: list[Said] = []
    async with saying(engine, turns) as said:
        with pytest.raises(EngineFailed):
            await _take(said, got)

    assert got
    assert not any(part.last for part in got)


async def _take(said: AsyncGenerator[Said, None], into: list[Said]) -> None:
    async for part in said:
        into.append(part)


def test_what_needs_the_whole_sentence_does_not_flow() -> None:
    def can(prosody: Prosody, streams: bool = True) -> bool:
        return flows(
            replace(Streaming.info, streams=streams), replace(WHOLE.piece, prosody=prosody)
        )

    assert can(Prosody())
    assert not can(Prosody(), streams=False)
    assert not can(replace(Prosody(), pitch=2.0))
