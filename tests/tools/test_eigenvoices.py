"""Arithmetic of `tools/eigenvoices`, on small spaces."""

from dataclasses import replace

import numpy as np
import pytest

from app.engines.kokoro.eigenvoices import Eigenvoices, Traits
from app.engines.kokoro.parameters import STYLE_SIZE
from tools.eigenvoices.space import features, measuring, principal, regress, shares

_NUMBERS = STYLE_SIZE + 30


@pytest.fixture
def people() -> list[Traits]:
    rng = np.random.default_rng(0)
    return [
        Traits(
            rng.normal(size=256).astype(np.float32),
            float(rng.uniform(90, 220)),
            rng.normal(size=80).astype(np.float32),
        )
        for _ in range(100)
    ]


@pytest.fixture
def space(people: list[Traits]) -> Eigenvoices:
    """Any linear map from features to numbers."""
    rng = np.random.default_rng(1)
    measured = measuring(people)
    return replace(
        measured,
        mean=rng.normal(size=_NUMBERS).astype(np.float32),
        basis=rng.normal(size=(len(measured.regression), _NUMBERS)).astype(np.float32),
    )


def test_features_are_centred_on_the_speakers(people: list[Traits]) -> None:
    measured = features(measuring(people), people)
    assert np.all(measured[:, 0] == 1.0)
    assert measured[:, 1:].mean(axis=0) == pytest.approx(0.0, abs=1e-4)
    assert measured[:, 1].std() == pytest.approx(1.0, abs=1e-4)


def test_principal_components_give_the_same_voices(
    people: list[Traits], space: Eigenvoices
) -> None:
    reduced = principal(space, people)
    for one in people[:3]:
        wanted, got = (each.voice(each.place(one)) for each in (space, reduced))
        assert got.style == pytest.approx(wanted.style, abs=1e-3)
        assert got.biases == pytest.approx(wanted.biases, abs=1e-3)


def test_principal_coefficients_are_standard(people: list[Traits], space: Eigenvoices) -> None:
    reduced = principal(space, people)
    places = np.stack([reduced.place(one) for one in people])
    assert np.cov(places.T, bias=True) == pytest.approx(np.eye(places.shape[1]), abs=1e-3)
    assert places.mean(axis=0) == pytest.approx(0.0, abs=1e-3)
    assert shares(reduced, people).sum() == pytest.approx(1.0, abs=1e-5)


def test_error_left_out_is_that_of_a_fit_to_the_others() -> None:
    rng = np.random.default_rng(2)
    x = np.column_stack([np.ones(30), rng.normal(size=(30, 6))]).astype(np.float32)
    y = (x @ rng.normal(size=(7, 2)) + rng.normal(size=(30, 2))).astype(np.float32)
    regression, ridge, explained = regress(x, y)
    held_down = ridge * np.diag([0.0, *np.ones(6)])

    def fitted(rows: np.ndarray) -> np.ndarray:
        return np.linalg.solve(x[rows].T @ x[rows] + held_down, x[rows].T @ y[rows])

    others = [np.delete(np.arange(30), at) for at in range(30)]
    errors = [y[at] - x[at] @ fitted(rows) for at, rows in enumerate(others)]
    assert regression == pytest.approx(fitted(np.arange(30)), abs=1e-4)
    assert explained == pytest.approx(1 - np.square(errors).mean() / y.var(axis=0).mean(), abs=1e-4)
