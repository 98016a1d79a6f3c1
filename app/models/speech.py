"""Speaking: what is asked for, and what is told of it when it is done."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final, Protocol, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    model_validator,
)

from app.audio.types import AudioFormat, WordTiming
from app.core.config.kinds import ANY_CASE
from app.core.exceptions import AppError
from app.models.access import Party
from app.models.history import LexiconUse, SpeechSource, SpeechStatus
from app.models.lexicon import LexiconIds
from app.models.preparation import Prepare
from app.models.translation import Glossary, SourceLanguage, SpokenTranslation, TranslateTo, primary
from app.models.voice import Voice


class Priority(StrEnum):
    """Who goes first: somebody who waits for the sound, before a job."""

    REALTIME = "realtime"
    BACKGROUND = "background"


AUTO: Final = "auto"
"""In place of a language: each sentence has the one that it seems to be in."""


Format = Annotated[AudioFormat, ANY_CASE]


class Normalize(StrEnum):
    """Whether numbers, dates, signs and the like are put into words before an engine reads them."""

    AUTO = "auto"
    """By the rules of the language, if there are any."""
    ON = "on"
    """The same; a language without rules is an error."""
    OFF = "off"
    """Left to the engine."""


Normalization = Annotated[Normalize, ANY_CASE]


class SpeakRequest(BaseModel):
    """What to say, and how it comes back."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"text": "Hello, this is a test", "format": "wav", "sample_rate": 22050}]
        },
    )

    text: str = Field(description="Plain text; markup is spoken as it is written.")
    format: Format = AudioFormat.WAV
    sample_rate: StrictInt | None = Field(
        None,
        ge=8000,
        le=48000,
        description="In Hz; default: 24000, or 8000 for mulaw. Not every format has every rate.",
    )
    speed: float = Field(
        1.0,
        strict=True,
        ge=0.5,
        le=2.0,
        allow_inf_nan=False,
        description="1.0 is the voice's own speed.",
    )
    pitch_semitones: float = Field(0.0, strict=True, ge=-12, le=12, allow_inf_nan=False)
    language: str | None = Field(
        None,
        min_length=2,
        max_length=35,
        description="BCP-47 tag; default: the engine's first language.",
    )
    seed: StrictInt | None = Field(None, ge=0, le=2**32 - 1)
    stream: StrictBool = Field(
        False, description="Send each sentence as soon as it is spoken, instead of the whole."
    )

    def as_speech(self, voice_id: str) -> "SpeechRequest":
        """The same as it is asked for under /api/v1."""
        return SpeechRequest(
            text=self.text,
            voice=voice_id,
            language=self.language,
            format=self.format,
            sample_rate=self.sample_rate,
            speed=self.speed,
            pitch=self.pitch_semitones,
            seed=self.seed,
        )


_SPEECH: dict[str, Any] = {
    "text": "Hello, this is a test.",
    "voice": "550e8400-e29b-41d4-a716-446655440000",
    "format": "mp3",
    "sample_rate": 24000,
}


class SpeechOptions(BaseModel):
    """How something is spoken and comes back. What is None is left to the service."""

    model_config = ConfigDict(extra="forbid")

    language: str | None = Field(
        None,
        min_length=2,
        max_length=35,
        description="BCP-47 tag, or `auto`: each sentence has the one that it seems to be in. "
        "Default: the voice's, else the engine's first language.",
    )
    translate_to: TranslateTo | None = None
    source_language: SourceLanguage | None = None
    glossary: Glossary | None = None
    prepare: Prepare | None = None
    format: Format = AudioFormat.WAV
    sample_rate: StrictInt | None = Field(
        None,
        ge=8000,
        le=48000,
        description="In Hz; default: 24000, or 8000 for mulaw. Not every format has every rate.",
    )
    speed: float = Field(
        1.0,
        strict=True,
        ge=0.5,
        le=2.0,
        allow_inf_nan=False,
        description="1.0 is the voice's own speed.",
    )
    pitch: float = Field(
        0.0,
        strict=True,
        ge=-12,
        le=12,
        allow_inf_nan=False,
        description="Semitones above the voice's own pitch.",
    )
    volume: float = Field(
        0.0,
        strict=True,
        ge=-40,
        le=20,
        allow_inf_nan=False,
        description="dB above the service's own level.",
    )
    seed: StrictInt | None = Field(None, ge=0, le=2**32 - 1, description="Same seed, same samples.")
    lexicon_ids: LexiconIds | None = Field(
        None,
        description="Lexicons to apply, the first one first: `id`, or `id@revision`. Without it, "
        "those of the voice, then your default ones, three at most; an empty list is none.",
    )
    fallback: StrictBool | None = Field(
        None,
        description="Whether another engine that has the voice may speak where the first cannot.",
    )
    normalize: Normalization = Field(
        Normalize.AUTO,
        description="Whether numbers, dates, signs and the like are put into words: `auto` where "
        "the language has rules, `on` (an error where it has none), `off`.",
    )


