"""A sentence that is sent while the engine still speaks it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import numpy as np

from app.audio.flowing import Flowing, Levels, can_flow
from app.audio.types import Samples, SpeechChunk
from app.core.exceptions import EngineFailed
from app.core.tasks import in_thread
from app.core.tracing import start_span
from app.core.turns import Turns
from app.engines.base import Engine, EngineInfo, SynthesisRequest
from app.engines.controls import asked_of, left_to_do
from app.planning.plan import Worded
from app.services.synthesis.pauses import silence
from app.services.synthesis.speech import Said
from app.text.plan import Piece
from app.watermark.flowing import FlowingMark
from app.watermark.marking import Watermark


def flows(info: EngineInfo, piece: Piece) -> bool:
    """Whether a sentence can be sent before all of it is there."""
    return info.streams and can_flow(left_to_do(info, piece))


class Flow:
    """Sends sentences as they come. Remembers how loud voices are."""

    def __init__(self, turns: Turns, watermark: Watermark) -> None:
        self._turns = turns
        self._watermark = watermark
        self._levels = Levels()

    async def said(
        self, engine: Engine, one: Worded, request: SynthesisRequest
    ) -> AsyncGenerator[Said, None]:
        """Pieces of a sentence, levelled and marked, without the times of words. The engine goes
        on, and its turn ends, however slowly they are taken; closing stops it.

        Raises:
            as `Engine.synthesize`: also in the middle
        """
        info, piece, voice = engine.info, one.piece, request.voice
        heard = (voice.engine, voice.payload)
        flowing = Flowing(info.sample_rate, left_to_do(info, piece), self._levels.of(heard))
        marking = FlowingMark(self._watermark, info.sample_rate)
        tracing = start_span("sentence", **{"voice.characters": len(piece.text)})
        first, length = True, 0
        try:
            async with aclosing(self._spoken(engine, one, request)) as spoken:
                async for samples in spoken:
                    part = await in_thread(None, _fed, flowing, marking, samples)
                    if len(part):
                        length += len(part)
                        chunk = SpeechChunk(part, info.sample_rate, piece.start, piece.end)
                        yield Said(chunk, one, first=first, last=False)
                        first = False
            part = await in_thread(None, _ended, flowing, marking)
            length += len(part)
            chunk = SpeechChunk(part, info.sample_rate, piece.start, piece.end)
            yield Said(chunk, one, first=first, last=True)
            if (level := await in_thread(None, flowing.heard)) is not None:
                self._levels.heard(heard, level)
        finally:
            tracing.set_attribute("voice.audio_s", length / info.sample_rate)
            tracing.end()

    async def _spoken(
        self, engine: Engine, one: Worded, request: SynthesisRequest
    ) -> AsyncGenerator[Samples, None]:
        """What the engine makes, all that is there at a time."""
        queue: asyncio.Queue[Samples | None] = asyncio.Queue()
        making = asyncio.ensure_future(self._make(engine, one, request, queue))
        making.add_done_callback(lambda _: queue.put_nowait(None))
        try:
            while True:
                waiting = [await queue.get()]
                while not queue.empty():
                    waiting.append(queue.get_nowait())
                there = [samples for samples in waiting if samples is not None]
                if there:
                    yield np.concatenate(there)
                if len(there) < len(waiting):
                    making.result()
                    return
        finally:
            making.cancel()
            await asyncio.gather(making, return_exceptions=True)

    async def _make(
        self,
        engine: Engine,
        one: Worded,
        request: SynthesisRequest,
        into: asyncio.Queue[Samples | None],
    ) -> None:
        """One engine call for each part of the sentence, in its turn."""
        info, piece, wording = engine.info, one.piece, one.wording
        for part in wording.parts:
            asked, silent = asked_of(info, request, piece, wording.spoken, part), True
            async with self._turns.turn(), aclosing(engine.synthesize(asked)) as chunks:
                async for chunk in chunks:
                    into.put_nowait(chunk.samples)
                    silent = False
            if silent:
                raise EngineFailed("The engine gave no audio for the text.")
            if part.pause_s and part is not wording.parts[-1]:
                pause = silence(part.pause_s, info.sample_rate, piece.start, piece.end)
                into.put_nowait(pause.samples)


def _fed(flowing: Flowing, marking: FlowingMark, samples: Samples) -> Samples:
    return marking.feed(flowing.feed(samples))


def _ended(flowing: Flowing, marking: FlowingMark) -> Samples:
    return np.concatenate([marking.feed(flowing.end()), marking.end()])
