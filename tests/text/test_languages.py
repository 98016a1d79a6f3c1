import csv
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.text.languages import by_script, detect, scripts

AMONG = ("en-US", "en-GB", "es", "fr", "hi", "it", "pt-BR")
TAGS = {"en": "en-US", "pt": "pt-BR"}
with (Path(__file__).parent / "languages.csv").open(encoding="utf-8", newline="") as file:
    ROWS = [(row["text"], row["language"]) for row in csv.DictReader(file)]
KNOWN = [(text, TAGS.get(language, language)) for text, language in ROWS if language]
NAMES = [text for text, language in ROWS if not language]
# Only short or foreign; a sentence that is not recognised is at least not taken for another.
UNSURE = {"A domani", "Dove sei?"}
# Names in the spelling of one language.
TELLING = {"João Silva", "Pizza Margherita"}


@pytest.mark.parametrize(("text", "language"), KNOWN, ids=range(len(KNOWN)))
def test_the_language_of_a_sentence(text: str, language: str) -> None:
    found = detect(text, AMONG, "en-US")
    assert found == ("en-US" if text in UNSURE else language)


@pytest.mark.parametrize("text", [text for text in NAMES if text not in TELLING])
@pytest.mark.parametrize("default", ["en-GB", "fr", "it", "pt-BR"])
def test_names_and_numbers_are_in_the_default_language(text: str, default: str) -> None:
    assert detect(text, AMONG, default) == default


def test_the_table_is_long_enough() -> None:
    counts = {tag: sum(language == tag for _, language in KNOWN) for _, tag in KNOWN}
    assert min(counts.values()) >= 20
    assert len(counts) == 6


@pytest.mark.parametrize(
    ("among", "default", "found"),
    [
        (("en-US", "en-GB"), "en-GB", "en-GB"),
        (("en-GB", "en-US", "fr"), "fr", "en-GB"),
        (("en-US", "fr"), "en-AU", "en-AU"),
        (("fr", "it"), "fr", "fr"),
        (("EN_gb", "fr"), "fr", "EN_gb"),
        ((), "fr", "fr"),
        (("en",), "ja", "en"),
        (("tlh", "en"), "tlh", "tlh"),
    ],
)
def test_only_the_languages_that_are_asked_for(
    among: tuple[str, ...], default: str, found: str
) -> None:
    assert detect("The weather was cold but the children played.", among, default) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Wie geht es dir heute? Das Wetter ist schön.", "en-US"),
        ("Как дела?", "en-US"),
        ("今天天气很好。", "en-US"),
        ("", "en-US"),
        ("नमस्ते", "hi"),
        ("The word नमस्ते is a greeting.", "en-US"),
        ("LE TRAIN EST EN RETARD CE MATIN.", "fr"),
    ],
)
def test_other_languages_and_scripts(text: str, found: str) -> None:
    assert detect(text, AMONG, "en-US") == found


def test_scripts_tell_languages_apart_without_statistics() -> None:
    among = ("ru", "el", "ja", "ko", "ar", "en")
    for text, language in [
        ("Да", "ru"),
        ("ναι", "el"),
        ("はい", "ja"),
        ("네", "ko"),
        ("نعم", "ar"),
        ("No", "en"),
    ]:
        assert detect(text, among, "el") == language


def test_threads_may_ask_at_once() -> None:
    sentences = [text for text, _ in KNOWN]
    alone = [detect(text, AMONG, "en-US") for text in sentences]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda text: detect(text, AMONG, "en-US"), sentences)) == alone


@pytest.mark.parametrize(
    ("text", "default", "parts"),
    [
        ("Say नमस्ते to her.", "en-US", [("Say ", "en-US"), ("नमस्ते ", "hi"), ("to her.", "en-US")]),
        ("1, 2, नमस्ते", "en-US", [("1, 2, नमस्ते", "hi")]),
        ("Go (नमस्ते, 5)!", "en-US", [("Go (", "en-US"), ("नमस्ते, 5)!", "hi")]),
        ("मेरा iPhone 15", "hi", [("मेरा iPhone 15", "hi")]),
        ("Да, yes", "en-US", [("Да, yes", "en-US")]),
        ("Да, yes", "ru", [("Да, ", "ru"), ("yes", "en-US")]),
        ("C'est ça.", "fr", [("C'est ça.", "fr")]),
        ("12:30", "it", [("12:30", "it")]),
        ("", "it", []),
    ],
)
def test_parts_by_script(text: str, default: str, parts: list[tuple[str, str]]) -> None:
    found = by_script(text, AMONG, default)
    assert [(text[start:end], language) for start, end, language in found] == parts


@given(st.text(alphabet="aé1 .,नी日Я\u200dª\U0001f600"), st.sampled_from(AMONG))
def test_parts_cover_the_text(text: str, default: str) -> None:
    parts = by_script(text, AMONG, default)
    assert "".join(text[start:end] for start, end, _ in parts) == text
    assert all(start < end for start, end, _ in parts)
    assert all(a[1] == b[0] and a[2] != b[2] for a, b in pairwise(parts))


def test_scripts_of_languages() -> None:
    assert scripts("en-GB") == {"LATIN"}
    assert scripts("hi-IN") == {"DEVANAGARI", "LATIN"}
    assert scripts("ja") == {"HIRAGANA", "KATAKANA", "CJK"}
