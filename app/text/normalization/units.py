"""Quantities with units."""

import re
from typing import Final

from app.text.normalization.money import ARTICLE, before
from app.text.normalization.numbers import NUMBER, british, decimal, fraction, part, singular
from app.text.normalization.rules import TAKEN, Rule

_UNITS: Final = {
    "km": ("kilometer", "kilometers"), "m": ("meter", "meters"),
    "cm": ("centimeter", "centimeters"), "mm": ("millimeter", "millimeters"),
    "µm": ("micrometer", "micrometers"), "nm": ("nanometer", "nanometers"), "mi": ("mile", "miles"),
    "ft": ("foot", "feet"), "in": ("inch", "inches"), "yd": ("yard", "yards"),
    "km²": ("square kilometer", "square kilometers"), "m²": ("square meter", "square meters"),
    "m2": ("square meter", "square meters"), "km2": ("square kilometer", "square kilometers"),
    "cm²": ("square centimeter", "square centimeters"), "m³": ("cubic meter", "cubic meters"),
    "m3": ("cubic meter", "cubic meters"), "cm³": ("cubic centimeter", "cubic centimeters"),
    "sq ft": ("square foot", "square feet"), "ha": ("hectare", "hectares"),
    "kg": ("kilogram", "kilograms"), "g": ("gram", "grams"), "mg": ("milligram", "milligrams"),
    "µg": ("microgram", "micrograms"), "lb": ("pound", "pounds"), "lbs": ("pound", "pounds"),
    "oz": ("ounce", "ounces"), "l": ("liter", "liters"), "L": ("liter", "liters"),
    "ml": ("milliliter", "milliliters"), "mL": ("milliliter", "milliliters"),
    "cl": ("centiliter", "centiliters"), "gal": ("gallon", "gallons"),
    "tbsp": ("tablespoon", "tablespoons"), "tsp": ("teaspoon", "teaspoons"),
    "s": ("second", "seconds"), "sec": ("second", "seconds"), "secs": ("second", "seconds"),
    "ms": ("millisecond", "milliseconds"), "min": ("minute", "minutes"),
    "mins": ("minute", "minutes"), "h": ("hour", "hours"), "hr": ("hour", "hours"),
    "hrs": ("hour", "hours"), "yrs": ("year", "years"), "yr": ("year", "years"),
    "km/h": ("kilometer per hour", "kilometers per hour"),
    "kph": ("kilometer per hour", "kilometers per hour"),
    "kmh": ("kilometer per hour", "kilometers per hour"),
    "m/s": ("meter per second", "meters per second"), "mph": ("mile per hour", "miles per hour"),
    "kB": ("kilobyte", "kilobytes"), "KB": ("kilobyte", "kilobytes"),
    "MB": ("megabyte", "megabytes"), "GB": ("gigabyte", "gigabytes"),
    "TB": ("terabyte", "terabytes"),
    "Mbit/s": ("megabit per second", "megabits per second"),
    "Gbit/s": ("gigabit per second", "gigabits per second"),
    "Mbps": ("megabit per second", "megabits per second"),
    "Gbps": ("gigabit per second", "gigabits per second"),
    "MB/s": ("megabyte per second", "megabytes per second"), "Hz": ("hertz", "hertz"),
    "kHz": ("kilohertz", "kilohertz"), "MHz": ("megahertz", "megahertz"),
    "GHz": ("gigahertz", "gigahertz"), "W": ("watt", "watts"), "kW": ("kilowatt", "kilowatts"),
    "MW": ("megawatt", "megawatts"), "GW": ("gigawatt", "gigawatts"),
    "kWh": ("kilowatt hour", "kilowatt hours"), "V": ("volt", "volts"),
    "mA": ("milliampere", "milliamperes"), "mAh": ("milliampere hour", "milliampere hours"),
    "kcal": ("kilocalorie", "kilocalories"), "cal": ("calorie", "calories"),
    "Nm": ("newton meter", "newton meters"),
    "dB": ("decibel", "decibels"), "px": ("pixel", "pixels"),
    "°C": ("degree Celsius", "degrees Celsius"), "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
    "°": ("degree", "degrees"), "K": ("kelvin", "kelvins"), "psi": ("P S I", "P S I"),
    "rpm": ("R P M", "R P M"), "dpi": ("D P I", "D P I"),
    "fps": ("frames per second", "frames per second"),
}  # fmt: skip
_UNIT: Final = "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))
# Without a space these mean something else: 4K, the 10s, 12in.
_SIDE: Final = r"\d{1,4}(?:\.\d{1,3})?[\"″”]"
_NEED_SPACE: Final = frozenset({"K", "in", "s"})
_PER: Final = (
    "day|week|month|year|hour|minute|second|person|h|hr|s|sec|min|kg|l|m²|m2|m³|m3|cm²|ml|mi|km"
)
_INITIAL: Final = re.compile(r"\.\s[A-Z0-9]")
_RATES: Final = (
    "second|minute|hour|hr|night|day|week|wk|month|mo|year|yr|person|head|mile|item|user|unit"
)
_SHORT: Final = {"hr": "hour", "wk": "week", "mo": "month", "yr": "year"}
_COUNTED: Final = re.compile(
    r" (?!and|or|to|at|is|was|in|for|with|while|when|but|by|on|the)[a-z]{3}"
)
_QUOTED: Final = 300  # characters
_NOT_INCH: Final = re.compile(r"\s{0,3}[^\s.,;:)×x]")


