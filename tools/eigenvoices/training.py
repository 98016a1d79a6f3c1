"""One linear map from what is measured of a speaker to a voice, trained over all speakers."""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from app.engines.kokoro.adaptation.fit import Text
from app.engines.kokoro.adaptation.listeners import Ge2e, WeSpeaker
from app.engines.kokoro.adaptation.material import read
from app.engines.kokoro.adaptation.network import Network, fastest_dtype
from app.engines.kokoro.adaptation.objective import WINDOW, Objective, random_window
from app.engines.kokoro.eigenvoices import Eigenvoices
from app.engines.kokoro.model import BIASES
from app.engines.kokoro.parameters import BIASES_SIZE, STYLE_SIZE
from app.engines.kokoro.voices import Blend
from tools.eigenvoices.material import DEFAULT_PITCH_HZ, Speaker, load, put
from tools.eigenvoices.space import measuring
from tools.eigenvoices.studio import Studio

# Speech of other words than the speakers', for likeness alone; some of it is also checked on.
_TEXTS = (
    "Please call Stella and ask her to wait.",
    "We also need a small plastic snake.",
    "The rainbow is a division of white light.",
    "My brother found five thick slabs of cheese.",
    "When the sunlight strikes raindrops in the air.",
    "Six spoons of fresh snow peas for her brother.",
)
_CHECK_TEXTS = (1, 3, 5)
_HIGH = ("af_bella", "af_heart", "bf_emma")
_LOW = ("am_fenrir", "am_michael", "bm_george")

# Step sizes of Adam; a style is in standard deviations of the stock styles.
_STYLE_RATE, _BIAS_RATE = 1.5e-3, 2e-4
_BETAS = (0.9, 0.98)
_WARM_UP = 40
_LAST_RATE = 0.06  # of the first
_FREE_EVERY = 4  # one step of so many is on speech of another text
_PROSODY = 0.5
_PRIOR, _PRIOR_FROM, _STAY = 0.3, 0.8, 3.0
_CHECK_EVERY_S = 400.0
_CHECK_HELD_OUT, _CHECK_TRAINED = 12, 8
_START_RIDGE = (0.1, 2.0)  # of the constant and of the pitch
_START_TOKENS = 33
_VOICED_HZ = 20.0
_CHECKPOINT = "map.pt"
_AXES = ("embedding_mean", "embedding_axes", "envelope_mean", "envelope_axes", "pitch")


