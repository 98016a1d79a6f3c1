"""Numbers as English words."""

import re
from decimal import Decimal
from functools import lru_cache
from typing import Final

NUMBER: Final = r"\d{1,3}(?:,\d{3}){1,8}(?:\.\d{1,9})?|\d{1,20}(?:\.\d{1,9})?"
_DIGITS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_LARGEST: Final = 10**36
_PARTS: Final = {2: ("half", "halves"), 4: ("quarter", "quarters")}


def british(language: str) -> bool:
    """Whether numbers have an `and`, and dates begin with the day."""
    return language.startswith("en-") and language not in ("en-us", "en-ca", "en-ph")


@lru_cache(maxsize=4096)
def cardinal(number: int, *, british: bool = False) -> str:
    """`123` -> `one hundred twenty-three`; British: `one hundred and twenty-three`."""
    from num2words import num2words

    if abs(number) >= _LARGEST:
        return digits(str(number))
    words: str = num2words(number).replace(",", "")
    return words if british else words.replace(" and ", " ")


@lru_cache(maxsize=1024)
def ordinal(number: int, *, british: bool = False) -> str:
    """`42` -> `forty-second`."""
    from num2words import num2words

    if number >= _LARGEST:
        return digits(str(number))
    words: str = num2words(number, to="ordinal").replace(",", "")
    return words if british else words.replace(" and ", " ")


def digits(text: str, *, zero: str = "zero") -> str:
    """One by one; what is no digit is left out."""
    return " ".join(zero if c == "0" else _DIGITS[int(c)] for c in text if c in "0123456789")


def decimal(text: str, *, british: bool = False) -> str:
    """`3.14` -> `three point one four`; commas are grouping; a sign is a word."""
    text = text.replace(",", "")
    sign = "minus " if text[:1] in "-−" else "plus " if text[:1] == "+" else ""
    whole, _, rest = text.lstrip("+-−").partition(".")
    words = cardinal(int(whole or "0"), british=british)
    return sign + (f"{words} point {digits(rest)}" if rest else words)


def year(number: int, *, british: bool = False) -> str:
    """`1905` -> `nineteen oh five`, `2005` -> `two thousand five`, `2010` -> `twenty ten`."""
    high, low = divmod(number, 100)
    if not 1000 <= number <= 2999 or (high % 10 == 0 and low < 10):
        return cardinal(number, british=british)
    first = cardinal(high)
    if low == 0:
        return f"{first} hundred"
    return f"{first} oh {cardinal(low)}" if low < 10 else f"{first} {cardinal(low)}"


def fraction(over: int, under: int, *, british: bool = False) -> str:
    """`3/4` -> `three quarters`."""
    one, many = _PARTS.get(under, ("", ""))
    if not one:
        one = ordinal(under, british=british)
        many = one + "s"
    words = cardinal(over, british=british)
    return f"{words} {one if over == 1 else many}"


def part(over: int, under: int, *, british: bool = False) -> str:
    """A fraction behind a whole number: `1 1/2` -> `one and a half`."""
    said = fraction(over, under, british=british)
    return "a" + said[3:] if over == 1 and under in (2, 4) else said


def singular(text: str) -> bool:
    """Whether what is counted by a number stands in the singular."""
    return Decimal(text.replace(",", "").replace("−", "-") or "0") in (1, -1)


def plural(word: str) -> str:
    """`eighty` -> `eighties`."""
    return word[:-1] + "ies" if word.endswith("y") else word + "s"


def telephone(text: str) -> str:
    """Digit by digit, with pauses where groups are parted; empty without digits."""
    groups = re.findall(r"[0-9]+", text)
    said = ", ".join(
        "eight hundred" if group == "800" else digits(group, zero="oh") for group in groups
    )
    return f"plus {said}" if said and text.startswith("+") else said
