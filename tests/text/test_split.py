"""Pieces cover the text, point into it, and are no longer than asked."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.text.pauses import (
    CLAUSE_PAUSE_S,
    CONJUNCTION_PAUSE_S,
    HEADING_PAUSE_S,
    PARAGRAPH_PAUSE_S,
    SENTENCE_PAUSE_S,
)
from app.text.split import Segment, split

ANY_TEXT = st.one_of(
    st.text(alphabet=st.characters(codec=None), max_size=120),
    st.text(alphabet="ab.,;:!?—\"'”“()1 \n\r\t-*#😀\u0301\u200d🇩🇪你。\ud800", max_size=200),
)


def texts(segments: list[Segment]) -> list[str]:
    return [segment.text for segment in segments]


@given(ANY_TEXT, st.integers(1, 60), st.sampled_from(["en", "de-DE", "zh", "hi", "xx", ""]))
def test_pieces_cover_the_text_in_order(text: str, max_chars: int, language: str) -> None:
    segments = split(text, max_chars=max_chars, language=language)
    at = 0
    for segment in segments:
        assert segment.text == text[segment.start : segment.end]
        assert 0 < len(segment.text) <= max_chars
        assert segment.text == segment.text.strip()
        assert not text[at : segment.start].strip(), "characters lost, or pieces overlap"
        assert segment.start >= at
        at = segment.end
    assert not text[at:].strip()
    assert all(segment.pause_s >= 0 for segment in segments)
    assert not segments or segments[-1].pause_s == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello there.  How are you?", ["Hello there.", "How are you?"]),
        ("Dr. Smith paid $12.50 at 3 p.m. in town.", ["Dr. Smith paid $12.50 at 3 p.m. in town."]),
        ("“Really?” she said. Oh! Yes.", ["“Really?” she said.", "Oh!", "Yes."]),
        ("你好。再见。", ["你好。", "再见。"]),
        (
            "Hard wrapped\nline. Next one\r\ngoes on.",
            ["Hard wrapped\nline.", "Next one\r\ngoes on."],
        ),
        ("One\n\nTwo", ["One", "Two"]),
        ("One\r\n \r\nTwo", ["One", "Two"]),
        ("To buy:\n- milk\n- eggs", ["To buy:", "- milk", "- eggs"]),
        ("1. Milk\n2. Eggs", ["1. Milk", "2. Eggs"]),
        ("# Title\nText of it.", ["# Title", "Text of it."]),
        (
            "Chapter One\nIt was a bright cold day in April, and all was well.",
            ["Chapter One", "It was a bright cold day in April, and all was well."],
        ),
        ("Wait ... ... no.", ["Wait ...", "... no."]),
        ("Stop. ...", ["Stop. ..."]),
        ("", []),
        (" \n\n\t", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert texts(split(text, max_chars=200)) == expected


def test_pauses() -> None:
    segments = split("One. Two.\n\nThree.", max_chars=100)
    assert [s.pause_s for s in segments] == [SENTENCE_PAUSE_S, PARAGRAPH_PAUSE_S, 0.0]


@pytest.mark.parametrize(
    ("sentence", "pause_s"),
    [
        ("It is late.", 0.25),
        ("Is it late?", 0.3),
        ("“Is it late?”", 0.3),
        ("It is late!", 0.3),
        ("It is late...", 0.4),
        ("It is late…", 0.4),
    ],
)
def test_the_mark_says_how_long_the_pause_is(sentence: str, pause_s: float) -> None:
    first, _ = split(f"{sentence} Then we went home.", max_chars=100)

    assert (first.text, first.pause_s) == (sentence, pause_s)


def test_behind_headings_and_before_lists_there_are_pauses() -> None:
    found = split("# Shopping\nWe need:\n- milk\n- eggs", max_chars=100)

    assert [(s.text, s.pause_s) for s in found] == [
        ("# Shopping", HEADING_PAUSE_S),
        ("We need:", 0.3),
        ("- milk", SENTENCE_PAUSE_S),
        ("- eggs", 0.0),
    ]


@pytest.mark.parametrize(
    ("marked", "language", "pause_s"),
    [
        (
            "The old man walked along the river | and the children of the village followed him.",
            "en-GB",
            CONJUNCTION_PAUSE_S,
        ),
        (
            "El viejo caminaba por la orilla del río | pero los niños del pueblo no lo seguían.",
            "es",
            CONJUNCTION_PAUSE_S,
        ),
        (
            "There was only one thing that he wanted: | a rest in the garden of the old house.",
            "en",
            0.2,
        ),
        (
            '"The door was open all the time. | Nobody, not even you, went in," said the man.',
            "en",
            SENTENCE_PAUSE_S,
        ),
    ],
    ids=["and", "pero", "colon", "quotation"],
)
def test_long_sentences_are_cut_where_a_reader_would_breathe(
    marked: str, language: str, pause_s: float
) -> None:
    found = split(marked.replace("| ", ""), max_chars=60, language=language)

    assert texts(found) == marked.split(" | ")
    assert found[0].pause_s == pause_s


def test_a_word_at_the_end_of_what_is_looked_at_stays_whole() -> None:
    text = "letters " * 2_000

    assert {word for s in split(text, max_chars=300) for word in s.text.split()} == {"letters"}


def test_long_sentences_are_cut_at_clauses() -> None:
    text = "When the rain had stopped, the children went out; the dog, however, stayed in bed."
    segments = split(text, max_chars=50)
    assert texts(segments) == [
        "When the rain had stopped, the children went out;",
        "the dog, however, stayed in bed.",
    ]
    assert segments[0].pause_s == CLAUSE_PAUSE_S


def test_marks_inside_numbers_are_no_clauses() -> None:
    text = "x" * 30 + " 1,000,000 at 3:30 " + "y" * 30
    assert not any(s.text.endswith((",", ":")) for s in split(text, max_chars=45))


def test_without_marks_words_stay_whole() -> None:
    text = "word " * 100
    segments = split(text, max_chars=60)
    assert {word for s in segments for word in s.text.split()} == {"word"}
    lengths = [len(s.text) for s in segments]
    assert min(lengths) > 60 / 3, "a tiny rest"


def test_no_tiny_rest_behind_a_late_comma() -> None:
    text = "word " * 18 + "word, so ends."
    assert min(len(s.text) for s in split(text, max_chars=100)) > 20


def test_hard_cuts_are_balanced_and_keep_clusters() -> None:
    assert [len(s.text) for s in split("a" * 101, max_chars=100)] == [51, 50]
    for cluster in ("e\u0301", "👍🏽", "🇩🇪", "👩\u200d🚀"):
        for segment in split(cluster * 50, max_chars=21):
            assert segment.text == cluster * (len(segment.text) // len(cluster))


def test_punctuation_alone_joins_its_neighbour_or_is_not_speakable() -> None:
    segments = split("Over.\n\n* * *\n\nAgain.", max_chars=100)
    assert [(s.text, s.speakable) for s in segments] == [
        ("Over.", True),
        ("* * *", False),
        ("Again.", True),
    ]


def test_max_chars_must_be_positive() -> None:
    with pytest.raises(ValueError, match="max_chars"):
        split("a", max_chars=0)


@pytest.mark.parametrize(
    "pattern",
    [
        "a",
        "a ",
        "(",
        ".",
        "\u0301",
        "🇩🇪",
        "\n",
        "a\n\n",
        "- a\n",
        "Hello there you. ",
        "a, ",
        "—",
        '"a" ',
    ],
)
def test_long_texts_take_linear_time(pattern: str) -> None:
    text = (pattern * 100_000)[:100_000]
    started = time.process_time()
    split(text, max_chars=300)
    # Generous: it takes 0.02 to 0.5 s, and quadratic work would take minutes.
    assert time.process_time() - started < 10
