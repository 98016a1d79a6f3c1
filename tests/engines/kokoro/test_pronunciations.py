"""Given phonemes are spoken as they are, and what is around them stays right."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.exceptions import UnspeakableText
from app.engines.base import Pronunciation
from app.engines.kokoro import espeak
from app.engines.kokoro.ipa import to_ipa, to_symbols
from app.engines.kokoro.phonemes import MAX_TOKENS, Phonemizer
from app.engines.kokoro.symbols import vocabulary
from app.text.words import written_words

SHARED = Phonemizer()


def said(text: str, *pairs: tuple[str, str]) -> list[Pronunciation]:
    """Where the words stand, one after the other, with their phonemes."""
    found, at = [], 0
    for word, ipa in pairs:
        at = text.index(word, at)
        found.append(Pronunciation(at, at + len(word), ipa))
        at += len(word)
    return found


def spoken(text: str, *pairs: tuple[str, str], language: str = "en-US") -> str:
    (piece,) = SHARED.fit(text, language, said(text, *pairs))
    return piece.phonemes


WIN = ("Nguyen", "ˈwɪn")


@pytest.mark.parametrize(
    ("text", "pairs", "phonemes"),
    [
        ("Nguyen", [WIN], "wˈɪn"),
        ("Dr. Nguyen’s house.", [WIN], "dˈɑktəɹ wˈɪnz hˈWs."),
        ("“Nguyen,” he said!", [WIN], "“wˈɪn,” hi sˈɛd!"),
        ("Mark's Boss's", [("Mark", "mɑk"), ("Boss", "bɔs")], "mˈɑks bˈɔsᵻz"),
        ("the GIFs", [("GIF", "dʒɪf")], "ðə ʤˈɪfs"),
        ("The Aoife; the Nguyen", [("Aoife", "ˈiːfə"), WIN], "ði ˈifə; ðə wˈɪn"),
        ("to Aoife", [("Aoife", "ˈiːfə")], "tʊ ˈifə"),
        ("New York too", [("New York", "nu ˈjɔɹk")], "nˈu jˈɔɹk tˈu"),
        ("pre-Nguyen", [WIN], "pɹˈiwˈɪn"),
        ("a—Nguyen—b", [WIN], "ɐ—wˈɪn—bˈi"),
        ("at 東京!", [("東京", "ˈtoʊkjoʊ")], "æt tˈOkjO!"),
        ("$5 and 3:30", [("3:30", "nuːn")], "fˈIv dˈɑləɹz ænd nˈun"),
        ("♥ it", [("♥", "lʌv")], "lˈʌv ɪt"),
        ("zqbbbb Nguyen", [WIN], None),
    ],
)
def test_english_is_read_around_the_given_phonemes(text, pairs, phonemes):
    found = spoken(text, *pairs)

    assert set(found) <= set(vocabulary())
    if phonemes is not None:
        assert found == phonemes
    else:
        assert found.endswith(" wˈɪn")


def test_british_and_american_sounds():
    text = "the Tarr"
    pair = ("Tarr", "ˈtæɹɚ")

    assert spoken(text, pair, language="en-US") == "ðə tˈæɹəɹ"
    assert spoken(text, pair, language="en-GB") == "ðə tˈaɹə"


@pytest.mark.parametrize(
    ("ipa", "american", "british", "spanish"),
    [
        ("ˈtʃɪp", "ʧˈɪp", "ʧˈɪp", "ʧˈɪp"),
        ("t͡saɪ", "ʦˈI", "ʦˈI", "ʦaɪ"),
        ("ɡoʊt", "ɡˈOt", "ɡˈQt", "ɡoʊt"),
        ("ɡəʊt", "ɡˈOt", "ɡˈQt", "ɡəʊt"),
        ("ˈnɜːs", "nˈɜɹs", "nˈɜːs", "nˈɜːs"),
        ("ˈnɝs", "nˈɜɹs", "nˈɜːs", "nˈɚs"),
        ("ˈlɛtɚɪŋ", "lˈɛtəɹɪŋ", "lˈɛtəɹɪŋ", "lˈɛtɚɪŋ"),
        ("ˈhɒt", "hˈɑt", "hˈɒt", "hˈɒt"),
        ("skwɛə", "skwɛə", "skwˈɛː", "skwɛə"),
        ("ˈbʌtn̩", "bˈʌtᵊn", "bˈʌtᵊn", "bˈʌtn"),
        ("ˈfiːl", "fˈil", "fˈiːl", "fˈiːl"),
        ("ˈfil", "fˈil", "fˈiːl", "fˈil"),
        ("ɫoʊ", "lˈO", "lˈQ", "loʊ"),
        ("kɑ.ˈʁa", "kɑʁˈɑ", "kɑːʁˈa", "kɑʁˈa"),
        ("pʰɑ̃˥", "pˈɑ̃", "pˈɑː̃", "pʰɑ̃"),
        ("nu jɔrk", "nˈu jˈɔɹk", "nˈuː jˈɔːɹk", "nu jɔrk"),
    ],
)
def test_ipa_becomes_the_symbols_of_the_model(ipa, american, british, spanish):
    found = [to_symbols(ipa, language) for language in ("en-US", "en-GB", "es")]

    assert found == [(american, ()), (british, ()), (spanish, ())]


def test_sounds_that_the_model_lacks_are_named_once_and_refused():
    assert SHARED.missing("ˈɬaɬǃa", "en") == ("ɬ", "ǃ")
    assert SHARED.missing("ˈwɪn", "en-GB") == ()
    with pytest.raises(UnspeakableText) as refused:
        spoken("Llan", ("Llan", "ɬan"))
    assert refused.value.extra["characters"] == "ɬ"


WORDS = "the quick brown foxes jumped over irresponsible thoroughly encyclopaedic neighbours"


@pytest.mark.parametrize("language", ["en-US", "en-GB"])
def test_what_is_read_can_be_given_again(language):
    read = SHARED.words(WORDS, language)

    again = [Pronunciation(word.start, word.end, word.phonemes) for word in read]

    assert SHARED.fit(WORDS, language, again)[0].phonemes.replace("ˈ", "") == (
        SHARED.phonemize(WORDS, language).replace("ˈ", "")
    )


@pytest.mark.parametrize(
    ("symbols", "ipa"),
    [("həlˈO ðˈɛɹ.", "həˈloʊ ˈðɛɹ"), ("ˈɛkstɹə", "ˈɛkstɹə"), ("əbstɹˈAn", "əbˈstɹeɪn"),
     ("sˈɪŋəɹ", "ˈsɪŋəɹ"), ("ʧˈɪʤ", "ˈt͡ʃɪd͡ʒ"), ("bˈɛTi", "ˈbɛɾi"), ("bɔ̃ʒˈuʁ", "bɔ̃ˈʒuʁ")],
)  # fmt: skip
def test_symbols_of_the_model_as_ipa(symbols, ipa):
    assert to_ipa(symbols) == ipa


def test_words_are_read_one_by_one_with_their_offsets():
    text = "  The naïve Xqzt met Dr. Nguyen. “Yes!”\n\nHe’s 42."
    words = SHARED.words(text, "en-US", said(text, WIN))

    assert [text[word.start : word.end] for word in words] == [word.text for word in words]
    assert [word.text for word in words] == [word.text for word in written_words(text)]
    assert {word.text for word in words if not word.known} == {"Xqzt"}
    assert {word.text: word.phonemes for word in words}["Nguyen"] == "ˈwɪn"
    assert {word.text: word.phonemes for word in words}["Dr"] == "ˈdɑktəɹ"


def test_words_spoken_as_one_are_one():
    text = "in New York now"

    words = SHARED.words(text, "en-US", said(text, ("New York", "nʊˈjɔɹk")))

    assert [(word.text, word.phonemes) for word in words][1] == ("New York", "nʊˈjɔɹk")


def test_a_long_text_is_cut_around_given_phonemes():
    text = "We met Nguyen van Thieu, who had come by sea, " * 40
    given_ = said(text, *[("Nguyen van Thieu", "ˈwɪn væn ˈtju")] * 40)

    pieces = SHARED.fit(text, "en-US", given_)

    assert len(pieces) > 1
    assert all(0 < len(piece.tokens) <= MAX_TOKENS for piece in pieces)
    assert sum(piece.phonemes.count("wˈɪn vˈæn tjˈu") for piece in pieces) == 40
    words = [word.text for piece in pieces for one in piece.stretches for word in one.words]
    assert words == [word.text for word in written_words(text)]


def test_the_longest_text_is_read():
    text = "Then Nguyen spoke of it. " * 400

    words = SHARED.words(text, "en-US", said(text, *[WIN] * 400))

    assert [word.phonemes for word in words if word.text == "Nguyen"] == ["ˈwɪn"] * 400


def test_a_pronunciation_is_never_cut():
    with pytest.raises(UnspeakableText, match="longer"):
        spoken("Nguyen is", ("Nguyen", "ˈwɪn " * 200))
    glued = "a" * 115 + "Nguyen" + "b" * 30
    pieces = SHARED.fit(glued, "en-US", said(glued, WIN))
    assert sum(piece.phonemes.count("wˈɪn") for piece in pieces) == 1


def test_stretches_are_those_of_the_written_words():
    text = "Dr. Nguyen's New York, at 3:30 — 東京."
    (piece,) = SHARED.fit(
        text, "en-US", said(text, WIN, ("New York", "nʊˈjɔɹk"), ("東京", "ˈtoʊkjoʊ"))
    )

    symbols = [symbol for symbol in piece.phonemes if symbol in vocabulary()]
    found = {
        "/".join(word.text for word in one.words): "".join(symbols[one.first : one.last])
        for one in piece.stretches
    }
    assert found == {
        "Dr": "dˈɑktəɹ", "Nguyen's": "wˈɪnz", "New/York": "nʊjˈɔɹk", "at": "æt",
        "3:30": "θɹˈi θˈɜɹTi", "東京": "tˈOkjO",
    }  # fmt: skip


def test_parts_of_speech():
    text = "I lead the “red” band; it's quickly done, can’t we?"
    parts = {text[a:b]: part for a, b, part in SHARED.parts_of_speech(text, "en-US")}

    assert parts["lead"] == "verb"
    assert parts["red"] == "adjective"
    assert parts["band"] == "noun"
    assert parts["quickly"] == "adverb"
    assert parts["the"] == "other"
    assert SHARED.parts_of_speech("a" * 100_000 + " b", "en-US")[-1][:2] == (100_001, 100_002)


@settings(max_examples=80, deadline=None)
@given(st.text(" aAbB.,'’-—“”()$5:/é\n", max_size=30), st.text(" aAbB.,'’-s5:é", max_size=30))
def test_given_phonemes_are_spoken_whatever_is_around_them(before, after):
    text = f"{before}Nguyen{after}"
    at = len(before)

    pieces = SHARED.fit(text, "en-US", [Pronunciation(at, at + 6, "ˈwɪn")])

    assert sum(piece.phonemes.count("wˈɪn") for piece in pieces) == 1


@pytest.mark.skipif(not espeak.installed(), reason=f"eSpeak NG is not installed: {espeak.INSTALL}")
def test_other_languages_are_read_around_the_given_phonemes():
    text = "Hola, Nguyen. Vive en New York, «Acme» y 東京!"
    pairs = [("Nguyen", "ˈwin"), ("New York", "nu ˈjoɾk"), ("Acme", "ˈakme"), ("東京", "ˈtokjo")]

    phonemes = spoken(text, *pairs, language="es")

    assert set(phonemes) <= set(vocabulary())
    for part in (", wˈin. ", " nu jˈoɾk, ", "“ˈakme” ", " tˈokjo!"):
        assert part in phonemes
    words = SHARED.words(text, "es", said(text, *pairs))
    assert [word.text for word in words] == [word.text for word in written_words(text)]
