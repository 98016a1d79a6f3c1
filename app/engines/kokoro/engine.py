"""The embedded engine: Kokoro-82M in onnxruntime. No account, no GPU, no PyTorch."""

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.assets.store import AssetStore
from app.audio.types import Recording, Samples, SpeechChunk
from app.core.exceptions import EngineFailed, EngineUnavailable
from app.engines.base import (
    TRAINED,
    EngineInfo,
    Pronunciation,
    ReadWord,
    SynthesisRequest,
    TrainingEvent,
    TrainingOptions,
    VoiceState,
    check_controls,
)
from app.engines.blocking import BlockingEngine
from app.engines.kokoro import parameters, voices
from app.engines.kokoro.alignment import timings
from app.engines.kokoro.eigenvoices import eigenvoices
from app.engines.kokoro.enrolment import (
    SCORE_TEXT,
    TEMPO_RANGE,
    TRIAL_TEXT,
    Target,
    find_voice,
    matched,
)
from app.engines.kokoro.model import SAMPLE_RATE, Interruption, KokoroModel, Style
from app.engines.kokoro.parameters import Parameters
from app.engines.kokoro.phonemes import (
    Phonemizer,
    available_languages,
    readers,
    unavailable_languages,
)
from app.engines.kokoro.search import Search
from app.engines.kokoro.voices import Blend, Styles, stock_voices
from app.engines.registry import EngineOptions
from app.models.voice import VoiceMethod
from app.speaker.encoder import SpeakerEncoder
from app.speaker.similarity import Embedding

NAME = "kokoro"
_SEARCHING = 0.95  # of the time of a training
_REFINING_S = 120.0
_GAIN = 0.02  # a smaller one on one text is chance
_SAMPLE_VOICE = "af_heart"
# Half to double the voice's own speed, which enrolment has set to the speaker's.
_SPEED_RANGE = (0.5 * TEMPO_RANGE[0], 2.0 * TEMPO_RANGE[1])


