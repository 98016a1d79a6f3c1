"""Signs, lookalikes, repeated punctuation."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from app.text.normalization.numbers import cardinal, decimal
from app.text.normalization.rules import TAKEN, Rule
from app.text.spoken import Edit, untouched

_BETWEEN: Final = {
    "+": "plus", "=": "equals", "≠": "is not equal to", "<": "less than", ">": "greater than",
    "≤": "less than or equal to", "≥": "greater than or equal to", "≈": "approximately",
    "×": "times", "÷": "divided by", "±": "plus or minus", "→": "to", "⇒": "implies", "←": "from",
    "↔": "to and from", "−": "minus", "*": "times", "^": "to the power of", "/": "slash",
    "~": "about", "&": "and", "@": "at", "%": "percent", "∞": "infinity",
    "√": "the square root of", "∑": "the sum of", "π": "pi", "∆": "delta", "°": "degrees",
    "©": "copyright", "№": "number", "§": "section", "¶": "paragraph", "#": "hash",
    "\\": "backslash", "$": "dollars", "€": "euros", "£": "pounds", "¥": "yen",
    "∫": "the integral of", "∂": "partial", "∈": "in", "∀": "for all", "∃": "there is",
    "≡": "is identical to", "∝": "is proportional to", "∩": "and", "∪": "or", "¬": "not",
    "⊂": "in", "↑": "up", "↓": "down", "‰": "per mille",
}  # fmt: skip
_OPEN: Final = "([{“‘\"'"
_CLOSE: Final = ")]}”’\"'.,;:!?"
_SUPER: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻₀₁₂₃₄₅₆₇₈₉", "0123456789+-0123456789")
# Letters of other scripts that look like Latin ones (Unicode's confusables, of common scripts).
LOOKS: Final = str.maketrans(
    "АВЕЅІЈКМНОРСТХУаеоѕіјрсухһԁԛԝвкмнтΑΒΕΖΗΙΚΜΝΟΡΤΥΧαινορυκ",
    "ABESIJKMHOPCTXYaeosijpcyxhdqwbkmhtABEZHIKMNOPTYXaivopuk",
)
_WORD: Final = re.compile(r"\w+")
# Other forms of one letter or sign: full-width, letterlike, mathematical, in circles.
_FORMS: Final = ((0xFF01, 0xFF5E), (0x2100, 0x214F), (0x1D400, 0x1D7FF), (0x2460, 0x24FF))


def plain(text: str) -> str:
    """Plain letters, digits and hyphens for what only looks like them; of the same length."""
    if text.isascii():
        return text
    return _WORD.sub(_latin, "".join(map(_plain, text)))


def plain_edits(text: str, plain: str, edits: Sequence[Edit]) -> list[Edit]:
    """The words of a text that `plain` has in another form, outside of these edits."""
    if text == plain:
        return []
    found = []
    for start, end in untouched(len(text), edits):
        for word in re.finditer(r"\w+|[^\w\s]", text[start:end]):
            first, last = start + word.start(), start + word.end()
            if text[first:last] != plain[first:last]:
                found.append(Edit(first, last, plain[first:last], "lookalike"))
    return found


def _plain(char: str) -> str:
    if char <= "\x7f":
        return char
    if char in "‐‑":
        return "-"
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    if not any(low <= ord(char) <= high for low, high in _FORMS):
        return char
    form = unicodedata.normalize("NFKC", char)
    return form if len(form) == 1 else char


def _latin(m: re.Match[str]) -> str:
    """A word of Latin letters, some of which only look like them."""
    word = m[0]
    if word.isascii() or not any(c.isascii() and c.isalpha() for c in word):
        return word
    latin = word.translate(LOOKS)
    return latin if latin.isascii() else word


def _ligature(m: re.Match[str], _: str) -> str | None:
    return unicodedata.normalize("NFKC", m[0])


def _between(m: re.Match[str], _: str) -> str:
    """The word, with a space to what is written right beside it."""
    before = m.string[m.start() - 1 : m.start()] if m.start() else ""
    after = m.string[m.end() : m.end() + 1]
    head = "" if not before or before.isspace() or before in _BETWEEN or before in _OPEN else " "
    tail = "" if not after or after.isspace() or after in _CLOSE else " "
    return f"{head}{_BETWEEN[m[0]]}{tail}"


def _caret(m: re.Match[str], _: str) -> str:
    power = {"2": "squared", "3": "cubed"}.get(m[1])
    return f" {power or f'to the power of {decimal(m[1])}'}"


def _greek(m: re.Match[str], _: str) -> str | None:
    words = unicodedata.name(m[0], "").split()
    if "LETTER" not in words:
        return None
    name = words[words.index("LETTER") + 1].lower()
    return "lambda" if name == "lamda" else name


def _power(m: re.Match[str], _: str) -> str:
    power = m[0].translate(_SUPER)
    if power in ("2", "3"):
        return " squared" if power == "2" else " cubed"
    return f" to the power of {decimal(power)}"


def _index(m: re.Match[str], _: str) -> str:
    return f" {cardinal(int(m[0].translate(_SUPER)))}"


def _repeated(m: re.Match[str], _: str) -> str | None:
    marks = set(m[0])
    said = "..." if marks == {"."} else "?!" if len(marks) > 1 else m[0][0]
    return said if said != m[0] else None


_SAID: Final = "".join(re.escape(sign) for sign in _BETWEEN)
_LEFT_OUT: Final = "®™†‡•·●◦▪■_`"

FIRST: Final = (
    Rule("power", re.compile(r"(?<=[\w)])\^\(?(-?\d{1,4})\)?(?!\w)"), _caret, "^"),
    Rule(
        "lookalike",
        re.compile(r"[^\W\d_\ufb00-\ufb06]{0,40}[\ufb00-\ufb06]\w{0,40}"),
        _ligature,
        "ﬀﬁﬂﬃﬄﬅﬆ",
    ),
)
RULES: Final = (
    Rule(
        "punctuation",
        re.compile(r"(?<!\S)(?:-{4,}|_{3,}|={3,}|\*{3,}|~{3,}|#{3,})(?!\S)"),
        lambda m, _: "",
    ),
    Rule("punctuation", re.compile(r"(?<=\s)--(?:-(?=\s)|(?=\s))"), lambda m, _: "—"),
    Rule("word", re.compile(r"(?<=\s)['’‘][nN]['’‘]?(?=\s)"), lambda m, _: "and"),
    Rule("power", re.compile(rf"(?<=[\w){TAKEN}])[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{{1,6}}"), _power, "⁰¹²³⁴⁵⁶⁷⁸⁹"),
    Rule("index", re.compile(rf"(?<=[\w{TAKEN}])[₀₁₂₃₄₅₆₇₈₉]{{1,6}}"), _index, "₀₁₂₃₄₅₆₇₈₉"),
    Rule("greek", re.compile(r"(?<!\w)[\u0391-\u03a9\u03b1-\u03c9](?!\w)"), _greek),
    Rule(
        "markup",
        re.compile(
            r"(?<!\w)(?:\*{1,3}|_{1,3}|`{1,3}|~~)(?=\w)|(?<=[\w.!?])(?:\*{1,3}|_{1,3}|`{1,3}|~~)(?!\w)"
        ),
        lambda m, _: "",
        "*_`~",
    ),
    Rule("sign", re.compile(r"(?<!\w)#(?= of )"), lambda m, _: "number", "#"),
    Rule("sign", re.compile(r"(?<=\w)/(?=\w)"), lambda m, _: " "),
    Rule("arrow", re.compile(r"(?<!\S)(?:-{1,9}>|={1,9}>)(?!\S)"), lambda m, _: "to", ">"),
    Rule("sign", re.compile(r"(?<=\d)\s-\s(?=\d)"), lambda m, _: "minus"),
    Rule("sign", re.compile(r"\s?\|\s?(?=\S|$)"), lambda m, _: ", ", "|"),
    Rule("sign", re.compile(rf"\s?[{_LEFT_OUT}]\s?"), lambda m, _: "", _LEFT_OUT),
    Rule("sign", re.compile(rf"[{_SAID}]"), _between, "".join(_BETWEEN)),
    Rule("punctuation", re.compile(r"[!?]{2,}|…{2,}|\.{3,}"), _repeated),
)  # fmt: skip
