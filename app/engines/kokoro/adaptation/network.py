"""The style-dependent half of Kokoro-82M in PyTorch: prosody predictor and decoder.

The other half, from phonemes to their encodings, knows nothing of the voice: it stays in
onnxruntime, and so does the sine source, whose phase at silent bins depends on rounding. Names of
nodes are those of the export, `/` for `.`.
"""

import math
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch
import torch.nn.functional as F
from torch import Tensor

from app.engines.kokoro.adaptation.weights import Weights

FRAME = 600
"""Samples of speech that one frame of the decoder stands for, at 24 kHz: 25 ms."""

_DECODER, _ENCODER = "/decoder/decoder", "/encoder"
_GENERATOR = f"{_DECODER}/generator"
_TEXT_OUTPUTS = ("/encoder/bert_encoder/Add_output_0", "/encoder/text_encoder/Transpose_2_output_0")
_SOURCE_INPUT = "/decoder/decoder/Unsqueeze_output_0"
_SOURCE_OUTPUT = f"{_GENERATOR}/Concat_3_output_0"
_NORM_EPS = 1e-5
_HOP, _TRIM, _ISTFT_GAIN = 5, 10, 4.0  # the export's inverse STFT has no window correction
_BINS = 11
_UPSAMPLING = ((10, 20), (6, 12))  # factor, kernel
_NOISE_STRIDES, _NOISE_KERNELS = (6, 1), (7, 11)
_RES_KERNELS, _DILATIONS = (3, 7, 11), (1, 3, 5)
_LEAK, _LEAK_UP, _LEAK_POST = 0.2, 0.1, 0.01

Biases = Mapping[str, Tensor]
"""Name of an AdaIN bias -> its value, where it is not the model's own."""


