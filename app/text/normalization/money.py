"""Money and percentages."""

import re
from typing import Final

from app.text.normalization.numbers import NUMBER, british, decimal, singular
from app.text.normalization.rules import Rule

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
    "US$": ("U S dollar", "U S dollars", "cent", "cents"),
    "USD": ("U S dollar", "U S dollars", "cent", "cents"),
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
ARTICLE: Final = re.compile(r"\b[Aa]n? $")
"""What is counted behind an article stands in the singular: a five dollar bill."""


_BILLS: Final = re.compile(r"\s(?:bill|note|coin)s?\b")


def before(m: re.Match[str]) -> str:
    """The last characters before a match."""
    return m.string[max(0, m.start() - 4) : m.start()]


def _money(
    sign: str, number: str, scale: str | None, language: str, *, single: bool = False
) -> str:
    one, many, part, parts = _CURRENCIES[sign]
    many = one if single else many
    uk = british(language)
    if scale:
        scale = _SCALES.get(scale.lower(), scale.lower())
        return f"{decimal(number, british=uk)} {scale} {many}"
    whole, _, rest = number.replace(",", "").partition(".")
    whole = whole or "0"
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
    single = bool(ARTICLE.search(before(m)) or _BILLS.match(m.string, m.end()))
    money = _money(m["sign"], m["number"], m[4] or m[5], language, single=single)
    return f"minus {money}" if m["minus"] else money


def _behind(m: re.Match[str], language: str) -> str | None:
    return _money(m["sign"], m["number"], m[2] or m[3], language)


def _range(m: re.Match[str], language: str) -> str | None:
    scale = m[5] or m[6]
    one = decimal(m["low"], british=british(language))
    if m["scale"] or ("." in m["low"] and not scale):
        one = _money(m["sign"], m["low"], m["scale"], language)
    return f"{one} to {_money(m['sign'], m['high'], scale, language)}"


def _percent(m: re.Match[str], language: str) -> str:
    sign = {"-": "minus ", "−": "minus ", "+": "plus ", "": ""}[m["sign"] or ""]
    low = f"{decimal(m['low'], british=british(language))} to " if m["low"] else ""
    name = "per mille" if m["mark"] == "‰" else "percent"
    return f"{sign}{low}{decimal(m['number'], british=british(language))} {name}"


def _cents(m: re.Match[str], _: str) -> str:
    return f"{decimal(m[1])} {'cent' if singular(m[1]) else 'cents'}"


def _pence(m: re.Match[str], language: str) -> str | None:
    if not british(language):
        return None
    return "one penny" if m[1] == "1" else f"{decimal(m[1])} pence"


_BEHIND: Final = "€|£|₹|USD|EUR|GBP|JPY|INR|CHF|CAD|AUD|BRL|BTC|zł"
RULES: Final = (
    Rule(
        "money",
        re.compile(
            rf"(?<![\w.])(?P<sign>{_CODES})\s?(?P<low>{NUMBER})(?P<scale>bn|mn|tn|[kKmMbB])?"
            rf"\s?[-–]\s?(?:[$€£])?(?P<high>{NUMBER}){_SCALE}"
        ),
        _range,
    ),
    Rule(
        "money",
        re.compile(
            rf"(?<![\w.])(?P<minus>[-−])?(?P<sign>{_CODES})\s?(?P<number>{NUMBER}|\.\d{{2}}){_SCALE}(?!\d)"
        ),
        _before,
    ),
    Rule(
        "money",
        re.compile(
            rf"(?<![\w.,])(?P<number>{NUMBER})(?:\s?(hundred|thousand|million|billion|trillion)"
            rf"|\s?(bn|mn|tn))?\s?(?P<sign>{_BEHIND})(?!\w)"
        ),
        _behind,
    ),
    Rule("money", re.compile(rf"(?<![\w.,])({NUMBER})\s?¢(?!\w)"), _cents),
    Rule("money", re.compile(r"(?<![\w.,])(\d{1,2})p(?!\w)"), _pence),
    Rule(
        "percent",
        re.compile(
            rf"(?<![\w.,])(?P<sign>[-−+])?(?:(?P<low>{NUMBER})\s?%?\s?[-–]\s?)?"
            rf"(?P<number>{NUMBER})\s?(?P<mark>[%‰])(?!\w)"
        ),
        _percent,
    ),
)
