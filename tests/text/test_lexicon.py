"""Words of lexicons are found where they stand as words, and nowhere else."""

import unicodedata
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.text.lexicon import Matched, Matcher, Rule, fits
from app.text.spoken import Edit, spoken


def rule(grapheme: str, alias: str | None = "x", **more) -> Rule:
    return Rule(more.pop("id", grapheme), "lex", grapheme, alias, **more)


def match(text: str, *rules: Rule, language: str = "en-US", **more) -> Matched:
    return Matcher([rules]).match(text, language=language, **more)


def found(text: str, *rules: Rule, **more) -> list[str]:
    return [text[edit.start : edit.end] for edit in match(text, *rules, **more).edits]


def reasons(matched: Matched) -> list[tuple[str, str]]:
    return [(ignored.rule.id, ignored.reason) for ignored in matched.ignored]


@pytest.mark.parametrize(
    ("text", "grapheme", "places"),
    [
        ("Nguyen met Nguyen.", "Nguyen", ["Nguyen", "Nguyen"]),
        ("NGUYEN and nguyen", "Nguyen", ["NGUYEN", "nguyen"]),
        ("Nguyen's and Nguyen’s", "Nguyen", ["Nguyen", "Nguyen"]),
        ("the Nguyens' house", "Nguyens", ["Nguyens"]),
        ("Nguyens", "Nguyen", []),
        ("don't do it", "don", []),
        ("don't do it", "t", []),
        ("don’t do it", "don't", ["don’t"]),
        ("it's", "s", []),
        ("O'Neil", "Neil", []),
        ("'Neil' said", "Neil", ["Neil"]),
        ("well-known", "known", ["known"]),
        ("well‑known", "well-known", ["well‑known"]),
        ("5G and G5", "G", []),
        ("the U.S. too", "U", []),
        ("at 3.14 or 3:30", "3", []),
        ("snake_case", "case", []),
        ("acme.com", "acme", []),
        ("The acme.", "acme", ["acme"]),
        ("C++ and C++11", "C++", ["C++", "C++"]),
        ("50% of it", "%", ["%"]),
        ("New \n York", "New York", ["New \n York"]),
        ("NewYork", "New York", []),
        ("“smart” quotes", '"smart"', ["“smart”"]),
        ("STRASSE", "Straße", []),
        ("STRAẞE straße", "Straße", ["STRAẞE", "straße"]),
        ("İstanbul ISTANBUL", "istanbul", ["İstanbul", "ISTANBUL"]),
        ("ΟΔΟΣ οδός ΟΔΌΣ", "οδός", ["οδός", "ΟΔΌΣ"]),
        ("cafe\u0301 and café", "café", ["cafe\u0301", "café"]),
        ("cafe\u0301", "cafe", []),
        ("x\u0304 and x", "x", ["x"]),
        ("x\u0304 and x", "x\u0304", ["x\u0304"]),
        ("co\u00adop", "coop", ["co\u00adop"]),
        ("東京都に行く", "東京", ["東京"]),
        ("カメラマン", "カメラ", ["カメラ"]),
        ("ไปกรุงเทพแล้ว", "กรุงเทพ", ["กรุงเทพ"]),
        (unicodedata.normalize("NFD", "한국 사람"), "한국", [unicodedata.normalize("NFD", "한국")]),
        (unicodedata.normalize("NFD", "한국"), "하", []),
        ("👩\u200d💻 works", "👩\u200d💻", ["👩\u200d💻"]),
        ("I ❤\ufe0f you", "❤", ["❤\ufe0f"]),
        ("", "a", []),
    ],
)
def test_words_are_found_by_the_rules_of_unicode(text, grapheme, places):
    assert found(text, rule(grapheme)) == places


def test_without_word_boundaries_it_is_found_anywhere_but_not_in_half_a_letter():
    loose = rule("e", word_boundaries=False)

    assert found("the cafe\u0301 here", loose) == ["e", "e", "e"]


def test_the_longest_wins_and_the_others_are_told():
    text = "New York City is in New York"
    rules = [rule("New York"), rule("York City"), rule("New York City"), rule("City")]

    matched = match(text, *rules)

    assert [edit.entry for edit in matched.edits] == ["New York City", "New York"]
    assert reasons(matched) == [
        ("New York", "overlapped"), ("York City", "overlapped"), ("City", "overlapped"),
    ]  # fmt: skip


def test_the_leftmost_wins_over_the_longer_one():
    assert found("a b c d", rule("a b"), rule("b c d")) == ["a b"]


def test_among_rules_of_one_grapheme_precedence_decides():
    plain = rule("lead", id="plain")
    later = rule("Lead", id="later")
    english = rule("lead", id="english", language="en")
    american = rule("lead", id="american", language="en-US")
    exact = rule("lead", id="exact", case_sensitive=True)

    def winner(*lexicons: Sequence[Rule]) -> str | None:
        return Matcher(lexicons).match("lead", language="en-US").edits[0].entry

    assert winner([plain, later]) == "later"
    assert winner([english, plain]) == "english"
    assert winner([american, english, plain]) == "american"
    assert winner([exact, american]) == "exact"
    assert winner([plain], [exact]) == "plain"
    matched = Matcher([[plain], [exact]]).match("lead", language="en-US")
    assert reasons(matched) == [("exact", "overridden")]


