"""Files of entries: what is written is read again as it was; what is no such file is refused."""

import json
import tracemalloc
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.exceptions import EntryInvalid, LexiconFileInvalid
from app.lexicons.checking import checked
from app.lexicons.formats import (
    FileContents,
    Form,
    guessed,
    read_file,
    write_objects,
    write_pls,
    write_table,
)
from app.models.lexicon import Alphabet, EntryDraft, PartOfSpeech
from tests.lexicons.samples import DRAFTS, a_lexicon, lexeme, pls

LIMIT = 1000


def read(content: bytes | str, form: Form) -> FileContents:
    raw = content.encode() if isinstance(content, str) else content
    return read_file(raw, form, limit=LIMIT)


def drafts(*contents: FileContents) -> list[EntryDraft]:
    """What is in files, each entry with the language of its file."""
    return [
        replace(draft, language=draft.language or file.language)
        for file in contents
        for draft in (checked(row.fields) for row in file.rows)
    ]


def test_a_table_is_read_as_it_was_written() -> None:
    assert drafts(read(write_table(DRAFTS), Form.CSV)) == list(DRAFTS)


def test_json_is_read_as_it_was_written() -> None:
    file = read(write_objects(a_lexicon(language="de-AT"), DRAFTS), Form.JSON)

    assert file.language == "de-AT"
    assert [checked(row.fields) for row in file.rows] == list(DRAFTS)


@pytest.mark.parametrize("language", [None, "en-GB"])
def test_pls_is_read_as_it_was_written(language: str | None) -> None:
    documents = write_pls(DRAFTS, language)
    found = drafts(*(read(document, Form.PLS) for document in documents))
    expected = [replace(draft, language=draft.language or language) for draft in DRAFTS]

    assert len(documents) == 4
    assert sorted(found, key=repr) == sorted(expected, key=repr)


TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30)


@st.composite
def any_draft(draw: st.DrawFn) -> EntryDraft:
    fields = {
        "grapheme": draw(TEXTS),
        "alias": draw(TEXTS),
        "note": draw(st.none() | TEXTS),
        "case_sensitive": draw(st.booleans()),
        "word_boundaries": draw(st.booleans()),
        "part_of_speech": draw(st.none() | st.sampled_from(PartOfSpeech)),
        "language": draw(st.none() | st.sampled_from(["en-US", "de"])),
    }
    try:
        return checked(fields)
    except EntryInvalid:
        return EntryDraft(grapheme="a", alias="b")


@settings(max_examples=60, deadline=None)
@given(st.lists(any_draft(), max_size=8))
def test_nothing_is_lost_whatever_is_written(entries: list[EntryDraft]) -> None:
    assert drafts(read(write_table(entries), Form.CSV)) == entries
    assert drafts(read(write_objects(a_lexicon(), entries), Form.JSON)) == entries
    found = drafts(*(read(text, Form.PLS) for text in write_pls(entries, None)))
    assert sorted(found, key=repr) == sorted(entries, key=repr)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(Form))
def test_no_bytes_do_anything_but_be_read_or_refused(content: bytes, form: Form) -> None:
    try:
        rows = read_file(content, form, limit=LIMIT).rows
    except LexiconFileInvalid:
        return
    for row in rows:
        with suppress(EntryInvalid):
            checked(row.fields)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_tables_and_json_may_have_a_byte_order_mark(encoding: str) -> None:
    mark = "\ufeff" if encoding in ("utf-16-le", "utf-16-be") else ""
    table = (mark + "grapheme,alias\nKöln,Kölle\n").encode(encoding)
    document = (mark + '[{"grapheme": "Köln", "alias": "Kölle"}]').encode(encoding)

    expected = [EntryDraft(grapheme="Köln", alias="Kölle")]
    assert drafts(read(table, Form.CSV)) == expected
    assert drafts(read(document, Form.JSON)) == expected


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_tables_of_spreadsheets_are_read(delimiter: str) -> None:
    lines = ["Grapheme", "Alias"], ["a", '"x, y; z"'], ["b", '"two\nlines"'], ["", ""], ["c", "d"]
    table = "\r\n".join(delimiter.join(cells) for cells in lines)
    file = read(table, Form.CSV)

    assert [(draft.grapheme, draft.alias) for draft in drafts(file)] == [
        ("a", "x, y; z"), ("b", "two lines"), ("c", "d"),
    ]  # fmt: skip
    assert [(row.number, row.line) for row in file.rows] == [(2, 2), (3, 4), (5, 6)]


