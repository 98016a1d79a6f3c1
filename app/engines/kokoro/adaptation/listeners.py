"""Speaker encoders that a gradient can flow through: what the adapted voice is steered by."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from torch import Tensor

from app.engines.kokoro.adaptation.tracking import mel_filters
from app.speaker import fbank

RATE = 16_000
_VARIANCE_EPS = 1e-8
_UPSAMPLED, _TAPS, _CUTOFF_HZ = 2, 120, 7700.0

Listener = Callable[[Tensor], Tensor]
"""Speech (n,) at 16 kHz to an embedding of length 1."""


class WeSpeaker:
    """The ResNet34 of `app.speaker.encoder` (CC BY 4.0), layer by layer from its ONNX file."""

    def __init__(self, path: Path, *, dtype: torch.dtype = torch.float32) -> None:
        self._dtype = dtype
        graph = onnx.load(str(path)).graph
        self._constants = {
            item.name: torch.from_numpy(numpy_helper.to_array(item).copy())
            for item in graph.initializer
        }
        # Up to the pooling the graph is convolutions and sums; after it, one matrix.
        nodes = list(graph.node)
        end = next(at for at, node in enumerate(nodes) if node.op_type == "ReduceMean")
        self._layers = [node for node in nodes[:end] if node.op_type in _LAYERS]
        self._last = next(node for node in reversed(nodes) if node.op_type == "Gemm")
        self._shift = self._constants[nodes[-1].input[1]]
        window, filters = fbank.tables()
        self._window, self._filters = torch.from_numpy(window), torch.from_numpy(filters)

    def __call__(self, speech: Tensor) -> Tensor:
        x = self._features(speech).T[None, None].to(self._dtype)
        values: dict[str, Tensor] = {self._layers[0].input[0]: x}
        for node in self._layers:
            values[node.output[0]] = self._run(node, values)
        deep = values[self._layers[-1].output[0]].flatten(1, 2).float()
        spread = torch.sqrt(deep.var(-1) + _VARIANCE_EPS)
        pooled = torch.cat([deep.mean(-1), spread], 1)
        matrix, bias = (self._constants[name] for name in self._last.input[1:3])
        vector = F.linear(pooled, matrix, bias)[0]
        return F.normalize(vector - self._shift, dim=0)

    def _run(self, node: onnx.NodeProto, values: dict[str, Tensor]) -> Tensor:
        x = values[node.input[0]]
        if node.op_type == "Relu":
            return F.relu(x)
        if node.op_type == "Add":
            return x + values[node.input[1]]
        options = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
        kernel, bias = (self._constants[name].to(self._dtype) for name in node.input[1:3])
        return F.conv2d(
            x.contiguous(memory_format=torch.channels_last), kernel, bias,
            stride=options["strides"], padding=options["pads"][:2],
        )  # fmt: skip

    def _features(self, speech: Tensor) -> Tensor:
        """`app.speaker.fbank.fbank`, differentiable: (frames, 80)."""
        frames = (speech * 32768.0).unfold(0, 400, 160)
        frames = frames - frames.mean(1, keepdim=True)
        frames = frames - 0.97 * torch.cat([frames[:, :1], frames[:, :-1]], 1)
        power = torch.fft.rfft(frames * self._window, 512).abs().square()
        log = torch.log((power @ self._filters).clamp(min=float(np.finfo(np.float32).eps)))
        return log - log.mean(0)


_LAYERS = {"Conv", "Relu", "Add"}


class Ge2e:
    """The encoder of Resemblyzer (Apache-2.0): three LSTM layers, windows of 1.6 s."""

    _WINDOW, _STEP, _LEVEL_DB = 160, 80, -30.0

    def __init__(self, path: Path) -> None:
        state = torch.load(path, map_location="cpu", weights_only=True)["model_state"]
        self._lstm = torch.nn.LSTM(40, 256, 3, batch_first=True)
        self._linear = torch.nn.Linear(256, 256)
        for name, layer in (("lstm.", self._lstm), ("linear.", self._linear)):
            layer.load_state_dict(
                {k.removeprefix(name): v for k, v in state.items() if k.startswith(name)}
            )
            layer.requires_grad_(False)
        self._filters = torch.from_numpy(mel_filters(RATE, 400, 40, low=0, high=8000))
        self._hann = torch.hann_window(400)

    def __call__(self, speech: Tensor) -> Tensor:
        level = speech.square().mean().sqrt().clamp(min=1e-6)
        spectrum = torch.stft(
            speech * (10 ** (self._LEVEL_DB / 20) / level), 400, 160, window=self._hann,
            pad_mode="constant", return_complex=True,
        )  # fmt: skip
        power = spectrum.real.square() + spectrum.imag.square()
        mel = power.T @ self._filters
        mel = F.pad(mel, (0, 0, 0, max(0, self._WINDOW - len(mel))))
        windows = mel.unfold(0, self._WINDOW, self._STEP).transpose(1, 2)
        _, (hidden, _) = self._lstm(windows)
        vectors = F.normalize(F.relu(self._linear(hidden[-1])), dim=1)
        return F.normalize(vectors.mean(0), dim=0)


def to_16k(speech: Tensor) -> Tensor:
    """24 kHz to 16 kHz, differentiable: (n,) to (2 / 3 n,)."""
    padded = torch.stack([speech, torch.zeros_like(speech)], 1).reshape(1, 1, -1)
    return F.conv1d(padded, _lowpass(), stride=3, padding=_TAPS)[0, 0]


def _lowpass() -> Tensor:
    """A windowed sinc at 48 kHz, (1, 1, 241)."""
    at = torch.arange(-_TAPS, _TAPS + 1, dtype=torch.float64)
    cutoff = 2 * _CUTOFF_HZ / 48_000
    taps = cutoff * torch.sinc(cutoff * at) * torch.hamming_window(2 * _TAPS + 1, periodic=False)
    return (taps / taps.sum() * _UPSAMPLED).float()[None, None]
