"""Texts are cut where a reader takes a breath between two sentences, and nowhere else."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from app.text.split import split

TABLE = Path(__file__).with_name("sentences.csv")
"""`|` stands where a text is cut; it goes with the white space behind it, but for line ends."""


def rows() -> list[dict[str, str]]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("language", "marked"),
    [
        pytest.param(row["language"], row["text"], id=f"{row['kind']}-{number}")
        for number, row in enumerate(rows(), start=2)
    ],
)
def test_sentences(language: str, marked: str) -> None:
    marked = marked.replace("\\r", "\r").replace("\\n", "\n")
    text = marked.replace("| ", "")

    found = [segment.text for segment in split(text, max_chars=300, language=language)]

    assert found == [sentence.strip() for sentence in marked.split("| ")]


def test_the_table_has_sentences_of_every_kind_and_each_once() -> None:
    table = rows()
    kinds = Counter(row["kind"] for row in table)

    assert len(table) == len({(row["language"], row["text"]) for row in table}) >= 150
    assert {"abbreviation", "dialogue", "list", "heading", "poem", "cjk", "danda"} <= kinds.keys()
    assert sum(row["text"].count("| ") == 0 for row in table) >= 1


@pytest.mark.parametrize("shift", range(0, 60, 3))
@pytest.mark.parametrize(
    "passage",
    [
        ['"No!" she said.', "He left."],
        ['"It is late. You must go," he said.', '"Why?"', "Nobody answered."],
        ["“Go. Now.” he said.", "She (the tall one. The other sat.) laughed.", "It rained."],
        ["He read it (twice!) and wept.", "Nobody came."],
        ["«Vado. Ora.» disse.", "Poi tacque."],
        ["»Geh. Jetzt.« sagte er.", "Dann schwieg er."],
        ["„Geh. Jetzt.“ sagte er.", "Dann schwieg er."],
        ["He didn't say 'Go. Now.' to us all.", "We weren't there."],
        ["He didn’t say ‘Go. Now.’ to us all.", "We weren’t there."],
        ["Type `Go. Now.` in it.", "That is all."],
    ],
    ids=[
        "short",
        "straight",
        "curly",
        "brackets",
        "guillemets",
        "reversed",
        "low",
        "single",
        "curly-single",
        "code",
    ],
)
def test_it_does_not_matter_how_much_is_looked_at(passage: list[str], shift: int) -> None:
    """A long line is read a part at a time: no end of a part may fall into a quotation."""
    sentences = [f"It was {'x' * shift} then.", *passage * 150]

    found = [segment.text for segment in split(" ".join(sentences), max_chars=300)]

    assert found == sentences
