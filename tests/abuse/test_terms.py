"""Finding the terms of a list in a text."""

from pathlib import Path

import pytest

from app.abuse.terms import NO_TERMS, BlockedTerms
from app.core.exceptions import ConfigurationError

LIST = """\
# what nobody says here
bomb
kill yourself
hateful*
*phobic
*slur*
Straße
炸弹
бомба
कर
don't panic
"""


@pytest.fixture(scope="module")
def terms(tmp_path_factory: pytest.TempPathFactory) -> BlockedTerms:
    return read(tmp_path_factory.mktemp("terms"), LIST)


def read(folder: Path, text: str | bytes) -> BlockedTerms:
    file = folder / "terms.txt"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return BlockedTerms.read(file)


def found(terms: BlockedTerms, text: str) -> list[str]:
    return [text[one.start : one.end] for one in terms.find(text)]


@pytest.mark.parametrize(
    ("text", "passages"),
    [
        ("A bomb, and another BOMB.", ["bomb", "BOMB"]),
        ("The bomb's here", ["bomb"]),
        ("a bo\u200bmb", ["bo\u200bmb"]),
        ("a bo\u00admb", ["bo\u00admb"]),
        ("a b\u043emb", ["b\u043emb"]),
        ("a b\u03bfmb", ["b\u03bfmb"]),
        ("a \uff42\uff4f\uff4d\uff42", ["\uff42\uff4f\uff4d\uff42"]),
        (
            "a \U0001d41b\U0001d428\U0001d426\U0001d41b!",
            ["\U0001d41b\U0001d428\U0001d426\U0001d41b"],
        ),
        ("a bómb̶", ["bómb"]),
        ("go kill\n  yourself now", ["kill\n  yourself"]),
        ("kill, yourself", ["kill, yourself"]),
        ("kill kill yourself", ["kill yourself"]),
        ("so hatefully hateful", ["hatefully", "hateful"]),
        ("xenophobic phobic", ["xenophobic", "phobic"]),
        ("unslurred slur", ["unslurred", "slur"]),
        ("die STRASSE", ["STRASSE"]),
        ("这是炸弹吗", ["炸弹"]),
        ("это БОМБА", ["БОМБА"]),
        ("तू कर", ["कर"]),
        ("Don’t panic", ["Don’t panic"]),
    ],
)
def test_terms_are_found_however_they_are_written(
    terms: BlockedTerms, text: str, passages: list[str]
) -> None:
    assert found(terms, text) == passages


@pytest.mark.parametrize(
    "text",
    [
        "bombastic, abomb, bombs, b o m b",
        "kill the lights yourself; killyourself",
        "hatefu, phobics",
        "бомбардир и вомь",
        "करना",
        "炸 or 弹",
        "",
    ],
)
def test_other_words_are_let_be(terms: BlockedTerms, text: str) -> None:
    assert found(terms, text) == []


def test_at_most_ten_passages_are_told(terms: BlockedTerms) -> None:
    assert len(found(terms, "bomb " * 50)) == 10


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("fine\n/a+b+/\n", "line 2: regular expressions"),
        ("fine\n\n*\n", "line 3: `*` stands beside"),
        ("a*\n", "line 1: `*` stands beside"),
        ("be*am\n", "line 1: `*` stands at"),
        ("ok\n!!!\n", "line 2: there is no word"),
        ("x" * 101, "line 1: a term has at most"),
        ("a " * 21, "line 1: a term has at most"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_a_line_that_cannot_be_used_is_told_by_its_number(
    tmp_path: Path, text: str | bytes, says: str
) -> None:
    with pytest.raises(ConfigurationError, match="BLOCKED_TERMS_FILE") as raised:
        read(tmp_path, text)

    assert says in raised.value.detail


def test_a_list_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        BlockedTerms.read(tmp_path / "none.txt")


def test_an_empty_list_blocks_nothing(tmp_path: Path) -> None:
    assert not read(tmp_path, "# nothing yet\n\n")
    assert not NO_TERMS
    assert found(NO_TERMS, "bomb") == []
