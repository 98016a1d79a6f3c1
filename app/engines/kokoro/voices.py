"""The model's stock voices, and voices blended of them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, FiniteFloat, TypeAdapter, ValidationError

from app.core.exceptions import EngineFailed, EngineUnavailable
from app.engines.base import VoiceState
from app.engines.kokoro.model import MAX_TOKENS, Style

FORMAT = "kokoro/blend.v1"
_STYLE_SIZE = 256

_Ratio = Annotated[FiniteFloat, Field(gt=0)]


@dataclass(frozen=True, slots=True)
class Blend:
    """A voice as a mixture of stock voices.

    Attributes:
        weights: stock voice -> its share of the style.
        speed: ratio to the speed of the mixture.
        pitch: ratio to the pitch of the mixture.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    weights: Annotated[dict[str, FiniteFloat], Field(min_length=1)]
    speed: _Ratio = 1.0
    pitch: _Ratio = 1.0

    def to_state(self, engine: str, *, similarity: float | None) -> VoiceState:
        payload = json.dumps(asdict(self)).encode()
        return VoiceState(engine, FORMAT, payload, similarity)

    @staticmethod
    def from_state(state: VoiceState) -> "Blend":
        """Read a voice state.

        Raises:
            EngineFailed: it is damaged.
        """
        try:
            return _BLEND.validate_json(state.payload)
        except ValidationError as error:
            raise EngineFailed(
                "The voice state is damaged.", "Register the voice again."
            ) from error


_BLEND = TypeAdapter(Blend)


@dataclass(frozen=True, slots=True)
class StockVoice:
    """What was measured of a stock voice's speech.

    Attributes:
        name: e.g. `af_heart`; the first letter is the language, the second the gender.
        embedding: float32 (256,), length 1, of the speaker encoder.
        pitch_hz: median fundamental frequency.
    """

    name: str
    embedding: NDArray[np.float32]
    pitch_hz: float


def stock_voices() -> list[StockVoice]:
    """The measurements, in the order of the style file. Made by `tools/measure_stock_voices.py`."""
    source = files("app.engines.kokoro") / "stock_voices.json"
    voices = json.loads(source.read_text(encoding="utf-8"))["voices"]
    return [
        StockVoice(name, np.array(voice["embedding"], np.float32), voice["pitch_hz"])
        for name, voice in voices.items()
    ]


class Styles:
    """The styles of the stock voices: one for each number of tokens.

    Args:
        path: the file `kokoro-voices`, float32 (voices, 510, 256), memory mapped.
        names: of the voices in it.
    """

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        try:
            table = np.memmap(path, np.float32, mode="r")
            self._table = table.reshape(len(names), MAX_TOKENS, _STYLE_SIZE)
        except (OSError, ValueError) as error:
            raise EngineUnavailable(
                "The stock voices cannot be loaded.", "Run `voice-cloning models verify`."
            ) from error
        self._index = {name: index for index, name in enumerate(names)}

    def all(self) -> NDArray[np.float32]:
        """Styles of all voices at a few lengths, (n, 256)."""
        return np.asarray(self._table[:, 20:80:10].reshape(-1, _STYLE_SIZE), np.float32)

    def style(self, blend: Blend, tokens: int) -> Style:
        """The style with which a voice speaks a given number of tokens.

        Returns:
            float32 (256,).
        """
        try:
            rows = np.stack([self._table[self._index[name], tokens - 1] for name in blend.weights])
        except KeyError as error:
            raise EngineFailed(
                f"The stock voice {error.args[0]!r} is not in this model.",
                "Register the voice again.",
            ) from error
        return np.asarray(np.array(list(blend.weights.values()), np.float32) @ rows, np.float32)
