"""Money, percentages, units."""

import re
from typing import Final

from app.text.normalization.numbers import british, decimal, singular
from app.text.normalization.rules import Rule

NUMBER: Final = r"\d{1,3}(?:,\d{3}){1,8}(?:\.\d{1,9})?|\d{1,20}(?:\.\d{1,9})?"
_SCALES: Final = {
    "k": "thousand", "m": "million", "mn": "million", "b": "billion", "bn": "billion",
    "t": "trillion", "tn": "trillion",
}  # fmt: skip
_SCALE: Final = (
    r"(?:\s?(hundred|thousand|million|billion|trillion)|\s?(bn|mn|tn|[kKmMbB]))?(?![\w])"
)
# Sign or code -> unit, units, part, parts; no parts where there are none in use.
_CURRENCIES: Final = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "US$": ("US dollar", "US dollars", "cent", "cents"),
    "USD": ("US dollar", "US dollars", "cent", "cents"),
    "A$": ("Australian dollar", "Australian dollars", "cent", "cents"),
    "AUD": ("Australian dollar", "Australian dollars", "cent", "cents"),
    "C$": ("Canadian dollar", "Canadian dollars", "cent", "cents"),
    "CAD": ("Canadian dollar", "Canadian dollars", "cent", "cents"),
    "NZ$": ("New Zealand dollar", "New Zealand dollars", "cent", "cents"),
    "HK$": ("Hong Kong dollar", "Hong Kong dollars", "cent", "cents"),
    "R$": ("real", "reais", "centavo", "centavos"),
    "BRL": ("real", "reais", "centavo", "centavos"),
    "£": ("pound", "pounds", "pence", "pence"),
    "GBP": ("pound", "pounds", "pence", "pence"),
    "€": ("euro", "euros", "cent", "cents"),
    "EUR": ("euro", "euros", "cent", "cents"),
    "¥": ("yen", "yen", "", ""),
    "JPY": ("yen", "yen", "", ""),
    "₹": ("rupee", "rupees", "paisa", "paise"),
    "INR": ("rupee", "rupees", "paisa", "paise"),
    "CHF": ("Swiss franc", "Swiss francs", "centime", "centimes"),
    "₩": ("won", "won", "", ""),
    "₿": ("bitcoin", "bitcoins", "", ""),
    "BTC": ("bitcoin", "bitcoins", "", ""),
    "₽": ("ruble", "rubles", "kopek", "kopeks"),
    "₺": ("lira", "lira", "kurush", "kurush"),
    "₴": ("hryvnia", "hryvnias", "kopeck", "kopecks"),
    "₪": ("shekel", "shekels", "agora", "agorot"),
    "₫": ("dong", "dong", "", ""),
    "₱": ("peso", "pesos", "centavo", "centavos"),
    "฿": ("baht", "baht", "satang", "satang"),
    "₦": ("naira", "naira", "kobo", "kobo"),
    "zł": ("zloty", "zlotys", "grosz", "groszy"),
}  # fmt: skip
_CODES: Final = "|".join(re.escape(code) for code in sorted(_CURRENCIES, key=len, reverse=True))
_UNITS: Final = {
    "km": ("kilometer", "kilometers"), "m": ("meter", "meters"), "cm": ("centimeter", "centimeters"),
    "mm": ("millimeter", "millimeters"), "µm": ("micrometer", "micrometers"),
    "nm": ("nanometer", "nanometers"), "mi": ("mile", "miles"), "ft": ("foot", "feet"),
    "in": ("inch", "inches"), "yd": ("yard", "yards"),
    "km²": ("square kilometer", "square kilometers"), "m²": ("square meter", "square meters"),
    "m2": ("square meter", "square meters"), "km2": ("square kilometer", "square kilometers"),
    "cm²": ("square centimeter", "square centimeters"), "m³": ("cubic meter", "cubic meters"),
    "m3": ("cubic meter", "cubic meters"), "cm³": ("cubic centimeter", "cubic centimeters"),
    "sq ft": ("square foot", "square feet"), "ha": ("hectare", "hectares"),
    "kg": ("kilogram", "kilograms"), "g": ("gram", "grams"), "mg": ("milligram", "milligrams"),
    "µg": ("microgram", "micrograms"), "lb": ("pound", "pounds"), "lbs": ("pound", "pounds"),
    "oz": ("ounce", "ounces"),
    "l": ("liter", "liters"), "L": ("liter", "liters"), "ml": ("milliliter", "milliliters"),
    "mL": ("milliliter", "milliliters"), "cl": ("centiliter", "centiliters"),
    "gal": ("gallon", "gallons"), "tbsp": ("tablespoon", "tablespoons"),
    "tsp": ("teaspoon", "teaspoons"),
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
    "TB": ("terabyte", "terabytes"), "Mbps": ("megabit per second", "megabits per second"),
    "Gbps": ("gigabit per second", "gigabits per second"),
    "MB/s": ("megabyte per second", "megabytes per second"),
    "Hz": ("hertz", "hertz"), "kHz": ("kilohertz", "kilohertz"), "MHz": ("megahertz", "megahertz"),
    "GHz": ("gigahertz", "gigahertz"), "W": ("watt", "watts"), "kW": ("kilowatt", "kilowatts"),
    "MW": ("megawatt", "megawatts"), "GW": ("gigawatt", "gigawatts"),
    "kWh": ("kilowatt hour", "kilowatt hours"), "V": ("volt", "volts"), "mA": ("milliampere", "milliamperes"),
    "mAh": ("milliampere hour", "milliampere hours"), "kcal": ("kilocalorie", "kilocalories"),
    "cal": ("calorie", "calories"), "dB": ("decibel", "decibels"), "px": ("pixel", "pixels"),
    "°C": ("degree Celsius", "degrees Celsius"), "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
    "°": ("degree", "degrees"), "K": ("kelvin", "kelvins"), "psi": ("P S I", "P S I"),
    "rpm": ("R P M", "R P M"), "dpi": ("D P I", "D P I"), "fps": ("frames per second", "frames per second"),
}  # fmt: skip
_UNIT: Final = "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))
# Without a space these mean something else: 4K, 5G, 10s, 2x ...
_NEED_SPACE: Final = frozenset({"K", "in", "s", "m"})
_BRITISH: Final = str.maketrans({})