class SpeechRequest(SpeechOptions):
    """Something to say, in a voice."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_SPEECH]})

    text: str | None = Field(None, description="Plain text; markup in it is spoken.")
    ssml: str | None = Field(
        None, description="SSML instead of text: SSML 1.1 and Azure's dialect."
    )
    voice: str = Field(description="Id of the voice.", min_length=1, max_length=100)
    store: StrictBool | None = Field(
        None,
        description="False keeps nothing of the request but counts; default: as the server is set.",
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.text is None) == (self.ssml is None):
            raise ValueError("send either `text` or `ssml`")
        return self

    @model_validator(mode="after")
    def _translatable(self) -> Self:
        if self.prepare is not None and self.ssml is not None:
            raise ValueError("SSML is not prepared: send `text` with `prepare`")
        if self.translate_to is None:
            if self.source_language is not None or self.glossary is not None:
                raise ValueError("`source_language` and `glossary` go with `translate_to`")
            return self
        if self.ssml is not None:
            raise ValueError("SSML is not translated: send `text` with `translate_to`")
        if self.language is not None and primary(self.language) != primary(self.translate_to):
            raise ValueError("`language` is not that of `translate_to`: leave one out")
        return self

    @property
    def reworded(self) -> bool:
        """Whether what is spoken is made of the text first."""
        return self.translate_to is not None or self.prepare is not None

    @property
    def content(self) -> str:
        """What was sent to be said: its length is what is counted."""
        return self.text if self.text is not None else self.ssml or ""


class StreamFormat(StrEnum):
    """How speech is streamed."""

    AUDIO = "audio"
    SSE = "sse"


class StreamRequest(SpeechRequest):
    """Something to say, sentence by sentence."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [_SPEECH | {"stream_format": "sse"}]}
    )

    stream_format: StreamFormat = Field(
        StreamFormat.AUDIO, description="`audio`: the file as it is made; `sse`: events."
    )


@dataclass(frozen=True, slots=True)
class RuleUse:
    """A place where an entry of a lexicon fits.

    Attributes:
        entry_id: of the entry.
        start: offset of its first character in the text.
        end: offset behind the last one.
        ignored: why it was not applied; None if it was.
    """

    entry_id: str
    start: int
    end: int
    ignored: str | None = None


@dataclass(frozen=True, slots=True)
class MarkTime:
    """A mark of the markup, and when it is reached: seconds from the start of the audio."""

    name: str
    time_s: float


@dataclass(frozen=True, slots=True)
class SpokenPiece:
    """A sentence of the audio, or as much of one as is spoken in one way.

    Attributes:
        index: from 0.
        data: bytes of the file, maybe none; those of all pieces are the file.
        text: what is written.
        text_start: offset of its first character in the text; of SSML, in the text without markup.
        text_end: offset behind the last one.
        start_s: in the audio. The next piece begins where this one ends.
        end_s: of the pause behind it.
        words: in seconds from the start of the audio; empty where the engine has none.
        spoken: what is said; empty for a mere pause.
        language: in which.
        voice: id of the one that says it.
        rules: of lexicons, in order.
        marks: in order.
    """

    index: int
    data: bytes
    text: str
    text_start: int
    text_end: int
    start_s: float
    end_s: float
    words: tuple[WordTiming, ...]
    spoken: str
    language: str
    voice: str
    rules: tuple[RuleUse, ...] = ()
    marks: tuple[MarkTime, ...] = ()


@dataclass(frozen=True, slots=True)
class Spoken:
    """What came of a synthesis, however it ended.

    Attributes:
        id: of the entry in the history; the response has it before the synthesis has ended.
        owner: of who asked for it, who need not own the voice.
        error: code of what went wrong.
        first_audio_s: until the first piece of audio was there; None if it never was.
        total_s: until the last one was.
        spoken_chars: of what was spoken, if that was made of the text first.
        translation: of the text, if it was translated.
        prepared: SSML that was made of the text, or of its translation, for the ear.
        content: all that was sent, None if nobody wants it, or so much of it.
        lexicon: what lexicons have changed; None if none applied.
    """

    id: str
    owner: str
    voice: Voice
    request: SpeechRequest
    source: SpeechSource
    status: SpeechStatus
    sample_rate: int
    duration_s: float
    total_s: float
    spoken_chars: int = 0
    translation: SpokenTranslation | None = None
    prepared: str | None = None
    first_audio_s: float | None = None
    error: str | None = None
    content: bytes | None = None
    batch_id: str | None = None
    lexicon: LexiconUse | None = None

    @property
    def characters(self) -> int:
        """That are counted: of what was sent, or of what was spoken where that is longer."""
        return max(len(self.request.content), self.spoken_chars)


class SpeechLog(Protocol):
    """Is told of every synthesis that was begun: for history and usage."""

    def keeps(self, request: SpeechRequest) -> bool:
        """Whether there will be an entry in the history."""
        ...

    def most_audio(self, request: SpeechRequest) -> int:
        """How many bytes of `Spoken.content` are of use; more are not collected."""
        ...

    async def spoken(self, spoken: Spoken) -> None:
        """Note it. Does not raise: speech that was made is not lost since it cannot be listed."""


class SpeechStream(Protocol):
    """Audio in the making.

    Attributes:
        content_type: of the bytes.
        duration_s: of what has been encoded so far; the whole when the iterator has ended.
        translation: of the text, if it was translated.
        prepared: SSML that was made of it for the ear.
    """

    content_type: str
    duration_s: float
    translation: SpokenTranslation | None
    prepared: str | None

    def encoded(self) -> AsyncGenerator[bytes, None]:
        """The audio as it is made. Close it to stop the synthesis."""
        ...


class Speaker(Protocol):
    """What jobs speak with: the same service as for everybody else."""

    async def speak(
        self,
        voice: Voice,
        request: SpeechRequest,
        *,
        by: Party | None = None,
        streaming: bool = False,
        priority: Priority = Priority.REALTIME,
        source: SpeechSource = SpeechSource.SPEAK,
        batch_id: str | None = None,
    ) -> SpeechStream: ...

    async def check(
        self, asked: Sequence[tuple[Voice, SpeechRequest]], *, by: Party, most: int
    ) -> Mapping[int, AppError]:
        """What `speak` would say to many requests, by their place; `most` errors at most."""
        ...
