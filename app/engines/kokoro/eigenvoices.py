"""A space of voices: the directions in which speakers differ, and where in it a speaker lies.

Learned from adapted voices of 251 speakers by `tools/eigenvoices`: see
`docs/decisions/0009-eigenvoices.md`.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from app.engines.kokoro.parameters import STYLE_SIZE, Parameters
from app.speaker.similarity import Embedding

Floats = NDArray[np.float32]

_NEIGHBOURS = 6
_SHARPNESS = 8.0  # a cosine of 0.09 less is half the weight


@dataclass(frozen=True, slots=True)
class Traits:
    """What is measured of a speaker.

    Attributes:
        embedding: float32 (256,), length 1.
        pitch_hz: median fundamental frequency; None for a whisper.
        envelope: float32 (80,), see `app.speaker.fbank.envelope`.
    """

    embedding: Embedding
    pitch_hz: float | None
    envelope: Floats


@dataclass(frozen=True, slots=True)
class Eigenvoices:
    """The space. The numbers of a voice are a style (256) and all biases (37396), in one vector.

    Attributes:
        mean: (37652,), the voice in the middle.
        basis: (coefficients, 37652); a coefficient of 1 is one standard deviation.
        regression: (features, coefficients), from what is measured of a speaker.
        embedding_mean: (256,). embedding_axes: (256, n). envelope_mean: (80,).
        envelope_axes: (80, m). pitch: mean and standard deviation of the logarithm of the pitch.
        speakers: (n, 256), embeddings of the speakers it was learned from, and places: (n,
            coefficients), where they lie.
    """

    mean: Floats
    basis: Floats
    regression: Floats
    embedding_mean: Floats
    embedding_axes: Floats
    envelope_mean: Floats
    envelope_axes: Floats
    pitch: Floats
    speakers: Floats
    places: Floats

    def features(self, traits: Traits) -> Floats:
        """(1 + 1 + n + m,): a constant, the pitch, and the parts of embedding and envelope along
        the axes in which speakers differ most.
        """
        pitch = 0.0
        if traits.pitch_hz is not None:
            pitch = (np.log(traits.pitch_hz) - self.pitch[0]) / self.pitch[1]
        return np.concatenate(
            [
                np.array([1.0, pitch], np.float32),
                (traits.embedding - self.embedding_mean) @ self.embedding_axes,
                (traits.envelope - self.envelope_mean) @ self.envelope_axes,
            ]
        ).astype(np.float32)

    def place(self, traits: Traits) -> Floats:
        """The coefficients of a speaker, (coefficients,)."""
        return self.features(traits) @ self.regression

    def place_among(self, traits: Traits) -> Floats:
        """Amid the speakers whose embeddings are nearest, (coefficients,): better than `place` for
        somebody of a kind that the regression has hardly seen.
        """
        alike = self.speakers @ traits.embedding
        nearest = np.argsort(-alike)[:_NEIGHBOURS]
        weights = np.exp(_SHARPNESS * (alike[nearest] - alike[nearest[0]]))
        return np.asarray(weights / weights.sum() @ self.places[nearest], np.float32)

    def place_of(self, voice: Parameters) -> Floats:
        """The coefficients of the voice in the space that is nearest to this one."""
        numbers = np.concatenate([voice.style, voice.biases]) - self.mean
        return np.asarray(
            np.linalg.solve(self.basis @ self.basis.T, self.basis @ numbers), np.float32
        )

    def voice(self, coefficients: Floats) -> Parameters:
        numbers = self.mean + coefficients @ self.basis
        return Parameters(numbers[:STYLE_SIZE], numbers[STYLE_SIZE:])


@cache
def eigenvoices() -> Eigenvoices:
    """The space that is shipped."""
    source = files("app.engines.kokoro") / "eigenvoices.npz"
    with source.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return Eigenvoices(**{name: arrays[name].astype(np.float32) for name in arrays.files})
