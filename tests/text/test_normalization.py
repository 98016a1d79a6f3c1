"""English text is said as a careful reader would say it."""

import csv
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.text.normalization import coverage, emoji_edits, english, normalize, say_as, signs
from app.text.normalization.rules import run
from app.text.spoken import Edit, spoken

TABLE = Path(__file__).with_name("normalization_en.csv")


def rows() -> list[dict[str, str]]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def said(text: str, language: str = "en-US") -> str:
    return spoken(text, normalize(text, language)).text


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        pytest.param(row["language"], row["text"], row["expected"], id=f"{row['kind']}-{number}")
        for number, row in enumerate(rows(), start=2)
    ],
)
def test_sentence(language: str, text: str, expected: str) -> None:
    assert said(text, language) == expected


def test_the_table_has_sentences_of_every_kind_and_each_once() -> None:
    table = rows()
    kinds = Counter(row["kind"] for row in table)

    assert len(table) == len({(row["language"], row["text"]) for row in table}) >= 320
    assert min(kinds.values()) >= 2
    assert sum(row["kind"] == "plain" and row["text"] == row["expected"] for row in table) >= 40


def test_what_is_said_is_plain_words() -> None:
    """Nothing is left that would have to be put into words again."""
    once = [row for row in rows() if row["kind"] != "path"]

    again = {row["expected"]: said(row["expected"], row["language"]) for row in once}

    assert {text: other for text, other in again.items() if text != other} == {}


def test_each_edit_tells_what_it_is_about() -> None:
    text = "Dr. Lee paid $5 on 2024-03-05 to the FBI."

    edits = [(text[e.start : e.end], e.rule, e.spoken) for e in normalize(text, "en-US")]

    assert edits == [
        ("Dr.", "abbreviation", "Doctor"),
        ("$5", "money", "five dollars"),
        ("2024-03-05", "date", "March fifth, twenty twenty-four"),
        ("FBI", "acronym", "F B I"),
    ]


@pytest.mark.parametrize("language", ["en", "en-US", "EN-us", "en_US"])
def test_tags_of_english(language: str) -> None:
    assert said("3/5/2024", language) == "March fifth, twenty twenty-four"


def test_a_language_without_rules_has_no_edits() -> None:
    assert normalize("Dr. 5 $3", "tlh") == []
    assert coverage("tlh") == frozenset()
    assert {"cardinal", "date", "money"} <= coverage("en-GB")


def test_what_is_taken_stays_and_parts_what_is_around() -> None:
    text = "It costs $3.50 or 5 km."
    taken = [Edit(9, 14, "three fifty", "lexicon")]

    edits = normalize(text, "en-US", taken=taken)

    assert [(text[e.start : e.end], e.spoken) for e in edits] == [("5 km", "five kilometers")]


# What it is known to be


@pytest.mark.parametrize(
    ("text", "kind", "format", "expected"),
    [
        ("FBI", "characters", None, "F B I"),
        ("api", "spell-out", None, "A.P.I"),
        ("a1-b", "verbatim", None, "A. one dash B"),
        ("1,234", "cardinal", None, "one thousand two hundred thirty-four"),
        ("-7", "number", None, "minus seven"),
        ("3.5", "cardinal", None, "three point five"),
        ("42", "ordinal", None, "forty-second"),
        ("3rd", "ordinal", None, "third"),
        ("1905", "digits", None, "one nine zero five"),
        ("12-34", "number_digit", None, "one two three four"),
        ("3/4", "fraction", None, "three quarters"),
        ("1 1/2", "fraction", None, "one and a half"),
        ("3/5/2024", "date", "mdy", "March fifth, twenty twenty-four"),
        ("3/5/2024", "date", "dmy", "May third, twenty twenty-four"),
        ("2024-03-05", "date", None, "March fifth, twenty twenty-four"),
        ("3/5", "date", "md", "March fifth"),
        ("3/2024", "date", "my", "March twenty twenty-four"),
        ("2024", "date", "y", "twenty twenty-four"),
        ("2:30pm", "time", "hms12", "two thirty P M"),
        ("15:45:10", "time", "hms24", "fifteen forty-five and ten seconds"),
        ("+1 212 555", "telephone", None, "plus one, two one two, five five five"),
        ("1905", "year", None, "nineteen oh five"),
        ("$3.50", "currency", None, "three dollars and fifty cents"),
        ("10 Main St.", "address", None, "ten Main Street."),
        ("Dr. Lee", "name", None, "Doctor Lee"),
        ("5 km", "unit", None, "five kilometers"),
        (" FBI ", "Characters", None, "F B I"),
    ],
)  # fmt: skip
def test_say_as(text: str, kind: str, format: str | None, expected: str) -> None:
    assert say_as(text, kind, format=format) == expected


def test_say_as_in_british_english() -> None:
    assert say_as("3/5/2024", "date", language="en-GB").startswith("the third of May")
    assert say_as("101", "cardinal", language="en-GB") == "one hundred and one"


