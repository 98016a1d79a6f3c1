"""Bettering a voice without gradients of the network: a search in the space of eigenvoices.

Who speaks is told by an embedding of 256 numbers, so every trial says more than how good it was:
how the embedding moved. From trials all around a place, a linear model of the embedding over the
coefficients is fitted (ridge regression, an offset for each text), and the place is sought where it
predicts the speaker's, not too far away. What is predicted best is spoken and heard; from the best
of it the same is done again, closer.
"""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.core.clock import Clock
from app.engines.kokoro.eigenvoices import Eigenvoices, Floats
from app.engines.kokoro.parameters import Parameters
from app.speaker.similarity import Embedding

TEXTS: Final = (
    "We also need a small plastic snake.",
    "My brother found five thick slabs.",
    "Six spoons of fresh snow peas for her.",
    "The sunlight strikes raindrops in the air.",
    "A big toy frog for the kids at home.",
    "Every morning the old man feeds the birds.",
    "There is no reason to hurry any more.",
    "You should have told me about it earlier.",
)
_TRIALS: Final = (160, 120, 80)
"""Of each round, when there is time for them; the fewer, the fewer rounds."""
_LEAST_TRIALS: Final = 60
_SPREAD: Final = (0.3, 0.25, 0.2)
"""Of the trials of each round, in standard deviations of the coefficients."""
_REACHES: Final = (1.0, 2.0, 3.0, 4.5)
_PULLS: Final = (0.004, 0.016, 0.06)
"""Weights of the step's own length in its choice, against the distance to the speaker."""
_SETTLED: Final = 20  # iterations; it has long stopped moving then
_RIDGE: Final = 0.05
_USUAL: Final = 1.2
_FAR: Final = 0.02  # of likeness, for each unit of mean square beyond what speakers have
_FINALISTS: Final = 3

Embed = Callable[[Parameters, str], Embedding]
"""The embedding of a voice that speaks a text. Called from several threads at once."""


@dataclass(frozen=True, slots=True)
class Trial:
    """How far a search is.

    Attributes:
        progress: 0 to 1.
        place: the best so far, (coefficients,).
        likeness: of it to the speaker, on the texts of the search.
        improved: whether it is new.
    """

    progress: float
    place: Floats
    likeness: float
    improved: bool = False


