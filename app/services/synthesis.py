"""Speaking: text in, audio out, sentence by sentence."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from itertools import dropwhile

import numpy as np

from app.audio.dsp import fade_edges, set_loudness, trim_silence
from app.audio.encode import AudioEncoder, check_rate, content_type
from app.audio.types import Samples, SpeechChunk
from app.core.exceptions import DatabaseError, EngineFailed, TextTooLong
from app.core.logging import get_logger
from app.core.metrics import Metrics, Outcome, outcome_of
from app.core.tasks import in_thread
from app.core.tracing import span, start_span
from app.core.turns import Turns
from app.db.audit import AuditTrail
from app.db.base import Collection
from app.engines.base import Engine, SynthesisRequest, check_controls
from app.engines.stored import stored_state
from app.models.audit import Action
from app.models.speech import SpeakRequest
from app.models.voice import Voice
from app.storage.base import BlobStore
from app.text.clean import clean
from app.text.split import Segment, split

log = get_logger(__name__)

# The loudness of broadcast speech would be -23; assistants and audio books lie around -20.
OUTPUT_LUFS = -20.0
_SILENCE_DB = -50.0
_KEEP_SILENCE_S = 0.03


Charge = Callable[[int], Awaitable[None]]


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


class Speech:
    """Audio in the making.

    Attributes:
        content_type: of the bytes.
        duration_s: of what has been encoded so far; the whole when the iterator has ended.
    """

    def __init__(
        self, chunks: AsyncGenerator[SpeechChunk, None], encoder: AudioEncoder, mime: str
    ) -> None:
        self.content_type = mime
        self.duration_s = 0.0
        self._chunks = chunks
        self._encoder = encoder

    async def encoded(self) -> AsyncGenerator[bytes, None]:
        """The audio as it is made. Close it to stop the synthesis."""
        tracing = start_span("encode", **{"voice.content_type": self.content_type})
        try:
            async with aclosing(self._chunks) as chunks:
                with self._encoder as encoder:
                    async for chunk in chunks:
                        self.duration_s += chunk.duration_s
                        if data := await in_thread(None, encoder.encode, chunk.samples):
                            yield data
                    if data := await in_thread(None, encoder.finish):
                        yield data
        finally:
            tracing.set_attribute("voice.audio_s", self.duration_s)
            tracing.end()  # one span, however many pieces there are


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
    ) -> None:
        self._voices = voices
        self._states = states
        self._engine = engine
        self._turns = turns
        self._audit = audit
        self._limits = limits
        self._metrics = metrics or Metrics()

    async def speak(
        self, voice: Voice, request: SpeakRequest, *, charge: Charge = _for_nothing
    ) -> Speech:
        """Check everything that can be checked before the first sound.

        Args:
            charge: is awaited with the number of characters when the text is about to be spoken;
                what it raises ends the request before its first sound.

        Raises:
            UnspeakableText, TextTooLong, UnsupportedFormat, UnsupportedControl: bad request.
            VoiceEngineMismatch: the voice cannot be spoken by the engine that runs.
            EngineBusy: there are as many requests as may be.
        """
        with self._turns.enter():  # what is prepared takes memory as well
            return await self._prepared(voice, request, charge)

    async def _prepared(self, voice: Voice, request: SpeakRequest, charge: Charge) -> Speech:
        info = self._engine.info
        rate = check_rate(request.format, request.sample_rate, info.sample_rate)
        text = self._text(request)
        engine_request = SynthesisRequest(
            text,
            await stored_state(voice, info, voices=self._voices, states=self._states),
            language=request.language,
            speed=request.speed,
            pitch_semitones=request.pitch_semitones,
            seed=request.seed,
        )
        check_controls(info, engine_request)
        await self._engine.open()
        self._metrics.engine_loaded(info.name)
        self._engine.check(text, request.language)
        language = request.language or info.languages[0]
        segments = split(text, max_chars=info.max_chars, language=language)
        # The first chunk tells whether the engine can speak: it must not be a mere pause.
        spoken = list(dropwhile(lambda segment: not segment.speakable, segments))
        encoder = AudioEncoder(
            request.format, input_rate=info.sample_rate, output_rate=rate, streaming=request.stream
        )
        sentences = _look_ahead(self._sentences(spoken, engine_request))
        chunks = self._admitted(self._measured(sentences, voice, request), request, charge)
        return Speech(chunks, encoder, content_type(request.format, rate))

    def _text(self, request: SpeakRequest) -> str:
        """The text, cleaned; offsets stay."""
        limit = self._limits.max_chars if request.stream else self._limits.max_whole_chars
        if len(request.text) > limit:
            more = f", or up to {self._limits.max_chars} with `stream: true`"
            raise TextTooLong(
                f"The text has {len(request.text)} characters; at most {limit} are allowed.",
                f"Split the text{'' if request.stream else more}.",
                measured=len(request.text),
                limit=limit,
            )
        return clean(request.text)

    async def _sentences(
        self, segments: list[Segment], request: SynthesisRequest
    ) -> AsyncGenerator[SpeechChunk, None]:
        """One engine call each: levelled, with the pause that follows."""
        rate = self._engine.info.sample_rate
        for segment in segments:
            if not segment.speakable:
                pause = np.zeros(max(1, round(segment.pause_s * rate)), np.float32)
                yield SpeechChunk(pause, rate, segment.start, segment.end)
                continue
            sentence = replace(request, text=segment.text)
            with span("sentence", **{"voice.characters": len(segment.text)}) as tracing:
                turn = self._turns.turn()
                async with turn, aclosing(self._engine.synthesize(sentence)) as chunks:
                    spoken = [chunk.samples async for chunk in chunks]
                if not spoken:
                    raise EngineFailed("The engine gave no audio for the text.")
                samples = await in_thread(None, _finish, spoken, rate, segment.pause_s)
                tracing.set_attribute("voice.audio_s", len(samples) / rate)
            yield SpeechChunk(samples, rate, segment.start, segment.end)

    async def _admitted(
        self, chunks: AsyncGenerator[SpeechChunk, None], request: SpeakRequest, charge: Charge
    ) -> AsyncGenerator[SpeechChunk, None]:
        """The chunks, when there is room for one more and its characters are paid."""
        with self._turns.enter():
            async with aclosing(chunks):
                await charge(len(request.text))
                async for chunk in chunks:
                    yield chunk

    async def _measured(
        self, chunks: AsyncGenerator[SpeechChunk, None], voice: Voice, request: SpeakRequest
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
                            await self._audit.record(Action.VOICE_USED, voice)
                    audio_s += chunk.duration_s
                    yield chunk
                    start = time.perf_counter()  # a slow client is not a slow engine
            outcome = "ok"
        except BaseException as error:
            outcome = outcome_of(error)
            raise
        finally:
            self._tell(
                voice, request, outcome, first_s=first_s, audio_s=audio_s, working_s=working_s
            )

    def _tell(
        self,
        voice: Voice,
        request: SpeakRequest,
        outcome: Outcome,
        *,
        first_s: float | None,
        audio_s: float,
        working_s: float,
    ) -> None:
        engine = self._engine.info.name
        self._metrics.speech_ended(
            engine,
            request.format,
            outcome,
            characters=0 if outcome == "refused" else len(request.text),
            first_audio_s=first_s,
            audio_s=audio_s,
            working_s=working_s,
        )
        log.info(
            "spoke",
            voice=voice.id,
            engine=engine,
            format=request.format.value,
            outcome=outcome,
            chars=len(request.text),
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


def _finish(spoken: list[Samples], rate: int, pause_s: float) -> Samples:
    """Even loudness, no clicks at the edges, a pause behind."""
    speech = trim_silence(
        np.concatenate(spoken), rate, threshold_db=_SILENCE_DB, keep_s=_KEEP_SILENCE_S
    )
    speech = fade_edges(set_loudness(speech, rate, target_lufs=OUTPUT_LUFS), rate)
    return np.concatenate([speech, np.zeros(round(pause_s * rate), np.float32)])
