"""The symbols that the Kokoro model reads."""

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

# Marks that carry no sound and that the model has no symbol for: ties, syllabic and non-syllabic
# marks, liaison, word joins. Everything else outside the vocabulary is an error.
HARMLESS = frozenset("\u0361\u035c\u0329\u032f\u200b\u2060-_¡¿'`‘’")
# Symbols of the vocabulary that are pauses or announce them.
PAUSES = frozenset(' ;:,.!?—…"()“”')
# Stress and length: no sounds by themselves, but part of one.
_STRESS = frozenset("ˈˌː")
_SILENT = PAUSES | _STRESS | HARMLESS
SILENCED = MappingProxyType({ord(symbol): None for symbol in _SILENT})
"""For `str.translate`: leaves only the sounds."""


@lru_cache(maxsize=1)
def vocabulary() -> Mapping[str, int]:
    """Phoneme -> id, a fact of the model: 114 symbols."""
    text = files("hibari").joinpath("assets/vocab.json").read_text("utf-8")
    return MappingProxyType(json.loads(text))


def has_sound(phonemes: str) -> bool:
    """Whether there is more than pauses, stress and length."""
    return any(symbol not in _SILENT for symbol in phonemes)
