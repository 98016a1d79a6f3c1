"""Numbers in running text: Roman ones, fractions, ordinals, ranges, scores, quantities."""

import re
from typing import Final

from app.text.normalization.dates import date_of
from app.text.normalization.letters import figure
from app.text.normalization.numbers import (
    NUMBER,
    british,
    cardinal,
    decimal,
    digits,
    fraction,
    ordinal,
    part,
    plural,
    telephone,
    year,
)
from app.text.normalization.rules import TAKEN, Rule

_SCALES: Final = {"k": "thousand", "M": "million", "B": "billion"}
_BEFORE_A_DAY: Final = re.compile(r"\b(?:on|by|until|till|before|after|since|than|due)\s$")
_ON: Final = re.compile(r"\b[Oo]n\s$")
_VULGAR: Final = {
    "½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅖": (2, 5),
    "⅗": (3, 5), "⅘": (4, 5), "⅙": (1, 6), "⅚": (5, 6), "⅛": (1, 8), "⅜": (3, 8), "⅝": (5, 8),
    "⅞": (7, 8), "⅐": (1, 7), "⅑": (1, 9), "⅒": (1, 10),
}  # fmt: skip
_ROMAN: Final = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
# Single letters other than I, V and X are names: "Group D", "Class C".
_NUMERAL: Final = (
    r"(?![LCDM]\b)(?=[IVXLCDM])"
    r"M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})"
)
_COUNTED: Final = (
    "Chapter|Part|Act|Scene|Volume|Book|Section|Appendix|Phase|Class|Type|Stage|Level|World War|"
    "War|Title|Article|Super Bowl|Apollo|Mark|Figure|Table|Unit|Lesson|Episode|Season|Rocky|"
    "Final Fantasy|Paragraph|Step|Tier|Group|Schedule|Exhibit"
)
_RULERS: Final = (
    "Henry|Louis|Elizabeth|Charles|George|Edward|William|Richard|James|Mary|Philip|Philippe|"
    "John Paul|John|Pius|Benedict|Gregory|Leo|Clement|Innocent|Napoleon|Frederick|Friedrich|"
    "Wilhelm|Peter|Catherine|Ivan|Nicholas|Alexander|Francis|Ferdinand|Leopold|Alfonso|Carlos|"
    "Felipe|Emmanuel|Ramesses|Ramses|Thutmose|Ptolemy|Cleopatra|Christian|Gustav|Harald|Haakon|"
    "Olav|Robert|David|Otto|Rudolf|Joseph|Franz|Paul|Constantine|Theodosius|Darius|Xerxes"
)
# What may follow an I that is a number, and no "I" that begins a clause.
_AFTER_I: Final = (
    r"(?!(?<=\bI) (?!of|and|or|to|in|was|is|are|had|who|by|at|from|ruled|reigned|died|became|"
    r"wrote|ended|began|begins|on|for|with)[a-z])"
)
_TIES: Final = (
    "won|win|wins|winning|lost|lose|beat|drew|led|leading|lead|score|scored|victory|defeat|draw|"
    "tied|finished|ended|loss"
)


def roman(text: str) -> int:
    """`XIV` -> 14; of a well-formed numeral."""
    total = 0
    for at, char in enumerate(text):
        value = _ROMAN[char]
        total += -value if at + 1 < len(text) and _ROMAN[text[at + 1]] > value else value
    return total


def _chapter(m: re.Match[str], _: str) -> str | None:
    return f"{m[1]} {cardinal(roman(m[2]))}" if m[2] else None


def _ruler(m: re.Match[str], _: str) -> str | None:
    return f"{m[1]} the {ordinal(roman(m[2]))}" if m[2] else None


def _sequel(m: re.Match[str], _: str) -> str:
    return cardinal(roman(m[0]))


def _century(m: re.Match[str], _: str) -> str | None:
    return ordinal(roman(m[1])) if m[1] else None


def _fraction(m: re.Match[str], language: str) -> str | None:
    over, under = int(m["over"]), int(m["under"])
    if (said := _day_of_month(m, over, under, language)) is not None:
        return said
    if over == under and not m["whole"]:
        return f"{cardinal(over)} out of {cardinal(under)}"
    if under < 2 or under > 100 or (over >= under and m["whole"]):
        return None
    uk = british(language)
    if m["whole"]:
        return f"{cardinal(int(m['whole']), british=uk)} and {part(over, under, british=uk)}"
    if over > 20 or (over > under and under > 16):
        return f"{cardinal(over)} over {cardinal(under)}"
    return fraction(over, under, british=uk)


def _day_of_month(m: re.Match[str], over: int, under: int, language: str) -> str | None:
    """`on 3/4`, `by 3/14`."""
    uk = british(language)
    month, day = (under, over) if uk else (over, under)
    before = m.string[max(0, m.start() - 10) : m.start()]
    if m["whole"] or not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    alone = _ON.search(before) and not re.match(r" (?:of|the|a)\b", m.string[m.end() : m.end() + 5])
    if alone or (day > 12 and _BEFORE_A_DAY.search(before)):
        return date_of(f"{over}/{under}", "dm" if uk else "md", language)
    return None


