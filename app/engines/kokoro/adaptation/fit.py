"""Fitting a voice to recordings by gradient descent."""

import math
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from app.engines.kokoro.adaptation.material import Piece
from app.engines.kokoro.adaptation.objective import WINDOW, Objective, Person, random_window
from app.engines.kokoro.model import BIASES
from app.engines.kokoro.parameters import Parameters, split

# Step sizes of Adam; the style's is in standard deviations of the stock styles.
_STYLE_RATE, _BIAS_RATE = 0.04, 0.006
_BETAS = (0.8, 0.95)
_WARM_UP = 10
_FREE_EVERY = 4  # one step of so many is on speech of another text
_PRIOR, _PRIOR_FROM, _STAY = 0.3, 0.8, 3.0
_PROSODY = 0.5
_AVERAGE = 0.9  # of the parameters, over steps
_CHECK_EVERY_S = 15.0
_TELL_EVERY = 5  # steps
_PATIENCE = 6  # checks without an improvement
_GAIN_DB, _NOISE_DB = (-6.0, 2.0), (20.0, 40.0)


@dataclass(frozen=True, slots=True)
class Material:
    """What a voice is fitted to.

    Attributes:
        pieces: aligned speech of the speaker, each of at least a window.
        person: the speaker, from what is fitted to.
        judge: the speaker, from speech that was held out; where there is too little, the same.
        texts: texts that are not in the recordings, for likeness alone.
        check_texts: others, for checking alone.
    """

    pieces: Sequence[Piece]
    person: Person
    judge: Person
    texts: Sequence["Text"]
    check_texts: Sequence["Text"]


@dataclass(frozen=True, slots=True)
class Text:
    """A text as it is to be spoken: (1, 512, frames), and two curves (1, 2 * frames)."""

    ten: Tensor
    f0: Tensor
    energy: Tensor


@dataclass(frozen=True, slots=True)
class Check:
    """How the voice is after some steps.

    Attributes:
        score: likeness on texts that are not fitted to, to the judge; where nothing was measured
            now, the best so far.
        progress: 0 to 1, of the time.
        improved: whether it is the best so far.
        parameters: the best so far.
    """

    step: int
    score: float
    progress: float
    improved: bool
    parameters: Parameters


@dataclass
class _Fit:
    """The numbers that are being fitted: a whitened style and the biases."""

    whitening: "Whitening"
    z: Tensor
    biases: dict[str, Tensor]
    start: dict[str, Tensor] = field(init=False)
    mean: list[Tensor] = field(init=False)

    @classmethod
    def of(cls, start: Parameters, whitening: "Whitening") -> "_Fit":
        biases = {name: torch.from_numpy(part.copy()) for name, part in split(start.biases).items()}
        return cls(whitening, whitening.whitened(torch.from_numpy(start.style.copy())), biases)

    def __post_init__(self) -> None:
        self.start = {name: bias.clone() for name, bias in self.biases.items()}
        self.mean = [value.detach().clone() for value in self.values]
        for value in self.values:
            value.requires_grad_(True)

    @property
    def values(self) -> list[Tensor]:
        return [self.z, *self.biases.values()]

    @property
    def style(self) -> Tensor:
        return self.whitening.style(self.z)

    def prior(self) -> Tensor:
        """Keeps the voice natural: the style among styles, the biases near where they were."""
        apart = [(self.biases[name] - self.start[name]).square().mean() for name in BIASES]
        unusual = F.relu(self.z.square().mean() - _PRIOR_FROM)
        return _PRIOR * unusual + _STAY * torch.stack(apart).mean()

    @torch.no_grad()
    def average(self) -> None:
        for mean, value in zip(self.mean, self.values, strict=True):
            mean.lerp_(value, 1 - _AVERAGE)

    def averaged(self) -> tuple[Tensor, dict[str, Tensor]]:
        return self.whitening.style(self.mean[0]), dict(
            zip(self.biases, self.mean[1:], strict=True)
        )


class Whitening:
    """Styles in units in which the stock voices have mean 0 and covariance 1.

    Args:
        styles: float32 (voices, 256).
    """

    _SHRINK = 0.15  # of the covariance towards its diagonal: there are few voices

    def __init__(self, styles: np.ndarray) -> None:
        styles = styles.astype(np.float64)
        covariance = np.cov(styles.T)
        diagonal = np.diag(np.diag(covariance))
        covariance = (1 - self._SHRINK) * covariance + self._SHRINK * diagonal
        powers, axes = np.linalg.eigh(covariance)
        self._mean = torch.tensor(styles.mean(0), dtype=torch.float32)
        self._out = torch.tensor((axes * np.sqrt(powers)) @ axes.T, dtype=torch.float32)
        self._in = torch.tensor((axes / np.sqrt(powers)) @ axes.T, dtype=torch.float32)

    def style(self, z: Tensor) -> Tensor:
        """(256,) to (1, 256)."""
        return (self._mean + z @ self._out)[None]

    def whitened(self, style: Tensor) -> Tensor:
        """(256,) to (256,)."""
        return (style - self._mean) @ self._in


