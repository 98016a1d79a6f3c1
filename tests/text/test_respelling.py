"""What is respelled is read nearly as the phonemes say."""

import gzip
import json
import random
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engines.kokoro.ipa import to_ipa as to_ipa_of_model
from app.engines.kokoro.phonemes import Phonemizer
from app.text.alphabet_tables import CONSONANTS, SIGNS, VOWELS
from app.text.alphabets import to_ipa
from app.text.respelling import respelled


@pytest.mark.parametrize(
    ("ipa", "respelling"),
    [
        ("ˈsɪkwəl", "Sik-wul"),
        ("wɪn", "win"),
        ("ʃɪˈvɔːn", "shiv-Awn"),
        ("təˈmɑːtoʊ", "tuh-Mah-toh"),
        ("ˈt͡ʃɛɹi", "Chair-ee"),
        ("ˈɡɪɡəl", "Ghig-ul"),
        ("nu ˈjɔɹk", "noo york"),
        ("aɪ", "eye"),
        ("kaˈbaʎo", "kah-Bah-lyoh"),
        ("pʃt", "psht"),
    ],
)
def test_syllables_are_spelled_and_the_stressed_one_begins_with_a_capital(ipa, respelling):
    assert respelled(ipa) == respelling


def test_a_reader_of_english_says_a_respelling_nearly_as_meant():
    """Measured: 0.147 of the phonemes are others, mostly `ʌ` for `ə`. The same reader makes 0.104
    on the words themselves, if it does not look them up.
    """
    source = files("hibari").joinpath("assets/lexicon_us_gold.json.gz")
    dictionary = json.loads(gzip.decompress(source.read_bytes()))
    words = sorted(
        word
        for word, phonemes in dictionary.items()
        if isinstance(phonemes, str) and word.isalpha() and 4 <= len(word) <= 11
        if word.isascii() and phonemes.count("ˈ") == 1 and " " not in phonemes
    )
    phonemizer = Phonemizer()
    wrong = total = 0
    for word in random.Random(1).sample(words, 100):  # noqa: S311
        meant = dictionary[word]
        read = phonemizer.phonemize(respelled(to_ipa_of_model(meant)), "en-US")
        meant, read = sounds(meant), sounds(read)
        wrong, total = wrong + distance(meant, read), total + len(meant)
    assert wrong / total < 0.17


def sounds(phonemes: str) -> str:
    """Without stress, and without what only some dictionaries tell apart."""
    return phonemes.translate(str.maketrans("ᵊᵻTɾʔ", "əɪttt", "ˈˌ "))


def distance(one: str, other: str) -> int:
    """Of Levenshtein."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        corner, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (a != b))
    return row[-1]


@given(st.text("".join(sorted(VOWELS | CONSONANTS | SIGNS)), min_size=1, max_size=12))
def test_any_ipa_has_a_respelling_in_plain_letters(written):
    try:
        ipa = to_ipa(written, "ipa")
    except ValueError:
        return
    assert respelled(ipa).replace("-", "").replace(" ", "").isascii()
