"""What a language has words for."""

from collections.abc import Callable
from dataclasses import dataclass

# A part of a date that is not given.
Part = int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """How a language says what was understood. None: it has no words for that.

    Attributes:
        character: one letter, digit or sign, e.g. `7`, `a`, `@`.
        cardinal: a number in digits, with a sign and a decimal point (`.`) where it has them.
        ordinal: of a whole number.
        fraction: whole number (0: none), numerator, denominator.
        date: year, month (1-12), day (1-31); at least one of them is given.
        time: hours, minutes or None, seconds or None, and whether they are of 12 hours; then hours
            are 1-12 and `half` is `am`, `pm` or None.
        year: a year of the common era.
        money: a text with an amount and a currency (sign or ISO 4217 code); None if it is not one.
        telephone: a text of digits and what stands between them.
        unit: a text with a number and a unit; None if it is not one.
        address, name: any text.
        month_first: whether 3/4 is in March.
    """

    character: Callable[[str], str]
    cardinal: Callable[[str], str]
    ordinal: Callable[[int], str] | None = None
    fraction: Callable[[int, int, int], str] | None = None
    date: Callable[[Part, Part, Part], str] | None = None
    time: Callable[[int, Part, Part, str | None], str] | None = None
    year: Callable[[int], str] | None = None
    money: Callable[[str], str | None] | None = None
    telephone: Callable[[str], str] | None = None
    unit: Callable[[str], str | None] | None = None
    address: Callable[[str], str] | None = None
    name: Callable[[str], str] | None = None
    month_first: bool = False