def fit(
    objective: Objective,
    material: Material,
    *,
    start: Parameters,
    whitening: Whitening,
    seconds: float,
    seed: int,
) -> Generator[Check, None, None]:
    """Fit for so many seconds, or until it gets no better. The first check is of the start; those
    between two measurements only tell how far it is.

    Args:
        start: where to begin; its ratios are kept.
    """
    torch.manual_seed(seed)
    now = _Fit.of(start, whitening)
    descent = _Descent(objective, material, now, np.random.default_rng(seed))
    best = Check(0, _score(objective, material, now), 0.0, True, start)
    yield best
    began = checked = time.monotonic()
    spent, stale = 0.0, 0
    while spent < 1.0 and stale < _PATIENCE:
        step = descent.step(spent)
        spent = min((time.monotonic() - began) / seconds, 1.0)
        if time.monotonic() - checked > _CHECK_EVERY_S or spent >= 1.0:
            checked = time.monotonic()
            score = _score(objective, material, now)
            improved = score > best.score
            stale = 0 if improved else stale + 1
            best = Check(step, score, spent, True, _parameters(now, start)) if improved else best
            yield best if improved else Check(step, score, spent, False, best.parameters)
        elif step % _TELL_EVERY == 0:
            yield Check(step, best.score, spent, False, best.parameters)


class _Descent:
    """Adam on the numbers of a voice."""

    def __init__(
        self, objective: Objective, material: Material, now: _Fit, rng: np.random.Generator
    ) -> None:
        self._objective, self._material, self._now, self._rng = objective, material, now, rng
        self._rates = [_STYLE_RATE, *(_BIAS_RATE for _ in now.biases)]
        self._adam = torch.optim.Adam([{"params": [value]} for value in now.values], betas=_BETAS)
        self._steps = 0

    def step(self, spent: float) -> int:
        """One step; `spent` is the share of the time that is gone. Returns how many there were."""
        for group, rate in zip(self._adam.param_groups, self._rates, strict=True):
            group["lr"] = rate * _pace(self._steps, spent)
        free = self._steps % _FREE_EVERY == _FREE_EVERY - 1
        loss = _loss(self._objective, self._material, self._now, self._rng, free=free)
        self._adam.zero_grad()
        loss.backward()
        self._adam.step()
        self._now.average()
        self._steps += 1
        return self._steps


def _pace(step: int, spent: float) -> float:
    """Of the step size: up at the beginning, down to a tenth along half a cosine."""
    decay = 0.1 + 0.45 * (1 + math.cos(math.pi * min(spent, 1.0)))
    return min(1.0, (step + 1) / _WARM_UP) * decay


def _loss(
    objective: Objective, material: Material, now: _Fit, rng: np.random.Generator, *, free: bool
) -> Tensor:
    style = now.style
    if free:
        text = material.texts[int(rng.integers(len(material.texts)))]
        spoken = _speak(objective, text, style, now.biases, at=_anywhere(text, rng))
        loss, _ = objective.unlikeness(_disturbed(spoken, rng), material.person)
    else:
        piece = material.pieces[int(rng.integers(len(material.pieces)))]
        at = random_window(piece, rng)
        loss, _ = objective.reconstruction(piece, at, style, now.biases, material.person)
        loss = loss + _PROSODY * objective.prosody(piece, at, style)
    return loss + now.prior()


@torch.no_grad()
def _score(objective: Objective, material: Material, now: _Fit) -> float:
    style, biases = now.averaged()
    likeness = [
        float(
            objective.unlikeness(_speak(objective, text, style, biases, at=at), material.judge)[1]
        )
        for text in material.check_texts
        for at in (0, text.ten.shape[2] - WINDOW)
    ]
    return float(np.mean(likeness))


def _speak(
    objective: Objective, text: Text, style: Tensor, biases: Mapping[str, Tensor], *, at: int
) -> Tensor:
    f0, energy = (curve[:, 2 * at : 2 * (at + WINDOW)] for curve in (text.f0, text.energy))
    ten = text.ten[:, :, at : at + WINDOW]
    return objective.network.decode(ten, f0, energy, style[:, :128], biases)


def _anywhere(text: Text, rng: np.random.Generator) -> int:
    return int(rng.integers(0, text.ten.shape[2] - WINDOW + 1))


def _disturbed(spoken: Tensor, rng: np.random.Generator) -> Tensor:
    """At another level and with a little noise, so that the encoders are not fooled by details."""
    gain = 10 ** (rng.uniform(*_GAIN_DB) / 20)
    level = spoken.detach().square().mean().sqrt() * 10 ** (-rng.uniform(*_NOISE_DB) / 20)
    return (spoken + torch.randn_like(spoken) * level) * gain


def _parameters(now: _Fit, start: Parameters) -> Parameters:
    style, biases = now.averaged()
    flat = torch.cat([biases[name] for name in BIASES])
    return replace(start, style=style[0].numpy().copy(), biases=flat.numpy().copy())
