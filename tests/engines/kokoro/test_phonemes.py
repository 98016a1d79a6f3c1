"""English text becomes sane phonemes; nothing is lost or crashes."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.exceptions import EngineFailed, UnspeakableText, UnsupportedLanguage
from app.engines.kokoro import espeak
from app.engines.kokoro.phonemes import (
    LANGUAGES,
    MAX_TOKENS,
    Phonemizer,
    available_languages,
    resolve,
)
from app.engines.kokoro.symbols import has_sound, vocabulary

needs_espeak = pytest.mark.skipif(
    not espeak.installed(), reason=f"eSpeak NG is not installed: {espeak.INSTALL}"
)


@pytest.fixture(scope="module")
def phonemizer() -> Phonemizer:
    return Phonemizer()


# Readings that follow from the dictionaries.
EXACT = [
    ("en-US", "Hello there.", "həlˈO ðˈɛɹ."),
    ("en-GB", "Hello there.", "həlˈQ ðˈɛː."),
    ("en-US", "$12.50", "twˈɛlv dˈɑləɹz ænd fˈɪfti sˈɛnts"),
    ("en-US", "3:30pm", "θɹˈi θˈɜɹTi pˌiˈɛm"),
    ("en-US", "1990s", "nˌIntˈin nˈIndiz"),
    ("en-US", "Dr. Smith", "dˈɑktəɹ smˈɪθ"),
    ("en-US", "well-known", "wˌɛlnˈOn"),
    ("en-US", "ALL CAPS TEXT", "ˈɔl kˈæps tˈɛkst"),
    ("en-US", "Wait...", "wˈAt..."),
    ("en-US", "What!!!???", "wˌʌt!!!"),
    ("en-US", "“smart” ‘quotes’ don’t", "“smˈɑɹt” kwˈOts dˈOnt"),
    ("en-US", "He said “yes!” and", "hˌi sˈɛd “jˈɛs!” ænd"),
    ("en-US", '("Yes") "No," „so“ 5"', "(“jˈɛs”) “nˈO,” “sˌO” fˈIv”"),
    ("en-US", "50%", "fˈɪfti pəɹsˈɛnt"),
    ("en-US", "20 °C", "twˈɛnti dəɡɹˈiz sˈɛlsiəs"),
    ("en-US", "20℃", "twˈɛnti dəɡɹˈiz sˈɛlsiəs"),
    ("en-US", "€5", "fˈIv jˈʊɹOz"),
    ("en-US", "½ cup", "wˈʌn hˈæf kˈʌp"),
    ("en-US", "1½", "wˈʌn ænd wˈʌn hˈæf"),
    ("en-US", "x²", "ˈɛks skwˈɛɹd"),
    ("en-US", "AT&T <b>", "ˌAtˈi ænd tˈi lˈɛs ðən bˈi ɡɹˈATəɹ ðən"),
    ("en-US", "[a](/b/)", "(ˈA slˈæʃ bˈi slˈæʃ)"),
    ("en-US", "Ａｂｏｕｔ ｉｔ", "əbˈWt ɪt"),
    ("en-US", "U.S.A.", "jˌuˌɛsˈA"),
    ("en-US", "007", "zˈɪɹO zˈɪɹO sˈɛvən"),
    ("en-US", "café", "kæfˈA"),
    ("en-US", "cafe\u0301", "kæfˈA"),
    ("en-US", "5µm", "fˈIv mˈIkɹOmˌiTəɹz"),
]


@pytest.mark.parametrize(("language", "text", "phonemes"), EXACT)
def test_exact_readings(phonemizer: Phonemizer, language: str, text: str, phonemes: str) -> None:
    assert phonemizer.phonemize(text, language) == phonemes


SPOKEN = [
    "https://example.com/a?b=c",
    "me@example.com",
    "https://example.com/" + "deep/" * 60,
    "naïve Zoë Łódź",
    "Nguyễn Thị Đorđe",
    "Ångström Björk Dvořák",
    "Iñárritu œuvre Þór",
    "straße ẞ",
    "a — b–c",
    "(555) 123-4567",
    "+44 20 7946 0958",
    "v1.2.3 at 192.168.0.1",
    "C++ and C#",
    "a ≤ b ≠ c ± d × e ÷ f",
    "∀x ∈ A",
    "10⁻³ m",
    "1234567890" * 4,
    "9" * 5000,
    "rock 'n' roll, 'tis y'all O'Neil",
    "McDonald's iPhone eBay",
    "snake_case_word",
    "Pneumonoultramicroscopicsilicovolcanoconiosis",
    "H₂O and CO₂",
    "₿2, ₺3, 5$, US$7",
    "Henry VIII, Chapter IV",
    "2024-01-15, 01/02/2024, 25:99, 99/99/9999",
    "1,5 and 1,000,000 and 1,00,000",
    "x̄ ŋ ə",
    "Hawaiʻi",
    "π 10Ω",
    "ﬁne Ⅳ ① 𝐁𝐨𝐥𝐝",
    "e.g. Ph.D. i.e. etc.",
    "*bold* _it_ `code` {x} \\ |",
    "hm, shh, zzz, xkcd",
    "co\u00adoperate",
    "0.333333333333333333333333333333333333333333",
    "- item",
    "1. Milk",
    "#hashtag @name",
    "½ ⅓ ⅞ ²³",
    "٣٤ १२",
    "(a)(b)[c][d](e)",
    "\u200bzero\u200bwidth\ufeff",
    "Hello 😀",
    "9.9." * 50,
    "aB" * 60,
    "a-" * 60,
    "$/é (à) é: 1”$2 $a²",
]


@pytest.mark.parametrize("text", SPOKEN, ids=lambda text: text[:20])
@pytest.mark.parametrize("language", ["en-US", "en-GB"])
def test_everything_else_is_spoken_in_symbols_of_the_model(
    phonemizer: Phonemizer, language: str, text: str
) -> None:
    phonemes = phonemizer.phonemize(text, language)
    assert has_sound(phonemes)
    assert set(phonemes) <= set(vocabulary())
    # Roughly: a word that vanished would leave much less.
    assert len(phonemes) >= len([c for c in text if c.isalnum()]) / 3


def test_links_are_no_markup(phonemizer: Phonemizer) -> None:
    for text in ("[one](/b/)", "[one] (/b/)", "[one]™(/b/)", "［one］（/b/）", "[one]\u2060(/b/)"):
        assert "wˈʌn" in phonemizer.phonemize(text, "en-US"), text


@pytest.mark.parametrize(
    ("text", "characters"),
    [
        ("你好", "你好"),
        ("Hello 你好 there", "你好"),
        ("Привет", "Привет"),
        ("Καλημέρα", "Καλημέρ"),
        ("private \ue000", "\ue000"),
    ],
)
def test_foreign_letters_are_named_never_dropped(
    phonemizer: Phonemizer, text: str, characters: str
) -> None:
    for refuse in (phonemizer.phonemize, phonemizer.check):
        with pytest.raises(UnspeakableText) as error:
            refuse(text, "en-US")
        assert error.value.extra["characters"] == characters
    assert error.value.suggestion


@pytest.mark.parametrize("text", ["", " ", "'", "...", "—", "™", "^", "😀"])
def test_nothing_to_say(phonemizer: Phonemizer, text: str) -> None:
    with pytest.raises(UnspeakableText):
        phonemizer.phonemize(text, "en-US")


@settings(max_examples=100, deadline=None)
@given(
    st.one_of(
        st.text(max_size=40),
        st.text(
            alphabet="aAbiItT10259.,:;/-–—$€£¥%°²½#&@+=<>~*^_|\\()[]{}'\"’“”!?…"
            " sndrhCFkmMpMDr.éłΩ\u0301",
            max_size=60,
        ),
    ),
    st.sampled_from(["en-US", "en-GB"]),
)
def test_any_text_is_spoken_or_refused(text: str, language: str) -> None:
    try:
        phonemes = SHARED.phonemize(text, language)
    except UnspeakableText as error:
        if text.isascii() and any(c.isalnum() for c in text):
            raise AssertionError(f"refused: {text!r}") from error
        return
    assert set(phonemes) <= set(vocabulary())


SHARED = Phonemizer()


def test_vocabulary_is_the_models() -> None:
    ids = vocabulary()
    assert len(ids) == 114
    assert (ids["a"], ids[" "], ids["ˈ"], ids["ᵻ"]) == (43, 16, 156, 177)
    assert min(ids.values()) > 0, "0 is the pad"


def test_tokens(phonemizer: Phonemizer) -> None:
    assert phonemizer.tokens("həlˈO") == [50, 83, 54, 156, 31]
    assert phonemizer.tokens("t\u0361s-") == phonemizer.tokens("ts")
    with pytest.raises(EngineFailed, match=r"U\+0416"):
        phonemizer.tokens("Ж")


@pytest.mark.parametrize(
    "text",
    [
        "The weather is fine today, " * 40,
        "word " * 110,
        "word " * 400,
        "supercalifragilistic" * 60,
        "9" * 900,
        "%a" * 80,
    ],
)
def test_fit_cuts_what_is_too_long(phonemizer: Phonemizer, text: str) -> None:
    pieces = phonemizer.fit(f"  {text}", "en-US")
    assert len(pieces) > 1
    assert all(0 < len(piece.tokens) <= MAX_TOKENS for piece in pieces)
    at = 0
    for piece in pieces:
        assert piece.start >= at
        at = piece.end
        assert piece.tokens == phonemizer.tokens(piece.phonemes)
    spoken = "".join(f"  {text}"[p.start : p.end] for p in pieces)
    assert spoken.replace(" ", "") == text.replace(" ", "")
    assert pieces[-1].pause_s == 0


def test_fit_leaves_a_sentence_whole(phonemizer: Phonemizer) -> None:
    (piece,) = phonemizer.fit("Hello there.", "en")
    assert (piece.start, piece.end, piece.pause_s) == (0, 12, 0.0)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("en", "en-US"),
        ("EN-us", "en-US"),
        ("en_GB", "en-GB"),
        ("en-gb", "en-GB"),
        ("en-AU", "en-GB"),
        ("en-CA", "en-US"),
        ("en-Latn-US", "en-US"),
    ],
)
def test_english_tags(tag: str, expected: str) -> None:
    assert resolve(tag).tag == expected


@pytest.mark.parametrize("tag", ["ja", "zh-CN", "xx", "", "english", "x" * 500])
def test_unknown_languages_name_the_supported_ones(tag: str) -> None:
    with pytest.raises(UnsupportedLanguage) as error:
        resolve(tag)
    assert error.value.extra["supported"] == list(available_languages())
    assert "en-US" in (error.value.suggestion or "")


def test_english_is_always_available() -> None:
    assert available_languages()[:2] == ("en-US", "en-GB")
    assert set(available_languages()) <= set(LANGUAGES)


@pytest.mark.skipif(espeak.installed(), reason="eSpeak NG is installed")
def test_a_missing_extra_names_the_command() -> None:
    with pytest.raises(UnsupportedLanguage) as error:
        resolve("fr")
    assert error.value.suggestion == "pip install 'voice-cloning-api[espeak]'"


def test_threads_share_a_phonemizer() -> None:
    shared = Phonemizer()
    sentences = [f"Sentence {i}, read by zyxwq{i} on the lead line." for i in range(20)]
    alone = [SHARED.phonemize(s, "en-US") for s in sentences]
    results: list[list[str]] = []
    threads = [
        threading.Thread(
            target=lambda: results.append([shared.phonemize(s, "en-US") for s in sentences])
        )
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [alone] * 6


FOREIGN = [
    (
        "es",
        "Hola, ¿qué tal? El niño comió churros; ¡qué bien! Ciudad, guerra, lluvia. 12,50 €.",
        "ʧˈuros",
    ),
    ("fr", "Bonjour, un bon vin blanc. Les œufs, « travail ». C'est 12,50 €.", "bɔ̃ʒˈuʁ"),
    ("hi", "नमस्ते, आप कैसे हैं? मैं ठीक हूँ। ज़रूर। १२३", "nəmˈʌsteː"),
    ("it", "Ciao, come stai? Gli gnocchi e la pizza, azzurro, zio – perché.", "ʧˈao"),
    ("pt-PT", "Olá, tudo bem? São João, coração, não, pão, filho, amanhã, tia, dia.", "ʧˈiæ"),
]


@needs_espeak
@pytest.mark.parametrize(("language", "text", "word"), FOREIGN)
def test_espeak_languages(phonemizer: Phonemizer, language: str, text: str, word: str) -> None:
    phonemes = phonemizer.phonemize(text, language)
    assert word in phonemes
    assert set(phonemes) <= set(vocabulary())
    assert phonemes.count(",") == text.replace("12,50", "").count(",")


@needs_espeak
@pytest.mark.parametrize(
    ("language", "text"), [("es", "Привет"), ("fr", "Bonjour 你好"), ("hi", "Привет")]
)
def test_espeak_does_not_spell_foreign_letters(
    phonemizer: Phonemizer, language: str, text: str
) -> None:
    with pytest.raises(UnspeakableText):
        phonemizer.phonemize(text, language)


@pytest.mark.parametrize(
    ("ipa", "model"),
    [("t͡ʃˈao", "ʧˈao"), ("sˈe͡ɪs", "sˈAs"), ("lə- (en)sˈɒft(fr)", "lə sˈɒft"), ("ɐ̃͡ʊ̃", "ɐ̃ʊ̃")],
)
def test_espeak_symbols_become_the_models(ipa: str, model: str) -> None:
    assert espeak.to_model(ipa) == model
