"""Bettering an instant voice without gradients: a bounded search around its place in the space."""

from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np

from app.engines.kokoro.eigenvoices import Eigenvoices, Floats
from app.engines.kokoro.parameters import Parameters

Judge = Callable[[Parameters, str], float]
"""How alike a voice is that speaks a text."""

SEARCH_TEXTS = ("We also need a small plastic snake.", "My brother found five thick slabs.")
CHECK_TEXTS = (
    "Six spoons of fresh snow peas for her.",
    "The sunlight strikes raindrops in the air.",
)
_STEPS = 40
_DIRECTIONS = 16  # the first: those in which speakers differ most
_REACH = 0.5  # of the first step, in standard deviations
_GROW, _SHRINK = 1.5, 0.9  # one success in five keeps the step (Rechenberg's rule)
_FAR = 0.02  # for each unit of mean square beyond what speakers have
_USUAL = 1.2
_GAIN = 0.02  # a smaller one on the checks is chance


@dataclass(frozen=True, slots=True)
class Search:
    """A (1+1) evolution strategy.

    Attributes:
        space: where it searches.
        judge: how alike a voice is; speaking takes all the time.
        finish: sets pitch and tempo of a voice.
    """

    space: Eigenvoices
    judge: Judge
    finish: Callable[[Parameters], Parameters]

    def run(self, place: Floats) -> Generator[None, None, Parameters | None]:
        """Search from a place, (coefficients,); yields after each step. Returns a voice that is
        more alike on texts that were not searched with, or None.
        """
        rng = np.random.default_rng(0)
        best, score, reach = place, self._score(place), _REACH
        yield
        for _ in range(_STEPS):
            step = np.zeros_like(place)
            step[:_DIRECTIONS] = rng.normal(0.0, reach, _DIRECTIONS)
            found = best + step
            better = self._score(found)
            reach *= _GROW if better > score else _SHRINK
            if better > score:
                best, score = found, better
            yield
        before, after = (self.finish(self.space.voice(at)) for at in (place, best))
        gains = []
        for text in CHECK_TEXTS:
            gains.append(self.judge(after, text) - self.judge(before, text))
            yield
        return after if float(np.mean(gains)) >= _GAIN else None

    def _score(self, place: Floats) -> float:
        voice = self.finish(self.space.voice(place))
        alike = float(np.mean([self.judge(voice, text) for text in SEARCH_TEXTS]))
        return alike - _FAR * max(0.0, float(np.mean(place**2)) - _USUAL)
