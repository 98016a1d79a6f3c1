"""Numbers in words: alone, with a unit or an amount of money, and before a noun."""

import re
from decimal import Decimal

from app.text.normalization.tongues.tongue import Currency, Form, Tongue

_NOUN = re.compile(r"[ \u00a0\u202f]([^\W\d_]{2,40})")
_WORD_BEFORE = re.compile(r"([^\W\d_]{1,20})\.?[ \u00a0]$")
# Not to be taken for anything else, in whichever language.
_AMERICAN = r"\d{1,3}(?:,\d{3}){1,5}\.\d{1,2}(?!\d)|\d{1,3}(?:,\d{3}){2,5}(?![\d,])"
_VOWELS = "aeiouhéèêâîôû"


class Numerals:
    """Of one language."""

    def __init__(self, tongue: Tongue) -> None:
        self._tongue = tongue
        decimal = re.escape(tongue.decimal)
        # Thousands are parted everywhere or nowhere; a decimal point is a point in each language.
        self.bare = (
            rf"(?<!\d)(?<!\d[.,])(?:{_AMERICAN}|(?:{tongue.groups})(?!\d)(?:{decimal}\d{{1,12}})?"
            rf"(?!\d)|\d{{1,15}}(?:[{decimal}.]\d{{1,12}})?(?!\d|\.\d|{decimal}\d))"
        )
        self.pattern = rf"(?<!\w){self.bare}"
        self._grouped = re.compile(rf"((?:{tongue.groups}))(?:{decimal}(\d{{1,12}}))?")
        self._american = re.compile(_AMERICAN)

    def parts(self, written: str) -> tuple[str, str, bool]:
        """Digits before and behind the decimal sign, and whether that is a point though the
        language uses another.
        """
        if self._american.fullmatch(written):
            whole, _, rest = written.replace(",", "").partition(".")
            return whole, rest, False
        grouped = self._grouped.fullmatch(written)
        if grouped:
            return re.sub(r"\D", "", grouped[1]), grouped[2] or "", False
        for sign in (self._tongue.decimal, "."):
            whole, found, rest = written.partition(sign)
            if found:
                return whole, rest, sign != self._tongue.decimal
        return written, "", False

    def is_grouped(self, written: str) -> bool:
        """Whether its thousands are parted."""
        return bool(self._grouped.fullmatch(written))

    def value(self, written: str) -> Decimal:
        whole, rest, _ = self.parts(written)
        return Decimal(f"{whole}.{rest}" if rest else whole)

    def digits(self, written: str) -> str:
        """One by one."""
        return " ".join(self._tongue.cardinal(int(digit), "alone") for digit in written)

    def group(self, digits: str) -> str:
        """Of a telephone number."""
        if self._tongue.pairs and len(digits) <= 2:
            zero = (
                f"{self._tongue.cardinal(0, 'alone')} " if digits[0] == "0" and digits[1:] else ""
            )
            return zero + self._tongue.cardinal(int(digits), "alone")
        return self.digits(digits)

    def said(self, written: str, form: Form = "alone") -> str:
        """A written number, whole or not."""
        whole, rest, point = self.parts(written)
        if len(whole) > 1 and whole[0] == "0":
            said = self.digits(whole)
        else:
            said = self._tongue.cardinal(int(whole), "alone" if rest else form)
        if not rest:
            return said
        signs = self._tongue.signs
        return f"{said} {signs.dot if point else signs.point} {self._decimals(rest)}"

    def with_noun(self, written: str, text: str, start: int, end: int) -> str:
        """As it agrees with the noun behind it, if there is one."""
        value = self.value(written)
        form = self._form(value, text, start, end)
        noun = _NOUN.match(text, end)
        if value == 1 and form == "masculine" and noun and self._tongue.one_before:
            return self._tongue.one_before(noun[1].lower())
        return self.said(written, form)

    def counted(self, written: str | int, noun: str) -> str:
        """A number of what the noun says, which may be several words."""
        written = str(written)
        form: Form = "feminine" if self._tongue.feminine(noun.split()[0].lower()) else "masculine"
        said = self.said(written, form)
        return f"{said} {self._of(said, noun)}{noun}"

    def amount(self, written: str, money: Currency, scale: str | None) -> str:
        """Of money. `scale`: a word such as `million` behind the number."""
        whole, rest, _ = self.parts(written)
        if scale:
            number = f"{self.said(written, 'masculine')} {scale}"
            return f"{number} {self._of(number, money.many)}{money.many}"
        if not money.minor_one or len(rest) > 2 or not rest.strip("0"):
            value = Decimal(whole) if not rest.strip("0") else self.value(written)
            written = whole if not rest.strip("0") else written
            return self.counted(written, money.one if value == 1 else money.many)
        minor = int(rest.ljust(2, "0"))
        change = self.counted(minor, money.minor_one if minor == 1 else money.minor_many)
        if int(whole) == 0:
            return change
        main = self.counted(whole, money.one if int(whole) == 1 else money.many)
        return f"{main}{self._tongue.change}{change}"

    def fraction(self, over: int, under: int, text: str, end: int) -> str:
        """`end`: where it ends in the text, for the noun behind it."""
        tongue = self._tongue
        if (over, under) == (1, 2):
            noun = _NOUN.match(text, end)
            known = noun and noun[1].lower() not in tongue.little
            if not known:
                return tongue.half.alone
            feminine = bool(noun and tongue.feminine(noun[1].lower()))
            return tongue.half.feminine if feminine else tongue.half.masculine
        named = tongue.fractions.get(under)
        if named:
            return f"{tongue.cardinal(over, 'masculine')} {named[0] if over == 1 else named[1]}"
        above, below = (tongue.cardinal(number, "alone") for number in (over, under))
        return f"{above} {tongue.signs.over} {below}"

    def _decimals(self, rest: str) -> str:
        """`3,14` is "fourteen" where it is short; zeros in front are said."""
        zeros = len(rest) - len(rest.lstrip("0"))
        if not self._tongue.decimals_as_number or len(rest) - zeros > 2 or zeros == len(rest):
            return self.digits(rest)
        return " ".join([*[self.digits("0")] * zeros, self._tongue.cardinal(int(rest), "alone")])

    def _of(self, said: str, noun: str) -> str:
        """What stands between a round number of millions and a noun."""
        million = self._tongue.million
        if not said.endswith(million.ends):
            return ""
        return million.elided if noun[0] in _VOWELS else million.of

    def _form(self, value: Decimal, text: str, start: int, end: int) -> Form:
        noun = _NOUN.match(text, end)
        if noun is None or noun[1].lower() in self._tongue.little:
            return "alone"
        # A numeral behind a noun or an article names something: "el 1", "página 21".
        before = _WORD_BEFORE.search(text[max(0, start - 24) : start])
        if value == 1 and before and before[1].lower() in self._tongue.determiners:
            return "alone"
        return "feminine" if self._tongue.feminine(noun[1].lower()) else "masculine"
