"""Dates, times, years, phone numbers, scores and other figures that are no quantities."""

import re
from typing import Final

from app.text.normalization.numbers import (
    british,
    cardinal,
    decimal,
    digits,
    fraction,
    ordinal,
    year,
)
from app.text.normalization.money import NUMBER
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
_MONTH: Final = r"(?P<month>January|February|March|April|May|June|July|August|September|October|November|December|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec)\b\.?)"
_DAYS: Final = {
    "Mon": "Monday", "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday", "Thu": "Thursday",
    "Thur": "Thursday", "Thurs": "Thursday", "Fri": "Friday", "Sat": "Saturday", "Sun": "Sunday",
}  # fmt: skip
_VULGAR: Final = {
    "½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅖": (2, 5),
    "⅗": (3, 5), "⅘": (4, 5), "⅙": (1, 6), "⅚": (5, 6), "⅛": (1, 8), "⅜": (3, 8), "⅝": (5, 8),
    "⅞": (7, 8), "⅐": (1, 7), "⅑": (1, 9), "⅒": (1, 10),
}  # fmt: skip
_ROMAN: Final = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_ROMAN_NUMBER: Final = r"(?=[IVXLCDM])M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})"
_COUNTED: Final = (
    "Chapter|Part|Act|Scene|Volume|Vol\\.|Book|Section|Appendix|Phase|Class|Type|Stage|Level|"
    "World War|War|Title|Article|Super Bowl|Apollo|Mark|Figure|Table|Unit|Lesson|Episode|Season|"
    "Rocky|Final Fantasy|Paragraph|Step|Tier|Group|Schedule|Exhibit"
)
_RULERS: Final = (
    "Henry|Louis|Elizabeth|Charles|George|Edward|William|Richard|James|Mary|Philip|Philippe|John Paul|"
    "John|Pius|Benedict|Gregory|Leo|Clement|Innocent|Napoleon|Frederick|Friedrich|Wilhelm|Peter|"
    "Catherine|Ivan|Nicholas|Alexander|Francis|Ferdinand|Leopold|Alfonso|Carlos|Juan Carlos|Felipe|"
    "Victor Emmanuel|Ramesses|Ramses|Thutmose|Ptolemy|Cleopatra|Christian|Gustav|Harald|Haakon|Olav|"
    "Malcolm|Robert|David|Otto|Rudolf|Joseph|Franz|Paul|Constantine|Theodosius|Darius|Xerxes|Artaxerxes|"
    "Queen Elizabeth|King George|Pope Francis"
)


_CLOCK: Final = re.compile(
    r"(?P<hour>\d{1,2})(?:[:.h](?P<minute>\d{2}))?(?:[:.](?P<second>\d{2}))?"
    r"(?:\s?(?P<half>[AaPp])\.?\s?[Mm]\.?)?"
)


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
    return _date(int(m[3]), int(m[2]), m[1], language)


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
    hour, minute = int(m["hour"]), int(m["minute"] or 0)
    if hour > 24 or minute > 59 or (m["second"] and int(m["second"]) > 59):
        return None
    half = m["half"].upper() if m["half"] else None
    said = cardinal(hour) if hour or half else "zero"
    if m["minute"] is not None:
        if minute:
            said += f" oh {cardinal(minute)}" if minute < 10 else f" {cardinal(minute)}"
        elif hour == 0 and not half:
            said += " hundred"
        elif not half and hour > 12:
            said += " hundred"
        elif not half:
            said += " o'clock"
    if m["second"]:
        count = int(m["second"])
        said += f" and {cardinal(count)} {'second' if count == 1 else 'seconds'}"
    dot = "." if half and m[0].endswith(".") and not m.string[m.end() :].strip() else ""
    return f"{said} {half} M{dot}" if half else said


def _phone(m: re.Match[str], _: str) -> str:
    groups = re.findall(r"\d+", m[0])
    said = ", ".join(digits(group, zero="oh") for group in groups)
    return f"plus {said}" if m[0].startswith("+") else said


def _years(m: re.Match[str], language: str) -> str | None:
    uk = british(language)
    first, last = int(m[1]), m[2]
    if len(last) == 2:
        return f"{year(first, british=uk)} to {cardinal(int(last))}"
    if not 0 < int(last) - first < 500:
        return None
    return f"{year(first, british=uk)} to {year(int(last), british=uk)}"


