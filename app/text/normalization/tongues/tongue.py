"""What the rules for languages other than English know of a language: tables, no rules."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

Form = Literal["alone", "masculine", "feminine"]
"""Of a number: as one counts, or before a noun."""


@dataclass(frozen=True, slots=True)
class Currency:
    """Names of an amount: one, several, and of its hundredths; empty where they are not used."""

    one: str
    many: str
    minor_one: str = ""
    minor_many: str = ""


@dataclass(frozen=True, slots=True)
class Signs:
    """Words for signs. `to` joins the ends of a range, `versus` those of a score, `over` the parts
    of a fraction that has no name.
    """

    point: str
    dot: str
    minus: str
    plus: str
    times: str
    divided: str
    equals: str
    less: str
    more: str
    about: str
    percent: str
    number: str
    conjunction: str
    to: str
    versus: str
    over: str


@dataclass(frozen=True, slots=True)
class Half:
    """One half, before a noun of either gender, and with the whole number before it."""

    alone: str
    masculine: str
    feminine: str
    behind: Callable[[int], str]


@dataclass(frozen=True, slots=True)
class Million:
    """Ends of numbers after which nouns need an "of", and what that is before which letters."""

    ends: tuple[str, ...]
    of: str
    elided: str


@dataclass(frozen=True, slots=True)
class Tongue:
    """A language.

    Attributes:
        locale: as Babel calls it.
        decimal: the sign before decimals.
        groups: regular expression of a whole number with its thousands parted.
        signs: words for signs.
        cardinal: words of a number of at most 18 digits.
        ordinal: words of a number, feminine or not; `suffix` is what was written behind it.
        ordinals: regular expression of those suffixes, without a group.
        feminine: whether a noun is.
        clock: hour, minute, and whether an `h` or the like was written.
        dates: how day, month and year are said, and day and month alone.
        first: what the first day of a month is called.
        currencies: by sign.
        change: what stands between an amount and its hundredths.
        million: numbers after which nouns need an "of".
        magnitudes: words behind an amount, as in `$5 million`.
        fractions: names of denominators, one and several.
        half: one half.
        abbreviations: by what is written.
        numbered: abbreviations that are such only before a number.
        units: what CLDR does not know, or says too officially: one, several.
        symbols: written units that are particular to it, as CLDR calls them.
        centuries: regular expressions of Roman numerals: the group `roman`, inside of the group
            `it` of what is replaced; True: read as ordinals.
        determiners: words after which a number is not about the noun behind it.
        little: words that are no nouns.
        pairs: whether telephone numbers are read in pairs.
        decimals_as_number: whether `3,14` is three and fourteen, rather than one and four.
        degree_is_ordinal: whether `3°` is often written for the third.
        range_from: what stands before a range.
        one_before: the number one before a masculine noun, where its sound matters.
    """

    locale: str
    decimal: str
    groups: str
    signs: Signs
    cardinal: Callable[[int, Form], str]
    ordinal: Callable[[int, bool, str], str]
    ordinals: str
    feminine: Callable[[str], bool]
    clock: Callable[[int, int, bool], str]
    dates: tuple[str, str]
    first: str
    currencies: Mapping[str, Currency]
    change: str
    million: Million
    magnitudes: tuple[str, ...]
    fractions: Mapping[int, tuple[str, str]]
    half: Half
    abbreviations: Mapping[str, str]
    numbered: Mapping[str, str]
    units: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    symbols: Mapping[str, str] = field(default_factory=dict)
    centuries: tuple[tuple[str, bool], ...] = ()
    determiners: frozenset[str] = frozenset()
    little: frozenset[str] = frozenset()
    range_from: str = ""
    one_before: Callable[[str], str] | None = None
    pairs: bool = False
    decimals_as_number: bool = True
    degree_is_ordinal: bool = False


GROUPS_WITH_POINTS = r"\d{1,3}(?:\.\d{3}){1,6}|\d{1,3}(?:[ \u00a0\u2009\u202f]\d{3}){1,6}"
"""`1.234.567` or `1 234 567`."""


def listed(together: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(together.split())


@lru_cache(maxsize=4096)
def words(number: int, language: str, to: str = "cardinal") -> str:
    """By num2words."""
    # Loaded with the first number: speech in English does without.
    from num2words import num2words

    return str(num2words(number, lang=language, to=to))
