"""`say-as`: a text is what the markup says, whatever it looks like."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeVar

from app.text.normalization.tongues.words import Words

_DATE_FORMATS = ("mdy", "dmy", "ymd", "ydm", "md", "dm", "ym", "my", "y", "m", "d")
_TIME_FORMATS = ("hms12", "hms24")
_NUMBER = re.compile(r"([-+−]?)(\d{1,3}(?:[,   ]\d{3})+|\d+)?([.]\d+)?")
_FRACTION = re.compile(r"(?:(\d{1,12})\s{1,3}|(\d{1,12})\+)?(\d{1,12})\s?[/⁄]\s?(\d{1,12})")
_TIME = re.compile(
    r"(\d{1,2})(?:[:.h](\d{2}))?(?:[:.](\d{2}))?\s{0,3}(?:([ap])\.?\s?m?\.?)?", re.IGNORECASE
)
_COMPACT_TIME = re.compile(r"(\d{2})(\d{2})(\d{2})?")
_ORDINAL = re.compile(r"(\d{1,60})(?:st|nd|rd|th|[.ºª°]|er|re|e|ème)?", re.IGNORECASE)
_COMPACT_DATE = re.compile(r"\d{8}|\d{6}")


def say_as(text: str, interpret_as: str, form: str | None, words: Words) -> str:
    """The words for it.

    Raises:
        ValueError: see `app.text.normalization.say_as`.
    """
    reader = KINDS.get(interpret_as.strip().lower())
    if reader is None:
        raise ValueError(
            f"say-as interprets a text as one of {', '.join(KINDS)}; not as {interpret_as[:35]!r}"
        )
    text = " ".join(unicodedata.normalize("NFC", text).split())
    said = reader(text, form.strip().lower() if form else None, words) if text else None
    if said is None:
        raise ValueError(f"{text[:60]!r} cannot be read as {interpret_as}")
    return said


def _characters(text: str, form: str | None, words: Words) -> str | None:
    return " ".join(words.character(char) for char in text if not char.isspace()) or None


def _digits(text: str, form: str | None, words: Words) -> str | None:
    return " ".join(words.character(char) for char in text if char.isalnum()) or None


def _cardinal(text: str, form: str | None, words: Words) -> str | None:
    number = _number(text)
    return None if number is None else words.cardinal(number)


def _ordinal(text: str, form: str | None, words: Words) -> str | None:
    match = _ORDINAL.fullmatch(text.replace(",", ""))
    return _known(words.ordinal)(int(match[1])) if match else None


def _fraction(text: str, form: str | None, words: Words) -> str | None:
    text = "".join(_plain_fraction(char) for char in text)
    match = _FRACTION.fullmatch(text.strip())
    if not match or int(match[4]) == 0:
        return None
    return _known(words.fraction)(int(match[1] or match[2] or 0), int(match[3]), int(match[4]))


def _year(text: str, form: str | None, words: Words) -> str | None:
    return _known(words.year)(int(text)) if re.fullmatch(r"\d{1,4}", text) else None


def _date(text: str, form: str | None, words: Words) -> str | None:
    form = form or _date_form(text, words)
    if form not in _DATE_FORMATS:
        raise ValueError(f"the format of a date is one of {', '.join(_DATE_FORMATS)}")
    numbers = re.findall(r"\d+", text)
    if _COMPACT_DATE.fullmatch(text):
        numbers = _cut(text, form)
    if len(numbers) != len(form) or any(len(number) > 4 for number in numbers):
        return None
    parts = dict(zip(form, map(int, numbers), strict=True))
    year, month, day = parts.get("y"), parts.get("m"), parts.get("d")
    if not (1 <= (month or 1) <= 12 and 1 <= (day or 1) <= 31):
        return None
    if month == 0 or day == 0:
        return None
    if year is not None and len(numbers[form.index("y")]) == 2 and len(form) > 1:
        year += 1900 if year > 50 else 2000
    return _known(words.date)(year, month, day)


def _date_form(text: str, words: Words) -> str:
    """As dates are written where the format is not said: the year first if it has four digits."""
    lengths = [len(number) for number in re.findall(r"\d+", text)]
    if len(lengths) == 3 or _COMPACT_DATE.fullmatch(text):
        if lengths[0] >= 4:
            return "ymd"
        return "mdy" if words.month_first else "dmy"
    if len(lengths) == 2 and max(lengths) == 4:
        return "ym" if lengths[0] == 4 else "my"
    if len(lengths) == 1:
        return "y" if lengths[0] > 2 else "d"
    return "md" if words.month_first else "dm"


def _cut(text: str, form: str) -> list[str]:
    """`20240305` -> 2024, 03, 05."""
    parts: list[str] = []
    at = 0
    for part in form:
        size = 4 if part == "y" and len(text) in (8, 2 * len(form) + 2) else 2
        parts.append(text[at : at + size])
        at += size
    return parts if at == len(text) else []


def _time(text: str, form: str | None, words: Words) -> str | None:
    if form not in (None, *_TIME_FORMATS):
        raise ValueError(f"the format of a time is one of {', '.join(_TIME_FORMATS)}")
    match = _COMPACT_TIME.fullmatch(text) or _TIME.fullmatch(text)
    if not match:
        return None
    hour, minute, second = (int(part) if part else None for part in match.groups()[:3])
    half = f"{match[4].lower()}m" if match.re is _TIME and match[4] else None
    if hour is None or hour > 24 or (minute or 0) > 59 or (second or 0) > 59:
        return None
    if half and not 1 <= hour <= 12:
        return None
    hour, half = _clock(hour, half, form)
    return _known(words.time)(hour, minute, second, half)


def _clock(hour: int, half: str | None, form: str | None) -> tuple[int, str | None]:
    """Hours as they are said with 12 or 24 hours; as they are written where that is not asked."""
    if form == "hms12" and half is None and (hour == 0 or hour > 12):
        return (hour - 12 or 12, "pm" if hour < 24 else "am") if hour else (12, "am")
    if form == "hms24" and half:
        return hour % 12 + (12 if half == "pm" else 0), None
    return hour, half


def _money(text: str, form: str | None, words: Words) -> str | None:
    return _known(words.money)(text)


def _unit(text: str, form: str | None, words: Words) -> str | None:
    return _known(words.unit)(text)


def _telephone(text: str, form: str | None, words: Words) -> str | None:
    return _known(words.telephone)(text) if any(map(str.isdigit, text)) else None


def _address(text: str, form: str | None, words: Words) -> str | None:
    return _known(words.address)(text)


def _name(text: str, form: str | None, words: Words) -> str | None:
    return _known(words.name)(text)


def _number(text: str) -> str | None:
    """`1,234.5` -> `1234.5`; None if it is not a number."""
    match = _NUMBER.fullmatch(text)
    if not match or not (match[2] or match[3]):
        return None
    sign = "-" if match[1] in ("-", "−") else ""
    return sign + re.sub(r"\D", "", match[2] or "0") + (match[3] or "")


def _plain_fraction(char: str) -> str:
    """`½` -> ` 1/2`."""
    if unicodedata.category(char) != "No":
        return char
    plain = unicodedata.normalize("NFKC", char)
    return f" {plain}" if "⁄" in plain else char


_Say = TypeVar("_Say", bound=Callable[..., str | None])


def _known(say: _Say | None) -> _Say:
    if say is None:
        raise ValueError("say-as: the language has no words for that")
    return say


# The names of W3C's note on say-as and of Azure Speech.
KINDS: Mapping[str, Callable[[str, str | None, Words], str | None]] = MappingProxyType(
    {
        "characters": _characters,
        "spell-out": _characters,
        "cardinal": _cardinal,
        "number": _cardinal,
        "ordinal": _ordinal,
        "digits": _digits,
        "number_digit": _digits,
        "fraction": _fraction,
        "date": _date,
        "time": _time,
        "year": _year,
        "telephone": _telephone,
        "address": _address,
        "currency": _money,
        "name": _name,
        "unit": _unit,
    }
)