@dataclass(frozen=True, slots=True)
class Search:
    """A bounded search.

    Attributes:
        space: where it searches.
        target: the speaker's embedding, (256,).
        embed: speaking takes nearly all the time.
        shape: sets pitch and tempo of the voice of a place.
        seconds: how long it may take; it never takes longer than its rounds need.
        clock: seconds, never running backwards.
        workers: trials at the same time.
    """

    space: Eigenvoices
    target: Embedding
    embed: Embed
    shape: Callable[[Parameters], Parameters]
    seconds: float
    clock: Clock
    workers: int = 2
    seed: int = 0

    def run(self, place: Floats) -> Generator[Trial, None, None]:
        """Search from a place, (coefficients,). Yields after every few trials; the last one has the
        best place.
        """
        began = self.clock()
        rng = np.random.default_rng(self.seed)
        heard = _Heard(place)
        with ThreadPoolExecutor(self.workers, thread_name_prefix="search") as pool:
            try:
                yield from self._rounds(heard, rng, pool, began)
            finally:
                pool.shutdown(cancel_futures=True)
        yield Trial(1.0, heard.best, heard.likeness)

    def _rounds(
        self, heard: "_Heard", rng: np.random.Generator, pool: ThreadPoolExecutor, began: float
    ) -> Generator[Trial, None, None]:
        start = [(heard.best, at) for at in range(len(TEXTS))]
        yield from self._hear(heard, start, pool, partial(self._progress, began))
        heard.likeness = self._likeness(heard, heard.best)
        for trials, spread in zip(_TRIALS, _SPREAD, strict=True):
            a_trial_s = (self.clock() - began) / len(heard.embeddings)
            contest = 4 * len(_REACHES) * len(_PULLS) + 4 * _FINALISTS
            left = int((self.seconds - (self.clock() - began)) / a_trial_s) - contest
            if left < _LEAST_TRIALS:
                return
            around = _around(heard.best, min(trials, left), spread, rng)
            tell = partial(self._progress, began)
            yield from self._hear(heard, around, pool, tell)
            wanted = self._wanted(heard, spread)
            yield from self._contest(heard, wanted, pool, tell)

    def _progress(self, began: float) -> float:
        return min(0.99, (self.clock() - began) / max(self.seconds, 1e-6))

    def _hear(
        self,
        heard: "_Heard",
        trials: Sequence[tuple[Floats, int]],
        pool: ThreadPoolExecutor,
        progress: Callable[[], float],
    ) -> Generator[Trial, None, None]:
        """Speak and hear trials: places with the numbers of their texts."""
        for first in range(0, len(trials), self.workers):
            some = trials[first : first + self.workers]
            heard.note(some, list(pool.map(self._embedding, some)))
            yield Trial(progress(), heard.best, heard.likeness)

    def _embedding(self, trial: tuple[Floats, int]) -> Embedding:
        place, text = trial
        return self.embed(self.shape(self.space.voice(place)), TEXTS[text])

    def _wanted(self, heard: "_Heard", spread: float) -> list[Floats]:
        """Places where the linear model expects the speaker."""
        slope, here = heard.model(spread)
        found = []
        for pull in _PULLS:
            inverse = np.linalg.inv(slope.T @ slope + pull * np.eye(slope.shape[1]))
            for reach in _REACHES:
                step: NDArray[Any] = np.zeros(slope.shape[1])
                for _ in range(_SETTLED):
                    length = float(np.linalg.norm(here + slope @ step))
                    step = inverse @ (slope.T @ (length * self.target - here))
                    step *= min(1.0, reach / max(float(np.linalg.norm(step)), 1e-9))
                found.append(np.asarray(heard.best + step, np.float32))
        return found

    def _contest(
        self,
        heard: "_Heard",
        places: Sequence[Floats],
        pool: ThreadPoolExecutor,
        progress: Callable[[], float],
    ) -> Generator[Trial, None, None]:
        """Half of the texts choose the finalists, all of them the best, if it is better."""
        half, rest = range(0, len(TEXTS), 2), range(1, len(TEXTS), 2)
        yield from self._hear(heard, [(p, at) for p in places for at in half], pool, progress)
        finalists = sorted(places, key=lambda place: -self._likeness(heard, place))[:_FINALISTS]
        yield from self._hear(heard, [(p, at) for p in finalists for at in rest], pool, progress)
        for place in finalists:
            if (likeness := self._likeness(heard, place)) > heard.likeness:
                heard.best, heard.likeness = place, likeness
                yield Trial(progress(), place, likeness, improved=True)

    def _likeness(self, heard: "_Heard", place: Floats) -> float:
        """Mean cosine on the texts that it has spoken, less what is unusual about it."""
        alike = float(np.mean([e @ self.target for e in heard.of(place)]))
        return alike - _FAR * max(0.0, float(np.mean(place**2)) - _USUAL)


class _Heard:
    """All trials so far."""

    def __init__(self, place: Floats) -> None:
        self.best = place
        self.likeness = -1.0
        self.places: list[Floats] = []
        self.texts: list[int] = []
        self.embeddings: list[Embedding] = []

    def note(self, trials: Sequence[tuple[Floats, int]], embeddings: Sequence[Embedding]) -> None:
        for (place, text), embedding in zip(trials, embeddings, strict=True):
            self.places.append(place)
            self.texts.append(text)
            self.embeddings.append(embedding)

    def of(self, place: Floats) -> list[Embedding]:
        return [e for at, e in zip(self.places, self.embeddings, strict=True) if at is place]

    def model(self, spread: float) -> tuple[Floats, Floats]:
        """How the embedding changes with the coefficients, (256, coefficients), and what it is at
        the best place, (256,), both over all texts. Trials near it count most.
        """
        apart = np.array(self.places) - self.best
        size = apart.shape[1]
        offsets = np.eye(len(TEXTS))[self.texts]
        weights = np.exp(-(apart**2).sum(1) / (4 * spread**2 * size))
        inputs = np.concatenate([apart, offsets], 1)
        weighted = inputs * weights[:, None]
        ridge = np.diag([_RIDGE * weights.sum() * spread**2] * size + [1e-6] * len(TEXTS))
        found = np.linalg.solve(weighted.T @ inputs + ridge, weighted.T @ np.array(self.embeddings))
        return found[:size].T, found[size:].mean(0)


def _around(
    place: Floats, count: int, spread: float, rng: np.random.Generator
) -> list[tuple[Floats, int]]:
    """Trials in pairs, one on either side, so that what is curved cancels out."""
    steps = rng.normal(0.0, spread, (count // 2, len(place))).astype(np.float32)
    pairs = [(place + sign * step) for step in steps for sign in (1, -1)]
    return [(at, number // 2 % len(TEXTS)) for number, at in enumerate(pairs)]
