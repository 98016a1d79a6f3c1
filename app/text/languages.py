"""Which language a text is in: by its letters, else by a small model that needs no network."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from threading import Lock
from types import MappingProxyType
from typing import Any, Final

from app.text.clean import script_of

SCRIPTS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "hi": frozenset({"DEVANAGARI", "LATIN"}),
        "ru": frozenset({"CYRILLIC"}),
        "uk": frozenset({"CYRILLIC"}),
        "el": frozenset({"GREEK"}),
        "ar": frozenset({"ARABIC"}),
        "he": frozenset({"HEBREW"}),
        "ja": frozenset({"HIRAGANA", "KATAKANA", "CJK", "LATIN"}),
        "zh": frozenset({"CJK", "LATIN"}),
        "ko": frozenset({"HANGUL", "LATIN"}),
        "th": frozenset({"THAI"}),
    }
)
_LATIN: Final = frozenset({"LATIN"})
_LEAST_LETTERS: Final = 9
_SURE: Final = 0.62
_SURE_SHORT: Final = 0.85  # of fewer words than `_LONG`
_LONG: Final = 4
_MOST_CHARS: Final = 600  # more of a sentence makes nothing surer
_loading = Lock()


def scripts_of(language: str) -> frozenset[str]:
    """First words of the Unicode names of its letters, as in `app.text.clean.script_of`."""
    return SCRIPTS.get(primary(language), _LATIN)


def primary(language: str) -> str:
    """`en` of `en-US`."""
    return language.replace("_", "-").partition("-")[0].lower()


def detect(text: str, among: Sequence[str], default: str) -> str:
    """The language of a sentence.

    Args:
        among: BCP-47 tags that it can be; of several of one language, `default` or the first.
        default: what it is where the text is too short to tell, or in doubt.
    """
    tags = {primary(default): default}
    for tag in among:
        tags.setdefault(primary(tag), tag)
    text = text[:_MOST_CHARS]
    script, letters = _most_letters(text)
    fitting = sorted(tag for tag in tags if _main_script(tag) == script)
    if len(fitting) < 2:
        return tags[fitting[0]] if fitting and script != "LATIN" else default
    if letters < _LEAST_LETTERS:
        return default
    language, sure = _classified(text, tuple(fitting))
    short = len(text.split()) < _LONG
    return tags[language] if sure >= (_SURE_SHORT if short else _SURE) else default


def detectable(language: str) -> bool:
    """Whether it can be told from others: by its letters, or by the model."""
    return primary(language) in SCRIPTS or primary(language) in _labels()


def by_script(text: str, among: Sequence[str], default: str) -> list[tuple[int, int, str]]:
    """Start, end and language of the passages of a text, which cover it, in order.

    A run of letters that `default` does not use is of the first language among the others that
    does; what is no letter goes with what is before it.
    """
    if text.isascii():
        return [(0, len(text), default)]
    own = scripts_of(default)
    spans: list[tuple[int, int, str]] = []
    for at, char in enumerate(text):
        script = script_of(char)
        language = spans[-1][2] if spans else default
        if script and script in own:
            language = default
        elif script:
            language = next((t for t in among if script in scripts_of(t)), default)
        if spans and (spans[-1][2] == language or not _has_letter(text, spans[-1])):
            spans[-1] = (spans[-1][0], at + 1, language)
        else:
            spans.append((at, at + 1, language))
    return spans or [(0, 0, default)]


def _has_letter(text: str, span: tuple[int, int, str]) -> bool:
    return any(map(str.isalpha, text[span[0] : span[1]]))


def _main_script(language: str) -> str:
    """The one that tells it from others."""
    return next(iter(sorted(scripts_of(language) - _LATIN)), "LATIN")


def _most_letters(text: str) -> tuple[str, int]:
    """The script of most letters, and how many there are of it."""
    if text.isascii():
        return "LATIN", sum(map(str.isalpha, text))
    counts = Counter(script for char in text if (script := script_of(char)))
    return counts.most_common(1)[0] if counts else ("LATIN", 0)


def _classified(text: str, languages: tuple[str, ...]) -> tuple[str, float]:
    """Of those that the model knows; with how sure it is, 0 to 1."""
    language, sure = _identifier(languages).classify(text)
    return str(language), float(sure)


@lru_cache(maxsize=1)
def _labels() -> frozenset[str]:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return frozenset(LanguageIdentifier.from_model_file(MODEL_FILE).labels)


@lru_cache(maxsize=8)
def _identifier(languages: tuple[str, ...]) -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    with _loading:
        identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        known = set(identifier.labels)
        identifier.set_languages([tag for tag in languages if tag in known])
    return identifier
