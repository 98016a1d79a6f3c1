"""The words of a text as they are written, for saying when each is spoken."""

import re
import unicodedata
from dataclasses import dataclass

# What stands between white space, or dashes that part two words without it.
_PIECE = re.compile(r"[^\s—]+")
# Marks that are read aloud: "50%", "#1", "20 °C", "AT & T".
_SPOKEN_MARKS = frozenset("%‰&@#°")


@dataclass(frozen=True, slots=True)
class WrittenWord:
    """A word of a text.

    Attributes:
        text: without the punctuation around it: `Dr`.
        start, end: its offsets.
        piece: with the punctuation: `"Dr.`.
    """

    text: str
    start: int
    end: int
    piece: str


def written_words(text: str) -> list[WrittenWord]:
    """What stands between white space, without punctuation around it; in order.

    Pieces of nothing but punctuation are no words; signs that are read aloud, such as `+`, are.
    """
    words = []
    for match in _PIECE.finditer(text):
        piece = match[0]
        sounding = [i for i, char in enumerate(piece) if _sounds(char)]
        if sounding:
            first, last = sounding[0], sounding[-1] + 1
            at = match.start()
            words.append(WrittenWord(piece[first:last], at + first, at + last, piece))
    return words


def _sounds(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] in "LMN" or category in ("Sc", "Sm") or char in _SPOKEN_MARKS
