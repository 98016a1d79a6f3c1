"""The model files, and the network as it serves."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from app.assets.store import AssetStore
from app.audio.types import Samples
from app.core.config import Settings
from app.engines.kokoro.adaptation.fit import Whitening
from app.engines.kokoro.adaptation.weights import Weights
from app.engines.kokoro.model import BIASES, KokoroModel
from app.engines.kokoro.parameters import Parameters, split
from app.engines.kokoro.phonemes import Phonemizer
from app.engines.kokoro.voices import Blend, StockVoice, Styles, stock_voices
from app.speaker.encoder import SpeakerEncoder

_LANGUAGE = "en-US"


class Studio:
    """Opens what a command needs when it needs it.

    Args:
        threads: of each model.
    """

    def __init__(self, *, threads: int) -> None:
        self.assets = AssetStore(Settings().models)
        self.threads = threads
        self.stock = stock_voices()
        self._phonemizer = Phonemizer()

    @cached_property
    def encoder(self) -> SpeakerEncoder:
        return SpeakerEncoder(self.assets.path("wespeaker-resnet34-lm"), threads=self.threads)

    @cached_property
    def styles(self) -> Styles:
        return Styles(self.assets.path("kokoro-voices"), [voice.name for voice in self.stock])

    @cached_property
    def whitening(self) -> Whitening:
        return Whitening(self.styles.all())

    @cached_property
    def biases(self) -> NDArray[np.float32]:
        """The network's own, float32 (37396,), as a voice holds them."""
        weights = Weights(self.assets.path("kokoro-int8"))
        return np.concatenate([weights.array(name).ravel() for name in BIASES])

    @cached_property
    def _model(self) -> KokoroModel:
        return KokoroModel(self.assets.path("kokoro-int8"), threads=self.threads)

    def english_voices(self) -> list[StockVoice]:
        return [voice for voice in self.stock if voice.name[0] in "ab"]

    def tokens(self, text: str) -> list[int]:
        return self._phonemizer.tokens(self._phonemizer.phonemize(text, _LANGUAGE))

    def speak(self, text: str, voice: Parameters) -> Samples:
        """Float32 (n,) at 24 kHz."""
        said = self._model.run(
            self.tokens(text), voice.style, biases=split(voice.biases),
            speed=voice.speed, pitch=voice.pitch,
        )  # fmt: skip
        return said.samples

    def speak_stock(self, text: str, name: str) -> Samples:
        """A stock voice as it is: float32 (n,) at 24 kHz."""
        tokens = self.tokens(text)
        return self._model.run(tokens, self.styles.style(Blend({name: 1.0}), len(tokens))).samples
