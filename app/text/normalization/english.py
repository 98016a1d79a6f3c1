"""English: what is put into words, in which order."""

from collections.abc import Sequence
from typing import Final

from app.text.normalization import dates, money, signs, web, words
from app.text.normalization.rules import run
from app.text.spoken import Edit

COVERAGE: Final = frozenset(
    {
        "cardinal", "ordinal", "year", "decimal", "fraction", "money", "percent", "unit", "date", "time",
        "telephone", "range", "score", "roman", "abbreviation", "acronym", "initials", "e-mail", "url",
        "path", "hashtag", "handle", "version", "sign", "lookalike", "punctuation", "emoji",
    }
)  # fmt: skip
_RULES: Final = (
    *signs.FIRST, *words.OWN_WAY, *web.RULES, *dates.RULES[:8], *money.RULES, *dates.RULES[8:14],
    *words.NAMED, *dates.RULES[14:], *words.LETTERS, *signs.RULES,
)  # fmt: skip


def normalize(text: str, language: str, taken: Sequence[Edit]) -> list[Edit]:
    """As `app.text.normalization.normalize`."""
    return run(_RULES, text, language.lower(), taken)