@pytest.mark.parametrize(
    ("text", "kind", "format", "problem"),
    [
        ("x", "song", None, "interpret-as"),
        ("many", "cardinal", None, "no number"),
        ("", "cardinal", None, "no number"),
        ("x", "ordinal", None, "no whole number"),
        ("none", "digits", None, "no digits"),
        ("none", "telephone", None, "no digits"),
        ("3", "fraction", None, "no fraction"),
        ("3/0", "fraction", None, "no fraction"),
        ("13/45/2024", "date", None, "no date"),
        ("soon", "date", None, "no date"),
        ("3/5/2024", "date", "xyz", "no date"),
        ("3/5", "date", "mdy", "no date"),
        ("25:99", "time", None, "no time"),
        ("noon", "time", None, "no time"),
        ("3:30", "time", "abc", "hms12"),
        ("much", "currency", None, "no amount"),
        ("5", "unit", None, "no quantity"),
        (" ", "characters", None, "nothing to spell"),
    ],
)
def test_say_as_tells_what_is_wrong(text: str, kind: str, format: str | None, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        say_as(text, kind, format=format)


def test_say_as_spells_in_every_language() -> None:
    assert say_as("ñu", "characters", language="es") == "Ñ U"
    with pytest.raises(ValueError, match="only `characters`"):
        say_as("5", "cardinal", language="tlh")


# Emoji


@pytest.mark.parametrize(
    ("text", "language", "names"),
    [
        ("Well done 👍.", "en-US", {"👍": "thumbs up"}),
        ("Bien 👍.", "es-MX", {"👍": "pulgar hacia arriba"}),
        ("Hi 👍🏽!", "en-GB", {"👍🏽": "thumbs up medium skin tone"}),
        ("From 🇫🇷 to 🇯🇵", "en", {"🇫🇷": "France", "🇯🇵": "Japan"}),
        ("The 👨‍👩‍👧 came", "en", {"👨‍👩‍👧": "family man woman girl"}),
        ("Press 5️⃣", "en", {"5️⃣": "keycap 5"}),
        ("😀😀", "en", {"😀": "grinning face"}),
        ("👍", "tlh", {"👍": "thumbs up"}),
        ("Hola 👨‍👩‍👧 5️⃣", "es", {"👨‍👩‍👧": "familia hombre mujer niña", "5️⃣": "teclas 5"}),
        ("Love ❤️ and ❤", "en", {"❤️": "red heart", "❤": "red heart"}),
        ("© 2024 Acme™ ® ↔ ‼", "en", {}),
        ("5 # * a", "en", {}),
        ("naïve café", "en", {}),
        ("", "en", {}),
    ],
)
def test_emoji_have_names(text: str, language: str, names: dict[str, str]) -> None:
    edits = emoji_edits(text, language)

    assert {text[e.start : e.end]: e.spoken for e in edits} == names
    assert all(e.rule == "emoji" for e in edits)
    assert [e.start for e in edits] == sorted(e.start for e in edits)
    spoken(text, edits)


# Any text

_PIECES = [
    "$", "€", "1", "23", ",", ".", "-", "–", "/", ":", " ", "A", "I", "XIV", "St.", "Dr.", "km",
    "%", "°C", "a.m.", "@", "#", "http://", "www.", ".com", "C:\\", "²", "₂", "½", "¾", "st", "th",
    "'", '"', "FBI", "s", "the", "In", "May", "Mon", "+1", "(", ")", "x", "p", "😀", "п", "ﬁ", "Ａ",
    "…", "!", "?", "*", "_", "~", "\n", "\u00a0", "１", "٣", "0", "AD", "won", "\ue000", "&", "=",
]  # fmt: skip
texts = st.one_of(
    st.text(max_size=60), st.lists(st.sampled_from(_PIECES), max_size=20).map("".join)
)
languages = st.sampled_from(["en-US", "en-GB"])
spans = st.lists(st.integers(0, 60), max_size=6)


def check(text: str, language: str, cuts: list[int]) -> None:
    places = sorted({min(cut, len(text)) for cut in cuts})
    pairs = zip(places[::2], places[1::2], strict=False)
    taken = [Edit(start, end, "taken", "lexicon") for start, end in pairs]

    edits = normalize(text, language, taken=taken)

    together = sorted([*taken, *edits], key=lambda edit: edit.start)
    assert edits == [edit for edit in together if edit.rule != "lexicon"]
    assert all(one.end <= other.start for one, other in pairwise(together))
    assert all(0 <= edit.start < edit.end <= len(text) for edit in together)
    read = spoken(text, together)
    assert [p.edit for p in read.passages if p.edit] == together
    assert "\ue000" in text or "\ue000" not in read.text


@settings(max_examples=100, deadline=None)
@given(texts, languages, spans)
def test_edits_are_in_order_and_apart(text: str, language: str, cuts: list[int]) -> None:
    check(text, language, cuts)


@settings(max_examples=100, deadline=None)
@given(texts, languages)
def test_no_rule_is_passed_over_that_would_match(text: str, language: str) -> None:
    rules = [replace(rule, needs="") for rule in english.RULES]
    plain = signs.plain(text)

    assert run(rules, plain, language.lower(), []) == run(
        english.RULES, plain, language.lower(), []
    )


@pytest.mark.services
@settings(max_examples=9700, deadline=None)
@given(texts, languages, spans)
def test_edits_are_in_order_and_apart_in_many_texts(
    text: str, language: str, cuts: list[int]
) -> None:
    check(text, language, cuts)


@settings(max_examples=100, deadline=None)
@given(texts)
def test_say_as_says_or_tells_what_is_wrong(text: str) -> None:
    for kind in ("characters", "cardinal", "ordinal", "date", "time", "telephone", "currency"):
        with suppress(ValueError):
            assert say_as(text, kind)


@settings(max_examples=100, deadline=None)
@given(texts)
def test_emoji_are_in_order_and_apart(text: str) -> None:
    spoken(text, emoji_edits(text, "en"))


@pytest.mark.parametrize(
    "piece",
    [
        "1",
        "1,",
        "a.",
        "1-",
        "/a",
        "@",
        "A.",
        " 1/2",
        "_",
        "1.",
        "1:",
        "A",
        "é",
        "п",
        "$1",
        "I ",
        "'1",
        '1" ',
        "3x4 ",
    ],
)
def test_long_monotonous_text_is_read(piece: str) -> None:
    """Within the time limit of a test: every pattern is linear."""
    text = (piece * 20_000)[:20_000]

    spoken(text, normalize(text, "en-US"))
