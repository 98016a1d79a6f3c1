"""What an adapted voice is measured by while it is fitted."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from app.engines.kokoro.adaptation.listeners import Ge2e, Listener, WeSpeaker, to_16k
from app.engines.kokoro.adaptation.material import Piece
from app.engines.kokoro.adaptation.network import FRAME, Network
from app.engines.kokoro.adaptation.tracking import mel_filters
from app.engines.kokoro.model import SAMPLE_RATE

WINDOW = 68
"""Frames that one step hears: 1.7 s. Always the same, since a new shape costs seconds."""

_RESOLUTIONS = ((1024, 300, 80), (512, 150, 48))  # FFT, hop, mel bands
_FLOOR = 1e-2
_PITCH_FLOOR_HZ, _VOICED_HZ = 30.0, 20.0
_PITCH_WEIGHT, _ENERGY_WEIGHT, _DURATION_WEIGHT = 2.0, 0.3, 0.3


@dataclass(frozen=True, slots=True)
class Person:
    """Who a voice is to sound like: embeddings of length 1 by two encoders."""

    wespeaker: Tensor
    ge2e: Tensor


class Objective:
    """Losses of a voice: every one is differentiable in the style and the biases.

    Args:
        speaker_weight: of the likeness against the reconstruction.
    """

    def __init__(
        self, network: Network, wespeaker: WeSpeaker, ge2e: Ge2e, *, speaker_weight: float = 0.5
    ) -> None:
        self.network = network
        self._listeners: tuple[tuple[str, Listener, float], ...] = (
            ("wespeaker", wespeaker, 1.0),
            ("ge2e", ge2e, 0.7),
        )
        self._weight = speaker_weight
        self._spectra = [
            (
                size,
                hop,
                torch.hann_window(size),
                torch.from_numpy(mel_filters(SAMPLE_RATE, size, bands, low=40, high=7600)),
            )
            for size, hop, bands in _RESOLUTIONS
        ]

    def reconstruction(
        self, piece: Piece, start: int, style: Tensor, biases: Mapping[str, Tensor], person: Person
    ) -> tuple[Tensor, Tensor]:
        """Of a window of a piece that begins at a frame: the loss, and the likeness (WeSpeaker)."""
        end = start + WINDOW
        spoken = self.network.decode(
            piece.ten[:, :, piece.phonemes[start:end]],
            piece.f0[:, 2 * start : 2 * end],
            piece.energy[:, 2 * start : 2 * end],
            style[:, :128],
            biases,
        )
        wanted = piece.speech[start * FRAME : end * FRAME]
        loss = sum(
            ((self._log_mel(spoken, at) - self._log_mel(wanted, at)).abs().mean() for at in (0, 1)),
            start=torch.zeros(()),
        )
        unlike, likeness = self.unlikeness(spoken, person)
        return loss + self._weight * unlike, likeness

    def unlikeness(self, spoken: Tensor, person: Person) -> tuple[Tensor, Tensor]:
        """Of speech (n,) at 24 kHz: the loss, and the likeness by WeSpeaker."""
        heard = to_16k(spoken)
        scores = {
            name: listen(heard) @ getattr(person, name) for name, listen, _ in self._listeners
        }
        loss = sum(
            (-weight * scores[name] for name, _, weight in self._listeners), start=torch.zeros(())
        )
        return loss, scores["wespeaker"].detach()

    def prosody(self, piece: Piece, start: int, style: Tensor) -> Tensor:
        """How far the predictor's pitch and energy are from those of a window of a piece, and its
        durations from those of the piece.
        """
        end = start + WINDOW
        features, durations = self.network.prosody(piece.den, style[:, 128:])
        f0, energy = self.network.curves(features[:, piece.phonemes[start:end]], style[:, 128:])
        wanted = piece.f0[:, 2 * start : 2 * end]
        voiced = (wanted > _VOICED_HZ) & (f0.detach() > _VOICED_HZ)
        apart = torch.log(f0.clamp(min=_PITCH_FLOOR_HZ) / wanted.clamp(min=_PITCH_FLOOR_HZ))
        pitch = (apart.abs() * voiced).sum() / voiced.sum().clamp(min=1)
        # The padding at the ends has the length of the silence that was cut off.
        pace = torch.log((durations + 1) / (piece.durations + 1))[1:-1].abs().mean()
        return (
            _PITCH_WEIGHT * pitch
            + _ENERGY_WEIGHT * (energy - piece.energy[:, 2 * start : 2 * end]).abs().mean()
            + _DURATION_WEIGHT * pace
        )

    def listen(self, speech: Tensor) -> Person:
        """A person, from speech (n,) at 16 kHz."""
        with torch.no_grad():
            return Person(**{name: listen(speech) for name, listen, _ in self._listeners})

    def _log_mel(self, samples: Tensor, at: int) -> Tensor:
        size, hop, window, filters = self._spectra[at]
        spectrum = torch.stft(samples, size, hop, window=window, return_complex=True).abs()
        return torch.log(spectrum.T @ filters + _FLOOR)


def random_window(piece: Piece, rng: np.random.Generator) -> int:
    """The frame at which a window begins."""
    return int(rng.integers(0, piece.frames - WINDOW + 1))
