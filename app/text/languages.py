"""Which language a sentence is written in, and which letters a language is written with."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from threading import Lock
from types import MappingProxyType
from typing import Any

from app.text.clean import script_of

_LATIN = frozenset({"LATIN"})
# Of languages that are not, or not only, written in Latin letters, by primary subtag. Names as in
# `script_of`. Latin stands with the languages that use its letters for foreign words as they are.
_SCRIPTS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        language: frozenset(scripts.split())
        for languages, scripts in (
            ("be bg kk ky mk mn ru tg tt uk", "CYRILLIC"),
            ("sr", "CYRILLIC LATIN"),
            ("ar fa ps ug ur", "ARABIC"),
            ("he yi", "HEBREW"),
            ("hi", "DEVANAGARI LATIN"),
            ("mr ne sa", "DEVANAGARI"),
            ("as bn", "BENGALI"),
            ("el", "GREEK"),
            ("hy", "ARMENIAN"),
            ("ka", "GEORGIAN"),
            ("gu", "GUJARATI"),
            ("pa", "GURMUKHI"),
            ("kn", "KANNADA"),
            ("ml", "MALAYALAM"),
            ("or", "ORIYA"),
            ("si", "SINHALA"),
            ("ta", "TAMIL"),
            ("te", "TELUGU"),
            ("th", "THAI"),
            ("lo", "LAO"),
            ("km", "KHMER"),
            ("my", "MYANMAR"),
            ("am ti", "ETHIOPIC"),
            ("ja", "HIRAGANA KATAKANA CJK"),
            ("ko", "HANGUL CJK"),
            ("yue zh", "CJK"),
        )
        for language in languages.split()
    }
)
# Measured on the sentences of tests/text/languages.csv: how much likelier, in nats over the root of
# the number of bytes, the best language must be than the next one. Names and numbers lie below.
_CERTAIN = 0.8
# How much likelier one that is not asked for may be, in the same unit. Neighbours of a language
# (Catalan, Galician) come that near in its own short sentences.
_FOREIGN = 1.0
# Enough to tell a language by.
_ENOUGH_CHARS = 1000
# Of the letters of a sentence. Brand names in Latin letters are longer than the words around them.
_SHARE_OF_OTHER_SCRIPT = 1 / 3
_LOADING = Lock()


def primary(language: str) -> str:
    """Primary subtag of a BCP-47 tag: `pt-BR` -> `pt`."""
    return language.replace("_", "-").split("-", 1)[0].lower()


def scripts(language: str) -> frozenset[str]:
    """Of the letters that a language is written with, as in `app.text.clean.script_of`."""
    return _SCRIPTS.get(primary(language), _LATIN)


def load() -> None:
    """Load what `detect` needs now rather than with its first sentence: about a second. Twice is
    once.
    """
    _identifier()


def detect(text: str, among: Sequence[str], default: str) -> str:
    """The language of a sentence.

    Letters decide where they can; else how likely the sequences of letters are in each language. A
    short or doubtful sentence, and one in another language than these, is in the default.

    Args:
        text: any; only its beginning is looked at.
        among: BCP-47 tags to choose from.
        default: BCP-47 tag. Where its primary subtag is the one that is found, it is given back.
    """
    text = text[:_ENOUGH_CHARS]
    script = _script_of_text(text)
    found = {primary(tag): tag for tag in reversed(among) if script in _own_scripts(tag)}
    if primary(default) in found:
        found[primary(default)] = default
    if len(found) == 1:
        return next(iter(found.values()))
    likeliest = _likeliest(text, found) if found else None
    return found[likeliest] if likeliest else default


def detectable(language: str) -> bool:
    """Whether it can be told from others: by its letters, or by how likely they are."""
    return primary(language) in _SCRIPTS or primary(language) in _identifier().labels


def by_script(text: str, among: Sequence[str], default: str) -> list[tuple[int, int, str]]:
    """The parts of a text by language as their letters tell: start, end, BCP-47 tag.

    A letter that the default language does not use is of the first of `among` that does. Digits,
    signs and spaces go with what is before them; at the beginning, with what follows. The parts
    cover the text; neighbours differ.
    """
    known: dict[str, str] = {}
    for tag in reversed(among):
        known.update(dict.fromkeys(_own_scripts(tag), tag))
    known.update(dict.fromkeys(scripts(default), default))
    parts: list[tuple[int, int, str]] = []
    for offset, script in _letters(text):
        language = known.get(script, default)
        if not parts:
            parts.append((0, len(text), language))
        elif language != parts[-1][2]:
            parts[-1] = (parts[-1][0], offset, parts[-1][2])
            parts.append((offset, len(text), language))
    return parts or ([(0, len(text), default)] if text else [])


def _letters(text: str) -> Iterator[tuple[int, str]]:
    for offset, char in enumerate(text):
        if script := script_of(char):
            yield offset, script


def _own_scripts(language: str) -> frozenset[str]:
    """Without Latin where it is only used for foreign words."""
    return scripts(language) - _LATIN or _LATIN


def _script_of_text(text: str) -> str:
    """The script of most letters; one other than Latin counts more. Empty if there is no letter."""
    counts = Counter(script for _, script in _letters(text))
    latin = counts.pop("LATIN", 0)
    if counts:
        script, count = counts.most_common(1)[0]
        if count >= _SHARE_OF_OTHER_SCRIPT * (latin + count):
            return script
    return "LATIN" if latin else ""


def _likeliest(text: str, languages: Iterable[str]) -> str | None:
    """None where it is in doubt."""
    ranks: list[tuple[str, float]] = _identifier().rank(text)
    mine = [(language, score) for language, score in ranks if language in languages]
    if len(mine) < 2:
        return None
    unit = math.sqrt(len(text.encode(errors="replace")) or 1)
    (language, best), (_, second) = mine[:2]
    doubtful = best - second < _CERTAIN * unit or ranks[0][1] - best > _FOREIGN * unit
    return None if doubtful else language


def _identifier() -> Any:
    with _LOADING:
        return _load_identifier()


@cache
def _load_identifier() -> Any:
    """Its ranking only reads, so that threads can share it."""
    # A large table of a library that speech in a known language does without.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE)
