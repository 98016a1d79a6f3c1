"""Speaking: text in, audio out, sentence by sentence."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import (
    AbstractContextManager,
    aclosing,
    asynccontextmanager,
    nullcontext,
    suppress,
)
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from app.audio.encode import AudioEncoder, check_rate
from app.audio.finish import finish
from app.audio.types import SpeechChunk
from app.core.exceptions import (
    AppError,
    DatabaseError,
    EngineFailed,
    LexiconNotFound,
    MarkupInvalid,
    TextTooLong,
)
from app.core.logging import get_logger
from app.core.metrics import Metrics, Outcome, outcome_of
from app.core.tasks import in_thread
from app.core.tracing import span
from app.core.turns import Turns
from app.db.audit import AuditTrail
from app.db.base import Collection
from app.engines.base import Engine, SynthesisRequest, VoiceState
from app.engines.controls import check_pieces, shared_out
from app.engines.stored import check_engine, stored_state
from app.models.audit import Action
from app.models.history import SpeechSource
from app.models.speech import Priority, SpeechLog, SpeechRequest
from app.models.voice import Voice
from app.services.synthesis.speech import Charge, Order, Speech
from app.storage.base import BlobStore
from app.text.clean import clean
from app.text.plan import Piece, plan
from app.text.prosody import Prosody
from app.text.ssml import Script, parse, plain

log = get_logger(__name__)


async def _for_nothing(_: int) -> None: ...


@dataclass(frozen=True, slots=True)
class SynthesisLimits:
    """How much may be asked for.

    Attributes:
        max_chars: longest text.
        max_whole_chars: longest text whose audio is returned in one piece.
    """

    max_chars: int
    max_whole_chars: int


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a request comes to.

    Attributes:
        rate: of the audio, in Hz.
        text: all of it, cleaned.
        language: BCP-47 tag, None if nobody has said.
    """

    rate: int
    text: str
    language: str | None
    pieces: Sequence[Piece]

    def sentence(self, state: VoiceState, request: SpeechRequest) -> SynthesisRequest:
        """What is asked of the engine, but for the text and its prosody."""
        return SynthesisRequest(self.text, state, language=self.language, seed=request.seed)