class KokoroEngine(BlockingEngine):
    """Speaks all voices with one session: a voice is an input of the network, so voices cannot
    mix. What nobody waits for is spoken by a second one, a core for each sentence: that makes the
    most speech, where all cores for one sentence give it soonest.
    """

    def __init__(self, assets: AssetStore, *, threads: int, concurrency: int) -> None:
        super().__init__(
            EngineInfo(
                name=NAME,
                title="Kokoro-82M, 8 bit",
                version="1.0",
                sample_rate=SAMPLE_RATE,
                languages=available_languages(),
                max_chars=300,
                reference_s=(3.0, 600.0),
                # The network has no randomness: every seed gives the same samples.
                controls=frozenset({"speed", "pitch", "seed", "pronunciations"}),
                concurrency=concurrency,
                background_concurrency=threads * concurrency,
                trainable=True,
                word_timings=True,
                readers=readers(),
                unavailable=unavailable_languages(),
            )
        )
        self._assets = assets
        self._threads_each = threads
        self._loading_background = Lock()
        self._interruptions: dict[int, Interruption] = {}

    def load(self) -> None:
        self._phonemizer = Phonemizer()
        self._stock = stock_voices()
        names = [voice.name for voice in self._stock]
        self._styles = Styles(self._assets.verified_path("kokoro-voices"), names)
        self._encoder = SpeakerEncoder(
            self._assets.verified_path("wespeaker-resnet34-lm"), threads=self._threads_each
        )
        self._model = KokoroModel(
            self._assets.verified_path("kokoro-int8"), threads=self._threads_each
        )
        self._background: KokoroModel | None = self._model if self._threads_each == 1 else None
        self._phonemizer.load(self.info.languages[0])

    def make_voice(self, recordings: Sequence[Recording]) -> VoiceState:
        target = Target.of(recordings, self._encoder)
        voice, likeness = find_voice(target, eigenvoices(), self._encoder, self._try)
        return voice.to_state(NAME, similarity=round(likeness, 4))

    def train_blocking(
        self, recordings: Sequence[Recording], start: VoiceState | None, options: TrainingOptions
    ) -> Generator[TrainingEvent, None, None]:
        """By gradient; where PyTorch is not installed, by search among the eigenvoices."""
        if find_spec("torch") is None:
            return self._trained_by_search(recordings, start, options)
        return self._trained_by_gradient(recordings, start, options)

    def _trained_by_gradient(
        self, recordings: Sequence[Recording], start: VoiceState | None, options: TrainingOptions
    ) -> Generator[TrainingEvent, None, None]:
        try:
            from app.engines.kokoro.adaptation.trainer import Files, Served, Trainer
        except ImportError as error:
            raise EngineUnavailable(
                f"Adapting voices needs {error.name}, which is not installed.",
                'Run: pip install "voice-cloning-api[train]"',
            ) from error
        target = Target.of(recordings, self._encoder)
        path = self._assets.verified_path
        files = Files(
            network=path("kokoro-int8"), wespeaker=path("wespeaker-resnet34-lm"),
            ge2e=path("ge2e-speaker"), whisper=path("whisper-base-model").parent,
        )  # fmt: skip
        served = Served(
            self._phonemizer, self.info.languages, self._styles.all(),
            self._start(target, start), self._try, partial(self._finished, target),
            lambda voice, likeness: voice.to_state(NAME, similarity=likeness),
        )  # fmt: skip
        trainer = Trainer(files, served, options=options, threads=self._threads_each)
        yield from trainer.run(recordings)

    def _trained_by_search(
        self, recordings: Sequence[Recording], start: VoiceState | None, options: TrainingOptions
    ) -> Generator[TrainingEvent, None, None]:
        began = time.monotonic()

        def event(stage: str, progress: float, message: str, **more: Any) -> TrainingEvent:
            elapsed = time.monotonic() - began
            return TrainingEvent(
                stage, progress, message, elapsed, method=VoiceMethod.SEARCH, **more
            )

        yield event("listening", 0.0, "Listening to the recordings")
        target = Target.of(recordings, self._encoder)
        voice = self._start(target, start)
        search = self._search(target, voice, 60 * options.minutes * _SEARCHING, options.seed)
        for trial in search.run(search.space.place_of(voice)):
            state = None
            if trial.improved:
                voice = search.shape(search.space.voice(trial.place))
                state = voice.to_state(NAME, similarity=None)
            message = f"searching, likeness {max(trial.likeness, 0.0):.2f}"
            yield event("searching", trial.progress, message, state=state)
        voice, likeness = self._finished(target, voice, target.traits.embedding)
        yield event(
            TRAINED, 1.0, "Found by search", similarity=likeness,
            state=voice.to_state(NAME, similarity=likeness),
        )  # fmt: skip

    def _start(self, target: Target, start: VoiceState | None) -> Parameters:
        """The voice to go on from."""
        if start is not None and start.format == parameters.FORMAT:
            return Parameters.from_state(start)
        return find_voice(target, eigenvoices(), self._encoder, self._try)[0]

    def _finished(
        self, target: Target, voice: Parameters, judge: Embedding
    ) -> tuple[Parameters, float]:
        """The voice at the speaker's pitch, and its likeness to an embedding."""
        tempo_kept = replace(target, syllables_s=None)
        voice = matched(voice, tempo_kept, self._try(TRIAL_TEXT, voice))
        spoken = self._try(SCORE_TEXT, voice)
        return voice, round(float(self._encoder.embed(spoken, SAMPLE_RATE) @ judge), 4)

    def _search(self, target: Target, voice: Parameters, seconds: float, seed: int) -> Search:
        """One that speaks as what nobody waits for is spoken."""
        model = self._background_model()

        def embed(tried: Parameters, text: str) -> Embedding:
            return self._encoder.embed(self._try(text, tried, model), SAMPLE_RATE)

        return Search(
            eigenvoices(), target.traits.embedding, embed,
            lambda found: replace(found, speed=voice.speed, pitch=voice.pitch),
            seconds=seconds, clock=time.monotonic, seed=seed,
            workers=self.info.background_concurrency or 1,
        )  # fmt: skip

    def refine_blocking(
        self, recordings: Sequence[Recording], start: VoiceState
    ) -> Generator[VoiceState | None, None, None]:
        if start.format != parameters.FORMAT:
            return
        target, voice = Target.of(recordings, self._encoder), Parameters.from_state(start)
        search = self._search(target, voice, _REFINING_S, seed=0)
        better = None
        for trial in search.run(search.space.place_of(voice)):
            better = trial.place if trial.improved else better
            yield None
        if better is not None:
            found = search.shape(search.space.voice(better))
            found, likeness = self._finished(target, found, target.traits.embedding)
            if likeness > (start.similarity or 0.0) + _GAIN:
                yield found.to_state(NAME, similarity=likeness)

    def sample_voice(self) -> VoiceState:
        return Blend({_SAMPLE_VOICE: 1.0}).to_state(NAME, similarity=None)

    def check(self, text: str, language: str | None) -> None:
        self._phonemizer.check(text, language or self.info.languages[0])

    def missing_phonemes(self, phonemes: str, language: str | None) -> tuple[str, ...]:
        return self._phonemizer.missing(phonemes, language or self.info.languages[0])

    def read(
        self, text: str, language: str | None, pronunciations: Sequence[Pronunciation] = ()
    ) -> tuple[ReadWord, ...]:
        return self._phonemizer.words(text, language or self.info.languages[0], pronunciations)

    def parts_of_speech(self, text: str, language: str | None) -> tuple[tuple[int, int, str], ...]:
        return self._phonemizer.parts_of_speech(text, language or self.info.languages[0])

    def speak(self, request: SynthesisRequest) -> Generator[SpeechChunk, None, None]:
        check_controls(self.info, request)
        voice = self._voice(request.voice)
        speed = float(np.clip(voice.speed * request.speed, *_SPEED_RANGE))
        pitch = voice.pitch * 2 ** (request.pitch_semitones / 12)
        language = request.language or self.info.languages[0]
        model = self._background_model() if request.background else self._model
        interruption = self._interruptions[id(request)] = Interruption()
        try:
            for piece in self._phonemizer.fit(request.text, language, request.pronunciations):
                said = model.run(
                    piece.tokens, voice.style(len(piece.tokens)), biases=voice.biases,
                    speed=speed, pitch=pitch, interruption=interruption,
                )  # fmt: skip
                # A voice may be louder than full scale.
                samples = said.samples / max(1.0, float(np.abs(said.samples).max()))
                pause = np.zeros(round(piece.pause_s * SAMPLE_RATE), np.float32)
                samples = np.concatenate([samples, pause])
                words = timings(
                    piece.stretches, said.frames, said.samples, SAMPLE_RATE, offset=piece.start
                )
                yield SpeechChunk(samples, SAMPLE_RATE, piece.start, piece.end, words)
        finally:
            self._interruptions.pop(id(request), None)

    def interrupt(self, request: SynthesisRequest) -> None:
        if (interruption := self._interruptions.get(id(request))) is not None:
            interruption()

    def _background_model(self) -> KokoroModel:
        """Loaded when it is needed first; the same one where a sentence has one core anyway."""
        with self._loading_background:
            if self._background is None:
                path = self._assets.verified_path("kokoro-int8")
                self._background = KokoroModel(path, threads=1)
            return self._background

    def _voice(self, state: VoiceState) -> "_Voice":
        if state.format == voices.FORMAT:
            blend = Blend.from_state(state)
            return _Voice(lambda size: self._styles.style(blend, size), blend.speed, blend.pitch)
        if state.format == parameters.FORMAT:
            return _Voice.of(Parameters.from_state(state))
        raise EngineFailed(
            f"A voice state of the format {state.format!r} cannot be spoken by this engine.",
            "Register the voice again.",
        )

    def _try(self, text: str, own: Parameters, model: KokoroModel | None = None) -> Samples:
        """Speak a short English text, to judge a voice."""
        tokens = self._phonemizer.tokens(self._phonemizer.phonemize(text, "en-US"))
        voice = _Voice.of(own)
        said = (model or self._model).run(
            tokens, own.style, biases=voice.biases, speed=voice.speed, pitch=voice.pitch
        )
        return said.samples


@dataclass(frozen=True, slots=True)
class _Voice:
    """What the network is given. `style`: number of tokens to a style."""

    style: Callable[[int], Style]
    speed: float
    pitch: float
    biases: Mapping[str, NDArray[np.float32]] | None = None

    @classmethod
    def of(cls, own: Parameters) -> "_Voice":
        return cls(lambda _: own.style, own.speed, own.pitch, parameters.split(own.biases))


def create(options: EngineOptions) -> KokoroEngine:
    return KokoroEngine(options.assets, threads=options.threads, concurrency=options.concurrency)
