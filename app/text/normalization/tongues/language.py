"""What one language is to the others of this package."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.text.normalization.tongues.words import Words
from app.text.spoken import Edit


@dataclass(frozen=True, slots=True)
class Language:
    """What this package knows of one language.

    Attributes:
        kinds: of things that are normalized.
        normalize: text, language tag and taken edits -> edits, in order.
        words: language tag -> how it says what `say-as` has understood.
    """

    kinds: frozenset[str]
    normalize: Callable[[str, str, Sequence[Edit]], list[Edit]]
    words: Callable[[str], Words]