class _Snake(torch.autograd.Function):
    """y + sin(ay)^2 / a, given 2a: as y + (1 - cos(2ay)) / 2a, whose slope is 1 + sin(2ay)."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, double: Tensor) -> Tensor:
        angle = y * double
        ctx.save_for_backward(angle)
        return torch.cos(angle).neg_().add_(1).div_(double).add_(y)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (angle,) = ctx.saved_tensors
        return torch.sin(angle).add_(1).mul_(grads[0]), None


class Network:
    """Differentiable in the style and the AdaIN biases; every other weight is a constant.

    Activations are (1, channels, 1, frames), channels last: convolutions are twice as fast.

    Args:
        path: the ONNX file that is served.
        threads: of the parts that stay in onnxruntime.
        dtype: of the convolutions; bfloat16 is several times faster where the processor has
            matrix units for it.
    """

    def __init__(self, path: Path, *, threads: int, dtype: torch.dtype = torch.float32) -> None:
        self._weights = Weights(path)
        self._dtype = dtype
        self._kernels: dict[str, tuple[Tensor, Tensor | None]] = {}
        self._matrices: dict[str, tuple[Tensor, str]] = {}
        self._constants: dict[str, Tensor] = {}
        self._lstms = {
            name: self._weights.lstm(f"{_ENCODER}/{node}/LSTM")
            for name, node in {
                "0": "predictor/text_encoder/lstms.0",
                "2": "predictor/text_encoder/lstms.2",
                "4": "predictor/text_encoder/lstms.4",
                "duration": "predictor/lstm",
                "shared": "shared",
            }.items()
        }
        self._text = self._part(["tokens"], list(_TEXT_OUTPUTS), threads)
        self._source = self._part([_SOURCE_INPUT], [_SOURCE_OUTPUT], threads)
        self.biases = {
            name: self._weights.tensor(name)
            for name in self._weights.names()
            if name.startswith("decoder.decoder.") and name.endswith(".fc.bias")
        }

    def encode(self, tokens: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Encodings of phonemes for the predictor (1, n + 2, 512) and the decoder (1, 512, n + 2);
        the padding at both ends is added here.
        """
        den, ten = self._text.run(None, {"tokens": np.array([[0, *tokens, 0]], np.int64)})
        return torch.from_numpy(den), torch.from_numpy(ten)

    def prosody(self, den: Tensor, style: Tensor) -> tuple[Tensor, Tensor]:
        """What the predictor makes of phonemes: features (1, n, 640) and durations in frames (n,),
        not rounded, at speed 1. `style` (1, 128) is the second half of a style.
        """
        spread = style[:, None].expand(1, den.shape[1], -1)
        x = torch.cat([den, spread], -1)
        for name, norm in (("0", "1"), ("2", "3"), ("4", "5")):
            x, _ = self._lstms[name](x)
            gain, bias = self._affine(
                f"{_ENCODER}/predictor/text_encoder/lstms.{norm}/fc", style, {}
            )
            x = (1 + gain[:, None]) * F.layer_norm(x, x.shape[-1:]) + bias[:, None]
            x = torch.cat([x, spread], -1)
        y, _ = self._lstms["duration"](x)
        matrix, name = self._linear(f"{_ENCODER}/predictor/duration_proj/linear_layer/MatMul")
        return x, torch.sigmoid(y @ matrix + self._constant(name)).sum(-1)[0]

    def curves(self, features: Tensor, style: Tensor) -> tuple[Tensor, Tensor]:
        """Pitch in Hz and energy, both (1, 2 * frames), of features (1, frames, 640)."""
        x, _ = self._lstms["shared"](features)
        found = []
        for curve in ("F0", "N"):
            y = x.transpose(1, 2)[:, :, None]
            for block in range(3):
                y = self._block(y, style, f"{_ENCODER}/{curve}.{block}", {}, up=block == 1)
            found.append(self._conv(y, f"{_ENCODER}/{curve}_proj/Conv")[:, 0, 0])
        return found[0], found[1]

    def decode(
        self, ten: Tensor, f0: Tensor, energy: Tensor, style: Tensor, biases: Biases
    ) -> Tensor:
        """Speech of encodings (1, 512, frames) with curves (1, 2 * frames).

        `style` (1, 128) is the first half of a style. Returns (600 * frames,) at 24 kHz. The
        gradient does not flow into the pitch.
        """
        ten = ten[:, :, None].contiguous(memory_format=torch.channels_last)
        curves = [
            self._conv(curve[:, None, None], f"{_DECODER}/{name}_conv/Conv", stride=2, padding=1)
            for name, curve in (("F0", f0), ("N", energy))
        ]
        x = self._block(torch.cat([ten, *curves], 1), style, f"{_DECODER}/encode", biases)
        rest = self._conv(ten, f"{_DECODER}/asr_res/asr_res.0/Conv")
        for block in range(4):
            x = torch.cat([x, rest, *curves], 1)
            x = self._block(x, style, f"{_DECODER}/decode.{block}", biases, up=block == 3)
        return self._generate(x, style, f0, biases)

    def _generate(self, x: Tensor, style: Tensor, f0: Tensor, biases: Biases) -> Tensor:
        (found,) = self._source.run(None, {_SOURCE_INPUT: f0.detach()[:, None].numpy()})
        source = torch.from_numpy(found)[:, :, None]
        for stage, (factor, kernel) in enumerate(_UPSAMPLING):
            stride, size = _NOISE_STRIDES[stage], _NOISE_KERNELS[stage]
            noise = self._conv(
                source, f"{_GENERATOR}/noise_convs.{stage}/Conv", stride=stride, padding=stride // 2
            )
            noise = self._snakes(noise, style, f"{_GENERATOR}/noise_res.{stage}", biases, size)
            x = F.leaky_relu(x, _LEAK_UP)
            x = self._conv(
                x, f"{_GENERATOR}/ups.{stage}/ConvTranspose",
                up=True, stride=factor, padding=(kernel - factor) // 2,
            )  # fmt: skip
            if stage == 1:
                x = torch.cat([x[..., 1:2], x], -1)  # reflection
            x = x + noise
            blocks = [
                self._snakes(x, style, f"{_GENERATOR}/resblocks.{stage * 3 + j}", biases, size)
                for j, size in enumerate(_RES_KERNELS)
            ]
            x = (blocks[0] + blocks[1] + blocks[2]) / len(blocks)
        x = self._conv(F.leaky_relu(x, _LEAK_POST), f"{_GENERATOR}/conv_post/Conv", padding=3)
        size, angle = torch.exp(x[:, :_BINS, 0]), torch.sin(x[:, _BINS:, 0])
        basis = self._constant("decoder.decoder.generator.stft.istft.stft.inverse_basis")
        parts = torch.cat([size * torch.cos(angle), size * torch.sin(angle)], 1)
        speech = F.conv_transpose1d(parts, basis, stride=_HOP) * _ISTFT_GAIN
        return speech[0, 0, _TRIM:-_TRIM]

    def _block(
        self, x: Tensor, style: Tensor, node: str, biases: Biases, *, up: bool = False
    ) -> Tensor:
        """A residual block of the decoder or predictor; `up` doubles the frames."""
        y = F.leaky_relu(self._adain(x, style, f"{node}/norm1", biases), _LEAK)
        if up:
            y = self._conv(
                y, f"{node}/pool/ConvTranspose", up=True, stride=2, padding=1,
                output_padding=1, groups=x.shape[1],
            )  # fmt: skip
            x = x.repeat_interleave(2, dim=-1)
        y = self._conv(y, f"{node}/conv1/Conv", padding=1)
        y = F.leaky_relu(self._adain(y, style, f"{node}/norm2", biases), _LEAK)
        y = self._conv(y, f"{node}/conv2/Conv", padding=1)
        if f"{node}/conv1x1/Conv" in self._weights:
            x = self._conv(x, f"{node}/conv1x1/Conv")
        return (y + x) * math.sqrt(0.5)

    def _snakes(self, x: Tensor, style: Tensor, node: str, biases: Biases, kernel: int) -> Tensor:
        """A residual block of the generator, with x + sin(ax)^2 / a as its activation."""
        for j, dilation in enumerate(_DILATIONS):
            y = x
            for part, spread in ((1, dilation), (2, 1)):
                y = self._adain(y, style, f"{node}/adain{part}.{j}", biases)
                alpha = self._alpha(f"{node[1:].replace('/', '.')}.alpha{part}.{j}")
                y = _Snake.apply(y, 2 * alpha)
                padding = (kernel - 1) // 2 * spread
                y = self._conv(y, f"{node}/convs{part}.{j}/Conv", padding=padding, dilation=spread)
            x = x + y
        return x

    def _adain(self, x: Tensor, style: Tensor, node: str, biases: Biases) -> Tensor:
        """Instance normalization with a gain and a bias made of the style: of one utterance, that
        is what batch normalization does.
        """
        gain, bias = self._affine(f"{node}/fc", style, biases)
        return F.batch_norm(x, None, None, 1 + gain[0], bias[0], training=True, eps=_NORM_EPS)

    def _affine(self, node: str, style: Tensor, biases: Biases) -> tuple[Tensor, Tensor]:
        matrix, name = self._linear(node)
        bias = biases[name] if name in biases else self._constant(name)
        gain, shift = (style @ matrix + bias).chunk(2, -1)
        return gain, shift

    def _conv(
        self, x: Tensor, node: str, *, stride: int = 1, padding: int = 0, dilation: int = 1,
        groups: int = 1, output_padding: int = 0, up: bool = False,
    ) -> Tensor:  # fmt: skip
        if node not in self._kernels:
            kernel, bias = self._weights.conv(node)
            kernel = kernel[:, :, None].to(self._dtype, memory_format=torch.channels_last)
            self._kernels[node] = kernel, None if bias is None else bias.to(self._dtype)
        kernel, bias = self._kernels[node]
        run = partial(F.conv_transpose2d, output_padding=(0, output_padding)) if up else F.conv2d
        x = x.to(self._dtype, memory_format=torch.channels_last)
        y: Tensor = run(
            x, kernel, bias, stride=(1, stride), padding=(0, padding), dilation=(1, dilation),
            groups=groups,
        )  # fmt: skip
        return y.float()

    def _linear(self, node: str) -> tuple[Tensor, str]:
        if node not in self._matrices:
            self._matrices[node] = self._weights.linear(node)
        return self._matrices[node]

    def _constant(self, name: str) -> Tensor:
        if name not in self._constants:
            self._constants[name] = self._weights.tensor(name)
        return self._constants[name]

    def _alpha(self, name: str) -> Tensor:
        return self._constant(name).reshape(1, -1, 1, 1)

    def _part(self, inputs: list[str], outputs: list[str], threads: int) -> ort.InferenceSession:
        """A session for a part of the graph."""
        part = onnx.utils.Extractor(self._weights.model).extract_model(inputs, outputs)
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        return ort.InferenceSession(part.SerializeToString(), options)


def fastest_dtype() -> torch.dtype:
    """bfloat16 where the processor has matrix units for it, else float32: found by trying."""
    took = {}
    for dtype in (torch.float32, torch.bfloat16):
        x = torch.ones(1, 128, 1, 4096, dtype=dtype).to(memory_format=torch.channels_last)
        kernel = torch.ones(128, 128, 1, 7, dtype=dtype).to(memory_format=torch.channels_last)
        times = []
        for _ in range(4):
            start = time.perf_counter()
            F.conv2d(x, kernel)
            times.append(time.perf_counter() - start)
        took[dtype] = min(times)
    return min(took, key=lambda dtype: took[dtype])
