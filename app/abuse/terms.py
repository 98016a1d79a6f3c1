"""What nobody may have spoken: words and phrases of a list, found in a text.

Words are compared without case, accents of Latin letters and invisible characters, by
compatibility forms (NFKC), and with letters of other scripts that look like Latin ones as these.
A text is looked at word by word, in hash tables: the time does not grow with the list.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

from app.core.exceptions import ConfigurationError
from app.text.graphemes import unspaced
from app.text.normalization.signs import LOOKS

MOST_TOLD: Final = 10
"""Passages of one text."""

_MAX_WORDS: Final = 20  # of a phrase
_MAX_WORD: Final = 100  # characters of a word of the list
_MAX_LINE: Final = 1000
_LEAST_STEM: Final = 2  # letters beside a `*`
_MAX_BYTES: Final = 64 * 2**20
_STAR: Final = "*"
_LATIN: Final = re.compile("[A-Za-z]")
_ASCII_WORD: Final = re.compile(r"[a-z0-9]+")
# Combining marks of Latin, Greek and Cyrillic letters. Those of other scripts are vowels.
_ACCENTS: Final = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)
# Letters of other scripts that look like Latin ones.
_LOOKS: Final = LOOKS | str.maketrans("ıɑɡӏոսօհ", "iaglnuoh")


@dataclass(frozen=True, slots=True)
class Passage:
    """Where a term stands in a text: offsets."""

    start: int
    end: int


@dataclass(slots=True)
class _Node:
    """Where a phrase is after some of its words."""

    ends: bool = False
    next: dict[str, "_Node"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of the list, each once, by where their `*` stands. `lengths`: of `inside`."""

    whole: frozenset[str]
    beginnings: frozenset[str]
    endings: frozenset[str]
    inside: frozenset[str]
    lengths: tuple[int, ...]

    def fitting(self, word: str) -> Iterator[str]:
        """Those of the list that a word of a text is, as they stand in the list."""
        if word in self.whole:
            yield word
        for end in range(1, min(len(word), _MAX_WORD) + 1) if self.beginnings else ():
            if word[:end] in self.beginnings:
                yield word[:end] + _STAR
        for start in range(max(0, len(word) - _MAX_WORD), len(word)) if self.endings else ():
            if word[start:] in self.endings:
                yield _STAR + word[start:]
        yield from self._inside(word)

    def _inside(self, word: str) -> Iterator[str]:
        for length in self.lengths:
            for start in range(len(word) - length + 1):
                if (part := word[start : start + length]) in self.inside:
                    yield f"{_STAR}{part}{_STAR}"


class BlockedTerms:
    """The terms of a list. Immutable, so threads may share it.

    Args:
        terms: words of each, as `words_of` gives them.
    """

    def __init__(self, terms: Mapping[int, tuple[str, ...]]) -> None:
        self._start = _Node()
        kinds: tuple[set[str], ...] = (set(), set(), set(), set())
        for words in terms.values():
            node = self._start
            for word in words:
                kinds[word.startswith(_STAR) * 2 + word.endswith(_STAR)].add(word.strip(_STAR))
                node = node.next.setdefault(word, _Node())
            node.ends = True
        whole, beginnings, endings, inside = map(frozenset, kinds)
        lengths = tuple(sorted({len(word) for word in inside}))
        self._words = _Words(whole, beginnings, endings, inside, lengths)

    @classmethod
    def read(cls, path: Path) -> "BlockedTerms":
        """The list in a file: UTF-8, a term in each line, `#` before comments.

        Raises:
            ConfigurationError: it cannot be read, or a line of it cannot be used.
        """
        try:
            if path.stat().st_size > _MAX_BYTES:
                raise _unusable(path, "is longer than 64 MiB")
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise _unusable(path, f"cannot be read as UTF-8 text ({type(error).__name__})") from (
                error
            )
        terms = {}
        for number, line in enumerate(lines, start=1):
            if (text := line.strip()) and not text.startswith("#"):
                try:
                    terms[number] = words_of(text)
                except ValueError as error:
                    raise _unusable(path, f"line {number}: {error}") from error
        return cls(terms)

    def __bool__(self) -> bool:
        return bool(self._start.next)

    def find(self, text: str) -> list[Passage]:
        """Where terms stand in a text: the first `MOST_TOLD` by their ends. Whatever stands between
        the words of a phrase that is not of a word counts as a space.
        """
        found: list[Passage] = []
        open_: list[tuple[int, _Node]] = []
        for word, start, end in _words_in(text):
            fitting = list(self._words.fitting(word))
            if not fitting:
                open_ = []
                continue
            reached = [
                (began, node.next[one])
                for began, node in [*open_, (start, self._start)]
                for one in fitting
                if one in node.next
            ]
            open_ = [(began, node) for began, node in reached if node.next]
            if ended := [began for began, node in reached if node.ends]:
                found.append(Passage(min(ended), end))
                if len(found) == MOST_TOLD:
                    break
        return found


