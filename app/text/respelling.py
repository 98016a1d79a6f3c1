"""How a reader of English that takes no phonemes is made to say IPA, nearly.

Syllables are joined by hyphens, as in dictionaries for people; the stressed one begins with a
capital: in capitals as a whole, many readers spell it. The spellings were chosen among those that
people understand, by which an English reader of the embedded engine comes nearest to the phonemes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from app.text.alphabet_tables import LIGATURES, TIE
from app.text.alphabets import decomposed
from app.text.syllables import onset

# At the end of a syllable, and before a consonant in it.
_VOWELS: Final = {
    "i": ("ee", "ee"), "y": ("ee", "ee"), "ɪ": ("ih", "i"), "ɨ": ("ih", "i"), "ᵻ": ("ih", "i"),
    "ʏ": ("ih", "i"), "e": ("ay", "e"), "ɛ": ("eh", "e"), "æ": ("a", "a"), "a": ("ah", "ah"),
    "ɑ": ("ah", "ah"), "ɶ": ("ah", "ah"), "ɒ": ("aw", "o"), "ɔ": ("aw", "aw"), "o": ("oh", "oh"),
    "ɤ": ("oh", "oh"), "ʊ": ("oo", "oo"), "ɵ": ("oo", "oo"), "ᵿ": ("oo", "oo"), "u": ("oo", "oo"),
    "ʉ": ("oo", "oo"), "ɯ": ("oo", "oo"), "ʌ": ("uh", "u"), "ɐ": ("uh", "u"), "ə": ("uh", "u"),
    "ɘ": ("uh", "u"), "ᵊ": ("uh", "u"), "ɜ": ("ur", "ur"), "ɝ": ("ur", "ur"), "ɞ": ("ur", "ur"),
    "ø": ("ur", "ur"), "œ": ("ur", "ur"), "ɚ": ("er", "er"), "eɪ": ("ay", "ay"),
    "aɪ": ("ie", "igh"), "aʊ": ("ow", "ow"), "ɔɪ": ("oy", "oy"), "oʊ": ("oh", "oh"),
    "əʊ": ("oh", "oh"), "ɑɹ": ("ar", "ar"), "ɔɹ": ("or", "or"), "ɛɹ": ("air", "air"),
    "ɛə": ("air", "air"), "eə": ("air", "air"), "ɪɹ": ("eer", "eer"), "ɪə": ("eer", "eer"),
    "ʊɹ": ("oor", "oor"), "ʊə": ("oor", "oor"), "əɹ": ("er", "er"), "ɜɹ": ("ur", "ur"),
}  # fmt: skip
_ALONE: Final = {"aɪ": "eye"}  # a syllable by itself
_CONSONANTS: Final = {
    "p": "p", "b": "b", "t": "t", "d": "d", "k": "k", "ɡ": "g", "f": "f", "v": "v", "θ": "th",
    "ð": "th", "s": "s", "z": "z", "ʃ": "sh", "ʒ": "zh", "tʃ": "ch", "dʒ": "j", "h": "h", "m": "m",
    "n": "n", "ŋ": "ng", "l": "l", "ɹ": "r", "w": "w", "j": "y",
    "ts": "ts", "dz": "dz", "tɕ": "ch", "dʑ": "j", "ɾ": "t", "r": "r", "ɻ": "r", "ʀ": "r", "ʁ": "r",
    "ɽ": "r", "x": "kh", "χ": "kh", "ɣ": "gh", "ç": "hy", "ʝ": "y", "ɕ": "sh", "ʂ": "sh",
    "ɧ": "sh", "ʑ": "zh", "ʐ": "zh", "ɲ": "ny", "ʎ": "ly", "ɫ": "l", "ɭ": "l", "ʟ": "l", "ɬ": "hl",
    "ɮ": "l", "ɱ": "m", "ɳ": "n", "ɴ": "ng", "β": "v", "ʋ": "v", "ⱱ": "v", "ɸ": "f", "ɦ": "h",
    "ħ": "h", "ʍ": "w", "ɥ": "w", "ɰ": "w", "c": "ky", "ɟ": "gy", "q": "k", "ɢ": "g", "ʈ": "t",
    "ɖ": "d", "ɓ": "b", "ɗ": "d", "ɠ": "g", "ʄ": "gy", "ʛ": "g", "ɺ": "l", "ʙ": "b",
}  # fmt: skip
_FINAL: Final = {"s": "ss", "tʃ": "tch"}  # of a syllable
_SHORT: Final = frozenset({"ɛ", "æ", "ɪ"})  # always before a consonant
_SOUNDS: Final = re.compile(
    "[ˈˌ]|" + "|".join(sorted([*_VOWELS, *_CONSONANTS], key=len, reverse=True))
)


@dataclass(slots=True)
class _Syllable:
    stress: str
    onset: list[str]
    vowel: str
    coda: list[str] = field(default_factory=list)

    def spelled(self) -> str:
        vowel = _VOWELS[self.vowel][bool(self.coda)]
        if not self.onset and not self.coda:
            vowel = _ALONE.get(self.vowel, vowel)
        coda = [_CONSONANTS[sound] for sound in self.coda]
        if coda:
            coda[-1] = _FINAL.get(self.coda[-1], coda[-1])
        before = "".join(_CONSONANTS[sound] for sound in self.onset)
        if before.endswith("g") and vowel[0] in "ei":
            before += "h"
        return "".join([before, vowel, *coda])


def respelled(ipa: str) -> str:
    """A respelling for readers of English: `ˈsɪkwəl` is `Si-kwul`. What English has no letters for
    is written as the nearest sound it has.

    Args:
        ipa: as `app.text.alphabets.to_ipa` gives it.
    """
    plain = decomposed(ipa).translate(LIGATURES).replace(TIE, "").replace("ː", "")
    return " ".join(filter(None, map(_word, plain.split())))


def _word(word: str) -> str:
    syllables, rest = _syllables(word)
    if not syllables:
        return "".join(_CONSONANTS[sound] for sound in rest)
    parts = [syllable.spelled() for syllable in syllables]
    if len(parts) > 1:
        parts = [
            part.capitalize() if syllable.stress == "ˈ" else part
            for part, syllable in zip(parts, syllables, strict=True)
        ]
    return "-".join(parts)


def _syllables(word: str) -> tuple[list[_Syllable], Sequence[str]]:
    """Its syllables; its consonants, if it has no vowel."""
    found: list[_Syllable] = []
    consonants: list[str] = []
    stress = ""
    for match in _SOUNDS.finditer(word):
        sound = match[0]
        if sound in "ˈˌ":
            stress = sound
        elif sound not in _VOWELS:
            consonants.append(sound)
        else:
            begins = onset(consonants) if found else 0
            if found and found[-1].vowel in _SHORT and begins == 0 and consonants:
                begins = 1
            if found:
                found[-1].coda += consonants[:begins]
            found.append(_Syllable(stress, consonants[begins:], sound))
            consonants, stress = [], ""
    if found:
        found[-1].coda += consonants
    return found, consonants
