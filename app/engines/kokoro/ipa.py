"""IPA and the model's own symbols.

The model has one symbol for an affricate or a closing diphthong, and writes stress before the vowel
instead of the syllable. English is written as in the dictionaries it was trained with: American
without length, British with it, and `a` as in "trap". What it has no symbol for is given the
nearest sound where there is a near one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Self

from app.engines.kokoro.symbols import vocabulary
from app.text.alphabet_tables import MARKS, SIGNS, TIE, VOWELS
from app.text.alphabets import decomposed
from app.text.syllables import onset

# One symbol of the model each. The untied ones are affricates in every language of the model.
_TIED: Final = {
    f"t{TIE}ʃ": "ʧ", f"d{TIE}ʒ": "ʤ", f"t{TIE}s": "ʦ", f"d{TIE}z": "ʣ", f"t{TIE}ɕ": "ʨ",
    f"d{TIE}ʑ": "ʥ", f"ʈ{TIE}ʂ": "ꭧ", f"a{TIE}ɪ": "I", f"a{TIE}ʊ": "W", f"e{TIE}ɪ": "A",
    f"o{TIE}ʊ": "O", f"ə{TIE}ʊ": "Q", f"ɔ{TIE}ɪ": "Y",
}  # fmt: skip
_NEAREST: Final = {
    **_TIED,
    "tʃ": "ʧ", "dʒ": "ʤ", "tɕ": "ʨ", "dʑ": "ʥ",
    f"t{TIE}ʂ": "ꭧ", f"d{TIE}ʐ": "ʤ", f"ɖ{TIE}ʐ": "ʤ",
    "ʀ": "ʁ", "ɫ": "l", "ɭ": "l", "ʟ": "l", "ɺ": "ɾ", "ɱ": "m", "ʍ": "w", "ɦ": "h", "ħ": "h",
    "ʐ": "ʒ", "ʑ": "ʒ", "ɧ": "ʃ", "ɢ": "ɡ", "ɓ": "b", "ɗ": "d", "ɠ": "ɡ", "ⱱ": "v", "ʉ": "u",
    "ᵿ": "ʊ", "ʏ": "y", "ɵ": "ø", "ɘ": "ə", "ɞ": "œ", "ɶ": "œ", "ɝ": "ɚ",
}  # fmt: skip
_ENGLISH: Final = {
    **_NEAREST,
    "aɪ": "I", "aʊ": "W", "eɪ": "A", "ɔɪ": "Y", "ɛɪ": "A", "ɑɪ": "I", "ɑʊ": "W", "æʊ": "W",
    "r": "ɹ", "ɻ": "ɹ", "ɨ": "ᵻ", "ɵ": "ʊ", "e": "ɛ", "eː": "A", "ɝ": "ɝ", "ɚ": "ɚ", "ɜ˞": "ɝ",
    "ə˞": "ɚ", "ɞ": "ɜ",
}  # fmt: skip
_AMERICAN: Final = {
    **_ENGLISH,
    "oʊ": "O", "əʊ": "O", f"ə{TIE}ʊ": "O", "ɒ": "ɑ", "a": "ɑ", "ɶ": "ɑ",
}  # fmt: skip
_BRITISH: Final = {
    **_ENGLISH,
    "oʊ": "Q", "əʊ": "Q", f"o{TIE}ʊ": "Q", "æ": "a", "aː": "ɑː", "ɑ": "ɑː", "ɔ": "ɔː", "u": "uː",
    "ɜ": "ɜː", "ʉ": "uː", "eə": "ɛː", "ɛə": "ɛː", "ɶ": "ɒ",
}  # fmt: skip
_LONG: Final = frozenset("iuɑɔɜɛə")  # British vowels that can be long
_SYLLABIC: Final = frozenset("\u0329\u030d")
_WEAK: Final = frozenset("əᵊᵻ")
# "ɝ" and "ɚ" are resolved in the end: British has their r only before a vowel.
_KNOWN: Final = frozenset(vocabulary()) | {"ɝ"}
_MODEL_VOWELS: Final = (VOWELS & _KNOWN) | set("AIOQWYᵊ")
_VOWEL: Final = "".join(sorted(_MODEL_VOWELS))
_EXPANDED: Mapping[str, str] = MappingProxyType(
    {
        **{symbol: ipa for ipa, symbol in _TIED.items() if not symbol.isupper()},
        **{symbol: ipa.replace(TIE, "") for ipa, symbol in _TIED.items() if symbol.isupper()},
        "T": "ɾ",
    }
)
_UNSEEN: Final = str.maketrans("|‖", "  ", "\u032f\u0311")


@dataclass(frozen=True, slots=True)
class _Language:
    """How IPA is written for a language. `sounds`: finds stress, or a sound with its marks."""

    table: Mapping[str, str]
    sounds: re.Pattern[str]
    english: bool = False
    british: bool = False

    @classmethod
    def of(cls, table: Mapping[str, str], *, english: bool = False, british: bool = False) -> Self:
        marks = f"[{''.join(MARKS)}]"
        longest_first = "|".join(sorted(table, key=len, reverse=True))
        sounds = re.compile(f"(?P<stress>[ˈˌ])|(?P<sound>{longest_first}|.)(?P<marks>{marks}*)")
        return cls(MappingProxyType(table), sounds, english, british)


_LANGUAGES: Mapping[str, _Language] = MappingProxyType(
    {
        "en-US": _Language.of(_AMERICAN, english=True),
        "en-GB": _Language.of(_BRITISH, english=True, british=True),
    }
)
_OTHER: Final = _Language.of(_NEAREST)


def to_symbols(ipa: str, language: str) -> tuple[str, tuple[str, ...]]:
    """Write IPA as the model does.

    Args:
        ipa: as `app.text.alphabets.to_ipa` gives it.
        language: one of the model's: American and British vowels differ.

    Returns:
        Symbols of the model, and those of the IPA that it has no sound for, each once.
    """
    missing: list[str] = []
    written = _LANGUAGES.get(language, _OTHER)
    plain = decomposed(ipa).replace("\u035c", TIE).translate(_UNSEEN)
    words = [_word(word, written, missing) for word in plain.split()]
    return " ".join(filter(None, words)), tuple(dict.fromkeys(missing))


def to_ipa(symbols: str) -> str:
    """Symbols of the model as IPA, with stress before the syllable and without punctuation."""
    kept = "".join(c for c in symbols if c.isalpha() or c.isspace() or c in MARKS or c in "ˈˌ")
    return " ".join(map(_syllabified, kept.split()))


def ending(symbols: str, language: str) -> str:
    """How a plural or possessive s sounds behind a word."""
    last = symbols.rstrip("ː")[-1:]
    if last and last in "szʃʒʧʤʦʣʂꭧʨʥ":
        return "ɪz" if language == "en-GB" else "ᵻz"
    return "s" if last and last in "ptkfθcqʈxχ" else "z"


def _word(word: str, language: _Language, missing: list[str]) -> str:
    out = stress = ""
    for found in language.sounds.finditer(word):
        if found["stress"]:
            stress = found["stress"]
            continue
        sound = language.table.get(found["sound"], found["sound"])
        if sound in SIGNS or sound in MARKS - _KNOWN:
            continue
        if not _KNOWN.issuperset(sound):
            missing.append(found["sound"])
            continue
        is_vowel = sound[0] in _MODEL_VOWELS
        if language.english and not is_vowel and not _SYLLABIC.isdisjoint(found["marks"]):
            sound, is_vowel = f"ᵊ{sound}", True
        if stress and is_vowel:
            out, sound = out + stress, "iː" if language.british and sound == "i" else sound
            stress = ""
        out += sound + _marks(sound, found["marks"], language)
    return _english(out, british=language.british) if language.english else out


def _marks(sound: str, marks: str, language: _Language) -> str:
    """What the model has for the marks of a sound; the others have no sound of their own."""
    is_vowel = sound[0] in _MODEL_VOWELS
    long = not language.english or (language.british and sound[-1] in _LONG)
    kept = {
        "ː": "ː" if long else "",
        "\u0303": "\u0303" if is_vowel else "",
        "ʰ": "" if language.english else "ʰ",
        "ʱ": "" if language.english else "ʰ",
        "ʲ": "j" if language.english else "ʲ",
        "ʷ": "w",
        "˞": "ɹ" if language.english and is_vowel else "",
        "ᵊ": "ᵊ",
    }
    return "".join(kept.get(mark, "") for mark in marks)


def _english(word: str, *, british: bool) -> str:
    """Vowels with r, and stress where a word of one syllable is given none, as is the custom."""
    if british:
        word = re.sub("oɹ", "ɔːɹ", word).replace("o", "Q")
        word = re.sub(f"([ɝɚ])(?=[ˈˌ]?[{_VOWEL}])", r"\1ɹ", word)
        word = word.replace("ɝ", "ɜː").replace("ɚ", "ə")
    else:
        word = word.replace("oɹ", "ɔɹ").replace("o", "O")
        word = word.replace("ɝɹ", "ɝ").replace("ɚɹ", "ɚ").replace("ɝ", "ɜɹ").replace("ɚ", "əɹ")
        word = re.sub("ɜ(?!ɹ)", "ɜɹ", word)
    vowels = [at for at, symbol in enumerate(word) if symbol in _MODEL_VOWELS]
    if len(vowels) == 1 and word[vowels[0]] not in _WEAK and not any(c in word for c in "ˈˌ"):
        word = f"{word[: vowels[0]]}ˈ{word[vowels[0] :]}"
    return word


def _syllabified(word: str) -> str:
    """Stress is moved from the vowel to the beginning of its syllable."""
    out: list[str] = []
    consonants: list[str] = []
    stress, begun = "", False
    for symbol in word:
        if symbol in "ˈˌ":
            stress = symbol
        elif symbol in _MODEL_VOWELS:
            begins = onset([c[0] for c in consonants]) if begun else 0
            out += consonants[:begins]
            out.append(stress)
            out += consonants[begins:]
            out.append(_EXPANDED.get(symbol, symbol))
            stress, begun, consonants = "", True, []
        elif symbol in MARKS and (consonants or out):
            target = consonants or out
            target[-1] += symbol
        else:
            consonants.append(_EXPANDED.get(symbol, symbol))
    return "".join([*out, stress, *consonants])
