"""Signs, lookalikes, repeated punctuation."""

import re
import unicodedata
from typing import Final

from app.text.normalization.rules import Rule

_BETWEEN: Final = {
    "+": "plus", "=": "equals", "≠": "is not equal to", "<": "less than", ">": "greater than",
    "≤": "less than or equal to", "≥": "greater than or equal to", "≈": "approximately", "×": "times",
    "÷": "divided by", "±": "plus or minus", "→": "to", "⇒": "implies", "←": "from", "↔": "to and from",
    "−": "minus", "*": "times", "^": "to the power of", "/": "slash", "|": "", "~": "about",
    "&": "and", "@": "at", "%": "percent", "∞": "infinity", "√": "the square root of", "∑": "the sum of",
    "π": "pi", "∆": "delta", "°": "degrees", "©": "copyright", "®": "", "™": "", "№": "number", "§": "section",
    "¶": "paragraph", "†": "", "‡": "", "•": "", "·": "", "●": "", "◦": "", "▪": "", "■": "", "#": "hash", "\\": "backslash",
    "_": "", "`": "", "$": "dollars", "€": "euros", "£": "pounds", "¥": "yen", "∫": "the integral of", "∂": "partial",
    "∈": "in", "∀": "for all", "∃": "there is", "≡": "is identical to", "∝": "is proportional to", "∩": "and", "∪": "or",
    "¬": "not", "⊂": "in", "↑": "up", "↓": "down", "‰": "per mille",
}  # fmt: skip
_GREEK: Final = re.compile(r"(?<!\w)[\u0391-\u03a9\u03b1-\u03c9](?!\w)")
_SUPER: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻₀₁₂₃₄₅₆₇₈₉", "0123456789+-0123456789")
# Letters of other scripts that look like Latin ones (Unicode's confusables, those of common scripts).
_LOOKS: Final = str.maketrans(
    "АВЕЅІЈКМНОРСТХУаеоѕіјрсухһԁԛԝвкмнтΑΒΕΖΗΙΚΜΝΟΡΤΥΧαινορυκ",
    "ABESIJKMHOPCTXYaeosijpcyxhdqwbkmhtABEZHIKMNOPTYXaivopuk",
)


def _between(m: re.Match[str], _: str) -> str | None:
    return _BETWEEN[m[0].strip()]


def _greek(m: re.Match[str], _: str) -> str | None:
    words = unicodedata.name(m[0], "").split()
    if "LETTER" not in words:
        return None
    name = words[words.index("LETTER") + 1].lower()
    return "lambda" if name == "lamda" else name


def _power(m: re.Match[str], _: str) -> str:
    from app.text.normalization.numbers import decimal

    power = m[0].translate(_SUPER)
    if power == "2":
        return " squared"
    if power == "3":
        return " cubed"
    return f" to the power of {decimal(power)}"


def _index(m: re.Match[str], _: str) -> str:
    from app.text.normalization.numbers import cardinal

    return f" {cardinal(int(m[0].translate(_SUPER)))} "


def _lookalike(m: re.Match[str], _: str) -> str | None:
    """A word of Latin letters with some that only look like them."""
    word = m[0]
    latin = sum(c.isascii() and c.isalpha() for c in word)
    plain = word.translate(_LOOKS)
    return plain if latin and plain.isascii() and plain != word else None


def _compatible(m: re.Match[str], _: str) -> str | None:
    plain = unicodedata.normalize("NFKC", m[0])
    return plain if plain != m[0] and any(c.isalnum() for c in plain) else None


def _repeated(m: re.Match[str], _: str) -> str:
    return m[0][0] if m[0][0] != "." else "…"


_ALT: Final = "".join(re.escape(sign) for sign in _BETWEEN)

FIRST: Final = (
    Rule("lookalike", re.compile(r"(?=[^\W\d_a-zA-Z]|\w{0,60}[\u0370-\u03ff\u0400-\u052f])[^\W\d_]{2,60}"), _lookalike),
    Rule("compatibility", re.compile(r"[\uff01-\uff5e\ufb00-\ufb06\u2100-\u214f\U0001d400-\U0001d7ff\u2460-\u24ff]+"), _compatible),
)  # fmt: skip
RULES: Final = (
    Rule("power", re.compile(r"(?<=[\w)])[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,6}"), _power),
    Rule("index", re.compile(r"(?<=\w)[₀₁₂₃₄₅₆₇₈₉]{1,6}"), _index),
    Rule("greek", _GREEK, _greek),
    Rule("markup", re.compile(r"(?<!\w)(?:\*{1,3}|_{1,3}|`{1,3}|~~)(?=\w)|(?<=[\w.!?])(?:\*{1,3}|_{1,3}|`{1,3}|~~)(?!\w)"), lambda m, _: ""),
    Rule("sign", re.compile(r"(?<=\w)/(?=\w)"), lambda m, _: " "),
    Rule("arrow", re.compile(r"(?<!\S)(?:-+>|=+>)(?!\S)"), lambda m, _: "to"),
    Rule("sign", re.compile(rf"\s?[{_ALT}]\s?(?=\S|$)"), _between),
    Rule("punctuation", re.compile(r"([!?…])\1{1,}|\.{3,}"), _repeated),
)  # fmt: skip
