"""The engine contract: what every speech engine promises."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Final, Protocol, runtime_checkable

from app.audio.types import Recording, SpeechChunk
from app.core.exceptions import TrainingUnsupported, UnsupportedControl
from app.models.voice import VoiceMethod

TRAINED: Final = "done"
"""Stage of the last event of a training."""


@dataclass(frozen=True, slots=True)
class VoiceState:
    """What an engine needs to speak in a voice. Opaque outside the engine that made it.

    Attributes:
        engine: name of the engine that made it.
        format: layout of the payload with its version, e.g. `kokoro/blend.v1`.
        payload: bytes, never pickled.
        similarity: cosine between the enrolment recording and the voice's own speech, or None.
    """

    engine: str
    format: str
    payload: bytes
    similarity: float | None = None


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What an engine is and can do. Readable before its weights are loaded.

    Attributes:
        name: stable, lower case, as in `VOICE_ENGINE`. title: for people. version: of the engine
        with its weights; a change may change the sound. sample_rate: of its speech, in Hz.
        languages: BCP-47 tags it speaks. max_chars: longest text of one request. reference_s:
        shortest and longest useful recording in seconds, None if it cannot clone. controls: which
        optional fields of `SynthesisRequest` it obeys: `speed`, `pitch`,
            `volume`, `seed`, `pronunciations`.
        concurrency: how many syntheses it runs at once.
        background_concurrency: the same of those that nobody waits for; None: as many.
        local: whether text and recordings stay on this machine.
        test_double: whether it only pretends to speak, and needs no model files.
        trainable: whether its voices can be adapted: it is `Trainable`.
        trains_remotely: whether its provider does that, for as long as it takes: it is
            `app.engines.remote.RemotelyTrainable`.
        word_timings: whether its chunks say when each word is spoken.
        streams: whether its chunks come while it still speaks, so that it is worth sending the
            beginning of a sentence before its end.
        readers: what makes sounds of the letters of a language, for people.
        unavailable: languages that it could speak -> what to do for that.
    """

    name: str
    title: str
    version: str
    sample_rate: int
    languages: tuple[str, ...]
    max_chars: int
    reference_s: tuple[float, float] | None
    controls: frozenset[str] = field(default_factory=frozenset)
    concurrency: int = 1
    background_concurrency: int | None = None
    local: bool = True
    test_double: bool = False
    trainable: bool = False
    trains_remotely: bool = False
    word_timings: bool = False
    streams: bool = False
    readers: Mapping[str, str] = field(default_factory=dict)
    unavailable: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pronunciation:
    """How a passage of a text is pronounced, whatever stands there.

    Attributes:
        start: offset of its first character in the text.
        end: offset behind the last one.
        phonemes: IPA, NFC; stress marks `ˈ` and `ˌ` stand before the syllable, spaces part words.
    """

    start: int
    end: int
    phonemes: str


@dataclass(frozen=True, slots=True)
class SynthesisRequest:
    """One piece of text to speak, at most `max_chars` long: usually a sentence.

    Attributes:
        text: plain text; markup in it is spoken.
        voice: made by `enroll` of the same engine.
        language: BCP-47 tag, None for the engine's default.
        speed: 0.5 to 2.0, 1.0 is the voice's own.
        pitch_semitones: -12 to 12, relative to the voice's own.
        volume_db: relative to the service's level.
        seed: same seed, same samples; None lets the engine choose.
        pronunciations: in order, without overlap; each begins and ends where a word does.
        background: nobody waits for the sound: how much is made counts, not how soon it begins.
    """

    text: str
    voice: VoiceState
    _: KW_ONLY
    language: str | None = None
    speed: float = 1.0
    pitch_semitones: float = 0.0
    volume_db: float = 0.0
    seed: int | None = None
    pronunciations: tuple[Pronunciation, ...] = ()
    background: bool = False


