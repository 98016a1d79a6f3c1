"""What is said knows what is written."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.text.spoken import Edit, merged, spoken, untouched


@st.composite
def edited(draw: st.DrawFn) -> tuple[str, list[Edit]]:
    """A text and edits of it, in order."""
    text = draw(st.text(alphabet="ab1 .é", max_size=40))
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    spans = list(zip(cuts[::2], cuts[1::2], strict=False))
    words = st.text(alphabet="xyz ", max_size=6)
    return text, [Edit(start, end, draw(words), "rule") for start, end in spans]


@given(edited())
def test_what_is_left_is_said_as_it_is_written(case: tuple[str, list[Edit]]) -> None:
    text, edits = case

    said = spoken(text, edits)

    kept = "".join(text[a:b] for a, b in untouched(len(text), edits))
    plain = "".join(said.text[p.start : p.end] for p in said.passages if p.edit is None)
    assert plain == kept
    changed = [said.text[p.start : p.end] for p in said.passages if p.edit is not None]
    assert changed == [edit.spoken for edit in edits]


@given(edited(), st.data())
def test_every_part_comes_from_a_part_of_the_text(
    case: tuple[str, list[Edit]], data: st.DataObject
) -> None:
    text, edits = case
    said = spoken(text, edits)
    if not said.text:
        return
    start = data.draw(st.integers(0, len(said.text) - 1))
    end = data.draw(st.integers(start + 1, len(said.text)))

    first, last = said.origin(start, end)

    assert 0 <= first <= last <= len(text)
    inside = [p for p in said.passages if p.start <= start and end <= p.end and p.start < p.end]
    for passage in inside:
        if passage.edit is None:
            assert text[first:last] == said.text[start:end]
        else:
            assert (first, last) == (passage.source_start, passage.source_end)


@given(edited())
def test_words_do_not_run_into_one_another(case: tuple[str, list[Edit]]) -> None:
    text, edits = case

    for edit in spoken(text, edits).passages:
        if edit.edit is not None and re.fullmatch(r"[xyz]+", edit.edit.spoken):
            around = spoken(text, edits).text
            before, after = around[edit.start - 1 : edit.start], around[edit.end : edit.end + 1]
            assert not before.isalnum()
            assert not after.isalnum()


def test_what_was_changed_is_taken_whole() -> None:
    said = spoken(
        "In 42nd St.", [Edit(3, 7, "forty-second", "ordinal"), Edit(8, 11, "street", "x")]
    )

    assert said.text == "In forty-second street"
    assert said.origin(said.text.index("second"), said.text.index("second") + 6) == (3, 7)
    assert said.origin(0, len(said.text)) == (0, 11)


@pytest.mark.parametrize("edits", [[(0, 3), (2, 5)], [(3, 5), (0, 1)], [(0, 99)]])
def test_edits_that_cannot_be_are_refused(edits: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="overlaps"):
        spoken("abcdef", [Edit(start, end, "x", "rule") for start, end in edits])


def test_the_earlier_kind_of_edit_stays() -> None:
    first, second = Edit(2, 5, "a", "one"), Edit(0, 1, "b", "two")
    third, fourth = Edit(4, 8, "c", "two"), Edit(8, 9, "d", "two")

    assert merged([first], [second, third, fourth]) == [second, first, fourth]
