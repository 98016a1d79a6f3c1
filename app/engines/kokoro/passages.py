"""Passages whose phonemes are given, on their way through readers that change the text around them.

Each passage is replaced by a word that stands nowhere in the text. It looks like a name, so that
what is around it is read as it would be before any other word: `Dr.` stays `doctor`.
"""

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Final

from app.core.exceptions import UnspeakableText
from app.engines.base import Pronunciation
from app.engines.kokoro.ipa import to_symbols
from app.text.normalize import fold
from app.text.split import Segment, split

_DIGITS: Final = "bcdfghjklmnpqrstvwxz"


@dataclass(frozen=True, slots=True)
class Said:
    """A passage with its phonemes.

    Attributes:
        text: as it is written.
        phonemes: symbols of the model; spaces part words.
    """

    text: str
    phonemes: str

    def words(self) -> "list[Said]":
        """Word by word, if there are as many words as readings; otherwise the whole."""
        written, read = self.text.split(), self.phonemes.split()
        if len(written) != len(read):
            return [self]
        return [Said(*pair) for pair in zip(written, read, strict=True)]


@dataclass(frozen=True, slots=True)
class Marked:
    """A text in which words stand for passages.

    Attributes:
        text: with the words instead of the passages.
        said: the words and what they stand for.
    """

    text: str
    said: Mapping[str, Said]

    def cut(self, text: str) -> list[str]:
        """Part of the text, its stand-ins by themselves."""
        if not self.said:
            return [text]
        return [part for part in re.split(f"({'|'.join(self.said)})", text) if part]


def mark(
    text: str, pronunciations: Sequence[Pronunciation], language: str, *, apart: bool = False
) -> Marked:
    """Put words in place of passages.

    Args:
        apart: with spaces around them.

    Raises:
        UnspeakableText: the model has no sound for a symbol; `characters` names it.
    """
    if not pronunciations:
        return Marked(text, {})
    seen = fold(text).lower()
    stem = next(s for n in count() if (s := f"zq{n * 'x'}") not in seen)
    said: dict[str, Said] = {}
    parts: list[str] = []
    at = 0
    for number, one in enumerate(pronunciations):
        written = text[one.start : one.end]
        name = stem + "".join(_DIGITS[number // 20**n % 20] for n in (3, 2, 1, 0))
        name = name.capitalize() if written[:1].isupper() else name
        said[name] = Said(" ".join(written.split()), _symbols(one.phonemes, language))
        parts += [text[at : one.start], f" {name} " if apart else name]
        at = one.end
    return Marked("".join([*parts, text[at:]]), said)


def _symbols(ipa: str, language: str) -> str:
    symbols, missing = to_symbols(ipa, language)
    if missing or not symbols:
        characters = "".join(missing) or ipa[:20]
        raise UnspeakableText(
            f"The engine has no sound for these phonemes: {characters}",
            "Write the pronunciation with other phonemes.",
            characters=characters,
        )
    return symbols


def moved(
    pronunciations: Sequence[Pronunciation], start: int, end: int
) -> tuple[Pronunciation, ...]:
    """Those of a part of the text, by its own offsets."""
    return tuple(
        replace(one, start=one.start - start, end=one.end - start)
        for one in pronunciations
        if start <= one.start and one.end <= end
    )


def filled(text: str, pronunciations: Sequence[Pronunciation]) -> str:
    """The text with as many letters in place of each passage."""
    parts, at = [], 0
    for one in pronunciations:
        fill = "X" if text[one.start].isupper() else "x"
        parts += [text[at : one.start], fill.ljust(one.end - one.start, "x")]
        at = one.end
    return "".join([*parts, text[at:]])


def split_around(
    text: str, pronunciations: Sequence[Pronunciation], *, max_chars: int, language: str
) -> list[Segment]:
    """As `app.text.split.split`, but no passage is cut, though a part be longer for it. Parts of
    punctuation only are left out.
    """
    parts: list[Segment] = []
    starts = [one.start for one in pronunciations]
    plain = filled(text, pronunciations)
    for part in split(plain, max_chars=max_chars, language=language):
        if not part.speakable:
            continue
        before = bisect_left(starts, part.start) - 1
        cut = before >= 0 and part.start < pronunciations[before].end
        start = parts.pop().start if cut and parts else part.start
        parts.append(Segment(text[start : part.end], start, part.end, part.pause_s))
    return parts
