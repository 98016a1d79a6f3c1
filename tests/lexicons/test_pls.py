"""W3C PLS 1.0: what is read, and what is refused where."""

import re
from typing import Any

import pytest

from app.core.exceptions import EntryInvalid, LexiconFileInvalid
from app.lexicons.checking import checked
from app.lexicons.formats import Form, read_file
from app.lexicons.formats.pls import read_pls
from app.models.lexicon import Alphabet, EntryDraft, PartOfSpeech
from tests.lexicons.samples import lexeme, pls

A_TO_B = "<grapheme>a</grapheme><alias>b</alias>"


def rows(content: bytes) -> list[Any]:
    return read_pls(content, limit=1000).rows


def only(content: bytes) -> EntryDraft:
    (row,) = rows(content)
    return checked(row.fields)


def test_every_grapheme_of_a_lexeme_is_an_entry() -> None:
    graphemes = "<grapheme>colour</grapheme><grapheme>color</grapheme>"
    found = [checked(row.fields) for row in rows(pls(lexeme(f"{graphemes}<alias>hue</alias>")))]

    assert [(draft.grapheme, draft.alias) for draft in found] == [
        ("colour", "hue"), ("color", "hue"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("spoken", "expected"),
    [
        ("<alias>one</alias><alias>two</alias>", "one"),
        ('<alias>one</alias><alias prefer="true">two</alias>', "two"),
        ('<phoneme prefer="1">ˈwʌn</phoneme><alias prefer="true">two</alias>', "ˈwʌn"),
        ('<phoneme>ˈwʌn</phoneme><alias prefer="false">two</alias>', "ˈwʌn"),
        ('<phoneme>ˈwʌn</phoneme><alias prefer=" true ">two</alias>', "two"),
    ],
)
def test_the_preferred_one_of_several_is_taken_and_that_is_told(spoken: str, expected: str) -> None:
    (row,) = rows(pls(lexeme(f"<grapheme>a</grapheme>{spoken}")))
    draft = checked(row.fields)

    assert draft.alias == expected or draft.phonemes == expected
    assert row.remark


@pytest.mark.parametrize(
    ("role", "expected", "told"),
    [
        ("noun", PartOfSpeech.NOUN, False),
        ("claws:VERB", PartOfSpeech.VERB, False),
        ("adj", PartOfSpeech.ADJECTIVE, False),
        ("claws:VVD", None, True),
        ("claws:VVD claws:adverb", PartOfSpeech.ADVERB, True),
        ("", None, False),
    ],
)
def test_plain_roles_are_parts_of_speech(
    role: str, expected: PartOfSpeech | None, told: bool
) -> None:
    attributes = f'role="{role}" xmlns:claws="http://www.example.com/claws7tags"'
    (row,) = rows(pls(lexeme(A_TO_B, attributes)))

    assert checked(row.fields).part_of_speech is expected
    assert bool(row.remark) is told


def test_our_own_roles_count_under_any_prefix_and_those_of_others_do_not() -> None:
    ours = 'xmlns:x="urn:voice-cloning:pls" role="x:any-case x:in-words x:noun"'
    others = 'xmlns:vc="urn:another" role="vc:any-case"'
    first, second = (
        checked(row.fields) for row in rows(pls(lexeme(A_TO_B, ours), lexeme(A_TO_B, others)))
    )

    assert (first.case_sensitive, first.word_boundaries) == (False, False)
    assert first.part_of_speech is PartOfSpeech.NOUN
    assert (second.case_sensitive, second.word_boundaries) == (True, True)


def test_languages_are_those_of_the_lexeme_or_of_the_document() -> None:
    file = read_pls(pls(lexeme(A_TO_B), lexeme(A_TO_B, 'xml:lang="fr-ca"')), limit=9)

    assert file.language == "en-US"
    assert [checked(row.fields).language for row in file.rows] == [None, "fr-CA"]
    assert read_pls(pls(head='xml:lang="und"'), limit=9).language is None


@pytest.mark.parametrize(
    ("head", "phoneme", "alphabet"),
    [
        ('alphabet="ipa"', "<phoneme>ˈwʌn</phoneme>", Alphabet.IPA),
        ('alphabet="x-sampa"', "<phoneme>wVn</phoneme>", Alphabet.X_SAMPA),
        (
            'alphabet="ipa"',
            '<phoneme alphabet="x-cmu-arpabet">W AH1 N</phoneme>',
            Alphabet.CMU_ARPABET,
        ),
        ('alphabet="x-microsoft-ups"', "<phoneme>W AH N</phoneme>", Alphabet.UPS),
    ],
)
def test_alphabets_are_those_of_the_phoneme_or_of_the_document(
    head: str, phoneme: str, alphabet: Alphabet
) -> None:
    assert only(pls(lexeme(f"<grapheme>a</grapheme>{phoneme}"), head=head)).alphabet is alphabet


@pytest.mark.parametrize(
    ("inside", "reason"),
    [
        ("<grapheme>a</grapheme>", "alias-missing"),
        ("<alias>b</alias>", "grapheme-empty"),
        ("<grapheme> </grapheme><alias>b</alias>", "grapheme-empty"),
        (
            '<grapheme>a</grapheme><phoneme alphabet="x-microsoft-sapi">w ah n</phoneme>',
            "alphabet-unknown",
        ),
        ("<grapheme>a</grapheme><phoneme>hello 7</phoneme>", "phonemes-invalid"),
        ("<grapheme>a\u202e\u2028</grapheme><alias>b</alias>", None),
        (f"<grapheme>{'x' * 201}</grapheme><alias>b</alias>", "grapheme-too-long"),
    ],
)
def test_a_lexeme_that_cannot_be_used_is_refused_alone(inside: str, reason: str | None) -> None:
    first, second = rows(pls("\n", lexeme(inside), lexeme(A_TO_B)))

    assert (first.line, first.number, second.number) == (2, 1, 2)
    assert checked(second.fields).alias == "b"
    if reason is None:
        checked(first.fields)
        return
    with pytest.raises(EntryInvalid) as refused:
        checked(first.fields)
    assert refused.value.extra["reason"] == reason


def test_what_has_no_meaning_here_is_passed_over() -> None:
    about = (
        '<meta name="author" content="me"/><metadata><rdf:RDF xmlns:rdf="urn:rdf">'
        "<rdf:Description>text<grapheme>no</grapheme></rdf:Description></rdf:RDF></metadata>"
    )
    example = "<grapheme>a</grapheme><alias>b</alias><example>as in a</example><example>x</example>"
    draft = only(pls(about, "<!-- a comment --><?stylesheet no?>", lexeme(example)))

    assert draft == EntryDraft(grapheme="a", alias="b", case_sensitive=True, note="as in a")


def test_markup_in_a_grapheme_is_text() -> None:
    inside = "<grapheme>AT&amp;T &lt;b&gt;</grapheme><alias><![CDATA[<speak> & so on]]></alias>"
    draft = only(pls(lexeme(inside)))

    assert (draft.grapheme, draft.alias) == ("AT&T <b>", "<speak> & so on")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_the_encoding_is_that_which_the_document_says(encoding: str) -> None:
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?>'
        + pls(lexeme("<grapheme>café</grapheme><alias>bar</alias>")).decode()
    )

    assert only(text.encode(encoding)).grapheme == "café"


