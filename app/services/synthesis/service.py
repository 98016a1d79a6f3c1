"""Speaking: text in, audio out, sentence by sentence."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import (
    AbstractContextManager,
    aclosing,
    asynccontextmanager,
    nullcontext,
    suppress,
)
from dataclasses import replace
from functools import partial

from app.abuse.refusals import Refusals
from app.audio.encode import AudioEncoder
from app.audio.finish import Finish, finish
from app.audio.types import Samples, SpeechChunk, WordTiming
from app.consents.permit import Permit
from app.consents.watch import VoiceWatch
from app.core.exceptions import AppError, BadRequest, DatabaseError, TextBlocked
from app.core.logging import get_logger
from app.core.metrics import Metrics, Outcome, outcome_of
from app.core.tasks import in_thread, see_through
from app.core.tracing import span
from app.core.turns import Turns
from app.db.audit import AuditTrail
from app.db.base import Collection
from app.db.voices import VoiceReach
from app.engines.base import Engine, SynthesisRequest, VoiceState
from app.engines.controls import all_of, asked_of, left_to_do
from app.engines.stored import stored_state
from app.lexicons.shelf import LexiconShelf
from app.models.access import Party
from app.models.audit import Action
from app.models.charge import Charge, for_nothing
from app.models.history import SpeechSource
from app.models.output import OutputTracer
from app.models.speech import Priority, SpeechLog, SpeechRequest
from app.models.voice import Voice
from app.planning.draft import Draft, Drafting
from app.planning.plan import Plan, Worded
from app.planning.surroundings import Surroundings
from app.provenance.credentials import Credentials
from app.services.synthesis.checking import errors_of, planned
from app.services.synthesis.flow import Flow, flows
from app.services.synthesis.pauses import pause, silence
from app.services.synthesis.rewording import Rewording
from app.services.synthesis.speech import Order, Said, Speech
from app.services.synthesis.words import shifted, written
from app.storage.base import BlobStore
from app.watermark.marking import Watermark

log = get_logger(__name__)

_CHECKED_AT_ONCE = 200


class SynthesisService:
    """Speaks texts in stored voices. Measures every synthesis, logs no text."""

    def __init__(
        self,
        *,
        voices: Collection[Voice],
        reach: VoiceReach,
        states: BlobStore,
        lexicons: LexiconShelf,
        engine: Engine,
        turns: Turns,
        audit: AuditTrail,
        drafting: Drafting,
        watermark: Watermark,
        permit: Permit,
        credentials: Credentials | None = None,
        metrics: Metrics | None = None,
        log: SpeechLog | None = None,
        tracer: OutputTracer | None = None,
        rewording: Rewording | None = None,
    ) -> None:
        self._voices = voices
        self._reach = reach
        self._states = states
        self._lexicons = lexicons
        self._engine = engine
        self._turns = turns
        self._audit = audit
        self._drafting = drafting
        self._watermark = watermark
        self._credentials = credentials or Credentials("never")
        self._permit = permit
        self._watch = VoiceWatch(voices, permit)
        self._metrics = metrics or Metrics()
        self._refusals = Refusals(audit, self._metrics)
        self._log = log
        self._tracer = tracer
        self._rewording = rewording or Rewording()
        self._flow = Flow(turns, watermark)

    async def close(self) -> None:
        """Look no more at what is being spoken."""
        await self._watch.close()

    async def speak(  # long: what is asked for, each by its name
        self,
        voice: Voice,
        request: SpeechRequest,
        *,
        by: Party | None = None,
        streaming: bool = False,
        flowing: bool = False,
        priority: Priority = Priority.REALTIME,
        source: SpeechSource = SpeechSource.SPEAK,
        batch_id: str | None = None,
        charge: Charge = for_nothing,
    ) -> Speech:
        """Check everything that can be checked before the first sound.

        Args:
            voice: in which it is spoken; the request's own id is not looked up.
            by: who asks, and may speak in it; the voice's owner if left out.
            streaming: bytes come with each sentence, instead of a whole file at the end.
            flowing: and within a sentence, where the engine gives it so.
            priority: work in the background gives way to requests, and is not counted among them.
            charge: is awaited with the number of characters when the text is about to be spoken;
                what it raises ends the request before its first sound.

        Raises:
            UnspeakableText, TextTooLong, MarkupInvalid, InvalidRequest: it cannot be spoken.
            UnsupportedFormat, UnsupportedControl, UnsupportedLanguage: not so.
            TextBlocked: it may not be spoken.
            LexiconNotFound: there is no such lexicon.
            VoiceNotFound: the markup names a voice that is not there.
            ConsentRequired, VoiceSuspended: a voice may not speak.
            VoiceEngineMismatch: the voice cannot be spoken by the engine that runs.
            EngineBusy: there are as many requests as may be.
            ProvenanceUnavailable: the file has to be signed, and cannot be.
            TranslationUnavailable, TranslationFailed: the text cannot be translated.
            PreparationUnavailable, PreparationFailed: it cannot be prepared for the ear.
        """
        asker = by or Party(voice.owner)
        since = time.perf_counter()
        order = Order(
            voice, asker, request, source, batch_id, priority, charge, since, flowing=flowing
        )
        with self._entered(order):  # what is prepared takes memory as well
            return await self._prepared(order, streaming)

    async def _plan(self, order: Order, *, streaming: bool) -> Plan:
        """What a request comes to. The engine is open then.

        Raises:
            as `speak`
        """
        by, voice = order.by, order.voice
        draft = await in_thread(
            None, self._drafting.draft, by, voice, order.asked, streaming=streaming
        )
        plan = await self._around().plan(draft)
        await self._opened()
        async with self._refusals.noted(by.owner, voice):
            await in_thread(None, plan.check)
        return plan

    async def check(
        self, asked: Sequence[tuple[Voice, SpeechRequest]], *, by: Party, most: int
    ) -> dict[int, AppError]:
        """What `speak` would say to many requests, without speaking.

        Args:
            by: who asks.
            most: errors; then no more requests are looked at.

        Returns:
            The errors, by the place of the request.

        Raises:
            EngineUnavailable, TranslationUnavailable, PreparationUnavailable: nothing can be
                spoken, translated or prepared now.
        """
        await self._opened()
        around = self._around()
        found: dict[int, AppError] = {}
        for start in range(0, len(asked), _CHECKED_AT_ONCE):
            some = asked[start : start + _CHECKED_AT_ONCE]
            drafts = await in_thread(None, self._drafts, some, by)
            plans = [await planned(around, draft) for draft in drafts]
            errors = await in_thread(None, errors_of, plans)
            for at, (_, request) in enumerate(some):
                errors[at] = errors[at] or await self._unwordable(request)
            for place, error in enumerate(errors, start):
                if isinstance(error, TextBlocked):
                    await self._refusals.note(by.owner, asked[place][0])
                if error is not None:
                    found[place] = error
                    if len(found) == most:
                        return found
        return found

    async def _unwordable(self, request: SpeechRequest) -> AppError | None:
        try:
            await self._rewording.check(request)
        except BadRequest as error:
            return error
        return None

    def _drafts(
        self, asked: Sequence[tuple[Voice, SpeechRequest]], by: Party
    ) -> list[Draft | AppError]:
        drafts: list[Draft | AppError] = []
        for voice, request in asked:
            try:
                drafts.append(self._drafting.draft(by, voice, request, streaming=False))
            except AppError as error:
                drafts.append(error)
        return drafts

    def _around(self) -> Surroundings:
        return Surroundings(self._reach, self._lexicons, self._engine, self._permit)

    async def _opened(self) -> None:
        await self._engine.open()
        await self._watermark.warm_up()
        self._metrics.engine_loaded(self._engine.info.name)

    async def _prepared(self, order: Order, streaming: bool) -> Speech:
        info, request = self._engine.info, order.request
        if not streaming:
            self._credentials.check(request.format)
        plan = await self._plan(order, streaming=streaming)
        if request.reworded:
            most = self._drafting.limits.most(streaming)
            order = await self._rewording.done(order, language=plan.language, most=most)
            plan = await self._plan(order, streaming=streaming)
        rate = plan.draft.rate
        states = {
            voice.id: await stored_state(voice, info, voices=self._voices, states=self._states)
            for voice in plan.voices.values()
        }
        said = _look_ahead(self._sentences(plan, states, order))
        return Speech(
            order,
            self._measured(said, order, plan),
            AudioEncoder(
                request.format, input_rate=info.sample_rate, output_rate=rate, streaming=streaming
            ),
            plan=plan,
            admission=self._admitted(order),
            log=self._log,
            credentials=None if streaming else self._credentials,
            tracer=self._tracer,
        )

    async def _sentences(
        self, plan: Plan, states: Mapping[str, VoiceState], order: Order
    ) -> AsyncGenerator[Said, None]:
        """Each levelled, with the pause that follows."""
        worded = plan.worded()
        while (one := await in_thread(None, next, worded, None)) is not None:
            if not one.wording.parts:
                yield Said(pause(one, plan.info.sample_rate), one)
                continue
            state = states[one.piece.voice or order.voice.id]
            request = replace(plan.asked(state), language=one.language)
            if order.flowing and flows(self._engine.info, one.piece):
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
        info, piece, wording = self._engine.info, one.piece, one.wording
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
        return self._watermark.mark(samples, chunks[0].sample_rate), words

    async def _in_turn(self, request: SynthesisRequest, priority: Priority) -> list[SpeechChunk]:
        """What the engine makes of a part of a sentence."""
        if priority is Priority.BACKGROUND:
            asked = replace(request, background=True)
            return await self._turns.in_background(partial(all_of, self._engine, asked))
        async with self._turns.turn():
            return await all_of(self._engine, request)

    @asynccontextmanager
    async def _admitted(self, order: Order) -> AsyncIterator[None]:
        """When there is room for one more, and its characters are paid."""
        with self._entered(order):
            await order.charge(order.characters - order.charged)
            yield

    def _entered(self, order: Order) -> AbstractContextManager[None]:
        """Work in the background is bounded by who does it."""
        return nullcontext() if order.priority is Priority.BACKGROUND else self._turns.enter()

    async def _measured(
        self, said: AsyncGenerator[Said, None], order: Order, plan: Plan
    ) -> AsyncGenerator[Said, None]:
        """Tell figures about the request when it ends, however it ends.

        The trail is told at the first sound, and nothing leaves before that, but for the beginning
        of a sentence. Speech goes on where it cannot be, as on a full disk.
        """
        first_s, working_s, audio_s = None, 0.0, 0.0
        noting: asyncio.Future[None] | None = None
        outcome: Outcome = "cancelled"
        try:
            with self._watch.speaking(plan.voices.values()) as watched:
                start = time.perf_counter()
                async for one in said:
                    watched.check()
                    working_s += time.perf_counter() - start
                    begins = first_s is None
                    if noting is None:
                        first_s = working_s
                        noting = asyncio.ensure_future(self._use_noted(plan))
                    if one.last or not begins:
                        await noting
                    audio_s += one.chunk.duration_s
                    yield one
                    start = time.perf_counter()  # a slow client is not a slow engine
            outcome = "ok"
        except BaseException as error:
            outcome = outcome_of(error)
            raise
        finally:
            await said.aclose()
            if noting is not None:
                await see_through(asyncio.wait([noting]))
            self._tell(order, outcome, first_s=first_s, audio_s=audio_s, working_s=working_s)

    async def _use_noted(self, plan: Plan) -> None:
        for voice in plan.voices.values():
            with suppress(DatabaseError):  # logged with all that it tells
                await self._audit.record(Action.VOICE_USED, voice)

    def _tell(
        self,
        order: Order,
        outcome: Outcome,
        *,
        first_s: float | None,
        audio_s: float,
        working_s: float,
    ) -> None:
        engine, request = self._engine.info.name, order.request
        self._metrics.speech_ended(
            engine,
            request.format,
            outcome,
            characters=0 if outcome == "refused" else order.characters,
            first_audio_s=first_s,
            audio_s=audio_s,
            working_s=working_s,
        )
        log.info(
            "spoke",
            voice=order.voice.id,
            engine=engine,
            source=order.source.value,
            format=request.format.value,
            outcome=outcome,
            chars=order.characters,
            audio_s=round(audio_s, 2),
            first_s=round(first_s or 0.0, 3),
            rtf=round(working_s / audio_s, 3) if audio_s else None,
        )


async def _look_ahead(said: AsyncGenerator[Said, None]) -> AsyncGenerator[Said, None]:
    """The same; the next one is made while the consumer is busy with the last one."""
    upcoming = asyncio.ensure_future(anext(said, None))
    try:
        while (one := await upcoming) is not None:
            upcoming = asyncio.ensure_future(anext(said, None))
            yield one
    finally:
        upcoming.cancel()
        await asyncio.gather(upcoming, return_exceptions=True)
        await said.aclose()
