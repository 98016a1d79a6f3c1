"""PLS that is written: by the specification, and by Azure's rules."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest
import xmlschema

from app.core.exceptions import InvalidRequest
from app.lexicons.formats import write_azure, write_pls
from app.models.lexicon import Alphabet, EntryDraft, PartOfSpeech
from app.text.alphabets import to_ipa
from tests.lexicons.samples import DRAFTS, lexeme, pls, some_words

PLS = "{http://www.w3.org/2005/01/pronunciation-lexicon}"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
Said = dict[str, tuple[str, str]]
"""Grapheme -> kind and text."""


@pytest.fixture(scope="module")
def schema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(Path(__file__).with_name("pls.xsd"))


def test_the_schema_takes_what_is_right_and_nothing_else(schema: xmlschema.XMLSchema) -> None:
    good = lexeme("<grapheme>a</grapheme><alias>b</alias>")
    assert schema.is_valid(pls(good).decode())
    for wrong in (
        pls(good, head='xml:lang="en"'),
        pls(good, head='alphabet="sapi" xml:lang="en"'),
        pls(lexeme("<alias>b</alias><grapheme>a</grapheme>")),
        pls(lexeme("<grapheme>a</grapheme><alias>b</alias>", 'role="unbound:noun"')),
        pls(lexeme("<grapheme>a</grapheme><alias>b</alias>", 'xml:lang="en"')),
        pls(good, "<note/>"),
    ):
        assert not schema.is_valid(wrong.decode())


@pytest.mark.parametrize("language", [None, "en-US"])
def test_what_is_written_is_valid(schema: xmlschema.XMLSchema, language: str | None) -> None:
    for document in write_pls(DRAFTS, language):
        schema.validate(document)


def test_an_empty_lexicon_is_a_valid_document(schema: xmlschema.XMLSchema) -> None:
    (document,) = write_pls([], None)
    schema.validate(document)


def said(schema: xmlschema.XMLSchema, document: str) -> tuple[str, Said]:
    """Locale, and what is in a file, by Azure's rules: checks that it keeps to them."""
    schema.validate(document)
    assert len(document.encode()) <= 100_000
    root = ElementTree.fromstring(document)  # noqa: S314 - ours
    assert dict(root.attrib) == {"version": "1.0", "alphabet": "ipa", LANG: root.attrib[LANG]}
    found: Said = {}
    for element in root:
        assert element.tag == f"{PLS}lexeme"
        assert not element.attrib
        graphemes = [str(part.text) for part in element if part.tag == f"{PLS}grapheme"]
        (spoken,) = [part for part in element if part.tag != f"{PLS}grapheme"]
        assert not spoken.attrib
        kind, text = spoken.tag.removeprefix(PLS), str(spoken.text)
        assert kind in ("alias", "phoneme")
        if kind == "phoneme":
            assert not any(" " in grapheme for grapheme in graphemes)
            assert not any(char.isspace() for char in text)
            assert unicodedata.is_normalized("NFD", text)
        assert not found.keys() & set(graphemes)
        found |= dict.fromkeys(graphemes, (kind, text))
    return root.attrib[LANG], found


def azure(
    schema: xmlschema.XMLSchema, drafts: Sequence[EntryDraft], language: str | None = "en-US"
) -> tuple[list[tuple[str, Said]], int]:
    files = write_azure(drafts, language)
    return [said(schema, document) for document in files.documents], files.left_out


def test_azure_has_a_file_for_each_locale(schema: xmlschema.XMLSchema) -> None:
    files, left_out = azure(schema, DRAFTS)

    assert [locale for locale, _ in files] == ["en-US", "ja", "ru"]
    assert left_out == 2  # for parts of speech
    assert files[0][1]["AT&T <b>"] == ("alias", 'a "t" & t')


def test_azure_matches_case_so_the_usual_ones_are_written(schema: xmlschema.XMLSchema) -> None:
    drafts = [
        EntryDraft(grapheme="us", alias="you and me"),
        EntryDraft(grapheme="US", alias="United States", case_sensitive=True),
    ]
    [(_, found)], left_out = azure(schema, drafts)

    assert found == {
        "US": ("alias", "United States"),
        "us": ("alias", "you and me"),
        "Us": ("alias", "you and me"),
    }
    assert left_out == 0


def test_a_phrase_with_phonemes_goes_by_a_word_of_its_own(schema: xmlschema.XMLSchema) -> None:
    drafts = [
        EntryDraft(grapheme="NewYork", alias="taken", case_sensitive=True),
        EntryDraft(
            grapheme="New York", phonemes="njuː ˈjɔɹk", alphabet=Alphabet.IPA, case_sensitive=True
        ),
    ]
    [(_, found)], _ = azure(schema, drafts)

    kind, token = found["New York"]
    assert kind == "alias"
    assert token not in ("New York", "NewYork")
    assert found[token] == ("phoneme", "njuːˈjɔɹk")
    assert found["NewYork"] == ("alias", "taken")


def test_azure_has_ipa_alone_decomposed(schema: xmlschema.XMLSchema) -> None:
    drafts = [
        EntryDraft(grapheme="gnu", phonemes="N UW1", alphabet=Alphabet.CMU_ARPABET),
        EntryDraft(grapheme="vin", phonemes="vɛ̃", alphabet=Alphabet.IPA),
        EntryDraft(grapheme="ich", phonemes="ɪç", alphabet=Alphabet.IPA),
    ]
    [(_, found)], _ = azure(schema, drafts)

    ipa = unicodedata.normalize("NFD", to_ipa("N UW1", "cmu-arpabet"))
    assert found["gnu"] == found["GNU"] == ("phoneme", ipa)
    assert found["vin"] == ("phoneme", "vɛ\u0303")
    assert found["ich"] == ("phoneme", "ɪc\u0327")


def test_many_entries_are_many_files_and_none_is_lost(schema: xmlschema.XMLSchema) -> None:
    words = some_words(3000)
    drafts = [EntryDraft(grapheme=word, alias=f"say {word}") for word in words]
    files, _ = azure(schema, drafts)

    assert len(files) > 3
    found = {word: text for _, said in files for word, text in said.items()}
    assert {word: found[word] for word in words} == {w: ("alias", f"say {w}") for w in words}


def test_azure_needs_a_locale() -> None:
    with pytest.raises(InvalidRequest, match="locale"):
        write_azure([EntryDraft(grapheme="a", alias="b")], None)


def test_entries_for_a_part_of_speech_are_left_out_of_azures_files(
    schema: xmlschema.XMLSchema,
) -> None:
    drafts = [EntryDraft(grapheme="lead", alias="led", part_of_speech=PartOfSpeech.NOUN)]

    assert azure(schema, drafts) == ([("en-US", {})], 1)
