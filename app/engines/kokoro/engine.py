"""The embedded engine: Kokoro-82M in onnxruntime. No account, no GPU, no PyTorch."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.assets.store import AssetStore
from app.audio.types import Recording, Samples, SpeechChunk
from app.core.exceptions import EngineFailed, EngineUnavailable
from app.engines.base import (
    EngineInfo,
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
    place_of,
    similarity,
)
from app.engines.kokoro.model import SAMPLE_RATE, KokoroModel, Style
from app.engines.kokoro.parameters import Parameters
from app.engines.kokoro.phonemes import Phonemizer, available_languages
from app.engines.kokoro.refinement import Search
from app.engines.kokoro.voices import Blend, Styles, stock_voices
from app.engines.registry import EngineOptions
from app.speaker.encoder import SpeakerEncoder
from app.speaker.similarity import Embedding

NAME = "kokoro"
_SAMPLE_VOICE = "af_heart"
# Half to double the voice's own speed, which enrolment has set to the speaker's.
_SPEED_RANGE = (0.5 * TEMPO_RANGE[0], 2.0 * TEMPO_RANGE[1])


class KokoroEngine(BlockingEngine):
    """Speaks all voices with one session: a voice is an input of the network, so voices cannot
    mix.
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
                controls=frozenset({"speed", "pitch", "seed"}),
                concurrency=concurrency,
                trainable=True,
                word_timings=True,
            )
        )
        self._assets = assets
        self._threads_each = threads

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
        self._phonemizer.load(self.info.languages[0])

    def make_voice(self, recordings: Sequence[Recording]) -> VoiceState:
        target = Target.of(recordings, self._encoder)
        voice, likeness = find_voice(target, eigenvoices(), self._encoder, self._try)
        return voice.to_state(NAME, similarity=round(likeness, 4))

    def train_blocking(
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
        if start is not None and start.format == parameters.FORMAT:
            begin = Parameters.from_state(start)
        else:
            begin, _ = find_voice(target, eigenvoices(), self._encoder, self._try)

        def finish(voice: Parameters, judge: Embedding) -> tuple[Parameters, float]:
            tempo_kept = replace(target, syllables_s=None)
            voice = matched(voice, tempo_kept, self._try(TRIAL_TEXT, voice))
            spoken = self._try(SCORE_TEXT, voice)
            return voice, round(float(self._encoder.embed(spoken, SAMPLE_RATE) @ judge), 4)

        path = self._assets.verified_path
        files = Files(
            network=path("kokoro-int8"), wespeaker=path("wespeaker-resnet34-lm"),
            ge2e=path("ge2e-speaker"), whisper=path("whisper-base-model").parent,
        )  # fmt: skip
        served = Served(
            self._phonemizer, self.info.languages, self._styles.all(), begin, self._try, finish,
            lambda voice, likeness: voice.to_state(NAME, similarity=likeness),
        )  # fmt: skip
        trainer = Trainer(files, served, options=options, threads=self._threads_each)
        yield from trainer.run(recordings)

    def refine_blocking(
        self, recordings: Sequence[Recording], start: VoiceState
    ) -> Generator[VoiceState | None, None, None]:
        if start.format != parameters.FORMAT:
            return
        target = Target.of(recordings, self._encoder)
        voice = Parameters.from_state(start)
        search = Search(
            eigenvoices(),
            judge=lambda voice, text: similarity(target, self._encoder, self._try(text, voice)),
            finish=lambda found: replace(found, speed=voice.speed, pitch=voice.pitch),
        )
        found = yield from search.run(place_of(voice, target, eigenvoices()))
        if found is not None:
            likeness = search.judge(found, SCORE_TEXT)
            yield found.to_state(NAME, similarity=round(likeness, 4))

    def sample_voice(self) -> VoiceState:
        return Blend({_SAMPLE_VOICE: 1.0}).to_state(NAME, similarity=None)

    def check(self, text: str, language: str | None) -> None:
        self._phonemizer.check(text, language or self.info.languages[0])

    def speak(self, request: SynthesisRequest) -> Generator[SpeechChunk, None, None]:
        check_controls(self.info, request)
        voice = self._voice(request.voice)
        speed = float(np.clip(voice.speed * request.speed, *_SPEED_RANGE))
        pitch = voice.pitch * 2 ** (request.pitch_semitones / 12)
        language = request.language or self.info.languages[0]
        for piece in self._phonemizer.fit(request.text, language):
            said = self._model.run(
                piece.tokens, voice.style(len(piece.tokens)), biases=voice.biases,
                speed=speed, pitch=pitch,
            )  # fmt: skip
            words = timings(piece.stretches, said.frames, said.samples, SAMPLE_RATE)
            # A voice may be louder than full scale.
            samples = said.samples / max(1.0, float(np.abs(said.samples).max()))
            pause = np.zeros(round(piece.pause_s * SAMPLE_RATE), np.float32)
            samples = np.concatenate([samples, pause])
            yield SpeechChunk(samples, SAMPLE_RATE, piece.start, piece.end, words)

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

    def _try(self, text: str, own: Parameters) -> Samples:
        """Speak a short English text, to judge a voice."""
        tokens = self._phonemizer.tokens(self._phonemizer.phonemize(text, "en-US"))
        voice = _Voice.of(own)
        said = self._model.run(
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