def _decade(m: re.Match[str], _: str) -> str:
    if m["full"]:
        high, low = divmod(int(m["full"]), 100)
        if low == 0:
            return f"{cardinal(high)} hundreds" if high % 10 else f"{cardinal(high * 100)}s"
        return f"{cardinal(high)} {_plural(cardinal(low))}"
    return _plural(cardinal(int(m["short"])))


def _plural(word: str) -> str:
    return word[:-1] + "ies" if word.endswith("y") else word + "s"


def _era(m: re.Match[str], language: str) -> str:
    number = int(m[1].replace(",", ""))
    said = (
        year(number, british=british(language))
        if 1000 <= number <= 2100
        else cardinal(number, british=british(language))
    )
    return f"{said} {' '.join(m[2].replace('.', ''))}"


def _roman(text: str) -> int:
    total = 0
    for at, char in enumerate(text):
        value = _ROMAN[char]
        total += -value if at + 1 < len(text) and _ROMAN[text[at + 1]] > value else value
    return total


def _chapter(m: re.Match[str], _: str) -> str | None:
    word = {"Vol.": "Volume"}.get(m[1], m[1])
    return f"{word} {cardinal(_roman(m[2]))}" if m[2] else None


def _ruler(m: re.Match[str], _: str) -> str | None:
    return f"{m[1]} the {ordinal(_roman(m[2]))}" if m[2] else None


def _fraction(m: re.Match[str], language: str) -> str | None:
    over, under = int(m["over"]), int(m["under"])
    if under < 2 or under > 100 or (over >= under and m["whole"]):
        return None
    uk = british(language)
    if m["whole"]:
        whole = cardinal(int(m["whole"]), british=uk)
        part = fraction(over, under, british=uk)
        return f"{whole} and {'a' + part[3:] if over == 1 and under in (2, 4) else part}"
    if over > 20 or (over > under and under > 16):
        return f"{cardinal(over)} over {cardinal(under)}"
    return fraction(over, under, british=uk)


def _vulgar(m: re.Match[str], language: str) -> str:
    part = fraction(*_VULGAR[m[2]], british=british(language))
    if not m[1]:
        return part
    over, under = _VULGAR[m[2]]
    if over == 1 and under in (2, 4):
        part = "a " + part.split(" ", 1)[1]
    return f"{decimal(m[1], british=british(language))} and {part}"


def _ordinal(m: re.Match[str], language: str) -> str:
    return ordinal(int(m[1].replace(",", "")), british=british(language))


def _range(m: re.Match[str], language: str) -> str:
    uk = british(language)
    return f"{decimal(m[1], british=uk)} to {decimal(m[2], british=uk)}"


def _scored(m: re.Match[str], _: str) -> str:
    one, other = (cardinal(int(x)) if int(x) else "nil" if x == "0" else x for x in (m[2], m[3]))
    return f"{m[1]}{one} {other}"


def _year_alone(m: re.Match[str], language: str) -> str:
    return year(int(m[1]), british=british(language))


def _cardinal(m: re.Match[str], language: str) -> str | None:
    text = m[0]
    whole = text.lstrip("-−+")
    if whole.startswith("0") and len(whole) > 1 and whole[1] not in ".":
        return digits(whole, zero="oh")
    if len(whole.replace(",", "")) > 15 and "," not in whole and "." not in whole:
        return digits(whole)
    return decimal(text, british=british(language))


