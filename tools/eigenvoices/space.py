"""Arithmetic of spaces of voices."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from app.engines.kokoro.eigenvoices import Eigenvoices, Traits

Floats = NDArray[np.float32]

_EMBEDDING_AXES, _ENVELOPE_AXES = 48, 12
_ENVELOPE_WEIGHT = 0.7  # the channel, not only the speaker, is in it
_RIDGES = np.logspace(-2, 4, 25)
_LEAST_SPREAD = 1e-4  # of a component, to that of the first: below it is rounding


def measuring(traits: Sequence[Traits]) -> Eigenvoices:
    """A space without voices: it only knows what to measure of a speaker. Its axes are those in
    which these speakers differ most, its coefficients the features themselves.
    """
    embedding_mean, embedding_axes = _axes([one.embedding for one in traits], _EMBEDDING_AXES)
    envelope_mean, envelope_axes = _axes([one.envelope for one in traits], _ENVELOPE_AXES)
    pitches = np.log([one.pitch_hz for one in traits if one.pitch_hz is not None])
    count = 2 + embedding_axes.shape[1] + envelope_axes.shape[1]
    return Eigenvoices(
        mean=np.zeros(0, np.float32),
        basis=np.zeros((count, 0), np.float32),
        regression=np.eye(count, dtype=np.float32),
        embedding_mean=embedding_mean,
        embedding_axes=embedding_axes,
        envelope_mean=envelope_mean,
        envelope_axes=_ENVELOPE_WEIGHT * envelope_axes,
        pitch=np.array([pitches.mean(), pitches.std()], np.float32),
        speakers=np.zeros((0, len(embedding_mean)), np.float32),
        places=np.zeros((0, count), np.float32),
    )


def _axes(rows: Sequence[Floats], count: int) -> tuple[Floats, Floats]:
    """The mean (n,) and the principal axes (n, count), in units half way to equal spread: the
    smaller axes count for less, but for more than they measure.
    """
    values = np.stack(rows).astype(np.float64)
    mean = values.mean(axis=0)
    _, sizes, axes = np.linalg.svd(values - mean, full_matrices=False)
    spread = sizes[:count] / np.sqrt(len(values))
    scaled = axes[:count].T / np.sqrt(spread * spread[0])
    return mean.astype(np.float32), scaled.astype(np.float32)


def features(space: Eigenvoices, traits: Sequence[Traits]) -> Floats:
    """(speakers, features)"""
    return np.stack([space.features(one) for one in traits])


def principal(space: Eigenvoices, traits: Sequence[Traits]) -> Eigenvoices:
    """The same voices for the same features, with components that are uncorrelated over these
    speakers: mean 0 and standard deviation 1, the greatest first.
    """
    measured = features(space, traits).astype(np.float64)
    linear = space.regression.astype(np.float64) @ space.basis
    voices = measured @ linear
    mean = voices.mean(axis=0)
    _, sizes, axes = np.linalg.svd(voices - mean, full_matrices=False)
    kept = int((sizes > _LEAST_SPREAD * sizes[0]).sum())
    spread = sizes[:kept] / np.sqrt(len(voices))
    regression = linear @ axes[:kept].T / spread
    regression[0] -= mean @ axes[:kept].T / spread  # the first feature is a constant
    return replace(
        space,
        mean=(space.mean + mean).astype(np.float32),
        basis=(axes[:kept] * spread[:, None]).astype(np.float32),
        regression=regression.astype(np.float32),
        speakers=np.stack([one.embedding for one in traits]),
        places=(measured @ regression).astype(np.float32),
    )


def shares(space: Eigenvoices, traits: Sequence[Traits]) -> Floats:
    """How the variance of the voices of these speakers divides among the components, (k,)."""
    places = np.stack([space.place(one) for one in traits])
    powers = places.var(axis=0) * np.square(space.basis).sum(axis=1)
    return np.asarray(powers / powers.sum(), np.float32)


def regress(x: Floats, y: Floats) -> tuple[Floats, float, float]:
    """Ridge regression; the strength is that which predicts best what is left out, one by one.

    Args:
        x: (n, features), the first a constant, which is not held down.
        y: (n, outputs).

    Returns:
        (features, outputs), the strength, and the share of the variance that is explained where
        each row is predicted from the others.
    """
    x_mean, y_mean = x[:, 1:].mean(axis=0), y.mean(axis=0)
    u, sizes, axes = np.linalg.svd((x[:, 1:] - x_mean).astype(np.float64), full_matrices=False)
    along = u.T @ (y - y_mean)
    errors = []
    for ridge in _RIDGES:
        shrink = sizes**2 / (sizes**2 + ridge)
        # An error with its own row left out is the error with it, over one minus its leverage.
        leverage = 1 / len(x) + np.square(u) @ shrink
        error = (y - y_mean - u @ (shrink[:, None] * along)) / (1 - leverage[:, None])
        errors.append(float(np.square(error).mean()))
    ridge = float(_RIDGES[int(np.argmin(errors))])
    weights = axes.T @ ((sizes / (sizes**2 + ridge))[:, None] * along)
    regression = np.vstack([y_mean - x_mean @ weights, weights])
    return regression.astype(np.float32), ridge, 1 - min(errors) / float(y.var(axis=0).mean())
