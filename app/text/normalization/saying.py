"""`<say-as>`: a text read as what somebody says that it is."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from app.text.normalization import english
from app.text.normalization.dates import date_of
from app.text.normalization.letters import spelled
from app.text.normalization.numbers import (
    british,
    cardinal,
    decimal,
    digits,
    fraction,
    ordinal,
    part,
    telephone,
)
from app.text.normalization.times import time_of
from app.text.normalization.web import read_out
from app.text.spoken import spoken

_NUMBER: Final = re.compile(
    r"[-+−]?\d{1,3}(?:,\d{3}){1,8}(?:\.\d{1,9})?|[-+−]?\d{1,36}(?:\.\d{1,9})?"
)
_FRACTION: Final = re.compile(r"(?:(\d{1,6})[ +]+)?(\d{1,6})[/⁄](\d{1,6})")
_Say = Callable[[str, str, str], str]
"""Text, format and language to what is said; ValueError."""


_CHARACTERS: Final = re.compile(r"[^\W\d_]+|\d|[^\w\s]|_|\w")


def _spelled(text: str, _: str, language: str) -> str:
    in_english = language.startswith("en")
    said = []
    for piece in _CHARACTERS.findall(text):
        if piece.isdecimal():
            said.append(digits(str(int(piece))) if in_english else str(int(piece)))
        elif piece.isalpha():
            said.append(spelled(piece) if in_english else " ".join(piece.upper()))
        else:
            said.append(read_out(piece) or piece if in_english else piece)
    if not said:
        raise ValueError("there is nothing to spell")
    return " ".join(said)


def _number(text: str) -> str:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is no number")
    return text


def _cardinal(text: str, _: str, language: str) -> str:
    return decimal(_number(text), british=british(language))


def _ordinal(text: str, _: str, language: str) -> str:
    found = re.fullmatch(r"(\d{1,12})(?:st|nd|rd|th)?", text.replace(",", ""))
    if not found:
        raise ValueError(f"{text[:40]!r} is no whole number")
    return ordinal(int(found[1]), british=british(language))


def _digits(text: str, _: str, __: str) -> str:
    said = digits(text)
    if not said:
        raise ValueError(f"{text[:40]!r} has no digits")
    return said


def _fraction(text: str, _: str, language: str) -> str:
    found = _FRACTION.fullmatch(text)
    if not found or int(found[3]) < 2:
        raise ValueError(f"{text[:40]!r} is no fraction, such as 3/4 or 1 1/2")
    uk = british(language)
    over, under = int(found[2]), int(found[3])
    if found[1]:
        return f"{cardinal(int(found[1]), british=uk)} and {part(over, under, british=uk)}"
    return fraction(over, under, british=uk)


def _telephone(text: str, _: str, __: str) -> str:
    said = telephone(text)
    if not said:
        raise ValueError(f"{text[:40]!r} has no digits")
    return said


def _year(text: str, _: str, language: str) -> str:
    return date_of(text, "y", language)


def _rules(text: str, _: str, language: str) -> str:
    return spoken(text, english.normalize(text, language, ())).text


def _currency(text: str, _: str, language: str) -> str:
    return _of_rule(text, language, "money", "amount, such as $3.50 or 20 EUR")


def _unit(text: str, _: str, language: str) -> str:
    return _of_rule(text, language, "unit", "quantity with a unit, such as 5 km")


def _of_rule(text: str, language: str, rule: str, what: str) -> str:
    edits = english.normalize(text, language, ())
    if not any(edit.rule == rule for edit in edits):
        raise ValueError(f"{text[:40]!r} is no {what}")
    return spoken(text, edits).text


_KINDS: Final[Mapping[str, _Say]] = {
    "characters": _spelled, "spell-out": _spelled, "verbatim": _spelled,
    "cardinal": _cardinal, "number": _cardinal, "ordinal": _ordinal,
    "digits": _digits, "number_digit": _digits, "fraction": _fraction,
    "date": date_of, "time": time_of, "telephone": _telephone, "year": _year,
    "currency": _currency, "address": _rules, "name": _rules, "unit": _unit,
}  # fmt: skip


def say_as(
    text: str, interpret_as: str, *, format: str | None = None, language: str = "en-US"
) -> str:
    """How a text is said that is known to be of a kind.

    Args:
        interpret_as: as in SSML and Azure's dialect: `characters`, `cardinal`, `date`, ...
        format: of a date, e.g. `dmy`, or a time, `hms12` or `hms24`.
        language: BCP-47 tag. Only spelling letters is there for all.

    Raises:
        ValueError: telling, for people, what kinds there are, or what the text must look like.
    """
    kind = _KINDS.get(interpret_as.lower())
    if kind is None:
        raise ValueError(f"`interpret-as` is one of {', '.join(_KINDS)}")
    if not language.lower().startswith("en") and kind is not _spelled:
        raise ValueError(f"`{interpret_as}` is not there for {language}, only `characters`")
    return kind(text.strip(), (format or "").lower(), language.lower())