BOMB = "<!DOCTYPE lexicon [<!ENTITY a 'aaaaaaaaaa'>" + "".join(
    f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>" for n in range(8)
)
REFUSED = {
    "doctype": ("<!DOCTYPE lexicon><lexicon/>", "DTD"),
    "outer-entity": (
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><lexicon>&x;</lexicon>', "DTD",
    ),
    "entity-bomb": (BOMB + "]><lexicon>&i;</lexicon>", "DTD"),
    "unknown-entity": (pls(lexeme("<grapheme>&eacute;</grapheme>")).decode(), "entity"),
    "5000-nested": ("<lexicon><metadata>" + "<a>" * 5000, "nested"),
    "5000-lexicons": ("<lexicon>" * 5000, "outermost"),
    "5000-graphemes": (pls("<lexeme>", "<grapheme>" * 5000).decode(), "must be in"),
    "another-vocabulary": ("<speak>hello</speak>", "no element of PLS"),
    "another-namespace": ('<lexicon xmlns="urn:x"/>', "no element of PLS"),
    "another-version": ('<lexicon version="2.0"/>', "version"),
    "stray-text": (pls(lexeme(f"stray {A_TO_B}")).decode(), "text of its own"),
    "text-outside": (pls("stray").decode(), "text of its own"),
    "grapheme-outside": (pls("<grapheme>a</grapheme>").decode(), "must be in"),
    "not-closed": ("<lexicon><lexeme>", "no element"),
    "not-xml": ("grapheme,alias", "syntax error"),
    "empty": ("", "no element"),
    "bad-bytes": (b"<lexicon>\xff\xfe</lexicon>", "not well-formed"),
    "cut-utf-16": ('<lexicon version="1.0"/>'.encode("utf-16")[:-1], "cannot be read"),
    "unbound-prefix": ("<x:lexicon/>", "unbound prefix"),
    "null": ("<lexicon>\0</lexicon>", "not well-formed"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_lexicon_is_refused_with_line_and_column(name: str) -> None:
    content, told = REFUSED[name]
    with pytest.raises(LexiconFileInvalid, match=re.escape(told)) as refused:
        rows(content.encode() if isinstance(content, str) else content)

    assert refused.value.extra["line"] == 1
    assert refused.value.extra["column"] >= 1


@pytest.mark.parametrize(
    "encoding", ["utf-7", "no-such-thing", "gb2312", "utf_16_le", "rot13", "hex"]
)
def test_an_encoding_that_cannot_be_read_is_refused(encoding: str) -> None:
    content = f'<?xml version="1.0" encoding="{encoding}"?><lexicon version="1.0"/>'.encode()

    with pytest.raises(LexiconFileInvalid):
        rows(content)


def test_too_many_elements_are_refused() -> None:
    content = pls(lexeme("<grapheme>a</grapheme><alias>b</alias>" + "<example/>" * 20_000))

    with pytest.raises(LexiconFileInvalid):
        rows(content)


def test_a_file_of_azures_is_read() -> None:
    content = """<?xml version="1.0" encoding="UTF-16"?>
    <lexicon version="1.0" xmlns="http://www.w3.org/2005/01/pronunciation-lexicon"
        xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
        xsi:schemaLocation="http://www.w3.org/2005/01/pronunciation-lexicon pls.xsd"
        alphabet="ipa" xml:lang="en-US">
      <lexeme><grapheme>BTW</grapheme><alias>By the way</alias></lexeme>
      <lexeme><grapheme>Kyiv</grapheme><phoneme>ˈkɪiu̯</phoneme></lexeme>
      <lexeme><grapheme>👍</grapheme><alias>ok</alias></lexeme>
    </lexicon>""".encode("utf-16")
    found = [checked(row.fields) for row in read_file(content, Form.PLS, limit=9).rows]

    assert [draft.grapheme for draft in found] == ["BTW", "Kyiv", "👍"]
    assert found[1].phonemes == "ˈkɪiu̯"
    assert found[0].case_sensitive
