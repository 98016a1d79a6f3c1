"""Recordings as the network sees them: which phoneme, pitch and energy each frame has."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from app.audio.dsp import resample
from app.engines.kokoro.adaptation.network import FRAME, Network
from app.engines.kokoro.adaptation.tracking import align, cepstra, level, pitch_curve
from app.engines.kokoro.model import SAMPLE_RATE
from app.speaker.recogniser import RATE, Utterance

_HOP = FRAME // 2
_WINDOW = 1200
_CEPSTRA = 16
_MIN_FRAMES = 40  # 1 s
_SHAPES = 64


@dataclass(frozen=True, slots=True)
class Piece:
    """A few words of a speaker, aligned with the network's reading of them.

    Attributes:
        den: (1, n, 512) and ten: (1, 512, n), encodings of n phonemes.
        phonemes: int64 (frames,), the phoneme of each frame of 25 ms.
        f0: (1, 2 * frames) in Hz, 0 where there is no voice.
        energy: (1, 2 * frames), in the network's unit.
        speech: (600 * frames,) at 24 kHz.
        cost: mean distance of the alignment; high where the words are not those that are said.
    """

    den: Tensor
    ten: Tensor
    phonemes: Tensor
    f0: Tensor
    energy: Tensor
    speech: Tensor
    cost: float

    @property
    def frames(self) -> int:
        return len(self.phonemes)

    @property
    def durations(self) -> Tensor:
        """Frames of each phoneme, float (n,)."""
        return torch.bincount(self.phonemes, minlength=self.ten.shape[2]).float()


@torch.no_grad()
def make_piece(
    network: Network, utterance: Utterance, *, tokens: Sequence[int], style: Tensor, pitch_hz: float
) -> Piece | None:
    """Align an utterance with the same words spoken in a style (1, 256): dynamic time warping of
    their cepstra. None if it is too short.
    """
    speech = resample(utterance.samples, RATE, SAMPLE_RATE)
    frames = len(speech) // FRAME
    if frames < _MIN_FRAMES:
        return None
    den, ten = network.encode(tokens)
    spread, f0, energy, owner = read(network, tokens, style)
    spoken = network.decode(spread, f0, energy, style[:, :128], {}).numpy()
    speech = speech[: frames * FRAME]
    speech = speech * np.sqrt(np.mean(spoken**2) / max(float(np.mean(speech**2)), 1e-12))
    ours, theirs = (
        cepstra(samples, SAMPLE_RATE, hop=FRAME, count=_CEPSTRA) for samples in (spoken, speech)
    )
    at, cost = align(ours[:, : len(owner)], theirs[:, :frames])
    loud = level(spoken, window=_WINDOW, hop=_HOP)[: energy.shape[1]]
    slope, offset = np.polyfit(loud, energy[0, : len(loud)].numpy(), 1)
    curve = slope * level(speech, window=_WINDOW, hop=_HOP)[: 2 * frames] + offset
    pitch = pitch_curve(speech, SAMPLE_RATE, hop_s=_HOP / SAMPLE_RATE, around_hz=pitch_hz)
    return Piece(
        den=den,
        ten=ten,
        phonemes=owner[torch.from_numpy(at)],
        f0=torch.from_numpy(pitch[: 2 * frames])[None],
        energy=torch.from_numpy(curve.astype(np.float32))[None],
        speech=torch.from_numpy(speech.astype(np.float32)),
        cost=cost,
    )


@torch.no_grad()
def read(
    network: Network, tokens: Sequence[int], style: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """How a style (1, 256) reads phonemes: their encodings frame by frame (1, 512, frames), pitch
    and energy (1, 2 * frames), and the phoneme of each frame (frames,). The last phoneme, a pause,
    is drawn out so that there are few lengths: a new shape costs seconds and memory.
    """
    den, ten = network.encode(tokens)
    features, durations = network.prosody(den, style[:, 128:])
    counts = torch.round(durations).clamp(min=1).long()
    counts[-1] += -int(counts.sum()) % _SHAPES
    owner = torch.repeat_interleave(torch.arange(len(counts)), counts)
    f0, energy = network.curves(features[:, owner], style[:, 128:])
    return ten[:, :, owner], f0, energy, owner
