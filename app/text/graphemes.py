"""What of a text is compared with the graphemes of lexicons, and where words begin and end."""

import re
import unicodedata
from dataclasses import dataclass

# Ways to write one and the same: a lexicon that has one of them means all.
_PLAIN = str.maketrans(
    dict.fromkeys("‘’‚‛ʼʻ′＇", "'") | dict.fromkeys("“”„‟«»″", '"') | dict.fromkeys("‐‑‒–−", "-")
)
# Neither seen nor heard: soft hyphen, zero-width and direction marks, variation selectors.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff]"
)
_SPACES = re.compile(r"\s+")
# The only letter that grows when its case is folded, and has a plain form of one letter.
_DOTTED = str.maketrans("İ", "i")
# Signs inside a word: "don't", "U.S.", "col·lecció", "snake_case"; inside a number: "3.14", "3:30".
_IN_WORDS = frozenset("'.·‧_")
_IN_NUMBERS = frozenset("',.;:_")
# First and last letters of the scripts that are written without spaces between words.
_UNSPACED = (
    ("\u0e00", "\u0eff"),  # Thai, Lao
    ("\u0f00", "\u0fff"),  # Tibetan
    ("\u1000", "\u109f"),  # Myanmar
    ("\u1780", "\u17ff"),  # Khmer
    ("\u1950", "\u19df"),  # Tai Le, New Tai Lue
    ("\u1a20", "\u1aaf"),  # Tai Tham
    ("\u2e80", "\u312f"),  # radicals, Kana, Bopomofo
    ("\u31a0", "\u9fff"),  # Kana extensions, Han
    ("\uaa60", "\uaadf"),  # Myanmar extensions, Tai Viet
    ("\uf900", "\ufaff"),
    ("\uff66", "\uff9f"),  # half-width Kana
    ("\U0001aff0", "\U0001b16f"),
    ("\U00020000", "\U000323af"),
)


@dataclass(frozen=True, slots=True)
class Units:
    """A text by its units of comparison: composed letters, white space as one unit.

    Attributes:
        cased: the units, a character each.
        folded: the same without case; as long as `cased`.
        starts, ends: offsets in the text of what each unit is of. Units of one and the same
            characters, such as a letter and a mark that do not compose, have the same offsets.
    """

    cased: str
    folded: str
    starts: list[int]
    ends: list[int]

    @classmethod
    def of(cls, text: str) -> "Units":
        if text.isascii() and _SPACES.sub(" ", text) == text:
            size = len(text)
            return cls(text, text.lower(), list(range(size)), list(range(1, size + 1)))
        cased: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        at = 0
        while at < len(text):
            stop = _stop(text, at)
            units = plain(text[at:stop])
            cased.append(units)
            starts += [at] * len(units)
            ends += [stop] * len(units)
            at = stop
        joined = "".join(cased)
        return cls(joined, without_case(joined), starts, ends)

    def whole(self, start: int, end: int) -> bool:
        """Whether no letter is cut from its marks at either end."""
        starts = self.starts
        return (start == 0 or starts[start] != starts[start - 1]) and (
            end == len(starts) or starts[end] != starts[end - 1]
        )

    def begins(self, at: int) -> bool:
        """Whether a word may begin there, by the rules of UAX #29 for words."""
        return _parted(self.cased, at)

    def ends_word(self, at: int) -> bool:
        """Whether a word may end there. A possessive `'s` may follow."""
        return _parted(self.cased, at) or _possessive(self.cased, at)


def plain(text: str) -> str:
    """Composed, with plain apostrophes, quotes, hyphens and single spaces, nothing invisible."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text)).translate(_PLAIN)
    return _SPACES.sub(" ", text)


def without_case(text: str) -> str:
    """Simple case folding: as long as the text, so `ß` stays and `Σ`, `σ`, `ς` are one."""
    folded = text.translate(_DOTTED).casefold()
    return folded if len(folded) == len(text) else "".join(map(_folded, text.translate(_DOTTED)))


def _folded(char: str) -> str:
    for form in (char.casefold(), char.lower()):
        if len(form) == 1:
            return form
    return char


def _stop(text: str, at: int) -> int:
    """Where the run of white space, or the letter with its marks, ends."""
    belongs = str.isspace if text[at].isspace() else _is_mark
    stop = at + 1
    while stop < len(text) and belongs(text[stop]):
        stop += 1
    return stop


def _is_mark(char: str) -> bool:
    if char <= "\x7f":
        return False
    # Vowels and final consonants of a Korean syllable are letters, but compose like marks.
    return (
        unicodedata.category(char)[0] == "M"
        or "\u1160" <= char <= "\u11ff"
        or bool(_INVISIBLE.match(char))
    )


def _in_word(char: str) -> bool:
    return char.isalnum() or (char > "\x7f" and unicodedata.category(char)[0] == "M")


def unspaced(char: str) -> bool:
    return char >= "\u0e00" and any(first <= char <= last for first, last in _UNSPACED)


def _joins(before: str, sign: str, after: str) -> bool:
    """Whether a sign between two characters is inside of a word or a number."""
    if before.isdecimal() and after.isdecimal():
        return sign in _IN_NUMBERS
    if sign == "_":
        return _in_word(before) and _in_word(after)
    return sign in _IN_WORDS and all(_in_word(c) and not c.isdecimal() for c in (before, after))


def _parted(text: str, at: int) -> bool:
    """Whether a word may begin or end there."""
    if not 0 < at < len(text):
        return True
    before, after = text[at - 1], text[at]
    if _in_word(before) and _in_word(after):
        return unspaced(before) or unspaced(after)
    if _in_word(before):
        return at + 1 == len(text) or not _joins(before, after, text[at + 1])
    return at == 1 or not _joins(text[at - 2], before, after)


def _possessive(text: str, at: int) -> bool:
    return text[at : at + 2] in ("'s", "'S") and _parted(text, at + 2)