def _money(sign: str, number: str, scale: str | None, language: str) -> str | None:
    one, many, part, parts = _CURRENCIES[sign]
    uk = british(language)
    if scale:
        scale = _SCALES.get(scale.lower(), scale.lower())
        return f"{decimal(number, british=uk)} {scale} {many}"
    whole, _, rest = number.replace(",", "").partition(".")
    if len(rest) == 2 and parts:
        cents = int(rest)
        said = decimal(whole, british=uk)
        head = f"{said} {one if int(whole) == 1 else many}"
        tail = f"{decimal(str(cents))} {part if cents == 1 else parts}"
        if sign in ("£", "GBP") and cents == 1:
            tail = "one penny"
        if cents == 0:
            return head
        return tail if int(whole) == 0 else f"{head} and {tail}"
    return f"{decimal(number, british=uk)} {one if singular(number) else many}"


def _before(m: re.Match[str], language: str) -> str | None:
    money = _money(m["sign"], m["number"], m[4] or m[5], language)
    return f"minus {money}" if m["minus"] else money


def _behind(m: re.Match[str], language: str) -> str | None:
    return _money(m["sign"], m["number"], m[2] or m[3], language)


def _range(m: re.Match[str], language: str) -> str | None:
    one = decimal(m["low"], british=british(language))
    other = _money(m["sign"], m["high"], m[4] or m[5], language)
    return f"{one} to {other}"


def _percent(m: re.Match[str], language: str) -> str:
    sign = {"-": "minus ", "−": "minus ", "+": "plus ", "": ""}[m["sign"] or ""]
    low = f"{decimal(m['low'], british=british(language))} to " if m["low"] else ""
    name = "per mille" if m["mark"] == "‰" else "percent"
    return f"{sign}{low}{decimal(m['number'], british=british(language))} {name}"


def _unit(m: re.Match[str], language: str) -> str | None:
    if m["unit"] in _NEED_SPACE and not m["space"]:
        return None
    if m["unit"] == "in" and not m.string[m.end() :].lstrip()[:1] in ("", ".", ",", ";", ")"):
        return None  # "5 in the morning"
    sign = "minus " if m["sign"] else ""
    one, many = _UNITS[m["unit"]]
    if british(language):
        one, many = (x.replace("meter", "metre").replace("liter", "litre") for x in (one, many))
    low = f"{decimal(m['low'], british=british(language))} to " if m["low"] else ""
    number = m["number"]
    return f"{sign}{low}{decimal(number, british=british(language))} {one if singular(number) and not low else many}"


def _feet(m: re.Match[str], language: str) -> str:
    feet = int(m[1])
    said = f"{decimal(m[1])} {'foot' if feet == 1 else 'feet'}"
    return f"{said} {decimal(m[2])}" if m[2] else said


RULES: Final = (
    Rule("money", re.compile(rf"(?<![\w.])(?P<sign>{_CODES})\s?(?P<low>{NUMBER})\s?[-–]\s?(?:[$€£])?(?P<high>{NUMBER}){_SCALE}"), _range),
    Rule("money", re.compile(rf"(?<![\w.])(?P<minus>[-−])?(?P<sign>{_CODES})\s?(?P<number>{NUMBER}){_SCALE}(?!\d)"), _before),
    Rule("money", re.compile(rf"(?<![\w.,])(?P<number>{NUMBER})(?:\s?(hundred|thousand|million|billion|trillion)|\s?(bn|mn|tn))?\s?(?P<sign>€|£|₹|USD|EUR|GBP|JPY|INR|CHF|CAD|AUD|BRL|BTC|zł)(?!\w)"), _behind),
    Rule("money", re.compile(rf"(?<![\w.,])({NUMBER})\s?¢(?!\w)"), lambda m, _: f"{decimal(m[1])} {'cent' if singular(m[1]) else 'cents'}"),
    Rule("percent", re.compile(rf"(?<![\w.,])(?P<sign>[-−+])?(?:(?P<low>{NUMBER})\s?[-–]\s?)?(?P<number>{NUMBER})\s?(?P<mark>[%‰])(?!\w)"), _percent),
    Rule("unit", re.compile(r"(?<![\w.,])(\d{1,2})['′’]\s?(?:(\d{1,2})(?:\"|″|”|''))(?!\w)"), _feet),
    Rule("unit", re.compile(rf"(?<![\w.,])(?P<sign>[-−])?(?:(?P<low>{NUMBER})\s?[-–]\s?)?(?P<number>{NUMBER})(?P<space>[\s\u00a0\u202f-]?)(?P<unit>{_UNIT})(?![\w²³/])"), _unit),
)  # fmt: skip
