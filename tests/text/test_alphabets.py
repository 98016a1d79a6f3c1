"""Phonetic alphabets say the same, and what is wrong is named with its place."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.text.alphabet_tables import ARPABET, CONSONANTS, MARKS, TIE, UPS, VOWELS, X_SAMPA
from app.text.alphabets import ALPHABETS, decomposed, from_ipa, to_ipa


@pytest.mark.parametrize(
    ("alphabet", "phonemes", "ipa"),
    [
        ("ipa", "ˈwɪn", "ˈwɪn"),
        ("ipa", "/'win/", "ˈwin"),
        ("ipa", "ga  ga", "ɡa ɡa"),
        ("ipa", "a\u0303", "ã"),
        ("ipa", "c\u0327a", "ça"),
        ("ipa", "ʰpa ⁿda", "ʰpa ⁿda"),
        ("x-sampa", '"wIn', "ˈwɪn"),
        ("x-sampa", 'pr\\@%nVnsi"eIS@n', "pɹəˌnʌnsiˈeɪʃən"),
        ("x-sampa", "t_S d`a~ n=", "t͡ʃ ɖã n̩"),
        ("x-sampa", "3` @` |\\|\\ J\\_<", "ɝ ɚ ǁ ʄ"),
        ("x-sampa", "a_B_L e_H_T", "a᷅ e᷄"),
        ("cmu-arpabet", "W IH1 N", "ˈwɪn"),
        ("cmu-arpabet", "k uw2 b er0 n eh1 t iy0 z", "ˌkubɚˈnɛtiz"),
        ("cmu-arpabet", "S IH1 K W AH0 L", "ˈsɪkwəl"),
        ("cmu-arpabet", "EH1 K S T R AH0", "ˈɛkstɹə"),
        ("cmu-arpabet", "AH0 B S T EY1 N", "əbˈsteɪn"),
        ("cmu-arpabet", "S IH1 NG ER0", "ˈsɪŋɚ"),
        ("cmu-arpabet", "N UW1 | Y AO1 R K", "ˈnu ˈjɔɹk"),
        ("cmu-arpabet", "CH AH1 JH", "ˈt͡ʃʌd͡ʒ"),
        ("cmu-arpabet", "L AY1 T SH EY0 D", "ˈlaɪt.ʃeɪd"),
        ("ups", "S1 W IH N", "ˈwɪn"),
        ("ups", "P AX R . CH AI", "pɚ.t͡ʃaɪ"),
        ("ups", "A nas T + S lng _& B", "ãt͡sː b"),
    ],
)
def test_what_is_written_becomes_ipa(alphabet, phonemes, ipa):
    assert to_ipa(phonemes, alphabet) == unicodedata.normalize("NFC", ipa)


@pytest.mark.parametrize(
    ("alphabet", "phonemes", "message"),
    [
        ("ipa", "w!n", r"'!' at character 2 is no symbol of the IPA"),
        ("ipa", " /wЖn/", r"'Ж' \(U\+0416\) at character 4"),
        ("ipa", "hello7", r"'7' at character 6"),
        ("ipa", "ːa", "'ː' at character 1 has nothing to change"),
        ("ipa", "ˈ\u0303a", "character 2 has nothing to change"),
        ("ipa", "ş", "no symbol of the IPA"),
        ("ipa", "[a] a", r"'\[' at character 1"),
        ("ipa", "", "has no phoneme"),
        ("ipa", "ˈ . ", "has no phoneme"),
        ("x-sampa", "a$b", r"'\$' at character 2 is no symbol of X-SAMPA"),
        ("x-sampa", "aɪ", r"'ɪ' \(U\+026A\) at character 2"),
        ("x-sampa", "a_", "'_' at character 2"),
        ("x-sampa", "~a", "has nothing to change"),
        ("cmu-arpabet", "W IN1", "'IN1' at character 3 is no symbol of the CMU"),
        ("cmu-arpabet", "W1 IH1 N", "'W1' at character 1"),
        ("cmu-arpabet", "IH3", "'IH3' at character 1"),
        ("cmu-arpabet", "|", "has no phoneme"),
        ("ups", "A Y2", "'Y2' at character 3 is no symbol of the Universal Phone Set"),
        ("ups", "a", "'a' at character 1"),
        ("sampa", "a", "use one of ipa, x-sampa, cmu-arpabet, ups"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(alphabet, phonemes, message):
    with pytest.raises(ValueError, match=message):
        to_ipa(phonemes, alphabet)


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_no_alphabet_of_ascii_writes_every_sound_unasked(alphabet):
    if alphabet in ("ipa", "x-sampa"):
        assert to_ipa(from_ipa("ɧa", alphabet), alphabet) == "ɧa"
    else:
        with pytest.raises(ValueError, match="'ɧ'"):
            from_ipa("ɧa", alphabet)


def test_an_unknown_alphabet_cannot_be_written():
    with pytest.raises(ValueError, match="use one of"):
        from_ipa("a", "klingon")


@pytest.mark.parametrize(
    ("ipa", "arpabet"),
    [
        ("ˈwɪn", "W IH1 N"), ("ˈnɜːs", "N ER1 S"), ("ɡəʊ", "G OW0"), ("ˈbʌtn̩", "B AH1 T AH0 N"),
        ("ˈhɒt", "HH AA1 T"), ("tʃaɪ", "CH AY0"), ("ʧaɪ", "CH AY0"), ("a.e", "AA0 EH0"),
        ("ˈnu ˈjɔrk", "N UW1 | Y AO1 R K"), ("ˌliː", "L IY2"),
    ],
)  # fmt: skip
def test_the_nearest_phonemes_of_the_cmu_dictionary(ipa, arpabet):
    assert from_ipa(ipa, "cmu-arpabet") == arpabet


SOUNDS = sorted((VOWELS | CONSONANTS) & {ipa for ipa in X_SAMPA.values() if len(ipa) == 1})
SAMPA_MARKS = sorted(mark for mark in MARKS if mark in X_SAMPA.values() and mark != "˞")
PHONES = [ipa for ipa in UPS.values() if ipa[0] in VOWELS | CONSONANTS]


@given(
    st.lists(st.tuples(st.sampled_from(SOUNDS), st.sampled_from(["", *SAMPA_MARKS])), min_size=1)
)
@example([("ǀ", ""), ("ǀ", "")])
@example([("ǀ", ""), ("ǁ", ""), ("ǀ", "")])
def test_x_sampa_and_back(sounds):
    ipa = unicodedata.normalize("NFC", "".join(a + b for a, b in sounds))

    assert to_ipa(from_ipa(ipa, "x-sampa"), "x-sampa") == ipa


@given(st.lists(st.sampled_from(PHONES), min_size=1).map("".join))
def test_the_universal_phone_set_and_back(ipa):
    ipa = unicodedata.normalize("NFC", ipa)
    again = to_ipa(from_ipa(ipa, "ups"), "ups")

    assert again.replace("əɻ", "ɚ").replace("ɜɻ", "ɝ") == ipa.replace("əɻ", "ɚ").replace("ɜɻ", "ɝ")


@given(st.lists(st.sampled_from(sorted(ARPABET)), min_size=1, max_size=8), st.data())
def test_the_cmu_dictionary_and_back(phonemes, data):
    written = " ".join(
        p + data.draw(st.sampled_from("012")) if ARPABET[p][0] in VOWELS else p for p in phonemes
    )

    assert from_ipa(to_ipa(written, "cmu-arpabet"), "cmu-arpabet") == written


@pytest.mark.parametrize("symbol", sorted(X_SAMPA))
def test_every_symbol_of_x_sampa_can_be_read(symbol):
    ipa = decomposed(to_ipa("a" + symbol, "x-sampa"))

    assert ipa == f"a{X_SAMPA[symbol]}".strip()


def test_ties_that_x_sampa_cannot_write_are_left_out():
    assert from_ipa("t͡ʃ", "x-sampa") == "t_S"
    assert to_ipa(from_ipa("k͡x", "x-sampa"), "x-sampa") == "kx"
    assert TIE not in from_ipa("t͡", "x-sampa")


@given(st.text(max_size=100), st.sampled_from(ALPHABETS))
def test_anything_is_translated_or_refused(text, alphabet):
    try:
        ipa = to_ipa(text, alphabet)
    except ValueError:
        return
    assert to_ipa(ipa, "ipa") == ipa