class Training:
    """The map and what it is trained on.

    Args:
        folder: with the speakers; keeps the checkpoint.
        noise: added to the features while training, in their standard deviations, so that one
            speaker's voice is learned from for those who are nearly alike.
    """

    def __init__(self, folder: Path, studio: Studio, *, noise: float = 0.0) -> None:
        path = studio.assets.path
        self._folder, self._studio, self._noise = folder, studio, noise
        speakers = load(folder)
        self._trained = [one for one in speakers if not one.held_out]
        self._held_out = [one for one in speakers if one.held_out]
        dtype = fastest_dtype()
        self._network = Network(path("kokoro-int8"), threads=studio.threads, dtype=dtype)
        listener = WeSpeaker(path("wespeaker-resnet34-lm"), dtype=dtype)
        self._objective = Objective(self._network, listener, Ge2e(path("ge2e-speaker")))
        self._texts = {
            name: [self._text(text, name) for text in _TEXTS] for name in (*_HIGH, *_LOW)
        }
        self._begin()

    def run(self, *, minutes: float) -> None:
        """Train until all runs together have taken so long; checks and saves on the way."""
        rng = np.random.default_rng([0, self._steps])
        torch.manual_seed(self._steps)
        command = f"train --minutes {minutes:g} --noise {self._noise:g}"
        if command not in self._runs:
            self._runs.append(command)
        heard: dict[bool, list[float]] = {False: [], True: []}
        checked = time.monotonic()
        for speaker in _in_turn([one for one in self._trained if one.pieces], rng):
            if self._spent_s >= 60 * minutes:
                break
            began = time.monotonic()
            self._set_pace(self._spent_s / (60 * minutes))
            free = self._steps % _FREE_EVERY == _FREE_EVERY - 1
            heard[free].append(self._step(speaker, rng, free=free))
            self._steps += 1
            self._spent_s += time.monotonic() - began
            if time.monotonic() - checked > _CHECK_EVERY_S:
                self._save()
                self._report(heard)
                heard = {False: [], True: []}
                checked = time.monotonic()
        self._save()
        self._report(heard)

    def _begin(self) -> None:
        """Go on from the checkpoint, or begin with styles that only have the speaker's pitch."""
        kept = _checkpoint(self._folder)
        if kept is None:
            self._space = measuring([one.traits for one in self._trained])
            self._z = torch.zeros(len(self._space.regression), STYLE_SIZE)
            self._z[:2] = self._start()
            self._biases = torch.zeros(len(self._z), BIASES_SIZE)
        else:
            self._space = _measuring(kept)
            self._z, self._biases = kept["z"], kept["biases"]
        self._features = {
            one.name: torch.from_numpy(self._space.features(one.traits))
            for one in (*self._trained, *self._held_out)
        }
        measured = torch.stack([self._features[one.name] for one in self._trained])
        self._spread = self._noise * measured.std(0)  # 0 for the constant
        values = [self._z.requires_grad_(True), self._biases.requires_grad_(True)]
        self._adam = torch.optim.Adam([{"params": [value]} for value in values], betas=_BETAS)
        self._steps, self._spent_s, self._runs = 0, 0.0, list[str]()
        if kept is not None:
            self._adam.load_state_dict(kept["adam"])
            self._steps, self._spent_s, self._runs = kept["steps"], kept["spent_s"], kept["runs"]

    def _start(self) -> Tensor:
        """The whitened styles of the English stock voices by their pitch, (2, 256)."""
        mean, spread = self._space.pitch
        voices = self._studio.english_voices()
        pitch = torch.tensor([(math.log(voice.pitch_hz) - mean) / spread for voice in voices])
        x = torch.stack([torch.ones(len(voices)), pitch.float()], 1)
        styles = [self._studio.styles.style(Blend({v.name: 1.0}), _START_TOKENS) for v in voices]
        z = self._studio.whitening.whitened(torch.from_numpy(np.stack(styles)))
        return torch.linalg.solve(x.T @ x + torch.diag(torch.tensor(_START_RIDGE)), x.T @ z)

    def _save(self) -> None:
        put(
            self._folder / _CHECKPOINT,
            {
                "z": self._z.detach(),
                "biases": self._biases.detach(),
                "adam": self._adam.state_dict(),
                "steps": self._steps,
                "spent_s": self._spent_s,
                "runs": self._runs,
            }
            | {name: torch.from_numpy(getattr(self._space, name)) for name in _AXES},
        )

    def _set_pace(self, spent: float) -> None:
        """Step sizes: up at the beginning, then down along half a cosine."""
        decay = _LAST_RATE + (1 - _LAST_RATE) * 0.5 * (1 + math.cos(math.pi * min(spent, 1.0)))
        pace = min(1.0, (self._steps + 1) / _WARM_UP) * decay
        for group, rate in zip(self._adam.param_groups, (_STYLE_RATE, _BIAS_RATE), strict=True):
            group["lr"] = rate * pace

    def _step(self, speaker: Speaker, rng: np.random.Generator, *, free: bool) -> float:
        """Learn from one window of a speaker; returns the likeness (WeSpeaker)."""
        features = self._features[speaker.name]
        features = features + self._spread * torch.randn_like(features)
        z, style, change = self._voice(features)
        biases = self._with_own(change)
        if free:
            spoken = self._speak(speaker, int(rng.integers(len(_TEXTS))), style, biases, rng)
            loss, likeness = self._objective.unlikeness(spoken, speaker.person)
        else:
            piece = speaker.pieces[int(rng.integers(len(speaker.pieces)))]
            at = random_window(piece, rng)
            loss, likeness = self._objective.reconstruction(
                piece, at, style, biases, speaker.person
            )
            loss = loss + _PROSODY * self._objective.prosody(piece, at, style)
        apart = torch.stack([part.square().mean() for part in _by_layer(change).values()]).mean()
        loss = loss + _PRIOR * F.relu(z.square().mean() - _PRIOR_FROM) + _STAY * apart
        self._adam.zero_grad()
        loss.backward()
        self._adam.step()
        return float(likeness)

    def _voice(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Whitened style (256,), style (1, 256), and what is added to the biases (37396,)."""
        z = features @ self._z
        return z, self._studio.whitening.style(z), features @ self._biases

    def _with_own(self, change: Tensor) -> dict[str, Tensor]:
        return {name: self._network.biases[name] + by for name, by in _by_layer(change).items()}

    def _speak(
        self, speaker: Speaker, text: int, style: Tensor, biases: dict[str, Tensor],
        rng: np.random.Generator,
    ) -> Tensor:  # fmt: skip
        """A window of a text as a stock voice of the speaker's register reads it, at the speaker's
        pitch: (600 * frames,) at 24 kHz.
        """
        readers = _HIGH if speaker.pitch_hz > DEFAULT_PITCH_HZ else _LOW
        read_by = self._texts[readers[int(rng.integers(len(readers)))]][text]
        at = int(rng.integers(0, read_by.ten.shape[2] - WINDOW + 1))
        f0, energy = (
            curve[:, 2 * at : 2 * (at + WINDOW)] for curve in (read_by.f0, read_by.energy)
        )
        median = read_by.f0[read_by.f0 > _VOICED_HZ].median()
        f0 = torch.where(f0 > _VOICED_HZ, f0 * speaker.pitch_hz / median, f0)
        ten = read_by.ten[:, :, at : at + WINDOW]
        return self._network.decode(ten, f0, energy, style[:, :128], biases)

    def _text(self, text: str, name: str) -> Text:
        tokens = self._studio.tokens(text)
        style = self._studio.styles.style(Blend({name: 1.0}), len(tokens))
        ten, f0, energy, _ = read(self._network, tokens, torch.from_numpy(style)[None])
        return Text(ten, f0, energy)

    def _report(self, heard: dict[bool, list[float]]) -> None:
        own, free = (np.mean(heard[kind] or math.nan) for kind in (False, True))
        held_out = self._likeness(self._held_out[:_CHECK_HELD_OUT])
        trained = self._likeness(self._trained[:_CHECK_TRAINED])
        print(
            f"{self._spent_s / 60:.1f} min, step {self._steps}: likeness in training {own:.3f}, "
            f"other texts {free:.3f}; checked: held out {held_out:.3f}, trained {trained:.3f}",
            flush=True,
        )

    def _likeness(self, speakers: Sequence[Speaker]) -> float:
        """Mean over other texts (WeSpeaker); the same windows each time."""
        with torch.no_grad():
            return float(np.mean([self._heard(one, at) for at, one in enumerate(speakers)]))

    def _heard(self, speaker: Speaker, seed: int) -> float:
        rng = np.random.default_rng(seed)
        _, style, change = self._voice(self._features[speaker.name])
        biases = self._with_own(change)
        spoken = [self._speak(speaker, at, style, biases, rng) for at in _CHECK_TEXTS]
        return float(np.mean([self._objective.unlikeness(s, speaker.person)[1] for s in spoken]))


def trained_space(folder: Path, studio: Studio) -> Eigenvoices:
    """What the map is now, as a space whose coefficients are the features."""
    kept = _checkpoint(folder)
    if kept is None:
        raise SystemExit(f"There is no map in {folder}: run `train` first.")
    middle = studio.whitening.style(torch.zeros(STYLE_SIZE))[0]
    styles = studio.whitening.style(kept["z"])[0] - middle
    return replace(
        _measuring(kept),
        mean=np.concatenate([middle.numpy(), studio.biases]),
        basis=torch.cat([styles, kept["biases"]], 1).numpy(),
    )


@dataclass(frozen=True, slots=True)
class Record:
    """How the map came to be. `minutes`: of all runs, to a tenth; `runs`: the commands."""

    minutes: float
    runs: list[str]


def training_record(folder: Path) -> Record:
    kept = _checkpoint(folder)
    return Record(round(kept["spent_s"] / 60, 1), kept["runs"]) if kept else Record(0.0, [])


def _checkpoint(folder: Path) -> dict[str, Any] | None:
    path = folder / _CHECKPOINT
    return torch.load(path, weights_only=True) if path.exists() else None


def _measuring(kept: dict[str, Any]) -> Eigenvoices:
    count = len(kept["z"])
    return Eigenvoices(
        mean=np.zeros(0, np.float32),
        basis=np.zeros((count, 0), np.float32),
        regression=np.eye(count, dtype=np.float32),
        speakers=np.zeros((0, len(kept["embedding_mean"])), np.float32),
        places=np.zeros((0, count), np.float32),
        **{name: kept[name].numpy() for name in _AXES},
    )


def _by_layer(biases: Tensor) -> dict[str, Tensor]:
    """`parameters.split`, of a tensor."""
    return dict(zip(BIASES, biases.split(list(BIASES.values())), strict=True))


def _in_turn(speakers: Sequence[Speaker], rng: np.random.Generator) -> Iterator[Speaker]:
    """For ever, each as often as any other."""
    while True:
        for at in rng.permutation(len(speakers)):
            yield speakers[at]
