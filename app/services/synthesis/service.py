"""Speaking: text in, audio out, sentence by sentence."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import (
    AbstractContextManager,
    asynccontextmanager,
    nullcontext,
    suppress,
)
from dataclasses import replace
from functools import partial

from app.abuse.refusals import Refusals
from app.consents.permit import Permit
from app.consents.watch import VoiceWatch
from app.core.exceptions import AppError, BadRequest, DatabaseError, TextBlocked
from app.core.logging import get_logger
from app.core.metrics import Metrics, Outcome, outcome_of
from app.core.tasks import in_thread, see_through
from app.core.turns import Turns
from app.db.audit import AuditTrail
from app.db.base import Collection
from app.db.voices import VoiceReach
from app.engines.base import Engine, SynthesisRequest
from app.lexicons.shelf import LexiconShelf
from app.models.access import Party
from app.models.audit import Action
from app.models.charge import Charge, for_nothing
from app.models.history import SpeechSource
from app.models.output import OutputTracer
from app.models.speech import Priority, SpeechLog, SpeechRequest
from app.models.voice import Voice
from app.planning.draft import Drafting
from app.planning.plan import Plan
from app.planning.surroundings import Surroundings
from app.provenance.credentials import Credentials
from app.services.synthesis.chain import Chain
from app.services.synthesis.checking import errors_of, planned
from app.services.synthesis.rewording import Rewording
from app.services.synthesis.speech import REPLACEABLE, Order, Said, Speech, Take
from app.services.synthesis.stage import Stage, StageTools, Standby
from app.storage.base import BlobStore
from app.watermark.marking import Watermark

log = get_logger(__name__)

_CHECKED_AT_ONCE = 200


class SynthesisService:
    """Speaks texts in stored voices. Measures every synthesis, logs no text.

    Args:
        engine: speaks; turns: on it; drafting: for it.
        standbys: engines that may speak in its place, in this order.
        falls_back: whether they may where a request does not say.
    """

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
        standbys: Sequence[Standby] = (),
        falls_back: bool = False,
    ) -> None:
        self._turns = turns
        self._audit = audit
        self._credentials = credentials or Credentials("never")
        self._watch = VoiceWatch(voices, permit)
        self._metrics = metrics or Metrics()
        self._refusals = Refusals(audit, self._metrics)
        tools = StageTools(
            voices, reach, states, lexicons, permit, watermark, self._metrics, self._refusals
        )
        first = Standby(engine, turns, drafting)
        self._stages = [Stage(standby, tools) for standby in (first, *standbys)]
        self._always = falls_back
        self._log = log
        self._tracer = tracer
        self._rewording = rewording or Rewording()

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
        await self._stages[0].opened()
        arounds = [stage.around() for stage in self._stages]
        found: dict[int, AppError] = {}
        for start in range(0, len(asked), _CHECKED_AT_ONCE):
            some = asked[start : start + _CHECKED_AT_ONCE]
            errors = await self._errors(some, by, arounds)
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

    async def _errors(
        self,
        some: Sequence[tuple[Voice, SpeechRequest]],
        by: Party,
        arounds: Sequence[Surroundings],
    ) -> list[AppError | None]:
        """What is wrong with each; nothing if one of the engines that may speak it can."""
        errors: list[AppError | None] = [None] * len(some)
        left = list(range(len(some)))
        for number, (stage, around) in enumerate(zip(self._stages, arounds, strict=True)):
            drafts = await in_thread(None, stage.drafts, [some[at] for at in left], by)
            plans = [await planned(around, draft) for draft in drafts]
            for at, error in zip(left, await in_thread(None, errors_of, plans), strict=True):
                if number == 0 or error is None:
                    errors[at] = error
            left = [
                at
                for at in left
                if isinstance(errors[at], REPLACEABLE) and self._falls_back(some[at][1])
            ]
            if not left:
                break
        return errors

    async def _unwordable(self, request: SpeechRequest) -> AppError | None:
        try:
            await self._rewording.check(request)
        except BadRequest as error:
            return error
        return None

    async def engine_requests(
        self, voice: Voice, request: SpeechRequest, *, by: Party
    ) -> list[SynthesisRequest]:
        """What the first engine would be asked, in order; raises as `speak`. Nothing is spoken."""
        if request.reworded:  # nobody knows yet
            return []
        return await self._stages[0].requests(voice, request, by=by)

    def _falls_back(self, request: SpeechRequest) -> bool:
        """Whether another engine than the first may speak."""
        return self._always if request.fallback is None else request.fallback

    async def _prepared(self, order: Order, streaming: bool) -> Speech:
        request = order.request
        if not streaming:
            self._credentials.check(request.format)
        stages = self._stages if self._falls_back(request) else self._stages[:1]
        chain = Chain(
            order,
            stages,
            streaming=streaming,
            reword=partial(self._reworded, streaming),
            measure=self._followed,
        )
        take = await chain.next()
        return Speech(
            chain.order,
            take,
            streaming=streaming,
            another=None if chain.ended else chain.next,
            admission=self._admitted(chain.order),
            log=self._log,
            credentials=None if streaming else self._credentials,
            tracer=self._tracer,
        )

    async def _reworded(self, streaming: bool, order: Order, plan: Plan, stage: Stage) -> Order:
        most = stage.most(streaming)
        return await self._rewording.done(order, language=plan.language, most=most)

    def _followed(self, take: Take, order: Order) -> Take:
        return replace(take, said=self._measured(_look_ahead(take.said), order, take.plan))

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
            self._tell(order, plan, outcome, first_s=first_s, audio_s=audio_s, working_s=working_s)

    async def _use_noted(self, plan: Plan) -> None:
        for voice in plan.voices.values():
            with suppress(DatabaseError):  # logged with all that it tells
                await self._audit.record(Action.VOICE_USED, voice)

    def _tell(
        self,
        order: Order,
        plan: Plan,
        outcome: Outcome,
        *,
        first_s: float | None,
        audio_s: float,
        working_s: float,
    ) -> None:
        engine, request = plan.info.name, order.request
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