def _vulgar(m: re.Match[str], language: str) -> str:
    uk = british(language)
    over, under = _VULGAR[m[2]]
    if not m[1]:
        return fraction(over, under, british=uk)
    return f"{decimal(m[1], british=uk)} and {part(over, under, british=uk)}"


def _ordinal(m: re.Match[str], language: str) -> str:
    return ordinal(int(m[1].replace(",", "")), british=british(language))


def _range(m: re.Match[str], language: str) -> str | None:
    uk = british(language)
    if m[2] == " - " and re.match(r"\s?=", m.string[m.end() : m.end() + 2]):
        return f"{decimal(m[1], british=uk)} minus {decimal(m[3], british=uk)}"
    return f"{decimal(m[1], british=uk)} to {decimal(m[3], british=uk)}"


def _years(m: re.Match[str], language: str) -> str | None:
    uk = british(language)
    first, last = int(m[1]), m[2]
    if len(last) == 2:
        if "/" in m[0] and (first + 1) % 100 != int(last):
            return None
        return f"{year(first, british=uk)} to {figure(last)}"
    if not 0 < int(last) - first < 500:
        return None
    return f"{year(first, british=uk)} to {year(int(last), british=uk)}"


def _score(m: re.Match[str], language: str) -> str:
    if british(language):
        one, other = (cardinal(int(x)) if int(x) else "nil" for x in (m[2], m[3]))
        return f"{m[1]}{one} {other}"
    return f"{m[1]}{cardinal(int(m[2]))} to {cardinal(int(m[3]))}"


def _ratio(m: re.Match[str], _: str) -> str:
    return f"{cardinal(int(m[1]))} to {cardinal(int(m[2]))}"


def _year_alone(m: re.Match[str], language: str) -> str:
    return year(int(m[1]), british=british(language))


def _short_year(m: re.Match[str], _: str) -> str:
    return digits(m[1], zero="oh") if m[1][0] == "0" else cardinal(int(m[1]))


def _code(m: re.Match[str], _: str) -> str:
    return telephone(m[0])


def _boeing(m: re.Match[str], _: str) -> str:
    return f"seven {figure(m[1])}"


def _decade(m: re.Match[str], _: str) -> str:
    if m["full"]:
        high, low = divmod(int(m["full"]), 100)
        if low == 0:
            return f"{cardinal(high)} hundreds" if high % 10 else f"{cardinal(high * 100)}s"
        return f"{cardinal(high)} {plural(cardinal(low))}"
    return plural(cardinal(int(m["short"] or m["bare"])))


def _spaced(m: re.Match[str], language: str) -> str:
    return decimal(re.sub(r"\s", "", m[0]), british=british(language))


def _groups(m: re.Match[str], _: str) -> str:
    """The number of a card, or its end."""
    return ", ".join(digits(group) for group in re.split(r"[ -]", m[0]))


def _by(m: re.Match[str], _: str) -> str:
    """`3 x 4 = 12`, or a size."""
    after = m.string[m.end() : m.end() + 22]
    return "times" if re.match(rf"[\d{TAKEN}.,]{{1,20}}\s?=", after) else "by"


def _cardinal(m: re.Match[str], language: str) -> str:
    text = m[0]
    whole = text.lstrip("-−+")
    if whole.startswith("0") and len(whole) > 1 and whole[1] != ".":
        return digits(whole, zero="oh")
    return decimal(text, british=british(language))