def _unit(m: re.Match[str], language: str) -> str | None:
    unit, space = m["unit"], m["space"]
    if unit in _NEED_SPACE and not space and "." not in m["number"]:
        return None
    if len(unit) == 1 and unit.isupper() and _INITIAL.match(m.string, m.end()):
        return None  # "15 W. 34th Street"
    if unit == "K" and space != "-" and _COUNTED.match(m.string, m.end()):
        return f"{decimal(m['number'], british=british(language))} thousand"
    if unit == "in" and not m["dot"] and _NOT_INCH.match(m.string, m.end()):
        return None  # "5 in the morning"
    sign = "minus " if m["sign"] else ""
    one, many = _named(unit, language)
    low = f"{decimal(m['low'], british=british(language))} to " if m["low"] else ""
    said = decimal(m["number"], british=british(language))
    single = space == "-" or ARTICLE.search(before(m)) or (singular(m["number"]) and not low)
    per = f" per {_named(m['per'], language)[0]}" if m["per"] else ""
    return f"{sign}{low}{said} {one if single else many}{per}"


def _fraction(m: re.Match[str], language: str) -> str | None:
    """`1/2 km`, `2 1/2 cups` has no unit of ours."""
    over, under, uk = int(m["over"]), int(m["under"]), british(language)
    if over >= under or (m["unit"] == "in" and _NOT_INCH.match(m.string, m.end())):
        return None
    one, many = _named(m["unit"], language)
    if m["whole"]:
        whole = decimal(m["whole"], british=uk)
        return f"{whole} and {part(over, under, british=uk)} {many}"
    said = fraction(over, under, british=uk)
    article = "an" if one[0] in "aeiou" or one.startswith("hour") else "a"
    return f"{said} {one}" if over == 1 else f"{said} of {article} {one}"


def _inches(m: re.Match[str], language: str) -> str | None:
    """`12"`, where it closes no quotation near it."""
    around = m.string[max(0, m.start() - _QUOTED) : m.end() + _QUOTED]
    if sum(map(around.count, '"″”')) % 2 == 0 or "“" in around:
        return None
    one = ARTICLE.search(before(m)) or singular(m[1])
    return f"{decimal(m[1], british=british(language))} {'inch' if one else 'inches'}"


def _named(unit: str, language: str) -> tuple[str, str]:
    one, many = _UNITS.get(unit, (unit, unit))
    if not british(language):
        return one, many
    return _metric(one), _metric(many)


def _metric(name: str) -> str:
    return name.replace("meter", "metre").replace("liter", "litre")


def _sides(m: re.Match[str], language: str) -> str:
    """`10" x 8"`."""
    sides = (decimal(side[:-1], british=british(language)) for side in m.groups() if side)
    return f"{' by '.join(sides)} inches"


def _feet(m: re.Match[str], _: str) -> str:
    feet, inches = int(m[1]), int(m[2])
    said = f"{decimal(m[1])} {'foot' if feet == 1 else 'feet'}"
    return f"{said} {decimal(m[2])} {'inch' if inches == 1 else 'inches'}"


def _rate(m: re.Match[str], _: str) -> str:
    return f" per {_SHORT.get(m[1], m[1])}"


RATES: Final = (Rule("unit", re.compile(rf"(?<=[s{TAKEN}])/({_RATES})(?!\w)"), _rate, "/"),)
RULES: Final = (
    Rule(
        "unit",
        re.compile(rf"(?<![\w.,])({_SIDE})\s?[x×]\s?({_SIDE})(?:\s?[x×]\s?({_SIDE}))?(?!\w)"),
        _sides,
        '"″”',
    ),
    Rule(
        "unit",
        re.compile(r"(?<![\w.,])(\d{1,2})['′’]\s?(\d{1,2})(?:(?:\"|″|”|'')(?!\w)|(?![\w'’\"]))"),
        _feet,
    ),
    Rule("unit", re.compile(rf"(?<![\w.,])({NUMBER})[\"″”](?!\w)"), _inches, '"″”'),
    Rule(
        "unit",
        re.compile(
            r"(?<![\w.,/-])(?:(?P<whole>\d{1,3})[ -])?(?P<over>\d{1,2})/(?P<under>[2-9]|1[0-6])\s?"
            rf"(?P<unit>{_UNIT})(?![\w²³/])"
        ),
        _fraction,
        "/",
    ),
    Rule(
        "unit",
        re.compile(
            rf"(?<![\w.,])(?P<sign>[-−])?(?:(?P<low>{NUMBER})\s?[-–]\s?)?(?P<number>{NUMBER})"
            rf"(?P<space>[\s\u00a0\u202f-]?)(?P<unit>{_UNIT})(?:/(?P<per>{_PER}))?"
            r"(?![\w²³/])(?P<dot>\.(?=,? [a-z]))?"
        ),
        _unit,
    ),
)
