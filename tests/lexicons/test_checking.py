"""What an entry must be."""

from typing import Any

import pytest

from app.core.exceptions import EntryInvalid, InvalidRequest
from app.lexicons.checking import canonical_language, checked, checked_name, key_of
from app.models.lexicon import Alphabet, EntryDraft, PartOfSpeech


def draft(**fields: Any) -> EntryDraft:
    return checked({"grapheme": "word", "alias": "werd"} | fields)


def test_fields_have_the_form_in_which_they_are_compared() -> None:
    entry = checked(
        {
            "grapheme": " Cafe\u0301 \t au\n lait ",
            "alias": "",
            "phonemes": " kafe ",
            "alphabet": " IPA ",
            "language": "ZH-hant-tw",
            "case_sensitive": "Yes",
            "word_boundaries": "0",
            "part_of_speech": "Noun",
            "note": " ",
        }
    )

    assert entry == EntryDraft(
        grapheme="Café au lait",
        phonemes="kafe",
        alphabet=Alphabet.IPA,
        language="zh-Hant-TW",
        case_sensitive=True,
        word_boundaries=False,
        part_of_speech=PartOfSpeech.NOUN,
    )


@pytest.mark.parametrize(
    "grapheme",
    ["x" * 200, "é" * 200, "👩🏽‍🎤", "©", "$", "a\u200db", "नमस्ते", "\U0001fae8", "<b>", "&amp;"],
)
def test_whatever_can_be_seen_can_be_a_grapheme(grapheme: str) -> None:
    assert draft(grapheme=grapheme).grapheme == grapheme


def test_an_alias_may_contain_its_grapheme() -> None:
    assert draft(alias="the word word").alias == "the word word"


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"grapheme": None}, "grapheme", "grapheme-empty"),
        ({"grapheme": " \n"}, "grapheme", "grapheme-empty"),
        ({"grapheme": "x" * 201}, "grapheme", "grapheme-too-long"),
        ({"grapheme": "x" * 1_000_000}, "grapheme", "grapheme-too-long"),
        ({"grapheme": "\u200b\u200d"}, "grapheme", "grapheme-invisible"),
        ({"grapheme": "\u0301"}, "grapheme", "grapheme-invisible"),
        ({"grapheme": "a\0"}, "grapheme", "characters-forbidden"),
        ({"grapheme": "a\ud800"}, "grapheme", "characters-forbidden"),
        ({"grapheme": "a\x7f"}, "grapheme", "characters-forbidden"),
        ({"grapheme": "a\uffff"}, "grapheme", "characters-forbidden"),
        ({"grapheme": 7}, "grapheme", "not-a-text"),
        ({"grapheme": ["a"]}, "grapheme", "not-a-text"),
        ({"alias": None}, "alias", "alias-missing"),
        ({"alias": "x" * 1001}, "alias", "alias-too-long"),
        ({"alias": "a\x1b[0m"}, "alias", "characters-forbidden"),
        ({"phonemes": "a", "alphabet": "ipa"}, "alias", "alias-and-phonemes"),
        ({"alias": None, "alphabet": "ipa"}, "phonemes", "phonemes-missing"),
        ({"alias": None, "phonemes": "a"}, "alphabet", "alphabet-missing"),
        ({"alias": None, "phonemes": "a", "alphabet": "sapi"}, "alphabet", "alphabet-unknown"),
        ({"alias": None, "phonemes": "a", "alphabet": 1}, "alphabet", "alphabet-unknown"),
        ({"alias": None, "phonemes": "a9", "alphabet": "ipa"}, "phonemes", "phonemes-invalid"),
        (
            {"alias": None, "phonemes": "XY1", "alphabet": "cmu-arpabet"},
            "phonemes",
            "phonemes-invalid",
        ),
        (
            {"alias": None, "phonemes": "a" * 501, "alphabet": "ipa"},
            "phonemes",
            "phonemes-too-long",
        ),
        ({"language": "english"}, "language", "language-invalid"),
        ({"language": "en_US"}, "language", "language-invalid"),
        ({"case_sensitive": "maybe"}, "case_sensitive", "not-a-flag"),
        ({"word_boundaries": 2}, "word_boundaries", "not-a-flag"),
        ({"part_of_speech": "pronoun"}, "part_of_speech", "part-of-speech-unknown"),
        ({"note": "x" * 501}, "note", "note-too-long"),
        ({"word": "x"}, "word", "field-unknown"),
        ({"x" * 100_000: "x"}, "x" * 50, "field-unknown"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_used_is_refused_with_field_and_reason(
    fields: dict[str, Any], field: str, reason: str
) -> None:
    with pytest.raises(EntryInvalid) as refused:
        draft(**fields)

    error = refused.value
    assert (error.extra["field"], error.extra["reason"]) == (field, reason)
    assert len(error.detail) < 600
    assert error.suggestion


def test_the_symbol_that_is_wrong_is_named() -> None:
    with pytest.raises(EntryInvalid, match="'9'"):
        draft(alias=None, phonemes="wʊ9", alphabet="ipa")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"grapheme": "Straße"}, {"grapheme": "STRASSE"}, True),
        ({"grapheme": "Straße", "case_sensitive": True}, {"grapheme": "STRASSE"}, False),
        (
            {"grapheme": "US", "case_sensitive": True},
            {"grapheme": "us", "case_sensitive": True},
            False,
        ),
        ({"language": "en-US"}, {}, True),
        ({"language": "en-GB"}, {}, False),
        ({"part_of_speech": "noun"}, {"part_of_speech": "verb"}, False),
        ({"word_boundaries": False, "alias": "x"}, {"note": "x"}, True),
    ],
    ids=str,
)
def test_entries_are_the_same_if_they_are_for_the_same(
    one: dict[str, Any], other: dict[str, Any], same: bool
) -> None:
    keys = {key_of(draft(**fields), "en-US") for fields in (one, other)}

    assert (len(keys) == 1) is same


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "a\0b", "a\ud800"], ids=repr)
def test_lexicons_cannot_be_called_anything(name: str) -> None:
    with pytest.raises(InvalidRequest):
        checked_name(name)


@pytest.mark.parametrize("tag", ["", "e", "engl", "en-", "en--US", "en US", "x" * 36, "én"])
def test_what_is_no_language_tag_is_told(tag: str) -> None:
    with pytest.raises(ValueError, match="BCP-47"):
        canonical_language(tag)