def test_a_shorter_rule_applies_where_the_longer_one_does_not():
    longer = rule("New York", language="fr")

    matched = match("New York", longer, rule("New"))

    assert [edit.entry for edit in matched.edits] == ["New"]
    assert reasons(matched) == [("New York", "language")]


@pytest.mark.parametrize(
    ("tag", "language", "fit"),
    [
        ("en", "en-US", True), ("en-US", "en-us", True), ("en_US", "en-US", True),
        ("en-GB", "en-US", False), ("en-US", "en", False), ("zh-CN", "zh-Hans-CN", True),
        ("e", "en", False), ("de", "en", False),
    ],
)  # fmt: skip
def test_languages(tag, language, fit):
    assert fits(tag, language) is fit
    matched = match("word", rule("word", language=tag), language=language)
    assert bool(matched.edits) is fit
    assert reasons(matched) == ([] if fit else [("word", "language")])


def test_capitals():
    matched = match("us and US", rule("US", case_sensitive=True))

    assert [(edit.start, edit.end) for edit in matched.edits] == [(7, 9)]
    assert reasons(matched) == [("US", "case")]


def test_nothing_inside_what_is_taken():
    text = "one two three"
    taken = [Edit(4, 7, "2", "sub")]

    matched = match(text, rule("two three"), rule("two"), rule("one"), rule("three"), taken=taken)

    assert [edit.entry for edit in matched.edits] == ["one", "three"]
    assert reasons(matched) == [("two three", "overlapped"), ("two", "overlapped")]


def test_part_of_speech_is_asked_once_and_only_if_it_matters():
    asked = []

    def parts(text: str) -> list[tuple[int, int, str]]:
        asked.append(text)
        return [(0, 4, "verb"), (9, 13, "noun")]

    verb, noun = (rule("lead", id=part, part_of_speech=part) for part in ("verb", "noun"))

    matched = match("lead the lead or lead", verb, noun, parts_of_speech=parts)
    assert [edit.entry for edit in matched.edits] == ["verb", "noun"]
    assert reasons(matched) == [
        ("noun", "part-of-speech"), ("verb", "overridden"),
        ("noun", "part-of-speech-unknown"), ("verb", "part-of-speech-unknown"),
    ]  # fmt: skip
    assert len(asked) == 1
    match("lead or no", rule("no"), verb, parts_of_speech=None)
    match("nothing", verb, rule("nothing"), parts_of_speech=parts)
    assert len(asked) == 1
    assert reasons(match("lead", verb)) == [("verb", "part-of-speech-unknown")]


def test_what_is_said():
    name = rule("Nguyen", None, phonemes="wɪn")
    matched = match("SQL by Nguyen's", rule("SQL", "sequel"), name)

    first, second = matched.edits
    assert (first.spoken, first.phonemes, first.rule, first.entry) == (
        "sequel", None, "lexicon", "SQL",
    )  # fmt: skip
    assert second.phonemes == "wɪn"
    assert second.spoken
    assert spoken("SQL by Nguyen's", [first, replace(second, spoken="Win")]).text == (
        "sequel by Win's"
    )


def test_an_alias_with_its_own_grapheme_is_said_once():
    matched = match("IT", rule("IT", "IT department"))

    assert spoken("IT", matched.edits).text == "IT department"


def test_no_rules_and_empty_graphemes():
    assert match("a", rule(" ")) == Matched((), ())
    assert Matcher([]).match("a", language="en") == Matched((), ())


def test_what_is_reported_is_bounded():
    rules = [rule("a" * n, id=str(n), word_boundaries=False, language="fr") for n in range(1, 200)]

    assert len(match("a" * 3000, *rules).ignored) == 100


LETTERS = "aAbBéE\u0301ßİσΣς '’-._1東 \n"


@given(
    st.text(LETTERS, max_size=30),
    st.lists(st.tuples(st.text(LETTERS, min_size=1, max_size=4), st.booleans(), st.booleans())),
)
def test_edits_are_in_order_and_hold_what_they_are_about(text, words):
    rules = [
        rule(word, id=str(i), case_sensitive=exact, word_boundaries=bounded)
        for i, (word, exact, bounded) in enumerate(words)
    ]

    matched = match(text, *rules)

    assert spoken(text, matched.edits)  # in order, without overlap
    for edit in matched.edits:
        word, exact, _ = words[int(edit.entry or "")]
        written, wanted = (
            " ".join(unicodedata.normalize("NFC", x).replace("’", "'").split())
            for x in (text[edit.start : edit.end], word)
        )
        if exact:
            assert written == wanted
        else:
            assert written.upper().replace("İ", "I") == wanted.upper().replace("İ", "I")


@given(st.text(max_size=200), st.text(min_size=1, max_size=3))
def test_any_text_is_searched(text, grapheme):
    spoken(text, match(text, rule(grapheme, word_boundaries=False), rule(grapheme[::-1])).edits)
