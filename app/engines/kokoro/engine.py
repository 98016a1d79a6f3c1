"""The embedded engine: Kokoro-82M in onnxruntime. No account, no GPU, no PyTorch."""

from collections.abc import Generator, Sequence
from dataclasses import replace

import numpy as np

from app.assets.store import AssetStore
from app.audio.types import Recording, Samples, SpeechChunk
from app.engines.base import EngineInfo, SynthesisRequest, VoiceState, check_controls
from app.engines.blocking import BlockingEngine
from app.engines.kokoro.enrolment import TEMPO_RANGE, Target, find_blend
from app.engines.kokoro.model import SAMPLE_RATE, KokoroModel
from app.engines.kokoro.phonemes import Phonemizer, available_languages
from app.engines.kokoro.voices import Blend, Styles, stock_voices
from app.engines.registry import EngineOptions
from app.speaker.encoder import SpeakerEncoder

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
        blend, similarity = find_blend(target, self._stock, self._encoder, self._try)
        return blend.to_state(NAME, similarity=round(similarity, 4))

    def sample_voice(self) -> VoiceState:
        return Blend({_SAMPLE_VOICE: 1.0}).to_state(NAME, similarity=None)

    def check(self, text: str, language: str | None) -> None:
        self._phonemizer.check(text, language or self.info.languages[0])

    def speak(self, request: SynthesisRequest) -> Generator[SpeechChunk, None, None]:
        check_controls(self.info, request)
        blend = Blend.from_state(request.voice)
        blend = replace(
            blend,
            speed=float(np.clip(blend.speed * request.speed, *_SPEED_RANGE)),
            pitch=blend.pitch * 2 ** (request.pitch_semitones / 12),
        )
        language = request.language or self.info.languages[0]
        for piece in self._phonemizer.fit(request.text, language):
            samples = self._say(piece.tokens, blend)
            pause = np.zeros(round(piece.pause_s * SAMPLE_RATE), np.float32)
            samples = np.concatenate([samples, pause])
            yield SpeechChunk(samples, SAMPLE_RATE, piece.start, piece.end)

    def _say(self, tokens: Sequence[int], blend: Blend) -> Samples:
        style = self._styles.style(blend, len(tokens))
        return self._model.run(tokens, style, speed=blend.speed, pitch=blend.pitch)

    def _try(self, text: str, blend: Blend) -> Samples:
        """Speak a short English text, to judge a voice."""
        tokens = self._phonemizer.tokens(self._phonemizer.phonemize(text, "en-US"))
        return self._say(tokens, blend)


def create(options: EngineOptions) -> KokoroEngine:
    return KokoroEngine(options.assets, threads=options.threads, concurrency=options.concurrency)