class SynthesisService:
    """Speaks texts in stored voices. Measures every synthesis, logs no text."""

    def __init__(
        self,
        *,
        voices: Collection[Voice],
        states: BlobStore,
        engine: Engine,
        turns: Turns,
        audit: AuditTrail,
        limits: SynthesisLimits,
        metrics: Metrics | None = None,
        log: SpeechLog | None = None,
    ) -> None:
        self._voices = voices
        self._states = states
        self._engine = engine
        self._turns = turns
        self._audit = audit
        self._limits = limits
        self._metrics = metrics or Metrics()
        self._log = log

    async def speak(
        self,
        voice: Voice,
        request: SpeechRequest,
        *,
        streaming: bool = False,
        priority: Priority = Priority.REALTIME,
        source: SpeechSource = SpeechSource.SPEAK,
        batch_id: str | None = None,
        charge: Charge = _for_nothing,
    ) -> Speech:
        """Check everything that can be checked before the first sound.

        Args:
            voice: in which it is spoken; the request's own id is not looked up.
            streaming: bytes come with each sentence, instead of a whole file at the end.
            priority: work in the background gives way to requests, and is not counted among them.
            charge: is awaited with the number of characters when the text is about to be spoken;
                what it raises ends the request before its first sound.

        Raises:
            UnspeakableText, TextTooLong, MarkupInvalid, InvalidRequest: it cannot be spoken.
            UnsupportedFormat, UnsupportedControl, UnsupportedLanguage: not so.
            LexiconNotFound: there is no such lexicon.
            VoiceEngineMismatch: the voice cannot be spoken by the engine that runs.
            EngineBusy: there are as many requests as may be.
        """
        order = Order(voice, request, source, batch_id, priority, charge, time.perf_counter())
        with self._entered(order):  # what is prepared takes memory as well
            return await self._prepared(order, streaming)

    async def check(
        self, asked: Sequence[tuple[Voice, SpeechRequest]], *, most: int
    ) -> dict[int, AppError]:
        """What `speak` would say to many requests, without speaking.

        Args:
            most: errors; then no more requests are looked at.

        Returns:
            The errors, by the place of the request.

        Raises:
            EngineUnavailable: nothing can be spoken now.
        """
        await self._engine.open()
        self._metrics.engine_loaded(self._engine.info.name)
        return await in_thread(None, self._checked, asked, most)

    def _checked(
        self, asked: Sequence[tuple[Voice, SpeechRequest]], most: int
    ) -> dict[int, AppError]:
        found: dict[int, AppError] = {}
        for index, (voice, request) in enumerate(asked):
            try:
                planned = self._planned(voice, request, streaming=False)
                check_engine(voice, self._engine.info)
                state = VoiceState(voice.engine, voice.state_format, b"")
                self._check_spoken(planned, planned.sentence(state, request))
            except AppError as error:
                found[index] = error
                if len(found) == most:
                    break
        return found

    async def _prepared(self, order: Order, streaming: bool) -> Speech:
        info, request = self._engine.info, order.request
        planned = self._planned(order.voice, request, streaming)
        rate, pieces = planned.rate, planned.pieces
        state = await stored_state(order.voice, info, voices=self._voices, states=self._states)
        sentence = planned.sentence(state, request)
        await self._engine.open()
        self._metrics.engine_loaded(info.name)
        self._check_spoken(planned, sentence)
        chunks = _look_ahead(self._sentences(pieces, sentence, order.priority))
        return Speech(
            order,
            self._measured(chunks, order),
            AudioEncoder(
                request.format, input_rate=info.sample_rate, output_rate=rate, streaming=streaming
            ),
            texts=[piece.text for piece in pieces],
            engine=info.name,
            sample_rate=rate,
            admission=self._admitted(order),
            log=self._log,
        )

    def _planned(self, voice: Voice, request: SpeechRequest, streaming: bool) -> _Plan:
        info = self._engine.info
        rate = check_rate(request.format, request.sample_rate, info.sample_rate)
        _check_lexicons(request)
        script = self._script(request, streaming)
        language = _language(voice, request, script)
        pieces = plan(script, max_chars=info.max_chars, language=language or info.languages[0])
        return _Plan(rate, script.text, language, pieces)

    def _check_spoken(self, planned: _Plan, sentence: SynthesisRequest) -> None:
        """Refuse what the engine cannot do. It is open."""
        check_pieces(self._engine.info, sentence, planned.pieces)
        self._engine.check(planned.text, planned.language)

    def _script(self, request: SpeechRequest, streaming: bool) -> Script:
        """What is to be spoken, cleaned; offsets stay."""
        limit = self._limits.max_chars if streaming else self._limits.max_whole_chars
        if len(request.content) > limit:
            more = f", or stream it: then up to {self._limits.max_chars} are allowed"
            raise TextTooLong(
                f"The text has {len(request.content)} characters; at most {limit} are allowed.",
                f"Split the text{'' if streaming else more}.",
                measured=len(request.content),
                limit=limit,
            )
        own = Prosody(request.speed, request.pitch, request.volume)
        marked = request.ssml is not None
        script = parse(request.content, own) if marked else plain(request.content, own)
        return replace(script, text=clean(script.text))

    async def _sentences(
        self, pieces: Sequence[Piece], request: SynthesisRequest, priority: Priority
    ) -> AsyncGenerator[SpeechChunk, None]:
        """One engine call each: levelled, with the pause that follows."""
        info = self._engine.info
        for piece in pieces:
            if not piece.speakable:
                pause = np.zeros(max(1, round(piece.pause_s * info.sample_rate)), np.float32)
                yield SpeechChunk(pause, info.sample_rate, piece.start, piece.end)
                continue
            asked, how = shared_out(info, request, piece)
            with span("sentence", **{"voice.characters": len(piece.text)}) as tracing:
                spoken = await self._spoken(asked, priority)
                if not spoken:
                    raise EngineFailed("The engine gave no audio for the text.")
                samples, words = await in_thread(None, finish, spoken, how)
                tracing.set_attribute("voice.audio_s", len(samples) / info.sample_rate)
            yield SpeechChunk(samples, info.sample_rate, piece.start, piece.end, words)

    async def _spoken(self, request: SynthesisRequest, priority: Priority) -> list[SpeechChunk]:
        """What the engine makes of a sentence, in its turn."""
        if priority is Priority.BACKGROUND:
            asked = replace(request, background=True)
            return await self._turns.in_background(partial(_all_of, self._engine, asked))
        async with self._turns.turn():
            return await _all_of(self._engine, request)

    @asynccontextmanager
    async def _admitted(self, order: Order) -> AsyncIterator[None]:
        """When there is room for one more, and its characters are paid."""
        with self._entered(order):
            await order.charge(len(order.request.content))
            yield

    def _entered(self, order: Order) -> AbstractContextManager[None]:
        """Work in the background is bounded by who does it."""
        return nullcontext() if order.priority is Priority.BACKGROUND else self._turns.enter()

    async def _measured(
        self, chunks: AsyncGenerator[SpeechChunk, None], order: Order
    ) -> AsyncGenerator[SpeechChunk, None]:
        """Tell figures about the request when it ends, however it ends.

        The trail is told at the first sound. Speech goes on where it cannot be, as on a full disk.
        """
        first_s, working_s, audio_s = None, 0.0, 0.0
        outcome: Outcome = "cancelled"
        try:
            async with aclosing(chunks):
                start = time.perf_counter()
                async for chunk in chunks:
                    working_s += time.perf_counter() - start
                    if first_s is None:
                        first_s = working_s
                        with suppress(DatabaseError):  # logged with all that it tells
                            await self._audit.record(Action.VOICE_USED, order.voice)
                    audio_s += chunk.duration_s
                    yield chunk
                    start = time.perf_counter()  # a slow client is not a slow engine
            outcome = "ok"
        except BaseException as error:
            outcome = outcome_of(error)
            raise
        finally:
            self._tell(order, outcome, first_s=first_s, audio_s=audio_s, working_s=working_s)

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
            characters=0 if outcome == "refused" else len(request.content),
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
            chars=len(request.content),
            audio_s=round(audio_s, 2),
            first_s=round(first_s or 0.0, 3),
            rtf=round(working_s / audio_s, 3) if audio_s else None,
        )


