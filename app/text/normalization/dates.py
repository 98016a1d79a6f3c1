"""Dates."""

import re
from typing import Final

from app.text.normalization.numbers import british, ordinal, year
from app.text.normalization.rules import Rule

_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_MONTH_NUMBER: Final = (
    {m.lower(): i for i, m in enumerate(_MONTHS, 1)}
    | {m[:3].lower(): i for i, m in enumerate(_MONTHS, 1)}
    | {"sept": 9}
)
_MONTH: Final = (
    r"(?P<month>January|February|March|April|May|June|July|August|September|October|November|"
    r"December|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec)\b\.?)"
)
_DAYS: Final = {
    "Mon": "Monday", "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday", "Thu": "Thursday",
    "Thur": "Thursday", "Thurs": "Thursday", "Fri": "Friday", "Sat": "Saturday", "Sun": "Sunday",
}  # fmt: skip
_DAY: Final = "|".join(_DAYS)
_ISO: Final = re.compile(
    r"(?<![\w.,/-])(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?![\d/-]|[A-SU-Za-z_])(?:T(?=\d{2}:\d{2}))?"
)
_NUMERIC: Final = re.compile(r"(?<![\w.,/-])(\d{1,2})([/.])(\d{1,2})\2(\d{4}|\d{2})(?![\w/]|\.\d)")
_MONTH_DAY: Final = re.compile(
    rf"\b{_MONTH} (?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:\s?[-–]\s?(?P<until>\d{{1,2}}))?"
    r"(?:,? (?P<year>[12]\d{3}))?(?![\w:%/.-]\d|\d|[%°])"
)
_DAY_MONTH: Final = re.compile(
    r"(?<![\w.,/:-])(?P<the>[Tt]he )?(?P<day>\d{1,2})(?:st|nd|rd|th)?"
    r"(?:\s?[-–]\s?(?P<until>\d{1,2})(?:st|nd|rd|th)?)?"
    rf" (?:of )?{_MONTH}(?:,? (?P<year>[12]\d{{3}}))?(?!\w)"
)
_MONTH_YEAR: Final = re.compile(rf"\b{_MONTH},? (?P<year>[12]\d{{3}})(?![\w,.]\d|\w)")


def _date(day: int, month: int, of: str | None, language: str) -> str | None:
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    name = _MONTHS[month - 1]
    uk = british(language)
    said = f"the {ordinal(day)} of {name}" if uk else f"{name} {ordinal(day)}"
    return f"{said}, {year(int(of), british=uk)}" if of else said


def _full(short: str) -> str:
    return short if len(short) == 4 else ("20" if int(short) < 50 else "19") + short


def _iso(m: re.Match[str], language: str) -> str | None:
    said = _date(int(m[3]), int(m[2]), m[1], language)
    return f"{said}, " if said and m[0].endswith("T") else said


def _numeric(m: re.Match[str], language: str) -> str | None:
    one, other = int(m[1]), int(m[3])
    day_first = british(language) or m[2] == "."
    day, month = (one, other) if day_first else (other, one)
    if month > 12 >= day:
        day, month = month, day
    return _date(day, month, _full(m[4]), language)


def _number_of(name: str) -> int:
    return _MONTH_NUMBER[name.rstrip(".").lower()]


def _month_day(m: re.Match[str], language: str) -> str | None:
    day = int(m["day"])
    if not 1 <= day <= 31:
        return None
    said = f"{_MONTHS[_number_of(m['month']) - 1]} {ordinal(day)}"
    if m["until"]:
        said += f" to {ordinal(int(m['until']))}"
    return f"{said}, {year(int(m['year']), british=british(language))}" if m["year"] else said


def _day_month(m: re.Match[str], language: str) -> str | None:
    day = int(m["day"])
    if not 1 <= day <= 31:
        return None
    the = "" if m["the"] else "the "
    head = f"{m['the'] or ''}{the}{ordinal(day)}"
    if m["until"]:
        head += f" to the {ordinal(int(m['until']))}"
    said = f"{head} of {_MONTHS[_number_of(m['month']) - 1]}"
    return f"{said}, {year(int(m['year']), british=british(language))}" if m["year"] else said


def _month_year(m: re.Match[str], language: str) -> str:
    return (
        f"{_MONTHS[_number_of(m['month']) - 1]} {year(int(m['year']), british=british(language))}"
    )


def date_of(text: str, format: str, language: str) -> str:
    """A date whose fields are in a given order.

    Args:
        text: numbers, or the name of a month, with anything between; or digits without it.
        format: of `d`, `m`, `y`; empty takes the order of the language, or that of ISO 8601.

    Raises:
        ValueError: it is no such date.
    """
    fields = re.findall(r"\d{1,4}|[A-Za-z]{3,9}", text)
    if not format:
        iso = bool(fields) and len(fields[0]) == 4 and len(fields) == 3
        usual = "dmy" if british(language) else "mdy"
        format = "ymd" if iso else usual[: len(fields)]
    if len(fields) == 1 and len(fields[0]) == 4 and format != "y":
        fields = []
    problem = ValueError(f"{text[:40]!r} is no date of the format {format!r}")
    if not re.fullmatch("[dmy]{1,3}", format) or len(fields) != len(format):
        raise problem
    parts = dict(zip(format, fields, strict=True))
    month = parts.get("m", "1")
    number = int(month) if month.isdigit() else _MONTH_NUMBER.get(month.lower(), 0)
    day = parts.get("d", "1")
    if not 1 <= number <= 12 or not day.isdigit() or not 1 <= int(day) <= 31:
        raise problem
    uk, name, of = british(language), _MONTHS[number - 1], parts.get("y")
    if of is not None and not of.isdigit():
        raise problem
    years = year(int(_full(of) if len(of) == 2 else of), british=uk) if of else ""
    if "d" in parts and "m" in parts:
        return _date(int(day), number, _full(of) if of and len(of) == 2 else of, language) or years
    said = ordinal(int(day)) if "d" in parts else name if "m" in parts else ""
    return " ".join(part for part in (said, years) if part)


def _weekday(m: re.Match[str], _: str) -> str:
    return _DAYS[m[1]]


def _weekdays(m: re.Match[str], _: str) -> str:
    stop = "." if m[0].endswith(".") and m.end() == len(m.string) else ""
    return f"{_DAYS[m[1]]} to {_DAYS[m[2]]}{stop}"


WEEKDAYS: Final = (
    Rule("weekday", re.compile(rf"\b({_DAY})\.?\s?[-–]\s?({_DAY})\b\.?"), _weekdays),
    Rule(
        "weekday",
        re.compile(rf"\b({_DAY})\b\.?(?=,? (?:\d{{1,2}}(?:st|nd|rd|th)? )?{_MONTH}\b)"),
        _weekday,
    ),
)
RULES: Final = (
    Rule("date", _ISO, _iso),
    Rule("date", _NUMERIC, _numeric),
    Rule("date", _MONTH_DAY, _month_day),
    Rule("date", _DAY_MONTH, _day_month),
    Rule("date", _MONTH_YEAR, _month_year),
)