@dataclass(frozen=True, slots=True)
class Agreement:
    """A speaker's agreement, for an engine whose provider wants to hear it as well.

    Attributes:
        speaker, company: by name, as they are said.
        language: BCP-47 tag of what was read.
        recording: of the provider's statement, a WAV file. filename: as it was sent.
        consent_id: of the consent here: voices of one consent share what the provider keeps of it.
    """

    speaker: str
    company: str
    language: str
    recording: bytes = field(repr=False)
    filename: str
    consent_id: str


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """How a voice is adapted.

    Attributes:
        minutes: how long to train; of no use to a provider who trains.
        seed: same seed, same recording, same number of steps: same voice.
        agreement: of the speaker, for an engine that is `AgreementBound`.
        run: names a training for as long as it lasts: called again with it, a provider goes on
            where it was. None: nobody will go on.
    """

    minutes: float = 3.0
    seed: int = 0
    agreement: Agreement | None = None
    run: str | None = None


@dataclass(frozen=True, slots=True)
class TrainingEvent:
    """How far a training is.

    Attributes:
        stage: what is being done, a word; `TRAINED` with the last event.
        progress: 0 to 1, never less than before.
        message: for people; nothing of what is said in the recording.
        elapsed_s: since the training began.
        similarity: of the voice as it is now to the recording, if it was measured.
        state: a checkpoint: the voice as it is now, which can be spoken. The last event has one.
        method: how the voice of the last event was found.
    """

    stage: str
    progress: float
    message: str
    elapsed_s: float
    similarity: float | None = None
    state: VoiceState | None = None
    method: VoiceMethod = VoiceMethod.GRADIENT


class Engine(Protocol):
    """A speech engine.

    `synthesize` yields at least one chunk for non-empty text or raises; closing its iterator stops
    the work within one chunk; an engine reads no settings, touches no database, encodes nothing
    and logs no text.
    """

    @property
    def info(self) -> EngineInfo: ...

    async def open(self) -> None:
        """Load the weights. Twice is once.

        Raises:
            EngineUnavailable: a library or a model file is missing or broken.
        """

    async def close(self) -> None: ...

    async def enroll(self, recordings: Sequence[Recording]) -> VoiceState:
        """Make a voice of recordings of one speaker. Stores nothing.

        Raises:
            UnsuitableRecording: no voice can be made of them.
        """
        ...

    def sample_voice(self) -> VoiceState:
        """A voice that needs no recording, for trying the engine out."""
        ...

    def check(self, text: str, language: str | None) -> None:
        """Refuse what can be told without speaking, cheaply: a service asks before it starts an
        answer.

        Raises:
            UnspeakableText, UnsupportedLanguage
        """

    def synthesize(self, request: SynthesisRequest) -> AsyncGenerator[SpeechChunk, None]:
        """Speak. Closing the generator stops the work.

        Raises:
            UnspeakableText: the text has nothing that can be spoken.
            UnsupportedControl, UnsupportedLanguage: the engine cannot do what is asked.
            EngineFailed: no valid audio came out.
        """
        ...


@runtime_checkable
class Trainable(Protocol):
    """What an engine can do besides, if its `info.trainable` says so."""

    def train(
        self,
        recordings: Sequence[Recording],
        start: VoiceState | None,
        *,
        options: TrainingOptions,
    ) -> AsyncGenerator[TrainingEvent, None]:
        """Make a voice more like the speaker of the recordings. Stores nothing.

        The last event has the stage `TRAINED` and the voice. Closing the generator stops the work
        soon.

        Args:
            start: the voice to go on from, made by `enroll` or `train`; None begins anew.

        Raises:
            TrainingUnsupported: the engine is not trainable.
            ConsentRequired: it is `AgreementBound`, and there is no agreement.
            UnsuitableRecording: too little can be learnt from them.
            EngineUnavailable: a library or a model file that training needs is missing.
            EngineFailed: the state cannot be used, or no voice came out.
        """
        ...