async def _look_ahead(
    chunks: AsyncGenerator[SpeechChunk, None],
) -> AsyncGenerator[SpeechChunk, None]:
    """The same chunks; the next one is made while the consumer is busy with the last one."""
    upcoming = asyncio.ensure_future(anext(chunks, None))
    try:
        while (chunk := await upcoming) is not None:
            upcoming = asyncio.ensure_future(anext(chunks, None))
            yield chunk
    finally:
        upcoming.cancel()
        await asyncio.gather(upcoming, return_exceptions=True)
        await chunks.aclose()


async def _all_of(engine: Engine, request: SynthesisRequest) -> list[SpeechChunk]:
    async with aclosing(engine.synthesize(request)) as chunks:
        return [chunk async for chunk in chunks]


def _check_lexicons(request: SpeechRequest) -> None:
    for lexicon_id in request.lexicon_ids:
        raise LexiconNotFound(
            f"There is no lexicon {lexicon_id!r}.", "There are no lexicons yet: send none."
        )


def _language(voice: Voice, request: SpeechRequest, script: Script) -> str | None:
    """BCP-47 tag; None if nobody has said."""
    asked, marked = request.language, script.language
    if asked and marked and asked.lower() != marked.lower():
        raise MarkupInvalid(
            "`xml:lang` of `<speak>` is not the `language` of the request.", "Leave one out."
        )
    return asked or marked or voice.language