NO_TERMS: Final = BlockedTerms({})
"""Everything may be spoken."""


def words_of(term: str) -> tuple[str, ...]:
    """The words of a term, as they are compared; `*` at either end of a word stands for any letters
    and digits, or none.

    Raises:
        ValueError: it cannot be used, and why.
    """
    if len(term) > _MAX_LINE:
        raise ValueError(f"a term has at most {_MAX_LINE} characters")
    if len(term) > 1 and term.startswith("/") and term.endswith("/"):
        raise ValueError("regular expressions are not taken, since some never end: use `*`")
    words = tuple(word for word, _, _ in _words_in(term, also=_STAR))
    if not words:
        raise ValueError("there is no word in it")
    if len(words) > _MAX_WORDS or max(map(len, words)) > _MAX_WORD:
        raise ValueError(f"a term has at most {_MAX_WORDS} words of {_MAX_WORD} characters")
    for word in words:
        stem = word.removeprefix(_STAR).removesuffix(_STAR)
        if _STAR in stem:
            raise ValueError("`*` stands at the beginning or end of a word, once")
        if stem != word and len(stem) < _LEAST_STEM:
            raise ValueError(f"`*` stands beside at least {_LEAST_STEM} letters")
    return words


def _words_in(text: str, also: str = "") -> Iterator[tuple[str, int, int]]:
    """The words of a text in the form in which they are compared, with their offsets. A character
    of a script that has no spaces is a word. `also`: a sign that is part of words.
    """
    if text.isascii() and not also:
        for match in _ASCII_WORD.finditer(text.lower()):
            yield match[0], match.start(), match.end()
        return
    raw, start, end = "", 0, 0
    for at, char in enumerate(text):
        kind = "word" if char == also else _kind(char)
        if kind == "nothing":
            continue
        if raw and kind != "word":
            yield _folded(raw), start, end
            raw = ""
        if kind == "sign":
            yield _folded(char), at, at + 1
        elif kind == "word":
            start = start if raw else at
            raw, end = raw + char, at + 1
    if raw:
        yield _folded(raw), start, end


@lru_cache(maxsize=8192)
def _kind(char: str) -> Literal["word", "sign", "gap", "nothing"]:
    """What a character is: of a word, a word by itself, between words, or neither seen nor heard.
    Accents count as nothing: they belong to the letter before them, if there is one.
    """
    if unicodedata.category(char) == "Cf" or _INVISIBLE.match(char) or _ACCENTS.match(char):
        return "nothing"
    if not _folded(char):
        return "gap"
    return "sign" if unspaced(char) else "word"


@lru_cache(maxsize=8192)
def _folded(word: str) -> str:
    """How a word is compared; empty if there is no letter or digit. Other letters are taken for
    the Latin ones that they look like in a word that has some of these.
    """
    if word.isascii() and word.isalnum():
        return word.lower()
    form = unicodedata.normalize("NFKC", word)
    if _LATIN.search(form):
        form = form.translate(_LOOKS)
    form = _ACCENTS.sub("", unicodedata.normalize("NFKD", form.casefold()))
    return "".join(
        c for c in form if c.isalnum() or c == _STAR or unicodedata.category(c)[0] == "M"
    )


def _unusable(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"BLOCKED_TERMS_FILE={path}: {why}.",
        "Mend the list, whose form is in docs/abuse.md, or leave the setting out.",
    )