RULES: Final = (
    Rule("date", re.compile(r"(?<![\w.,/-])(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?![\w/-])"), _iso),
    Rule("date", re.compile(r"(?<![\w.,/-])(\d{1,2})([/.])(\d{1,2})\2(\d{4}|\d{2})(?![\w/])"), _numeric),
    Rule("date", re.compile(rf"\b{_MONTH} (?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:\s?[-–]\s?(?P<until>\d{{1,2}}))?(?:,? (?P<year>[12]\d{{3}}))?(?![\w:%/.-]\d|\d|[%°])"), _month_day),
    Rule("date", re.compile(rf"(?<![\w.,/:-])(?P<the>[Tt]he )?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:\s?[-–]\s?(?P<until>\d{{1,2}})(?:st|nd|rd|th)?)? (?:of )?{_MONTH}(?:,? (?P<year>[12]\d{{3}}))?(?!\w)"), _day_month),
    Rule("date", re.compile(rf"\b{_MONTH},? (?P<year>[12]\d{{3}})(?![\w,.]\d|\w)"), _month_year),
    Rule("weekday", re.compile(rf"\b({'|'.join(_DAYS)})\s?[-–]\s?({'|'.join(_DAYS)})\b\.?"), lambda m, _: f"{_DAYS[m[1]]} to {_DAYS[m[2]]}"),
    Rule("time", re.compile(r"(?<![\w.,:])(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?(?:\s?(?P<half>[AaPp])\.?\s?[Mm](?:\.|\b))?(?![\w:])"), _time),
    Rule("time", re.compile(r"(?<![\w.,:])(?P<hour>1[0-2]|[1-9])(?P<minute>(?!.))?(?P<second>(?!.))?\s?(?P<half>[AaPp])\.?[Mm](?:\.|\b)(?!\w)"), _time),
    Rule("telephone", re.compile(r"(?<![\w.,-])(?:\+\d{1,3}[ -.]?)(?:\(?\d{1,4}\)?[ -.]?){1,5}\d{2,4}(?![\w-])"), _phone),
    Rule("telephone", re.compile(r"(?<![\w.,-])(?:1[ -.])?(?:\(\d{3}\) ?|\d{3}[-.])?\d{3}-\d{4}(?![\w-])"), _phone),
    Rule("telephone", re.compile(r"(?<![\w.,-])0\d{2,4}[ -]\d{3,4}[ -]?\d{3,4}(?![\w-])"), _phone),
    Rule("decade", re.compile(r"(?<![\w.,])(?:(?P<full>1\d{2}0|20\d0)|['’](?P<short>[2-9]0))['’]?s\b"), _decade),
    Rule("era", re.compile(r"(?<![\w.,])(\d{1,2},\d{3}|\d{1,5}) ?(B\.?C\.?E?\.?|A\.?D\.?|C\.?E\.?)(?!\w)"), _era),
    Rule("range", re.compile(r"(?<![\w.,-])([12]\d{3})\s?[-–]\s?([12]\d{3}|\d{2})(?![\w-])"), _years),
    Rule("roman", re.compile(rf"\b({_COUNTED}) ({_ROMAN_NUMBER})\b(?!['’.]?\w)"), _chapter),
    Rule("roman", re.compile(rf"\b({_RULERS}) ({_ROMAN_NUMBER})\b(?!\.?\w)"), _ruler),
    Rule("fraction", re.compile(rf"(?<![\w.,/])({NUMBER})?\s?([{''.join(_VULGAR)}])"), _vulgar),
    Rule("fraction", re.compile(r"(?<![\w.,/-])(?:(?P<whole>\d{1,3})[ -])?(?P<over>\d{1,3})[/⁄](?P<under>\d{1,3})(?![\w/])"), _fraction),
    Rule("ordinal", re.compile(r"(?<![\w.,])(\d{1,3}(?:,\d{3}){1,3}|\d{1,12})(?:st|nd|rd|th)\b"), _ordinal),
    Rule("score", re.compile(r"\b((?:won|win|wins|lost|lose|beat|drew|led|leading|score|scored|victory|defeat|draw|tied|by|finished|ended) (?:\w{1,20} ){0,3})(\d{1,3})[-–](\d{1,3})(?![\w-])"), _scored),
    Rule("range", re.compile(rf"(?<![\w.,-])({NUMBER})\s?[-–]\s?({NUMBER})(?![\w-])"), _range),
    Rule("year", re.compile(r"(?<![\w.,$€£-])(1[1-9]\d{2}|20\d{2})(?![\w,.]?\d|[\w%]|['’]s\b)(?= |[.,;:!?)\"”]|$)"), _year_alone),
    Rule("cardinal", re.compile(rf"(?<![\w.,])[-−+]?(?:{NUMBER})(?![\w])"), _cardinal),
)  # fmt: skip
