"""From landmarks that two sounds share to whether one is a piece of the other."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.fingerprint.landmarks import FRAME_S, Landmarks

NEEDED: Final = 20
"""Votes that a match has at least. Chance gave 12 in trials, see docs/provenance.md."""
NEEDED_SLOTS: Final = 5
"""Quarters of a second that have two votes at least. The same words, spoken a little faster, agree
for a moment only, however well."""

_SLOT: Final = round(0.25 / FRAME_S)  # frames
_VOTES_OF_SLOT: Final = 2
_RIVAL: Final = 0.8  # the same sound has as many votes, other sound of the same words fewer
_FRAMES: Final = 1 << 32  # more than there are in any sound


@dataclass(frozen=True, slots=True)
class Hits:
    """Landmarks that a clip shares with outputs: each array int64 (n,).

    Attributes:
        numbers: of the outputs.
        clip: frames of the clip.
        apart: frames from these to those of the output; a clip that begins before it has some
            below zero.
    """

    numbers: NDArray[np.int64]
    clip: NDArray[np.int64]
    apart: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Match:
    """A place that is no chance.

    Attributes:
        number: of the output.
        offset: frames from the start of the output to that of the clip; may be negative.
        votes: landmarks of the clip that lie there.
        first: frame of the clip at which the match begins.
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

    def is_beside(self, other: "Match") -> bool:
        """Whether more than half of this one lies where the other does not."""
        shared = min(self.last, other.last) - max(self.first, other.first)
        return 2 * shared < self.last - self.first


def joined(clip: Landmarks, rows: NDArray[np.int64]) -> Hits:
    """The landmarks of a clip with those of outputs that have the same keys.

    Args:
        rows: int64 (n, 3): key, output and frame of each.
    """
    order = np.argsort(clip.keys, kind="stable")
    keys, frames = clip.keys[order].astype(np.int64), clip.frames[order].astype(np.int64)
    first = np.searchsorted(keys, rows[:, 0])
    count = np.searchsorted(keys, rows[:, 0], side="right") - first
    row = np.repeat(np.arange(len(rows)), count)
    within = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    own = frames[first[row] + within]
    return Hits(rows[row, 1], own, rows[row, 2] - own)


def matches(hits: Hits) -> list[Match]:
    """The best place in each output, the one with most votes first.

    What much less speaks for than for another output in the same part of the clip is left out: it
    is of the same words.
    """
    found = [match for number in _likely(hits) if (match := _match(hits, number))]
    taken: list[Match] = []
    for match in sorted(found, key=lambda match: -match.votes):
        if all(match.is_beside(one) or match.votes >= _RIVAL * one.votes for one in taken):
            taken.append(match)
    return taken


def _likely(hits: Hits) -> list[int]:
    """Numbers of outputs that have a place with enough votes."""
    votes = hits.numbers * _FRAMES + hits.apart
    # A cut falls between two frames: landmarks lie in either.
    places, counts = np.unique(np.concatenate([votes, votes - 1]), return_counts=True)
    numbers = (places[counts >= NEEDED] + _FRAMES // 2) // _FRAMES
    return [int(number) for number in np.unique(numbers)]


def _match(hits: Hits, number: int) -> Match | None:
    own = hits.numbers == number
    clip, apart = hits.clip[own], hits.apart[own]
    offsets, counts = np.unique(np.concatenate([apart, apart - 1]), return_counts=True)
    offset = int(offsets[counts.argmax()])
    at = clip[(apart == offset) | (apart == offset + 1)]
    sure = np.bincount(at // _SLOT) >= _VOTES_OF_SLOT
    if sure.sum() < NEEDED_SLOTS:
        return None
    inside = at[sure[at // _SLOT]]
    return Match(number, offset, len(at), int(inside.min()), int(inside.max()))
