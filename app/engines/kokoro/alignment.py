"""Which phonemes are which written word, and so when each word is spoken.

The words that are spoken are not the written ones: `Dr.` is spoken as `doctor`, `3:30` as `three
thirty`. So where they differ, every written word is also read by itself, and the two lists of
readings are aligned. A spoken word belongs to the written one in whose reading it is found. What is
left on both sides between two such places goes together in order if it is as many; otherwise, and
where one spoken word stands for several written ones, the time of the whole stretch is shared among
its words in proportion to the lengths of their readings: the ends of a stretch are exact, what is
between them is an estimate.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from app.audio.types import Samples, WordTiming
from app.engines.kokoro.symbols import PAUSES, vocabulary
from app.text.words import WrittenWord

# A token is heard before its time: by 65, 55 and 45 ms at the speeds 0.75, 1 and 1.5, where vowels
# and sibilants among the tokens agree best with the energy in their bands. In frames of 25 ms.
_LEAD = 2
# Share of the loudest sample under which nothing is heard: -36 dB.
_AUDIBLE = 10 ** (-36 / 20)


def key_of(text: str) -> str:
    """By which words of a text are compared: letters and digits, or the signs where it has none."""
    folded = text.casefold()
    return "".join(filter(str.isalnum, folded)) or folded


@dataclass(frozen=True, slots=True)
class Unit:
    """A spoken word.

    Attributes:
        key: by which readings are compared, in lower case; empty for what is no word.
        first, last: its phonemes in the reading, `last` behind the last one.
        known: whether they are more than a guess.
    """

    key: str
    first: int
    last: int
    known: bool = True


@dataclass(frozen=True, slots=True)
class Reading:
    """Phonemes of a text, and the spoken words that they are."""

    phonemes: str
    units: tuple[Unit, ...]

    @classmethod
    def of(cls, parts: Iterable[tuple[str, str]], *, guessed: Collection[int] = ()) -> "Reading":
        """Join pairs of a key and phonemes, the latter with white space where a word ends.

        Args:
            guessed: numbers of the pairs whose phonemes are a guess.
        """
        phonemes = ""
        units = []
        for key, sounds in parts:
            first = len(phonemes)
            for symbol in sounds:
                if not symbol.isspace():
                    phonemes += symbol
                elif phonemes and phonemes[-1] != " ":
                    phonemes += " "
            units.append((key, first, len(phonemes)))
        phonemes = phonemes.rstrip()
        end = len(phonemes)
        return cls(
            phonemes,
            tuple(
                Unit(key, min(first, end), min(last, end), number not in guessed)
                for number, (key, first, last) in enumerate(units)
            ),
        )


@dataclass(frozen=True, slots=True)
class Stretch:
    """Written words that are spoken in one stretch of tokens; mostly a single one.

    Attributes:
        words: as they are written.
        shares: of the time of the stretch, one for each word; their sum is 1.
        first, last: its tokens, without the pads; `last` is behind the last one.
        known: whether its phonemes are more than a guess.
    """

    words: tuple[WrittenWord, ...]
    shares: tuple[float, ...]
    first: int
    last: int
    known: bool = True


Alone = Callable[[Sequence[str]], Sequence[Sequence[str]]]
"""Pieces of text -> keys of what each is spoken as, read by itself."""


def stretches(words: Sequence[WrittenWord], reading: Reading, alone: Alone) -> tuple[Stretch, ...]:
    """All the written words, in order, each with the tokens it is spoken as.

    Args:
        words: of the text that was read.
        alone: asked only where written and spoken words differ.
    """
    known = vocabulary()
    tokens = [0, *accumulate(int(symbol in known) for symbol in reading.phonemes)]
    units = [unit for unit in reading.units if unit.key]
    if not words or not units:
        return ()
    keys = [unit.key for unit in units]
    plain = [key_of(word.text) for word in words]
    readings = [[key] for key in plain] if plain == keys else alone([word.piece for word in words])
    expected = [(key, word) for word, read in enumerate(readings) for key in read]
    lengths = [sum(map(len, read)) for read in readings]
    found = []
    for group, spoken in _groups(len(words), _blocks(expected, keys)):
        first, last = _sounding(reading.phonemes, units[spoken[0]].first, units[spoken[-1]].last)
        found.append(
            Stretch(
                tuple(words[i] for i in group),
                _shares([lengths[i] for i in group]),
                tokens[first],
                tokens[last],
                all(units[i].known for i in spoken),
            )
        )
    return tuple(found)


def timings(
    found: Sequence[Stretch],
    frames: NDArray[np.int64],
    samples: Samples,
    rate: int,
    *,
    offset: int = 0,
) -> tuple[WordTiming, ...]:
    """When each word is spoken.

    Args:
        found: made by `stretches`.
        frames: how long each token sounds, the pads at both ends included.
        samples: what was spoken, float32 (n,), as long as all frames together.
        rate: of the samples, in Hz.
        offset: of the words' text in that of the request.
    """
    length = len(samples) // int(frames.sum())
    edges = np.maximum(np.cumsum(frames) - _LEAD, 0) * length  # where a token begins
    words = []
    for stretch in found:
        start, end = int(edges[stretch.first]), int(edges[stretch.last])
        cuts = [start + (end - start) * at for at in accumulate(stretch.shares, initial=0.0)]
        cuts[-1] = _last_heard(samples, round(cuts[-2]), end)
        words += [
            WordTiming(word.text, begin / rate, stop / rate, offset + word.start, offset + word.end)
            for word, (begin, stop) in zip(stretch.words, pairwise(cuts), strict=True)
        ]
    return tuple(words)


def _last_heard(samples: Samples, start: int, end: int) -> int:
    """Where a word becomes silent: before a pause, the network draws the last sound out into it."""
    heard = np.flatnonzero(np.abs(samples[start:end]) > _AUDIBLE * np.abs(samples).max())
    return start + int(heard[-1]) + 1 if len(heard) else end


def _blocks(
    expected: Sequence[tuple[str, int]], keys: Sequence[str]
) -> Iterator[tuple[set[int], range]]:
    """Which words the spoken ones are: pairs in order, as small as they are known to be."""
    matcher = SequenceMatcher(None, [key for key, _ in expected], keys, autojunk=False)
    for _, i1, i2, j1, j2 in matcher.get_opcodes():
        step = 1 if i2 - i1 == j2 - j1 else max(i2 - i1, j2 - j1)
        for by in range(0, max(i2 - i1, j2 - j1), step):
            i, j = i1 + by, j1 + by
            yield {word for _, word in expected[i : min(i + step, i2)]}, range(j, min(j + step, j2))


def _groups(count: int, blocks: Iterable[tuple[set[int], range]]) -> list[tuple[range, range]]:
    """Words 0 to `count` and what they are spoken as, none lost on either side.

    Spoken words that are in no reading go with the word before, written words that are not spoken
    with their neighbours.
    """
    groups: list[tuple[range, range]] = []
    ahead = False  # the last group is still without written or without spoken words
    for words, spoken in blocks:
        before = groups[-1] if groups else (range(0), range(0))
        end = max(words, default=-1) + 1
        joins = ahead or not words or not spoken or min(words) < before[0].stop
        if groups and joins:
            groups.pop()
            first, begin = before[0].start, before[1].start
        else:
            first, begin = before[0].stop, before[1].stop
        now = range(first, max(end, before[0].stop)), range(begin, max(spoken.stop, begin))
        groups.append(now)
        ahead = not now[0] or not now[1]
    if groups:
        last = groups.pop()
        groups.append((range(last[0].start, count), last[1]))
    return groups


def _sounding(phonemes: str, first: int, last: int) -> tuple[int, int]:
    """Without pauses and punctuation at the ends."""
    while first < last and phonemes[last - 1] in PAUSES:
        last -= 1
    while first < last and phonemes[first] in PAUSES:
        first += 1
    return first, last


def _shares(lengths: Sequence[int]) -> tuple[float, ...]:
    total = sum(lengths)
    return tuple(n / total if total else 1 / len(lengths) for n in lengths)
