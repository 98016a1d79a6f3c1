"""IPA for the models that take it: those named Phoenix. Dragon models do not, so their
pronunciations are lowered to respellings before they get here.
"""

import unicodedata
from typing import Final

_LETTERS: Final = (
    "abcdefhijklmnopqrstuvwxyzæçðøħŋœɐɑɒɓɔɕɖɗɘəɚɛɜɝɟɡɢɣɤɥɦɨɪɫɬɭɯɰɱɲɳɵɸɹɻɽɾʀʁʂʃʈʉʊʋʌʍʎʏʐʑʒʔʕʝβθχ"
)
_MARKS: Final = "ˈˌːˑ. ͜͡‿ʰʲʷ̩̯̃"
_KNOWN: Final = frozenset(_LETTERS + _MARKS) - frozenset("g") | {"ɡ"}


def takes_ipa(base_model: str) -> bool:
    """Whether a base model obeys `<phoneme>`."""
    return base_model.startswith("Phoenix")


def unknown(phonemes: str) -> tuple[str, ...]:
    """Symbols that Azure has hardly a sound for. One of them in a text, and Azure refuses all of
    it; what it has differs from locale to locale, and is told nowhere in full.
    """
    letters = unicodedata.normalize("NFD", phonemes)
    return tuple(dict.fromkeys(char for char in letters if char not in _KNOWN))
