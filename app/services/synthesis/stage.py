"""One of the engines that may speak, and how it speaks what is asked for."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial

from app.abuse.refusals import Refusals
from app.audio.encode import AudioEncoder
from app.audio.finish import Finish, finish
from app.audio.types import Samples, SpeechChunk, WordTiming
from app.consents.permit import Permit
from app.core.exceptions import AppError
from app.core.metrics import Metrics
from app.core.tasks import in_thread
from app.core.tracing import span
from app.core.turns import Turns
from app.db.base import Collection
from app.db.voices import VoiceReach
from app.engines.base import Engine, EngineInfo, SynthesisRequest, VoiceState
from app.engines.controls import all_of, asked_of, left_to_do
from app.engines.stored import stored_states
from app.lexicons.shelf import LexiconShelf
from app.models.access import Party
from app.models.speech import Priority, SpeechRequest
from app.models.voice import Voice
from app.planning.draft import Draft, Drafting
from app.planning.plan import Plan, Worded
from app.planning.surroundings import Surroundings
from app.services.synthesis.asking import request_of, requests_of
from app.services.synthesis.flow import Flow, flows
from app.services.synthesis.pauses import pause, silence
from app.services.synthesis.speech import Order, Said, Take
from app.services.synthesis.words import shifted, written
from app.storage.base import BlobStore
from app.watermark.marking import Watermark


@dataclass(frozen=True, slots=True)
class Standby:
    """An engine with what belongs to it.

    Attributes:
        turns: on this engine.
        drafting: reads requests for it.
    """

    engine: Engine
    turns: Turns
    drafting: Drafting


@dataclass(frozen=True, slots=True)
class StageTools:
    """What all engines speak with."""

    voices: Collection[Voice]
    reach: VoiceReach
    states: BlobStore
    lexicons: LexiconShelf
    permit: Permit
    watermark: Watermark
    metrics: Metrics
    refusals: Refusals


class Stage:
    """Makes of an order what one engine would speak."""

    def __init__(self, standby: Standby, tools: StageTools) -> None:
        self._engine = standby.engine
        self._turns = standby.turns
        self._drafting = standby.drafting
        self._tools = tools
        self._flow = Flow(standby.turns, tools.watermark)

    @property
    def info(self) -> EngineInfo:
        return self._engine.info

    def most(self, streaming: bool) -> int:
        """Characters that may be spoken."""
        return self._drafting.limits.most(streaming)

    async def opened(self) -> None:
        """Have the engine and the watermark ready.

        Raises:
            EngineUnavailable, AssetError
        """
        await self._engine.open()
        await self._tools.watermark.warm_up()
        self._tools.metrics.engine_loaded(self.info.name)

    def around(self) -> Surroundings:
        """Looks up what requests name."""
        tools = self._tools
        return Surroundings(tools.reach, tools.lexicons, self._engine, tools.permit)

    def drafts(
        self, asked: Sequence[tuple[Voice, SpeechRequest]], by: Party
    ) -> list[Draft | AppError]:
        """What many requests say, or what is wrong with them. Blocks."""
        drafts: list[Draft | AppError] = []
        for voice, request in asked:
            try:
                drafts.append(self._drafting.draft(by, voice, request, streaming=False))
            except AppError as error:
                drafts.append(error)
        return drafts

    async def plan(self, order: Order, *, streaming: bool) -> Plan:
        """What an order comes to, checked. The engine is open then.

        Raises:
            as `SynthesisService.speak`
        """
        by, voice = order.by, order.voice
        draft = await in_thread(
            None, self._drafting.draft, by, voice, order.asked, streaming=streaming
        )
        plan = await self.around().plan(draft)
        await self.opened()
        async with self._tools.refusals.noted(by.owner, voice):
            await in_thread(None, plan.check)
        return plan

    async def take(self, order: Order, plan: Plan, *, streaming: bool) -> Take:
        """Speech of a plan of this engine, not begun.

        Raises:
            EngineFailed: the file of a voice is missing.
            StorageError
        """
        states = await self._states_of(plan)
        encoder = AudioEncoder(
            order.request.format,
            input_rate=self.info.sample_rate,
            output_rate=plan.draft.rate,
            streaming=streaming,
        )
        return Take(plan, self._sentences(plan, states, order), encoder)

    async def requests(
        self, voice: Voice, request: SpeechRequest, *, by: Party
    ) -> list[SynthesisRequest]:
        """What the engine would be asked of a request, in order; raises as `plan`."""
        draft = await in_thread(None, self._drafting.draft, by, voice, request, streaming=False)
        plan = await self.around().plan(draft)
        await self._engine.open()
        await in_thread(None, plan.check)
        return await in_thread(None, requests_of, plan, await self._states_of(plan), voice)

    async def _states_of(self, plan: Plan) -> dict[str, VoiceState]:
        spoken, tools = plan.voices.values(), self._tools
        return await stored_states(spoken, self.info, voices=tools.voices, states=tools.states)

    async def _sentences(
        self, plan: Plan, states: Mapping[str, VoiceState], order: Order
    ) -> AsyncGenerator[Said, None]:
        """Each levelled, with the pause that follows."""
        worded = plan.worded()
        while (one := await in_thread(None, next, worded, None)) is not None:
            if not one.wording.parts:
                yield Said(pause(one, plan.info.sample_rate), one)
                continue
            request = request_of(plan, one, states, order.voice)
            if order.flowing and flows(self.info, one.piece):
                async with aclosing(self._flow.said(self._engine, one, request)) as parts:
                    async for part in parts:
                        yield part
                continue
            with span("sentence", **{"voice.characters": len(one.piece.text)}) as tracing:
                chunk = await self._spoken(one, request, order.priority)
                tracing.set_attribute("voice.audio_s", chunk.duration_s)
            yield Said(chunk, one)

    async def _spoken(
        self, one: Worded, request: SynthesisRequest, priority: Priority
    ) -> SpeechChunk:
        """One engine call for each part of a sentence, in its turn."""
        info, piece, wording = self.info, one.piece, one.wording
        chunks: list[SpeechChunk] = []
        for part in wording.parts:
            asked = asked_of(info, request, piece, wording.spoken, part)
            chunks += shifted(await self._in_turn(asked, priority), part)
            if part.pause_s and part is not wording.parts[-1]:
                chunks.append(silence(part.pause_s, info.sample_rate, piece.start, piece.end))
        samples, words = await in_thread(None, self._finished, chunks, left_to_do(info, piece))
        words = tuple(written(words, wording.spoken, piece))
        return SpeechChunk(samples, info.sample_rate, piece.start, piece.end, words)

    def _finished(
        self, chunks: Sequence[SpeechChunk], how: Finish
    ) -> tuple[Samples, tuple[WordTiming, ...]]:
        samples, words = finish(chunks, how)
        return self._tools.watermark.mark(samples, chunks[0].sample_rate), words

    async def _in_turn(self, request: SynthesisRequest, priority: Priority) -> list[SpeechChunk]:
        """What the engine makes of a part of a sentence."""
        if priority is Priority.BACKGROUND:
            asked = replace(request, background=True)
            return await self._turns.in_background(partial(all_of, self._engine, asked))
        async with self._turns.turn():
            return await all_of(self._engine, request)