@runtime_checkable
class Refinable(Protocol):
    """What an engine can do besides with a voice that it has just made."""

    async def refine(self, recordings: Sequence[Recording], start: VoiceState) -> VoiceState | None:
        """Look for a voice that is more like the speaker, in bounded time, and only while the
        engine has nothing else to do. Stores nothing. None if there is none, or if the engine does
        not refine voices of this kind.

        Raises:
            EngineFailed: the state cannot be used.
        """
        ...


@dataclass(frozen=True, slots=True)
class ReadWord:
    """How an engine reads a word.

    Attributes:
        text: without the punctuation around it.
        start, end: offsets in the text.
        phonemes: IPA.
        known: whether a dictionary has it; False where its reading is derived from its letters.
    """

    text: str
    start: int
    end: int
    phonemes: str
    known: bool


@runtime_checkable
class Phonetic(Protocol):
    """What an engine can do besides, if its `info.controls` has `pronunciations`: it speaks
    phonemes. All methods are quick but block; the engine is open.
    """

    def missing_phonemes(self, phonemes: str, language: str | None) -> tuple[str, ...]:
        """Symbols of some IPA that the engine has no sound for, each once, in order.

        Raises:
            UnsupportedLanguage
        """
        ...

    def read(
        self, text: str, language: str | None, pronunciations: Sequence[Pronunciation] = ()
    ) -> tuple[ReadWord, ...]:
        """How the words of a text, of any length, would be spoken; in order.

        Raises:
            UnspeakableText, UnsupportedLanguage
        """
        ...

    def parts_of_speech(self, text: str, language: str | None) -> tuple[tuple[int, int, str], ...]:
        """Start, end and part of speech (`noun`, `verb`, `adjective`, `adverb`, `other`) of the
        words of a sentence; nothing for a language in which they are not known.
        """
        ...


@runtime_checkable
class AgreementBound(Protocol):
    """What an engine is besides, if it makes voices only of those who have agreed before its
    provider: its `enroll` refuses.
    """

    def provider_statement(self, language: str, *, speaker: str, company: str) -> str | None:
        """What the speaker must read for the provider, word for word; None if there is no such
        text in a language.
        """
        ...

    async def enroll_under(
        self, recordings: Sequence[Recording], agreement: Agreement
    ) -> VoiceState:
        """Make a voice at the provider. If that fails, nothing of it is left there.

        Raises:
            UnsuitableRecording: no voice can be made of the recordings.
            ConsentUnusable: the provider does not accept the agreement.
            ConsentMismatch: it hears two speakers.
            UnsupportedLanguage: there is no statement in the language.
            EngineError: the provider cannot be asked, or fails.
        """
        ...


@runtime_checkable
class Remote(Protocol):
    """What an engine is besides, if its provider keeps the voices."""

    async def forget(self, state: VoiceState) -> None:
        """Have a voice deleted there, and the consent if no other voice has it. One that is gone
        already is no error.

        Raises:
            EngineError: the provider cannot be asked, or fails.
        """
        ...


def trainer(engine: Engine) -> Trainable:
    """The engine as one that can be trained.

    Raises:
        TrainingUnsupported: it cannot.
    """
    if engine.info.trainable and isinstance(engine, Trainable):
        return engine
    raise TrainingUnsupported(
        f"The engine {engine.info.name!r} cannot adapt voices.",
        "GET /api/v1/engines says whether an engine is trainable; set VOICE_ENGINE to one that is.",
    )


def check_controls(info: EngineInfo, request: SynthesisRequest) -> None:
    """Refuse what a request asks for and the engine does not have: nothing is ignored.

    Raises:
        UnsupportedControl: naming the controls that there are.
    """
    asked = {
        "speed": request.speed != 1.0,
        "pitch": request.pitch_semitones != 0.0,
        "volume": request.volume_db != 0.0,
        "seed": request.seed is not None,
        "pronunciations": bool(request.pronunciations),
    }
    missing = sorted(name for name, used in asked.items() if used and name not in info.controls)
    if missing:
        raise UnsupportedControl(
            f"The engine {info.name!r} cannot change: {', '.join(missing)}.",
            f"It has: {', '.join(sorted(info.controls))}.",
            controls=sorted(info.controls),
        )
