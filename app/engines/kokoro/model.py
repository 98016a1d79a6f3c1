"""The Kokoro-82M network in onnxruntime: phoneme tokens and a style in, samples out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from app.audio.onnx import open_session, run
from app.audio.types import Samples
from app.core.exceptions import EngineFailed, EngineUnavailable
from app.engines.kokoro.graph import with_float_inputs, with_int_output

SAMPLE_RATE = 24_000
MAX_TOKENS = 510

Style = NDArray[np.float32]
"""float32 (256,): dimensions 0-127 are the timbre, 128-255 the prosody."""

# The pitch curve is a linear layer's output, so scaling that layer scales the pitch and nothing
# else. The values are those of the file that the manifest pins.
_PITCH_SCALE = ("encoder.predictor.F0_proj.weight_scale", (), 0.0024292315)
_PITCH_BIAS = ("encoder.predictor.F0_proj.bias", (1,), 0.24111167)

# How long each token sounds, in frames: what the network rounds before it spreads the encodings of
# the tokens over time.
_DURATIONS = "/encoder/Gather_output_0"

# Long sentences take a lot of memory, which onnxruntime would keep. Giving it back costs 5 % of a
# run and saves 350 MB; short sentences are left alone.
_SHRINK_FROM_TOKENS = 100
_SHRINKING = ("memory.enable_memory_arena_shrinkage", "cpu:0")


def _layers() -> Iterator[tuple[str, int]]:
    """Every AdaIN layer of the decoder with the size of its bias: a gain and a shift for each
    channel.
    """
    encode, decode, last = 514, 1090, 3
    for part, first, second in (
        ("encode", encode, 1024),
        *((f"decode.{n}", decode, 512 if n == last else 1024) for n in range(4)),
    ):
        yield f"{part}.norm1", 2 * first
        yield f"{part}.norm2", 2 * second
    for part, stage in (
        *((f"noise_res.{n}", n) for n in range(2)),
        *((f"resblocks.{n}", n // 3) for n in range(6)),
    ):
        for layer in (f"adain{half}.{n}" for half in (1, 2) for n in range(3)):
            yield f"generator.{part}.{layer}", 2 * (256, 128)[stage]


BIASES: dict[str, int] = {f"decoder.decoder.{layer}.fc.bias": size for layer, size in _layers()}
"""Constant of the network -> its size, in the order in which a voice holds them."""


class Interruption:
    """Ends a run from another thread: within a layer of the network, some milliseconds."""

    def __init__(self) -> None:
        self._options: ort.RunOptions | None = None
        self._wanted = False

    def __call__(self) -> None:
        self._wanted = True
        if self._options is not None:
            self._options.terminate = True

    def options(self, tokens: int) -> ort.RunOptions:
        """Of the next run, of so many tokens."""
        options = ort.RunOptions()
        if tokens > _SHRINK_FROM_TOKENS:
            options.add_run_config_entry(*_SHRINKING)
        self._options = options
        options.terminate = self._wanted  # also if it was wanted just before
        return options


@dataclass(frozen=True, slots=True)
class Rendering:
    """What the network said.

    Attributes:
        samples: float32 (n,) at 24 kHz.
        frames: int64 (tokens + 2,): how long each token sounds, the pads at both ends included, in
            frames of 600 samples; they are as long as the samples together.
    """

    samples: Samples
    frames: NDArray[np.int64]


class KokoroModel:
    """One session that speaks every voice: the style is an input. Thread safe.

    Args:
        path: the ONNX file `kokoro-int8`.
        threads: threads of one run.
    """

    def __init__(self, path: Path, *, threads: int) -> None:
        shapes: dict[str, tuple[int, ...]] = {
            name: shape for name, shape, _ in (_PITCH_SCALE, _PITCH_BIAS)
        }
        shapes |= {name: (size,) for name, size in BIASES.items()}
        try:
            model = with_int_output(with_float_inputs(path.read_bytes(), shapes), _DURATIONS)
        except OSError as error:
            raise EngineUnavailable(
                "The speech model cannot be read.", "Run `voice-cloning models verify`."
            ) from error
        self._session = open_session(model, threads=threads)

    def run(
        self,
        tokens: Sequence[int],
        style: Style,
        *,
        biases: Mapping[str, NDArray[np.float32]] | None = None,
        speed: float = 1.0,
        pitch: float = 1.0,
        interruption: Interruption | None = None,
    ) -> Rendering:
        """Speak phonemes.

        Args:
            tokens: 1 to 510 phoneme ids, without the padding at the ends.
            style: float32 (256,).
            biases: of the AdaIN layers, in place of the network's own; see `BIASES`.
            speed: ratio, 1.0 is the style's own.
            pitch: ratio of the fundamental frequency to the style's own; the timbre stays.
            interruption: ends the run.

        Raises:
            EngineFailed: the network gave no finite samples, or was interrupted.
        """
        feed: dict[str, NDArray[Any]] = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": style[None],
            "speed": np.array([speed], np.float32),
        }
        for name, shape, value in (_PITCH_SCALE, _PITCH_BIAS):
            feed[name] = np.full(shape, value * pitch, np.float32)
        feed |= biases or {}
        options = (interruption or Interruption()).options(len(tokens))
        samples, frames = run(self._session, feed, options)
        if not len(samples) or not np.isfinite(samples).all():
            raise EngineFailed("The speech model gave no valid samples.")
        return Rendering(np.asarray(samples, np.float32), frames)
