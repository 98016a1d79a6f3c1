"""How long the silences are, in seconds: about what readers leave."""

from typing import Final

PARAGRAPH_PAUSE_S: Final = 0.6
HEADING_PAUSE_S: Final = 0.5
SENTENCE_PAUSE_S: Final = 0.25
CLAUSE_PAUSE_S: Final = 0.12
CONJUNCTION_PAUSE_S: Final = 0.05
WORD_PAUSE_S: Final = 0.0

_CLOSING: Final = "\"'”’»)]」』 "
_ENDS: Final = {
    "?": 0.3, "？": 0.3, "؟": 0.3, "!": 0.3, "！": 0.3, "…": 0.4, "—": 0.3, "–": 0.3, ":": 0.3,
    "：": 0.3,
}  # fmt: skip
"""By the mark that a sentence ends with; other ones have that of a full stop."""
_CLAUSES: Final = {":": 0.2, "：": 0.2, "—": 0.15}
"""By the mark where a sentence that is too long is cut; other ones have that of a comma."""


def after_sentence(text: str) -> float:
    """Behind a sentence, whatever closes it: three dots are an ellipsis."""
    end = text[-12:].rstrip(_CLOSING)
    return _ENDS.get("…" if end.endswith("...") else end[-1:], SENTENCE_PAUSE_S)


def after_clause(text: str) -> float:
    """Behind a part of a sentence that ends with a mark."""
    return _CLAUSES.get(text[-12:].rstrip(_CLOSING)[-1:], CLAUSE_PAUSE_S)
