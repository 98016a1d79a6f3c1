"""Voices that are numbers of their own: a style and the biases of the AdaIN layers."""

import io
import zipfile
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.core.exceptions import EngineFailed
from app.engines.base import VoiceState
from app.engines.kokoro.model import BIASES, Style

FORMAT = "kokoro/parameters.v1"
STYLE_SIZE = 256
BIASES_SIZE = sum(BIASES.values())


@dataclass(frozen=True, slots=True)
class Parameters:
    """A voice.

    Attributes:
        style: float32 (256,), spoken with at any length.
        biases: float32 (37396,), the AdaIN biases one after the other, as in `BIASES`.
        speed: ratio to the speed of the style.
        pitch: ratio to the pitch of the style.
    """

    style: Style
    biases: NDArray[np.float32]
    speed: float = 1.0
    pitch: float = 1.0

    def to_state(self, engine: str, *, similarity: float | None) -> VoiceState:
        """Some 75 kB: the numbers as float16, which changes no sample by more than the network's
        own 8 bits do.
        """
        file = io.BytesIO()
        np.savez_compressed(
            file,
            style=self.style.astype(np.float32),
            biases=self.biases.astype(np.float16),
            ratios=np.array([self.speed, self.pitch]),
        )
        return VoiceState(engine, FORMAT, file.getvalue(), similarity)

    @staticmethod
    def from_state(state: VoiceState) -> "Parameters":
        """Read a voice state.

        Raises:
            EngineFailed: it is damaged.
        """
        try:
            with np.load(io.BytesIO(state.payload), allow_pickle=False) as file:
                style, biases = file["style"], file["biases"].astype(np.float32)
                speed, pitch = (float(ratio) for ratio in file["ratios"])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise _damaged() from error
        sound = np.isfinite(style).all() and np.isfinite(biases).all() and min(speed, pitch) > 0
        if style.shape != (STYLE_SIZE,) or biases.shape != (BIASES_SIZE,) or not sound:
            raise _damaged()
        return Parameters(style, biases, speed, pitch)


def _damaged() -> EngineFailed:
    return EngineFailed("The voice state is damaged.", "Register the voice again.")


def split(biases: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Biases by the name of the network's constant."""
    parts = np.split(biases, np.cumsum(list(BIASES.values()))[:-1])
    return dict(zip(BIASES, parts, strict=True))