def test_a_cell_of_a_megabyte_is_told_with_its_row_and_stops_nothing() -> None:
    table = f"grapheme,alias\na,b\n{'x' * 1_000_000},c\nd,{'y' * 2_000_000}\ne,f\n"
    found: list[str] = []
    for row in read(table, Form.CSV).rows:
        try:
            found.append(checked(row.fields).grapheme)
        except EntryInvalid as error:
            found.append(error.extra["reason"])

    assert found == ["a", "grapheme-too-long", "alias-too-long", "e"]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", 1),
        (b"\n\n", 1),
        (b"word,alias\na,b\n", 1),
        (b"alias\nb\n", 1),
        (b"grapheme,alias,alias\na,b,c\n", 1),
        (b'grapheme,alias\na,b\n"c,d\n', 2),
        (b"grapheme,alias\na,b\nc,\xff\xfe\n", 3),
        ("grapheme,alias\na,b\n".encode("utf-16-le"), 1),
        (b"\xff\xfeg\x00r", 1),
        (b"RIFF\x00\x00\x00\x00WAVE", 1),
    ],
)
def test_what_is_no_table_is_refused_with_the_line(content: bytes, line: int) -> None:
    with pytest.raises(LexiconFileInvalid) as refused:
        read(content, Form.CSV)

    assert refused.value.extra["line"] == line
    assert refused.value.suggestion


def test_a_row_with_too_many_cells_is_refused_alone() -> None:
    first, second = read("grapheme,alias\na,b,c\nd,e\n", Form.CSV).rows

    assert first.refused is not None
    assert first.refused.extra["reason"] == "too-many-cells"
    assert checked(second.fields).alias == "e"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[1, 2",
        "3",
        '{"items": []}',
        '{"entries": {}}',
        "[" * 5000,
        '{"entries":' * 5000,
        "[" + "9" * 10_000 + "]",
        "[{}" + ",{}" * (LIMIT + 1) + "]",
        "[" + "[]," * 20_000 + "[]]",
    ],
    ids=lambda text: text[:12],
)
def test_what_is_no_json_of_entries_is_refused(content: str) -> None:
    with pytest.raises(LexiconFileInvalid):
        read(content, Form.JSON)


def test_json_of_nothing_but_brackets_does_not_fill_the_memory() -> None:
    content = b"[" + b"{}," * 3_000_000 + b"{}]"
    tracemalloc.start()
    try:
        with pytest.raises(LexiconFileInvalid):
            read(content, Form.JSON)
        assert tracemalloc.get_traced_memory()[1] < 4 * len(content)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("item", [1, None, "a", [], {"grapheme": 1, "alias": "x"}, {"word": "a"}])
def test_items_that_are_no_entries_are_refused_alone(item: object) -> None:
    row, good = read(json.dumps([item, {"grapheme": "a", "alias": "b"}]), Form.JSON).rows

    if row.refused is None:
        with pytest.raises(EntryInvalid):
            checked(row.fields)
    assert checked(good.fields).alias == "b"


def test_a_file_of_too_many_entries_is_refused() -> None:
    for content, form in (
        ("grapheme,alias\n" + "a,b\n" * (LIMIT + 1), Form.CSV),
        (json.dumps([{"grapheme": "a", "alias": "b"}] * (LIMIT + 1)), Form.JSON),
        (pls(*[lexeme("<grapheme>a</grapheme><alias>b</alias>")] * (LIMIT + 1)), Form.PLS),
        (pls(lexeme("<grapheme>a</grapheme>" * (LIMIT + 1) + "<alias>b</alias>")), Form.PLS),
    ):
        with pytest.raises(LexiconFileInvalid) as refused:
            read(content, form)
        assert refused.value.extra["limit"] == LIMIT


@pytest.mark.parametrize(
    ("content", "filename", "form"),
    [
        (b"grapheme,alias\n", "", Form.CSV),
        (b"", "a.tsv", Form.CSV),
        (b"grapheme,alias\n", "a.JSON", Form.JSON),
        (b"  \n[{}]", "words.txt", Form.JSON),
        ('\ufeff{"entries": []}'.encode("utf-16-le"), "", Form.JSON),
        (b"\xef\xbb\xbf<?xml version='1.0'?>", "", Form.PLS),
        (b"", "a.xml", Form.PLS),
        (b"<lexicon/>", "a.b.pls", Form.PLS),
    ],
)
def test_the_form_of_a_file_is_found(content: bytes, filename: str, form: Form) -> None:
    assert guessed(content, filename) is form


def test_formulas_are_disarmed() -> None:
    table = write_table([EntryDraft(grapheme="=1", alias="@SUM(A1)", note="-x")])

    assert table.splitlines()[1].split(",")[:2] == ["'=1", "'@SUM(A1)"]
    assert table.rstrip().endswith(",'-x")


def test_alphabets_are_read_as_they_are_written() -> None:
    for alphabet, phonemes in (
        (Alphabet.CMU_ARPABET, "N UW1"), (Alphabet.UPS, "JH O I"), (Alphabet.X_SAMPA, "nu"),
    ):  # fmt: skip
        draft = EntryDraft(grapheme="a", phonemes=phonemes, alphabet=alphabet)
        assert drafts(*(read(text, Form.PLS) for text in write_pls([draft], None))) == [draft]