_DASH: Final = r"\s?[-–]\s?"
YEARS: Final = (
    Rule(
        "decade",
        re.compile(
            r"(?<![\w.,])(?:(?P<full>1\d{2}0|20\d0)|['’](?P<short>[2-9]0)"
            r"|(?:(?<=\bthe )|(?<=\bher )|(?<=\bhis )|(?<=\btheir )|(?<=\bmy )|(?<=\byour )"
            r"|(?<=\bour )|(?<=\bearly )|(?<=\blate )|(?<=\bmid[ -]))(?P<bare>[2-9]0))['’]?s\b"
        ),
        _decade,
    ),
    Rule(
        "range",
        re.compile(rf"(?<![\w.,-])([12]\d{{3}})(?:{_DASH}|/)([12]\d{{3}}|\d{{2}})(?![\w/-])"),
        _years,
    ),
)
ROMAN: Final = (
    Rule("roman", re.compile(rf"\b({_COUNTED}) ({_NUMERAL})\b{_AFTER_I}(?!['’.]?\w)"), _chapter),
    Rule("roman", re.compile(rf"\b({_RULERS}) ({_NUMERAL})\b{_AFTER_I}(?!\.?\w)"), _ruler),
    Rule(
        "roman",
        re.compile(r"(?<=[a-z] )(?:I{2,3}|VI{1,3}|XI{1,3}|IX|XIV|XVI?)(?![\w.]\w|\w)"),
        _sequel,
    ),
    Rule("roman", re.compile(r"\A(?:I{2,3}|IV|VI{0,3}|IX|XI{0,3})(?=\. [A-Z])"), _sequel),
    Rule("roman", re.compile(rf"\b({_NUMERAL})\b(?= (?:century|centuries)\b)"), _century),
)
NUMBERS: Final = (
    Rule(
        "digits",
        re.compile(r"(?<![\w.,-])\d{4}([ -])\d{4}(?:\1\d{4}){2}(?![\w-]|[ .,]\d)"),
        _groups,
    ),
    Rule("digits", re.compile(r"(?<=\bending in )\d{3,4}(?![\w.,-]\d|\w)"), _groups),
    Rule(
        "fraction",
        re.compile(rf"(?<![\w.,/])({NUMBER})?\s?([{''.join(_VULGAR)}])"),
        _vulgar,
        "".join(_VULGAR),
    ),
    Rule(
        "cardinal",
        re.compile(r"(?<![\w.,/-])(\d{1,4}(?:\.\d{1,2})?)([kMB])(?=\s[a-z]|[.,;!?]|$)"),
        lambda m, _: f"{decimal(m[1])} {_SCALES[m[2]]}",
        "kMB",
    ),
    Rule(
        "fraction",
        re.compile(r"(?<![\w.,/-])(\d{1,2}\.\d)/(5|10)(?![\w/.])"),
        lambda m, _: f"{decimal(m[1])} out of {cardinal(int(m[2]))}",
        "/",
    ),
    Rule(
        "fraction",
        re.compile(
            r"(?<![\w.,/-])(?:(?P<whole>\d{1,3})[ -])?(?P<over>\d{1,3})[/⁄](?P<under>\d{1,3})"
            r"(?![\w/])"
        ),
        _fraction,
    ),
    Rule(
        "ordinal",
        re.compile(r"(?<![\w.,])(\d{1,3}(?:,\d{3}){1,3}|\d{1,12})(?:st|nd|rd|th|ST|ND|RD|TH)\b"),
        _ordinal,
    ),
    Rule(
        "cardinal",
        re.compile(
            r"(?<![\w.,-])(?<!\d )[1-9]\d{0,2}"
            r"(?:(?:[\u00a0\u202f\u2009]\d{3}){1,5}|(?: \d{3}){0,4} 000)(?![\w.,-]\d|\w| \d)"
        ),
        _spaced,
    ),
    Rule("code", re.compile(r"(?<=\b[A-Z][A-Z] )\d{5}(?:-\d{4})?(?![\w.,]?\d|\w)"), _code),
    Rule("code", re.compile(r"(?<=\bISBN )\d[\d-]{8,16}(?!\w)"), _code),
    Rule("code", re.compile(r"(?<![\w.,-])\d{1,6}(?:-\d{1,8}){2,8}(?![\w-]|\.\d)"), _code),
    Rule(
        "score",
        re.compile(
            rf"\b((?:{_TIES}) (?:\w{{1,20}} ){{0,3}})(\d{{1,3}})[-–](\d{{1,3}})(?![\w-]|\s?[%°])"
        ),
        _score,
    ),
    Rule("ratio", re.compile(r"(?<![\w.,:])(\d{1,4}):(\d{1,4})(?![\w:]|\.\d)"), _ratio),
    Rule("range", re.compile(rf"(?<![\w.,-])({NUMBER})(\s?[-–]\s?)({NUMBER})(?![\w-])"), _range),
    Rule("sign", re.compile(r"(?<=\d)(?<!\b0)\s?x\s?(?=[\d\ue000])"), _by),
    Rule(
        "year",
        re.compile(
            r"(?<![\w.,$€£-])(1[1-9]\d{2}|20\d{2}"
            r"|(?:(?<=\bin )|(?<=\bIn )|(?<=\bof ))10\d{2}(?=[.,;:!?)]))"
            r"(?![\w,.]?\d|[\w%])(?= |[.,;:!?)\"”]|['’]s\b|$)"
        ),
        _year_alone,
    ),
    Rule("name", re.compile(r"(?<=\bBoeing )7(\d7)(?!\d)"), _boeing),
    Rule("year", re.compile(r"(?<![^\s(])['’](\d{2})(?![\w'’\"″]|\.\d)"), _short_year),
    Rule("digits", re.compile(r"(?<![\w.,])\d{16,}(?![^\W⁰¹²³⁴⁵⁶⁷⁸⁹])"), lambda m, _: digits(m[0])),
    Rule(
        "cardinal",
        re.compile(rf"(?<![\w.,])[-−+]?(?:{NUMBER})(?![^\W⁰¹²³⁴⁵⁶⁷⁸⁹]|\.\d)"),
        _cardinal,
    ),
    Rule("cardinal", re.compile(rf"(?<=[\d{TAKEN}],)\d{{1,9}}(?!\w|\.\d)"), _cardinal),
    Rule("cardinal", re.compile(r"(?<![\w.,])\.\d{1,9}(?!\w)"), lambda m, _: decimal(m[0])[5:]),
)  # fmt: skip
