"""Times of day, phone numbers, eras."""

import re
from typing import Final

from app.text.normalization.letters import spelled
from app.text.normalization.numbers import british, cardinal, digits, telephone, year
from app.text.normalization.rules import Rule

_CLOCK: Final = re.compile(
    r"(?P<hour>\d{1,2})(?:[:.h](?P<minute>\d{2}))?(?:[:.](?P<second>\d{2}))?"
    r"(?:\s?(?P<half>[AaPp])\.?\s?[Mm]\.?)?"
)


def time_of(text: str, format: str, _: str) -> str:
    """A time of day, as `3:30pm` or `15:45:10`. Raises `ValueError`."""
    if format not in ("", "hms12", "hms24"):
        raise ValueError("`format` of a time is hms12 or hms24")
    found = _CLOCK.fullmatch(text)
    said = _time(found, "") if found else None
    if said is None:
        raise ValueError(f"{text[:40]!r} is no time, such as 3:30pm or 15:45:10")
    return said


def _time(m: re.Match[str], _: str) -> str | None:
    said = _clock(m["hour"], m["minute"], m["second"], m["half"])
    stop = "." if m["half"] and m[0].endswith(".") and m.end() == len(m.string) else ""
    return said and said + stop


def _clock(hours: str, minutes: str | None, seconds: str | None, half: str | None) -> str | None:
    hour, minute, second = int(hours), int(minutes or 0), int(seconds or 0)
    if hour > 24 or minute > 59 or second > 59 or (half and not 1 <= hour <= 12):
        return None
    said = cardinal(hour) if hour or half else "zero"
    if minute:
        said += f" oh {cardinal(minute)}" if minute < 10 else f" {cardinal(minute)}"
    elif minutes is not None and not half:
        said += " o'clock" if 0 < hour <= 12 else " hundred"
    if seconds:
        said += f" and {cardinal(second)} {'second' if second == 1 else 'seconds'}"
    return f"{said} {spelled(half + 'm')}" if half else said


def _times(m: re.Match[str], _: str) -> str | None:
    one = _clock(m["hour"], m["minute"], None, m["half"])
    other = _clock(m["to_hour"], m["to_minute"], None, m["to_half"])
    known = m["minute"] or m["half"] or m["to_half"]
    if not one or not other or not known or not (m["to_minute"] or m["to_half"]):
        return None
    stop = "." if m["to_half"] and m[0].endswith(".") and m.end() == len(m.string) else ""
    return f"{one} to {other}{stop}"


def _phone(m: re.Match[str], _: str) -> str:
    return telephone(m[0])


def _emergency(m: re.Match[str], _: str) -> str:
    return digits(m[0])


def _era(m: re.Match[str], language: str) -> str:
    number = int(m[1].replace(",", ""))
    said = (
        year(number, british=british(language))
        if 1000 <= number <= 2100
        else cardinal(number, british=british(language))
    )
    return f"{said} {spelled(m[2].replace('.', ''))}"


def _before(m: re.Match[str], _: str) -> str:
    number = int(m[2])
    return f"{spelled('ad')} {year(number) if number >= 1000 else cardinal(number)}"


_HALF: Final = r"(?:\s?(?P<{0}half>[AaPp])\.?\s?[Mm](?:\.|\b))?"
_DIGITAL: Final = r"(?P<{0}hour>\d{{1,2}})(?::(?P<{0}minute>\d{{2}}))?" + _HALF
RULES: Final = (
    Rule(
        "time",
        re.compile(
            rf"(?<![\w.,:-]){_DIGITAL.format('')}\s?[-–]\s?{_DIGITAL.format('to_')}(?![\w:-])"
        ),
        _times,
    ),
    Rule(
        "time",
        re.compile(
            r"(?<![\w.,:])(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?"
            rf"{_HALF.format('')}(?![\w:])"
        ),
        _time,
    ),
    Rule(
        "time",
        re.compile(
            r"(?<![\w.,:])(?P<hour>1[0-2]|[1-9])(?:\.(?P<minute>[0-5]\d))?(?P<second>(?!.))?"
            r"\s?(?P<half>[AaPp])(?:\.\s?[Mm]\.|\.?[Mm]\b)(?!\w)"
        ),
        _time,
    ),
    Rule(
        "telephone",
        re.compile(r"(?<![\w.,-])\+\d{1,3}[ .-]?(?:\(?\d{1,4}\)?[ .-]?){1,5}\d{2,4}(?![\w-])"),
        _phone,
    ),
    Rule(
        "telephone",
        re.compile(r"(?<![\w.,-])(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[.-])?\d{3}-\d{4}(?![\w-])"),
        _phone,
    ),
    Rule(
        "telephone",
        re.compile(r"(?<![\w.,-])0\d{2,4}[ -]\d{3,4}[ -]?\d{3,4}(?![\w-])"),
        _phone,
    ),
    Rule(
        "telephone",
        re.compile(
            r"(?:(?<=\b[Dd]ial )|(?<=\b[Cc]all )|(?<=\b[Rr]ing )|(?<=\b[Tt]ext )"
            r"|(?<=\b[Pp]hone )|(?<=\bcalled ))(?:911|999|112|988|411|311|111|101)"
            r"(?![\w.,-]?\w)"
        ),
        _emergency,
    ),
    Rule(
        "era",
        re.compile(r"(?<![\w.,])(\d{1,2},\d{3}|\d{1,5}) ?(B\.?C\.?E?\.?|A\.?D\.?|C\.?E\.?)(?!\w)"),
        _era,
    ),
    Rule("era", re.compile(r"\b(AD|A\.D\.) ?(\d{1,4})(?![\w.,]?\d|\w)"), _before),
)
