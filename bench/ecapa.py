"""ECAPA-TDNN, a second speaker encoder: in no loss and in no search of this program, so that its
opinion of a clone is worth something.

The network is that of Desplanques et al. 2020 (https://arxiv.org/abs/2005.07143), in the form and
with the weights of SpeechBrain (https://huggingface.co/speechbrain/spkrec-ecapa-voxceleb,
Apache-2.0), features included.
"""

import math
import re
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from app.audio.dsp import resample
from app.audio.types import Samples
from app.speaker.similarity import Embedding

_RATE = 16_000
_MELS = 80
_WINDOW, _SHIFT = 400, 160  # 25 ms, 10 ms
_TOP_DB = 80.0
_CHANNELS, _SCALE, _SQUEEZED = 1024, 8, 128
_ATTENTION, _SIZE = 128, 192
_DILATIONS = (2, 3, 4)


class EcapaEncoder:
    """Who speaks, by ECAPA-TDNN. Makes PyTorch run on one thread: its threads spin while they
    wait for each other, which costs more than it gives where anything else runs.

    Args:
        model: the file `ecapa-tdnn`, a state dictionary.
    """

    def __init__(self, model: Path) -> None:
        torch.set_num_threads(1)
        weights = torch.load(model, map_location="cpu", weights_only=True)
        self._network = _Network().eval()
        # SpeechBrain wraps each convolution and norm once more: `fc.conv.weight` is `fc.weight`.
        names = {name: re.sub(r"\.(?:conv|norm)\.(\w+)$", r".\1", name) for name in weights}
        self._network.load_state_dict({names[name]: value for name, value in weights.items()})

    @torch.inference_mode()
    def embed(self, samples: Samples, sample_rate: int) -> Embedding:
        """Who speaks.

        Args:
            samples: float32 (n,), mono, [-1, 1], at least 0.5 s, mostly speech.
            sample_rate: in Hz.

        Returns:
            float32 (192,), length 1.
        """
        speech = torch.from_numpy(resample(samples, sample_rate, _RATE))
        (vector,) = self._network(_features(speech).T[None])
        return np.asarray(nn.functional.normalize(vector, dim=0).numpy(), np.float32)


def _features(speech: Tensor) -> Tensor:
    """Mel energies (n,) -> (frames, 80) in dB, at most 80 under the loudest, less their mean."""
    spectrum = torch.stft(
        speech,
        n_fft=_WINDOW,
        hop_length=_SHIFT,
        window=torch.hamming_window(_WINDOW),
        pad_mode="constant",
        return_complex=True,
    )
    energies = spectrum.abs().square().T @ _filters()
    decibels = 10.0 * torch.log10(energies.clamp(min=1e-10))
    decibels = decibels.clamp(min=float(decibels.max()) - _TOP_DB)
    return decibels - decibels.mean(dim=0)


def _filters() -> Tensor:
    """Mel filters (201, 80). Each triangle is as wide on the right as on the left, as in
    SpeechBrain, though the next centre lies further off.
    """
    top = 2595.0 * math.log10(1.0 + _RATE / 2 / 700.0)
    edges = 700.0 * (10.0 ** (torch.linspace(0.0, top, _MELS + 2) / 2595.0) - 1.0)
    widths, centres = edges.diff()[:-1], edges[1:-1]
    frequencies = torch.linspace(0.0, _RATE / 2, _WINDOW // 2 + 1)[:, None]
    return (1.0 - (frequencies - centres).abs() / widths).clamp(min=0.0)


def _conv(inputs: int, outputs: int, *, width: int = 1, dilation: int = 1) -> nn.Conv1d:
    return nn.Conv1d(
        inputs, outputs, width, dilation=dilation, padding="same", padding_mode="reflect"
    )


class _Tdnn(nn.Module):
    """A convolution over time: (1, inputs, frames) -> (1, outputs, frames)."""

    def __init__(self, inputs: int, outputs: int, *, width: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.conv = _conv(inputs, outputs, width=width, dilation=dilation)
        self.norm = nn.BatchNorm1d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(torch.relu(self.conv(x)))


class _Res2Net(nn.Module):
    """Convolutions of groups of channels; each gets the result of the one before."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        part = _CHANNELS // _SCALE
        self.blocks = nn.ModuleList(
            [_Tdnn(part, part, width=3, dilation=dilation) for _ in range(_SCALE - 1)]
        )

    def forward(self, x: Tensor) -> Tensor:
        first, *others = x.chunk(_SCALE, dim=1)
        parts, last = [first], torch.zeros_like(first)
        for block, part in zip(self.blocks, others, strict=True):
            last = block(part + last)
            parts.append(last)
        return torch.cat(parts, dim=1)


class _SqueezeExcite(nn.Module):
    """Weighs the channels by what they are in the mean."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _conv(_CHANNELS, _SQUEEZED)
        self.conv2 = _conv(_SQUEEZED, _CHANNELS)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.conv2(torch.relu(self.conv1(x.mean(dim=2, keepdim=True)))))


class _Block(nn.Module):
    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.tdnn1 = _Tdnn(_CHANNELS, _CHANNELS)
        self.res2net_block = _Res2Net(dilation)
        self.tdnn2 = _Tdnn(_CHANNELS, _CHANNELS)
        self.se_block = _SqueezeExcite()

    def forward(self, x: Tensor) -> Tensor:
        return x + self.se_block(self.tdnn2(self.res2net_block(self.tdnn1(x))))


class _Pooling(nn.Module):
    """Mean and deviation over time, weighted by attention: (1, n, frames) -> (1, 2 n, 1)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.tdnn = _Tdnn(3 * channels, _ATTENTION)
        self.conv = _conv(_ATTENTION, channels)

    def forward(self, x: Tensor) -> Tensor:
        even = torch.full_like(x[:, :1], 1.0 / x.shape[2])
        context = [part.expand_as(x) for part in _moments(x, even)]
        attention = self.conv(torch.tanh(self.tdnn(torch.cat([x, *context], dim=1))))
        return torch.cat(_moments(x, attention.softmax(dim=2)), dim=1)


def _moments(x: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted mean and deviation over time, each (1, n, 1). Weights sum to 1."""
    mean = (weights * x).sum(dim=2, keepdim=True)
    variance = (weights * (x - mean).square()).sum(dim=2, keepdim=True)
    return mean, variance.clamp(min=1e-12).sqrt()


class _Network(nn.Module):
    """Features (1, 80, frames) -> embedding (1, 192). Attributes are named as in SpeechBrain."""

    def __init__(self) -> None:
        super().__init__()
        channels = len(_DILATIONS) * _CHANNELS
        self.blocks = nn.ModuleList(
            [_Tdnn(_MELS, _CHANNELS, width=5), *(_Block(dilation) for dilation in _DILATIONS)]
        )
        self.mfa = _Tdnn(channels, channels)
        self.asp = _Pooling(channels)
        self.asp_bn = nn.BatchNorm1d(2 * channels)
        self.fc = _conv(2 * channels, _SIZE)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks[0](x)
        outputs = []
        for block in self.blocks[1:]:
            x = block(x)
            outputs.append(x)
        pooled = self.asp(self.mfa(torch.cat(outputs, dim=1)))
        return self.fc(self.asp_bn(pooled)).squeeze(2)
