"""Phonetic alphabets: IPA, X-SAMPA, that of the CMU dictionary, and the Universal Phone Set."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from app.text.alphabet_tables import (
    ARPABET,
    CONSONANTS,
    LIGATURES,
    MARKS,
    NEAR_ARPABET,
    SIGNS,
    SLIPS,
    TIE,
    UNSTRESSED,
    UPS,
    VOWELS,
    X_SAMPA,
)
from app.text.syllables import onset

ALPHABETS: Final = ("ipa", "x-sampa", "cmu-arpabet", "ups")

_STRESS: Mapping[str, str] = MappingProxyType({"1": "ˈ", "2": "ˌ", "0": ""})
_WORD = "|"  # parts the words of a phrase, where spaces part its phonemes


def to_ipa(phonemes: str, alphabet: str) -> str:
    """Translate to IPA.

    Args:
        phonemes: of a word or a few. In `cmu-arpabet` and `ups`, spaces part the phonemes; words
            are parted by `|` there and by `_&` here. Around IPA, slashes or brackets may stand.
        alphabet: one of `ALPHABETS`.

    Returns:
        NFC; stress before the syllable, single spaces between words.

    Raises:
        ValueError: an unknown alphabet, a symbol that it does not have, or nothing that sounds.
            The message is for whoever wrote the phonemes.
    """
    reader = _READERS.get(alphabet)
    if reader is None:
        raise _unknown(alphabet)
    return _checked(reader(phonemes), phonemes)


def from_ipa(ipa: str, alphabet: str) -> str:
    """Translate from IPA. What `cmu-arpabet` does not tell apart is the nearest it has.

    Raises:
        ValueError: an unknown alphabet, no IPA, or a sound that the alphabet has no symbol for.
    """
    writer = _WRITERS.get(alphabet)
    if writer is None:
        raise _unknown(alphabet)
    return writer(to_ipa(ipa, "ipa").translate(LIGATURES))


_CEDILLA: Final = re.compile("c([\u0300-\u0326\u0328-\u036f]{0,8})\u0327")


def decomposed(ipa: str) -> str:
    """NFD, but with `ç`, which is a letter of its own."""
    # Other marks may stand between the letter and its cedilla: they are sorted by their class.
    return _CEDILLA.sub(r"ç\1", unicodedata.normalize("NFD", ipa))


def _unknown(alphabet: str) -> ValueError:
    return ValueError(
        f"There is no phonetic alphabet {alphabet[:30]!r}: use one of {', '.join(ALPHABETS)}."
    )


def _bad(symbol: str, place: int, name: str) -> ValueError:
    code = "" if symbol.isascii() else " (" + ", ".join(f"U+{ord(c):04X}" for c in symbol) + ")"
    return ValueError(f"{symbol[:20]!r}{code} at character {place + 1} is no symbol of {name}.")


def _checked(ipa: str, written: str) -> str:
    plain = decomposed(" ".join(ipa.split()))
    if not any(char in VOWELS or char in CONSONANTS for char in plain):
        raise ValueError(f"{written[:20]!r} has no phoneme.")
    loose = [char for before, char in pairwise(f" {plain}") if _is_joined(char) and before in SIGNS]
    if loose:
        raise ValueError(f"{loose[0]!r} in {written[:20]!r} has nothing to change.")
    return unicodedata.normalize("NFC", plain)


def _is_joined(symbol: str) -> bool:
    """Whether it needs a sound before it."""
    return bool(unicodedata.combining(symbol)) or symbol in "ːˑ"


def _read_ipa(written: str) -> str:
    offset = len(written) - len(written.lstrip())
    text = written.strip()
    if len(text) > 1 and text[0] + text[-1] in ("//", "[]"):
        text, offset = text[1:-1], offset + 1
    out: list[str] = []
    for at, char in enumerate(text):
        symbol = " " if char.isspace() else SLIPS.get(ord(char), char)
        for part in decomposed(symbol) if symbol != "\u0327" else "":
            if not (part in VOWELS or part in CONSONANTS or part in MARKS or part in SIGNS):
                raise _bad(char, at + offset, "the IPA")
        if symbol == "\u0327" and (at == 0 or text[at - 1] != "c"):
            raise _bad(char, at + offset, "the IPA")
        if _is_joined(symbol) and (not out or out[-1] in SIGNS):
            raise ValueError(f"{char!r} at character {at + offset + 1} has nothing to change.")
        out.append(symbol)
    return "".join(out)


def _read_x_sampa(written: str) -> str:
    longest = max(map(len, X_SAMPA))
    out = []
    at = 0
    while at < len(written):
        found = next(
            (s for n in range(longest, 0, -1) if (s := written[at : at + n]) in X_SAMPA), None
        )
        if found is not None:
            out.append(X_SAMPA[found])
            at += len(found)
        elif written[at] == "_" and written[at + 1 : at + 2].isalpha():
            out.append(TIE)
            at += 1
        else:
            raise _bad(written[at], at, "X-SAMPA")
    return "".join(out)


def _tokens(written: str) -> Iterator[tuple[str, int]]:
    """What stands between white space, with its offset."""
    at = 0
    for token in written.split():
        at = written.index(token, at)
        yield token, at
        at += len(token)


def _read_ups(written: str) -> str:
    out: list[str] = []
    before = ""
    for token, at in _tokens(written):
        if f"{before} {token}" in UPS:
            out[-1] = UPS[f"{before} {token}"]
        elif token in UPS:
            out.append(UPS[token])
        else:
            raise _bad(token, at, "the Universal Phone Set")
        before = token
    return "".join(out)


def _read_arpabet(written: str) -> str:
    words: list[list[tuple[str, str]]] = [[]]
    for token, at in _tokens(written.upper()):
        phoneme, stress = (token[:-1], token[-1]) if token[-1] in "012" else (token, "")
        if token == _WORD:
            words.append([])
        elif phoneme not in ARPABET or (stress and not _is_vowel(phoneme)):
            raise _bad(written[at : at + len(token)], at, "the CMU dictionary")
        else:
            words[-1].append((phoneme, stress))
    return " ".join(_word(word) for word in words if word)


def _is_vowel(phoneme: str) -> bool:
    return ARPABET[phoneme][0] in VOWELS


def _word(phonemes: Sequence[tuple[str, str]]) -> str:
    """Stress is moved from the vowel to the beginning of its syllable."""
    out: list[str] = []
    consonants: list[str] = []
    for phoneme, stress in phonemes:
        if not _is_vowel(phoneme):
            consonants.append(phoneme)
            continue
        begins = onset([ARPABET[c].replace(TIE, "") for c in consonants]) if out else 0
        out += [ARPABET[consonant] for consonant in consonants[:begins]]
        out.append(_STRESS.get(stress, ""))
        out += [ARPABET[consonant] for consonant in consonants[begins:]]
        out.append(UNSTRESSED.get(phoneme, ARPABET[phoneme]) if stress == "0" else ARPABET[phoneme])
        consonants = []
    return _apart([*out, *(ARPABET[consonant] for consonant in consonants)])


def _apart(sounds: Sequence[str]) -> str:
    """Joined, with a syllable break where two would be taken for one: `T SH` is not `CH`."""
    word = ""
    for sound in sounds:
        if word and sound and word[-1] + sound[0] in _arpabet_of():
            word += "."
        word += sound
    return word


@cache
def _arpabet_of() -> Mapping[str, str]:
    """IPA without ties to phonemes of the CMU dictionary."""
    own = {ipa.replace(TIE, ""): phoneme for phoneme, ipa in ARPABET.items()}
    return MappingProxyType({**own, **NEAR_ARPABET})


def _write_arpabet(ipa: str) -> str:
    known, silent = _arpabet_of(), "ː.‿"
    out: list[str] = []
    stress = "0"
    text = decomposed(ipa).replace(TIE, "")
    at = 0
    while at < len(text):
        phoneme = next((text[at : at + n] for n in (2, 1) if text[at : at + n] in known), "")
        syllabic = text[at + 1 : at + 2] == "\u0329"
        if text[at] in "ˈˌ":
            stress = "1" if text[at] == "ˈ" else "2"
        elif text[at] == " ":
            out.append(_WORD)
        elif phoneme:
            out += ["AH0"] if syllabic else []
            name = known[phoneme]
            out.append(name + stress if _is_vowel(name) else name)
            stress = "0" if _is_vowel(name) or syllabic else stress
        elif text[at] not in silent:
            raise _bad(text[at], at, "the CMU dictionary")
        at += len(phoneme) + syllabic or 1
    return " ".join(out)


@cache
def _written_in(alphabet: str) -> Mapping[str, str]:
    """IPA to symbols. Of several symbols for one sound, the first in the table."""
    table: dict[str, str] = {}
    for symbol, ipa in (X_SAMPA if alphabet == "x-sampa" else UPS).items():
        if ipa:
            table.setdefault(ipa, symbol)
    return MappingProxyType(table)


def _write(ipa: str, alphabet: str, name: str) -> list[str]:
    table = _written_in(alphabet)
    longest = max(map(len, table))
    text = decomposed(ipa)
    out = []
    at = 0
    while at < len(text):
        ahead = (text[at : at + n] for n in range(longest, 0, -1))
        found = next((part for part in ahead if part in table), None)
        if found is None and text[at] != TIE:
            raise _bad(text[at], at, name)
        out.append(table[found] if found else TIE)
        at += len(found or TIE)
    return out


_CLICK: Final = "|\\"


def _write_x_sampa(ipa: str) -> str:
    """Ties are left out where the `_` of one would be read as part of a diacritic."""
    out = ""
    for symbol in _write(ipa, "x-sampa", "X-SAMPA"):
        if out.endswith(TIE):
            tied = f"_{symbol[:1]}" in X_SAMPA or not symbol[:1].isalpha()
            out = out[:-1] + ("" if tied else "_")
        elif out.endswith(_CLICK) and symbol.startswith(_CLICK):
            out += "-"  # two dental clicks would be a lateral one
        out += symbol
    return out.removesuffix(TIE)


def _write_ups(ipa: str) -> str:
    symbols = _write(ipa, "ups", "the Universal Phone Set")
    return " ".join("+" if symbol == TIE else symbol for symbol in symbols)


_READERS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "ipa": _read_ipa,
        "x-sampa": _read_x_sampa,
        "cmu-arpabet": _read_arpabet,
        "ups": _read_ups,
    }
)
_WRITERS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "ipa": str,
        "x-sampa": _write_x_sampa,
        "cmu-arpabet": _write_arpabet,
        "ups": _write_ups,
    }
)
