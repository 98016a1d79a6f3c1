"""From landmarks that two sounds share to whether one is a piece of the other."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.fingerprint.landmarks import FRAME_S

NEEDED: Final = 20
"""Votes that a match has at least."""
NEEDED_SLOTS: Final = 5
"""Quarters of a second that have two votes at least. The same words, spoken a little faster, agree
for a moment only, however well."""

_SLOT: Final = round(0.25 / FRAME_S)  # frames
_VOTES_OF_SLOT: Final = 2
_CANDIDATES: Final = 50


@dataclass(frozen=True, slots=True)
class Place:
    """Where in an output a clip may lie.

    Attributes:
        number: of the output.
        offset: frames from the start of the output to that of the clip; may be negative.
        votes: landmarks of the clip that lie there.
    """

    number: int
    offset: int
    votes: int


@dataclass(frozen=True, slots=True)
class Hits:
    """Landmarks that a clip shares with outputs: each array int64 (n,).

    Attributes:
        numbers: of the outputs.
        clip: frames of the clip.
        frames: of the output.
    """

    numbers: NDArray[np.int64]
    clip: NDArray[np.int64]
    frames: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Match:
    """A place that is no chance.

    Attributes:
        first: frame of the clip at which it begins.
        last: at which it ends.
    """

    number: int
    offset: int
    votes: int
    first: int
    last: int

    @property
    def confidence(self) -> float:
        """From 0.5 at the fewest votes to 1: an order, no probability."""
        return round(1.0 - 0.5 * (NEEDED / self.votes) ** 2, 3)


def likely(places: Iterable[Place]) -> list[int]:
    """Numbers of the outputs that are worth a closer look, the most likely first."""
    votes: Counter[tuple[int, int]] = Counter()
    for place in places:  # a cut falls between two frames: landmarks lie in either
        votes[place.number, place.offset] += place.votes
        votes[place.number, place.offset - 1] += place.votes
    best: Counter[int] = Counter()
    for (number, _), count in votes.items():
        best[number] = max(best[number], count)
    return [number for number, count in best.most_common(_CANDIDATES) if count >= NEEDED // 2]


def matches(hits: Hits) -> list[Match]:
    """The best place in each output, the one with most votes first."""
    found = []
    for number in np.unique(hits.numbers):
        own = hits.numbers == number
        if match := _match(int(number), hits.clip[own], hits.frames[own]):
            found.append(match)
    return sorted(found, key=lambda match: -match.votes)


def _match(number: int, clip: NDArray[np.int64], frames: NDArray[np.int64]) -> Match | None:
    apart = frames - clip
    offsets, counts = np.unique(np.concatenate([apart, apart - 1]), return_counts=True)
    offset = int(offsets[counts.argmax()])
    at = clip[(apart == offset) | (apart == offset + 1)]
    slots = np.bincount(at // _SLOT)
    sure = slots >= _VOTES_OF_SLOT
    if len(at) < NEEDED or sure.sum() < NEEDED_SLOTS:
        return None
    inside = at[sure[at // _SLOT]]
    return Match(number, offset, len(at), int(inside.min()), int(inside.max()))
