"""Rules for numbers, dates, money and the like in languages other than English.

They are the same for all of them; what differs is in the tables of `Tongue`, and, for the names of
months, units and currencies, in CLDR through Babel. Every pattern is linear: repeats are bounded.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from app.text.normalization.rules import Rule, run
from app.text.normalization.tongues.language import Language
from app.text.normalization.tongues.names import Names
from app.text.normalization.tongues.numerals import Numerals
from app.text.normalization.tongues.readings import VULGAR, Readings
from app.text.normalization.tongues.tongue import Tongue, listed
from app.text.normalization.tongues.words import Words
from app.text.spoken import Edit

_KINDS = listed(
    "abbreviation cardinal date decimal digits fraction money ordinal percent phone range sign "
    "time unit year"
)
_DIGITS = "0123456789०१२३४५६७८९"
# Left to the reader as it is: nothing in it is a number of its own.
_ADDRESS = re.compile(
    r"(?:https?://|www\.)\S{1,2000}|(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}"
)
_PHONE = re.compile(
    r"(?<![\w+])(?:\+\d{1,3}|0\d)(?:[ \u00a0.-]\d{1,5}){2,6}(?!\w)"
    r"|(?<![\w.,-])\d{2,4}(?:-\d{2,4}){2,4}(?![\w-])"
    r"|(?:(?<![\w+])\+\d{1,3} )?\(\d{2,3}\) ?\d{3,5}[- ]\d{3,4}(?![\w-])"
    r"|(?<![\w.,-])\d{5}-\d{3,4}(?![\w-])"
)
_OVER = re.compile(r"(?<![\w.,/])(?P<n>\d{1,3})/(?P<d>\d{1,3})(?![\w/])")
_SCORE = re.compile(r"(?<![\w.,:/-])(?P<a>\d{1,3}):(?P<b>\d{1,3})(?![\w:/-]|[.,]\d)")
_VULGAR = re.compile(rf"(?<![\w.,/])(?P<n>\d{{1,6}})?(?P<vulgar>[{''.join(VULGAR)}])(?!\w)")
_VERSION = re.compile(r"(?<![\w.,])(?P<n>\d{1,6}(?:\.\d{1,6}){2,5})(?!\w|[.,]\d)")
_LONG = re.compile(r"(?<![\w.,])(?P<n>\d{16,})(?!\w)")
_SIGN = r"(?P<sign>(?<![\w)\].,])[-−+±])?"
_SPACE = r"[ \u00a0\u202f]?"
_OPERATOR = re.compile(r"(?<=\d)[ \u00a0]?(?P<it>[+×÷=<>≤≥≈−*])(?=[ \u00a0]?[-−]?\d)")
_AMPERSAND = re.compile(r"(?<=\s)&(?=\s)")
_HASH = re.compile(r"(?<![\w#&])#(?=\d{1,9}(?!\w))")


def language(tongue: Tongue) -> Language:
    """What the package needs to know of a language."""
    rules = _Rules(tongue)
    kinds = _KINDS | {"roman"} if tongue.centuries else _KINDS
    return Language(kinds, rules.normalize, rules.words)


class _Rules:
    """The rules of one language; compiled with its first text."""

    def __init__(self, tongue: Tongue) -> None:
        self._tongue = tongue
        self._names = Names(tongue)
        self._numerals = Numerals(tongue)
        self._say = Readings(tongue, self._names, self._numerals)
        self._compiled: Sequence[Rule] = ()

    def normalize(self, text: str, tag: str, taken: Sequence[Edit]) -> list[Edit]:
        # Two threads may compile at once: to the same.
        if not self._compiled:
            self._compiled = tuple(self._rules())
        return run(self._compiled, text, tag, taken)

    def words(self, tag: str) -> Words:
        """For `say-as`."""
        say = self._say

        def whole(text: str, kind: str) -> str | None:
            edits = self.normalize(text, tag, ())
            fits = len(edits) == 1 and (edits[0].start, edits[0].end) == (0, len(text))
            return edits[0].spoken if fits and edits[0].rule == kind else None

        return Words(
            character=self._character,
            cardinal=self._cardinal,
            ordinal=lambda number: self._tongue.ordinal(number, False, ""),
            fraction=say.said_fraction,
            date=say.said_date,
            time=say.said_time,
            year=say.alone,
            money=lambda text: whole(text, "money"),
            telephone=say.telephone,
            unit=lambda text: whole(text, "unit"),
        )

    def _character(self, char: str) -> str:
        signs = self._tongue.signs
        named = {
            "+": signs.plus, "-": signs.minus, "=": signs.equals, "%": signs.percent,
            "&": signs.conjunction, ".": signs.dot, "#": signs.number,
        }  # fmt: skip
        return self._say.alone(int(char)) if char.isdecimal() else named.get(char, char.upper())

    def _cardinal(self, number: str) -> str:
        whole, _, rest = number.lstrip("-+").partition(".")
        said = self._numerals.said(whole + (self._tongue.decimal + rest if rest else ""))
        return f"{self._tongue.signs.minus} {said}" if number[0] == "-" else said

    def _rules(self) -> Iterator[Rule]:
        """First what is longest: a rule never looks inside the passage of an earlier one."""
        say = self._say
        yield _rule("address", _ADDRESS, lambda match: match[0], ".@/")
        yield from self._dates()
        yield from self._times()
        yield _rule("phone", _PHONE, say.phone, _DIGITS)
        yield from self._amounts()
        for pattern, ordinal in self._tongue.centuries:
            rule = say.roman_ordinal if ordinal else say.roman
            yield _rule("roman", re.compile(pattern), rule, "IVX")
        yield from self._abbreviations()
        yield from self._signs()
        yield from self._numbers()

    def _dates(self) -> Iterator[Rule]:
        months, short = _any(self._names.months), _any(self._names.short_months)
        year = r"[ \u00a0](?:del? )?\d{4}(?!\w)"
        for pattern in (
            r"(?<![\w./-])(?P<d>\d{1,2})(?P<sep>[/.-])(?P<m>\d{1,2})(?P=sep)(?P<y>\d{4})(?![\w/-])",
            r"(?<![\w./-])(?P<d>\d{1,2})/(?P<m>\d{1,2})/(?P<y>\d{2})(?![\w/-])",
            r"(?<![\w./-])(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})(?![\w/-])",
        ):
            yield _rule("date", re.compile(pattern), self._say.date, _DIGITS)
        # An abbreviated month only with its full stop or a year: "3 set" is no date.
        named = re.compile(
            r"(?<![\w.,/-])(?P<d>\d{1,2})(?P<first>\.?[º°]|er)?[ \u00a0](?:de )?"
            rf"(?:(?P<name>{months})(?!\w)|(?P<short>{short})(?:[.॰]|(?={year})))"
            r"(?:[ \u00a0](?:del? )?(?P<y>\d{4})(?!\w))?",
            re.IGNORECASE,
        )
        yield _rule("date", named, self._say.named_date, _DIGITS)
        yield _rule("date", _OVER, self._say.day_and_month, "/")

    def _times(self) -> Iterator[Rule]:
        mark = rf"(?P<mark>{_SPACE}(?:hs?|hrs|बजे)(?!\w))?"
        for pattern in (
            rf"(?<![\w.,:/-])(?P<h>\d{{1,2}}):(?P<m>\d{{2}})(?::(?P<s>\d{{2}}))?(?![\w:]){mark}",
            rf"(?<![\w.,:/-])(?P<h>\d{{1,2}})(?P<mark>{_SPACE}h)(?:{_SPACE}(?P<m>\d{{2}}))?(?!\w)"
            r"(?P<long> min\b)?",
            r"\b(?:alle|dalle|ore|entro le) (?P<it>(?P<h>\d{1,2})\.(?P<m>\d{2}))(?!\w|[.,]\d)",
        ):
            yield _rule("time", re.compile(pattern), self._say.time, _DIGITS)

    def _amounts(self) -> Iterator[Rule]:
        tongue, say = self._tongue, self._say
        number, bare = self._numerals.pattern, self._numerals.bare
        money = rf"(?P<money>{_any([*tongue.currencies, *self._names.codes])})"
        scale = rf"(?:[ \u00a0](?P<scale>{_any(tongue.magnitudes)})(?!\w))?"
        units = _any(self._names.units)
        for kind, pattern, said in (
            ("money", rf"{_SIGN}(?<!\w){money}{_SPACE}(?P<n>{bare}){scale}(?!\w)", say.money),
            ("money", rf"{_SIGN}(?P<n>{number}){scale}{_SPACE}{money}(?!\w)", say.money),
            ("percent", rf"{_SIGN}(?P<n>{number}){_SPACE}%", say.percent),
            (
                "ordinal",
                rf"(?<![\w.,/-])(?P<n>\d{{1,4}})(?P<suffix>{tongue.ordinals})(?![\wºª°])",
                say.ordinal,
            ),
            (
                "unit",
                rf"{_SIGN}(?P<n>{number}){_SPACE}(?P<unit>{units})(?![\w/²³]|\.\w)",
                say.unit,
            ),
        ):
            yield _rule(kind, re.compile(pattern), said, _DIGITS)

    def _abbreviations(self) -> Iterator[Rule]:
        known = self._tongue.abbreviations
        # At its end the full stop is also that of the sentence.
        ends = {short[:-1]: said for short, said in known.items() if short.endswith(".")}
        for table, behind in (
            (self._tongue.numbered, r"(?!\w)(?=[ \u00a0]?\d)"),
            (ends, r"(?=\.[\"'»”)]{0,3}$)"),
            (known, r"(?!\w)" if "C/" not in known else r"(?:(?<=/)|(?!\w))"),
        ):
            pattern = re.compile(rf"(?<![\w.])(?:{_any(table)}){behind}")
            yield _rule("abbreviation", pattern, _from(table))

    def _signs(self) -> Iterator[Rule]:
        signs = self._tongue.signs
        operators = {
            "+": signs.plus, "×": signs.times, "*": signs.times, "÷": signs.divided,
            "=": signs.equals, "<": signs.less, ">": signs.more, "≤": signs.less,
            "≥": signs.more, "≈": signs.about, "−": signs.minus,
        }  # fmt: skip
        yield _rule("sign", _OPERATOR, lambda match: operators[match["it"]], _DIGITS)
        yield _rule("sign", _AMPERSAND, lambda _: signs.conjunction, "&")
        yield _rule("sign", _HASH, lambda _: signs.number, "#")

    def _numbers(self) -> Iterator[Rule]:
        say, number = self._say, self._numerals.pattern
        ends = re.compile(
            rf"(?<![\w.,/-])(?!0\d)(?P<a>{number})(?:-| ?– ?)(?!0\d)(?P<b>{self._numerals.bare})"
            r"(?![\w/-])"
        )
        yield _rule("range", ends, say.range, "-–")
        yield _rule("range", _SCORE, say.score, ":")
        yield _rule("fraction", _OVER, say.fraction, "/")
        yield _rule("fraction", _VULGAR, say.vulgar, "".join(VULGAR))
        yield _rule("decimal", _VERSION, say.version, ".")
        plain = re.compile(rf"(?<!\d[/:]){_SIGN}(?P<n>{number})(?!\w|[.,:/]\d)")
        for kind, said in (
            ("digits", say.digits),
            ("year", say.year),
            ("decimal", say.decimal),
            ("cardinal", say.number),
        ):
            yield _rule(kind, plain, said, _DIGITS)
        yield _rule("digits", _LONG, say.digits, _DIGITS)


def _rule(
    name: str, pattern: re.Pattern[str], say: Callable[[re.Match[str]], str | None], needs: str = ""
) -> Rule:
    return Rule(name, pattern, lambda match, _: say(match), needs)


def _any(written: Sequence[str] | Mapping[str, object]) -> str:
    """A pattern for any of them, the longest first."""
    return "|".join(re.escape(one) for one in sorted(written, key=len, reverse=True)) or r"(?!)"


def _from(table: Mapping[str, str]) -> Callable[[re.Match[str]], str]:
    return lambda match: table[match[0]]
