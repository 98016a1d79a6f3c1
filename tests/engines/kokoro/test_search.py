"""The search for a voice without gradients, on a made-up way from coefficients to embeddings."""

from itertools import count, pairwise

import numpy as np
import pytest

from app.engines.kokoro.eigenvoices import Eigenvoices
from app.engines.kokoro.parameters import BIASES_SIZE, STYLE_SIZE, Parameters
from app.engines.kokoro.search import TEXTS, Search, Trial

pytestmark = pytest.mark.services

_SIZE = 10
_RNG = np.random.default_rng(7)
_SLOPE = 0.25 * _RNG.normal(size=(256, _SIZE))
_BASE = 3.0 * _RNG.normal(size=256) / 16
_OF_TEXT = {text: 0.3 * _RNG.normal(size=256) / 16 for text in TEXTS}
_SPEAKER = np.linspace(1.5, -1.5, _SIZE)


def unit(vector: np.ndarray) -> np.ndarray:
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


TARGET = unit(_BASE + _SLOPE @ _SPEAKER)


@pytest.fixture
def space() -> Eigenvoices:
    numbers = STYLE_SIZE + BIASES_SIZE
    nothing = np.zeros((1, 1), np.float32)
    basis = _RNG.normal(size=(_SIZE, numbers)).astype(np.float32)
    mean = np.ones(numbers, np.float32)
    return Eigenvoices(mean, basis, *(nothing,) * 8)


def searched(space: Eigenvoices, *, seconds: float = 1e6, seed: int = 0) -> list[Trial]:
    def embed(voice: Parameters, text: str) -> np.ndarray:
        at = space.place_of(voice)
        return unit(_BASE + _SLOPE @ at + 0.3 * np.sin(_SLOPE @ at**2) + _OF_TEXT[text])

    ticks = count()
    search = Search(
        space, TARGET, embed, lambda voice: voice, seconds, lambda: float(next(ticks)), seed=seed
    )
    return list(search.run(np.zeros(_SIZE, np.float32)))


def alike(place: np.ndarray) -> float:
    return float(unit(_BASE + _SLOPE @ place) @ TARGET)


def test_it_finds_the_speaker(space):
    trials = searched(space)

    assert alike(np.zeros(_SIZE)) < 0.75
    assert alike(trials[-1].place) > 0.9
    assert any(trial.improved for trial in trials)
    assert trials[-1].progress == 1.0
    assert all(a.progress <= b.progress for a, b in pairwise(trials))


def test_the_same_seed_finds_the_same(space):
    assert np.array_equal(searched(space)[-1].place, searched(space)[-1].place)


def test_without_time_the_voice_stays_as_it_is(space):
    trials = searched(space, seconds=5.0)

    assert not any(trial.improved for trial in trials)
    assert np.array_equal(trials[-1].place, np.zeros(_SIZE))
    assert len(trials) < 10


def test_a_place_is_found_again_from_its_voice(space):
    place = np.arange(_SIZE, dtype=np.float32) / 5

    assert np.allclose(space.place_of(space.voice(place)), place, atol=1e-3)
