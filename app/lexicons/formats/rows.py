"""What files of entries have in common."""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from app.core.exceptions import EntryInvalid, LexiconFileInvalid


class Form(StrEnum):
    """How entries are written in a file."""

    CSV = "csv"
    JSON = "json"
    PLS = "pls"


@dataclass(frozen=True, slots=True)
class Row:
    """An entry of a file, not checked yet.

    Attributes:
        number: from 1: the row of a table with its header as row 1, an item, a lexeme.
        line: where it stands in the file; None where that is not known.
        fields: as `app.lexicons.checking.checked` takes them.
        remark: what of it is left out.
        refused: why there are no fields.
    """

    number: int
    fields: Mapping[str, Any]
    line: int | None = None
    remark: str | None = None
    refused: EntryInvalid | None = None


@dataclass(frozen=True, slots=True)
class FileContents:
    """The entries of a file. `language`: of those that say none."""

    rows: list[Row]
    language: str | None = None


_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with that one
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decoded(content: bytes) -> str:
    """The text of a file: UTF-8, or what its byte order mark says.

    Raises:
        LexiconFileInvalid: it is something else.
    """
    encoding = next((name for mark, name in _BOMS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise LexiconFileInvalid(
            f"The file is not {encoding.removesuffix('-sig').upper()}: line {line} has bytes that "
            "have no meaning in it.",
            "Save it as UTF-8.",
            line=line,
        ) from error
    if "\0" in text:
        raise LexiconFileInvalid(
            "The file has null characters: it is no text, or it is UTF-16 without a byte order "
            "mark.",
            "Save it as UTF-8.",
            line=text.count("\n", 0, text.index("\0")) + 1,
        )
    return text


def too_many(limit: int) -> LexiconFileInvalid:
    return LexiconFileInvalid(
        f"The file has more than {limit} entries.",
        "Send several files, for several lexicons. The operator can raise MAX_LEXICON_ENTRIES.",
        limit=limit,
    )
