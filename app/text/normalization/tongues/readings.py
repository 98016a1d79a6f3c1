"""What is said for what the rules of `cldr` have found, and for `say-as`."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from app.text.normalization.tongues.names import Names
from app.text.normalization.tongues.numerals import Numerals
from app.text.normalization.tongues.tongue import Tongue
from app.text.normalization.tongues.words import Part

Found = re.Match[str]
VULGAR: Mapping[str, tuple[int, int]] = MappingProxyType(
    {"½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4)}
)
_ROMAN = re.compile(r"X{0,3}(?:IX|IV|V?I{0,3})")
_ROMAN_VALUES = MappingProxyType({"I": 1, "V": 5, "X": 10})
_APART = re.compile(r"[^\d+]+")


class Readings:
    """Of one language. What takes a match gives None if it is something else after all."""

    def __init__(self, tongue: Tongue, names: Names, numerals: Numerals) -> None:
        self._tongue = tongue
        self._names = names
        self._numerals = numerals

    def alone(self, number: int) -> str:
        return self._tongue.cardinal(number, "alone")

    # Dates and times

    def date(self, match: Found) -> str | None:
        day, month, year = int(match["d"]), int(match["m"]), int(match["y"])
        if month > 12 >= day:
            day, month = month, day
        if len(match["y"]) == 2:
            year += 2000 if year < 50 else 1900
        if not (1 <= day <= 31 and 1 <= month <= 12):
            return None
        return self.said_date(year, month, day)

    def day_and_month(self, match: Found) -> str | None:
        day, month = int(match["n"]), int(match["d"])
        if not 1 <= month <= 12 or not month < day <= 31 or (day, month) == (24, 7):
            return None
        return self.said_date(None, month, day)

    def named_date(self, match: Found) -> str | None:
        day, first = int(match["d"]), bool(match["first"])
        month = self._names.number_of_month(match["name"] or match["short"])
        if not 1 <= day <= 31 or (first and day != 1):
            return None
        year = int(match["y"]) if match["y"] else None
        return self.said_date(year, month, day, first=first)

    def said_date(self, year: Part, month: Part, day: Part, *, first: bool = False) -> str:
        """`first`: the day is written as an ordinal."""
        tongue = self._tongue
        if month is None:
            return " ".join(self.alone(part) for part in (day, year) if part is not None)
        said = "" if day is None else tongue.first if day == 1 else self.alone(day)
        if first and day == 1:
            said = tongue.ordinal(1, False, "")
        pattern = tongue.dates[1 if year is None else 0]
        if day is None:
            pattern = pattern[pattern.index("{month}") :]
        return pattern.format(
            day=said, month=self._names.month(month), year="" if year is None else self.alone(year)
        )

    def time(self, match: Found) -> str | None:
        groups = match.groupdict()
        hour, minute, second = (int(groups.get(part) or 0) for part in "hms")
        marked = bool(groups.get("mark"))
        if hour > 24 or minute > 59 or second > 59:
            return None
        if groups.get("long"):
            return self._joined((hour, "h"), (minute, "min"))
        said = self._tongue.clock(hour, minute, marked)
        if groups.get("s"):
            said += f" {self._tongue.signs.conjunction} {self._joined((second, 's'))}"
        return said

    def said_time(self, hour: int, minute: Part, second: Part, half: str | None) -> str:
        """`half`: `am` or `pm`, if the hours are those of half a day."""
        if half:
            hour = hour % 12 + (12 if half == "pm" else 0)
        said = self._tongue.clock(hour, minute or 0, True)
        if second is None:
            return said
        return f"{said} {self._tongue.signs.conjunction} {self._joined((second, 's'))}"

    # Amounts

    def money(self, match: Found) -> str | None:
        names = self._names.currency(match["money"])
        return self._signed(match, self._numerals.amount(match["n"], names, match["scale"]))

    def percent(self, match: Found) -> str | None:
        said = f"{self._numerals.said(match['n'])} {self._tongue.signs.percent}"
        return self._signed(match, said)

    def unit(self, match: Found) -> str | None:
        unit = match["unit"]
        if unit == "°" and self._tongue.degree_is_ordinal and _before_a_word(match):
            return None
        name = self._names.unit(unit, self._numerals.value(match["n"]))
        return self._signed(match, self._numerals.counted(match["n"], name))

    # Numbers

    def number(self, match: Found) -> str | None:
        said = self._numerals.with_noun(match["n"], match.string, match.start(), match.end())
        return self._signed(match, said)

    def year(self, match: Found) -> str | None:
        written = match["n"]
        whole = written.isdecimal() and len(written) == 4 and not match["sign"]
        return self.number(match) if whole and 1100 <= int(written) < 2100 else None

    def decimal(self, match: Found) -> str | None:
        return self.number(match) if self._numerals.parts(match["n"])[1] else None

    def digits(self, match: Found) -> str | None:
        """Numbers that nobody counts with."""
        written = match["n"]
        code = written.isdecimal() and (
            len(written) > 15 or (len(written) > 1 and int(written[0]) == 0)
        )
        return self._numerals.digits(written) if code else None

    def version(self, match: Found) -> str | None:
        if self._numerals.is_grouped(match["n"]):
            return None
        parts = (self.alone(int(part)) for part in match["n"].split("."))
        return f" {self._tongue.signs.dot} ".join(parts)

    def ordinal(self, match: Found) -> str | None:
        suffix, number = match["suffix"], int(match["n"])
        is_degree = suffix == "°" and not (self._tongue.degree_is_ordinal and _before_a_word(match))
        if is_degree or not 1 <= number <= 1000:
            return None
        return self._tongue.ordinal(number, suffix.endswith(("ª", "a")), suffix)

    def range(self, match: Found) -> str | None:
        signs = self._tongue.signs
        first = self._numerals.said(match["a"])
        second = self._numerals.with_noun(match["b"], match.string, match.start("b"), match.end())
        if self._numerals.value(match["a"]) > self._numerals.value(match["b"]):
            return f"{first} {signs.versus} {second}"
        return f"{self._tongue.range_from}{first} {signs.to} {second}"

    def score(self, match: Found) -> str | None:
        one, other = int(match["a"]), int(match["b"])
        return f"{self.alone(one)} {self._tongue.signs.versus} {self.alone(other)}"

    def fraction(self, match: Found) -> str | None:
        over, under = int(match["n"]), int(match["d"])
        if (over, under) == (24, 7):
            return f"{self.alone(24)} {self.alone(7)}"
        return self._numerals.fraction(over, under, match.string, match.end())

    def vulgar(self, match: Found) -> str | None:
        over, under = VULGAR[match["vulgar"]]
        said = self._numerals.fraction(over, under, match.string, match.end())
        return self._mixed(int(match["n"]), under, said) if match["n"] else said

    def said_fraction(self, whole: int, over: int, under: int) -> str:
        said = self._numerals.fraction(over, under, "", 0)
        return self._mixed(whole, under if over == 1 else 0, said) if whole else said

    def telephone(self, written: str) -> str:
        """Its groups as they are written."""
        groups = [group.strip("+") for group in _APART.split(written)]
        said = [self._numerals.group(group) for group in groups if group]
        plus = f"{self._tongue.signs.plus} " if written.lstrip()[:1] == "+" else ""
        return plus + ", ".join(said)

    def phone(self, match: Found) -> str | None:
        enough = 7 <= sum(map(str.isdecimal, match[0])) <= 15
        return self.telephone(match[0]) if enough else None

    def roman(self, match: Found) -> str | None:
        number = _roman(match["roman"])
        return self.alone(number) if number else None

    def roman_ordinal(self, match: Found) -> str | None:
        number = _roman(match["roman"])
        return self._tongue.ordinal(number, False, "") if number else None

    def _mixed(self, whole: int, under: int, fraction: str) -> str:
        if under == 2:
            return self._tongue.half.behind(whole)
        return f"{self.alone(whole)} {self._tongue.signs.conjunction} {fraction}"

    def _joined(self, *amounts: tuple[int, str]) -> str:
        parts = (
            self._numerals.counted(number, self._names.unit(unit, number))
            for number, unit in amounts
        )
        return f" {self._tongue.signs.conjunction} ".join(parts)

    def _signed(self, match: Found, said: str) -> str:
        signs = self._tongue.signs
        words = {"+": signs.plus, "±": f"{signs.plus} {signs.minus}"}
        return f"{words.get(match['sign'], signs.minus)} {said}" if match["sign"] else said


def _before_a_word(match: Found) -> bool:
    behind = match.string[match.end() : match.end() + 3]
    return len(behind) == 3 and behind[0] in " \u00a0" and behind[1:].isalpha()


def _roman(written: str) -> int:
    """0 if it is no numeral."""
    if not _ROMAN.fullmatch(written):
        return 0
    values = [_ROMAN_VALUES[letter] for letter in written]
    return sum(
        -value if value < after else value
        for value, after in zip(values, [*values[1:], 0], strict=True)
    )
