"""English: what is put into words, in which order."""

from collections.abc import Sequence
from typing import Final

from app.text.normalization import (
    abbreviations,
    dates,
    figures,
    letters,
    money,
    signs,
    times,
    units,
    web,
)
from app.text.normalization.rules import needing, run
from app.text.spoken import Edit, merged

COVERAGE: Final = frozenset(
    {
        "cardinal", "ordinal", "year", "decimal", "fraction", "money", "percent", "unit", "date",
        "time", "telephone", "range", "score", "roman", "abbreviation", "acronym", "initials",
        "e-mail", "url", "path", "hashtag", "handle", "version", "sign", "lookalike",
        "punctuation", "emoji",
    }
)  # fmt: skip
_DIGITS: Final = "0123456789"
RULES: Final = (
    *signs.FIRST,
    *letters.OWN_WAY,
    *dates.WEEKDAYS,
    *needing(_DIGITS, *dates.RULES),
    *web.RULES,
    *needing(_DIGITS, *times.RULES, *money.RULES, *units.RULES, *figures.YEARS),
    *needing("IVX", *figures.ROMAN),
    *abbreviations.RULES,
    *needing(_DIGITS, *figures.NUMBERS),
    *units.RATES,
    *letters.LETTERS,
    *signs.RULES,
)


def normalize(text: str, language: str, taken: Sequence[Edit]) -> list[Edit]:
    """As `app.text.normalization.normalize`."""
    plain = signs.plain(text)
    edits = run(RULES, plain, language.lower(), taken)
    if plain == text:
        return edits
    return merged(edits, signs.plain_edits(text, plain, merged(taken, edits)))
