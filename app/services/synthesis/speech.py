"""Speech in the making: chunks into the bytes of a file, and word of what came of it."""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, replace
from typing import Final
from uuid import uuid4

import numpy as np

from app.audio.encode import AudioEncoder, content_type
from app.audio.types import Samples, SpeechChunk
from app.core.exceptions import AppError, AssetError, EngineError, VoiceEngineMismatch
from app.core.logging import actor, request_id
from app.core.tasks import in_thread, see_through
from app.core.tracing import start_span
from app.models.access import Party
from app.models.charge import Charge
from app.models.history import LexiconUse, SpeechSource, SpeechStatus
from app.models.output import Output, OutputTracer, OutputVoice
from app.models.speech import Priority, SpeechLog, SpeechRequest, Spoken, SpokenPiece
from app.models.translation import SpokenTranslation
from app.models.voice import Voice
from app.planning.plan import Plan, Worded
from app.provenance.claim import Claim
from app.provenance.credentials import Credentials
from app.services.synthesis.words import marks_of, rules_of
from app.text.plan import Piece

REPLACEABLE: Final = (EngineError, AssetError, VoiceEngineMismatch)
"""What another engine may make up for: not what is wrong with the request."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be spoken for whom.

    Attributes:
        by: who asks.
        spoken: what is spoken, where it was made of the request's text first.
        translation: of that text, if it was translated.
        prepared: SSML that was made of it for the ear.
        charged: characters that were paid already.
        flowing: whether a sentence may be sent before all of it is there.
        since: when it was asked for, by `time.perf_counter`.
    """

    voice: Voice
    by: Party
    request: SpeechRequest
    source: SpeechSource
    batch_id: str | None
    priority: Priority
    charge: Charge
    since: float
    spoken: SpeechRequest | None = None
    translation: SpokenTranslation | None = None
    prepared: str | None = None
    charged: int = 0
    flowing: bool = False

    @property
    def asked(self) -> SpeechRequest:
        """What is to be spoken, as far as that is known."""
        return self.spoken or self.request

    @property
    def characters(self) -> int:
        """That are counted: of what was sent or of what is spoken, whichever is longer."""
        return max(len(self.request.content), len(self.asked.content))


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence with its audio, or a part of that. The words of the chunk are as they are written.

    Attributes:
        first, last: whether the sentence begins, ends with it.
    """

    chunk: SpeechChunk
    worded: Worded
    first: bool = True
    last: bool = True


@dataclass(frozen=True, slots=True)
class Take:
    """How one engine speaks an order: its plan, what it says, and what writes that."""

    plan: Plan
    said: AsyncGenerator[Said, None]
    encoder: AudioEncoder


Another = Callable[[AppError], Awaitable[Take]]
"""Gives what another engine makes of an order, when the one before has failed. Raises why that was
if there is none."""


class Speech:
    """Audio in the making.

    Args:
        take: of the engine that speaks.
        another: engine, if this one fails before anything was sent; None without one.
        streaming: bytes are sent with each sentence.
        credentials: sign the whole file; None where it is a stream.

    Attributes:
        id: of this synthesis, and of its entry in the history.
        history_id: the same; None if there will be no such entry.
        voice: as it is spoken. plan: what the request came to; both may change with the engine
            until the first piece is there.
        lexicon: what lexicons have changed so far; the whole when the iterator has ended.
        content_type: of the bytes.
        engine: that speaks; with the first piece at the latest.
        translation: of the text, if it was translated.
        prepared: SSML that was made of it for the ear.
        asked_to_prepare: whether that was asked for.
        characters: that are counted.
        duration_s: of what has been encoded so far; the whole when the iterator has ended.
        first_audio_s: since it was asked for until the first piece was there; None before.
        total_s: the same of the last piece that there is.
    """

    def __init__(
        self,
        order: Order,
        take: Take,
        *,
        streaming: bool,
        another: Another | None = None,
        admission: AbstractAsyncContextManager[None],
        log: SpeechLog | None = None,
        tracer: OutputTracer | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        self.id = str(uuid4())
        self.history_id = self.id if log is not None and log.keeps(order.request) else None
        self.characters = order.characters
        self.translation = order.translation
        self.prepared = order.prepared
        self.asked_to_prepare = order.request.prepare is not None
        self.duration_s = 0.0
        self.first_audio_s: float | None = None
        self.total_s = 0.0
        self._order = order
        self._count = 0
        self._another = another
        self._streaming = streaming
        self._use(take)
        self._admission = admission
        self._log = log
        self._credentials = credentials
        self._trace = None if tracer is None else tracer.begin(self._output())
        self._most = self._most_kept()
        self._kept = bytearray() if self._most else None
        self._unheard: list[Said] = []

    def _use(self, take: Take) -> None:
        plan, order = take.plan, self._order
        self._take = take
        self.plan = plan
        self.voice = plan.voices.get(order.voice.id, order.voice)
        self.engine = plan.info.name
        self.content_type = content_type(order.request.format, plan.draft.rate)
        self.lexicon = LexiconUse(
            lexicons=[f"{id}@{number}" for id, number in plan.attached.lexicons]
        )

    def _most_kept(self) -> int:
        """Bytes of its audio that the log keeps. A batch keeps the audio of its items itself; what
        several voices say would outlive all of them but the first, as files go with one.
        """
        alone = self._order.source is not SpeechSource.BATCH and len(self.plan.voices) < 2
        return self._log.most_audio(self._order.request) if alone and self._log else 0

    async def encoded(self) -> AsyncGenerator[bytes, None]:
        """The audio as it is made. Close it to stop the synthesis."""
        async with aclosing(self.pieces()) as pieces:
            async for piece in pieces:
                if piece.data:
                    yield piece.data

    async def pieces(self) -> AsyncGenerator[SpokenPiece, None]:
        """The same, sentence by sentence, instead of `encoded`."""
        tracing = start_span("encode", **{"voice.content_type": self.content_type})
        try:
            async with self._admission, aclosing(self._logged()) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            self._take.encoder.close()
            tracing.set_attribute("voice.audio_s", self.duration_s)
            tracing.end()  # one span, however many pieces there are

    async def _logged(self) -> AsyncGenerator[SpokenPiece, None]:
        """Whoever keeps a log is told at the end, whatever it is and whoever has gone by then."""
        status, error = SpeechStatus.CANCELLED, None
        try:
            async with aclosing(self._said()) as said:
                async for one in said:
                    yield await self._piece(one)
            status = SpeechStatus.OK
        except Exception as failure:
            status = SpeechStatus.FAILED
            error = failure.code if isinstance(failure, AppError) else AppError.code
            raise
        finally:
            if self._trace is not None:
                self._hear()  # of what was broken off as well
                self._trace.end()
            if self._log is not None:
                await see_through(self._log.spoken(self._spoken(status, error)))

    async def _said(self) -> AsyncGenerator[Said, None]:
        """What the first engine says that gives a sound; of a whole file, that comes to its end."""
        while True:
            held: list[Said] = []
            async with aclosing(self._take.said) as said:
                try:
                    async for one in said:
                        held.append(one)
                        if self._another is None or (self._streaming and one.worded.wording.parts):
                            break
                except REPLACEABLE as error:
                    if self._another is None:
                        raise
                    failure: AppError = error
                else:
                    for one in held:
                        yield one
                    async for one in said:
                        yield one
                    return
            take = await self._another(failure)
            self._take.encoder.close()
            self._use(take)

    async def _piece(self, said: Said) -> SpokenPiece:
        chunk, worded = said.chunk, said.worded
        piece, wording = worded.piece, worded.wording
        index, start_s = self._count, self.duration_s
        self._count += said.last
        data = await in_thread(None, self._encode, chunk.samples, worded.last and said.last)
        self._unheard.append(said)
        if said.last:
            self._hear()
        if self._kept is not None:
            self._kept += data
            if len(self._kept) > self._most:  # hours of it would fill the memory
                self._kept = None
        self.duration_s += chunk.duration_s
        self.total_s = time.perf_counter() - self._order.since
        if self.first_audio_s is None:
            self.first_audio_s = self.total_s
        rules = tuple(rules_of(piece, wording)) if said.last else ()
        for rule in rules:
            self.lexicon.count(rule.entry_id, rule.ignored)
        return SpokenPiece(
            index,
            data,
            piece.text,
            piece.start,
            piece.end,
            start_s,
            self.duration_s,
            tuple(
                replace(word, start_s=word.start_s + start_s, end_s=word.end_s + start_s)
                for word in chunk.words
            ),
            spoken=wording.spoken.text if wording.parts else "",
            language=worded.language,
            voice=piece.voice or self.voice.id,
            rules=rules,
            marks=tuple(marks_of(chunk, piece, start_s)) if said.last else (),
        )

    def _hear(self) -> None:
        """Have the sentence traced, as far as it has come."""
        said, self._unheard = self._unheard, []
        if self._trace is not None and said:
            one = said[0].worded
            voice = self._voice(one.piece) if one.wording.parts else None
            samples = np.concatenate([part.chunk.samples for part in said])
            self._trace.hear(samples, said[0].chunk.sample_rate, voice)

    def _encode(self, samples: Samples, last: bool) -> bytes:
        encoder = self._take.encoder
        data = encoder.encode(samples)
        if not last:
            return data
        data += encoder.finish()
        return data if self._credentials is None else self._signed(data, self._credentials)

    def _signed(self, data: bytes, credentials: Credentials) -> bytes:
        voices = tuple(dict.fromkeys(voice.id for voice in self.plan.voices.values()))
        claim = Claim(voices or (self.voice.id,), request_id.get(), self.id)
        return credentials.signed(data, self._order.request.format, claim)

    def _voice(self, piece: Piece) -> OutputVoice:
        voice = self.plan.voices[piece.voice] if piece.voice else self.voice
        return OutputVoice(voice_id=voice.id, consent_id=voice.consent_id)

    def _output(self) -> Output:
        order = self._order
        return Output(
            id=self.id,
            owner=order.by.owner,
            actor=actor.get(),
            request_id=request_id.get()[:64],
            source=order.source,
            batch_id=order.batch_id,
        )

    def _spoken(self, status: SpeechStatus, error: str | None) -> Spoken:
        order = self._order
        if status is not SpeechStatus.OK:
            self.total_s = time.perf_counter() - order.since
        return Spoken(
            id=self.id,
            owner=order.by.owner,
            voice=self.voice,
            request=order.request,
            source=order.source,
            status=status,
            sample_rate=self.plan.draft.rate,
            lexicon=self.lexicon if self.lexicon.lexicons else None,
            duration_s=self.duration_s,
            total_s=self.total_s,
            first_audio_s=self.first_audio_s,
            error=error,
            spoken_chars=order.characters,
            translation=order.translation,
            prepared=order.prepared,
            content=None if self._kept is None else bytes(self._kept),
            batch_id=order.batch_id,
        )
