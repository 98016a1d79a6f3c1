"""Entries as a table: CSV by RFC 4180."""

import csv
from collections.abc import Iterable
from typing import Any, Final

from app.core.csvtext import csv_rows, read_rows, unescaped
from app.core.exceptions import EntryInvalid, LexiconFileInvalid
from app.lexicons.formats.rows import FileContents, Row, decoded, too_many
from app.models.lexicon import FIELDS, EntryDraft

_ADVICE: Final = f"Row 1 names the columns: {', '.join(FIELDS)}; only `grapheme` must be there."


def read_table(content: bytes, *, limit: int) -> FileContents:
    """The rows of a table; empty ones are skipped.

    Raises:
        LexiconFileInvalid: it is no table, or has more than `limit` rows.
    """
    rows: list[Row] = []
    lines = read_rows(decoded(content))
    line = 0
    try:
        line, header = next(lines, (1, []))
        names = _header(header)
        for number, (line, cells) in enumerate(lines, start=2):
            if not any(cells):
                continue
            if len(rows) >= limit:
                raise too_many(limit)
            rows.append(_row(names, cells, number, line))
    except csv.Error as error:
        raise LexiconFileInvalid(
            f"The file is no table: {error}, after line {line}.",
            'Put a cell with commas, quotes or line ends in quotes, and write a quote in it as "".',
            line=line,
        ) from error
    return FileContents(rows)


def write_table(entries: Iterable[EntryDraft]) -> str:
    """The entries with a header. What a spreadsheet would take for a formula has an apostrophe
    before it, which reading takes away.
    """
    rows = [[_cell(getattr(entry, name)) for name in FIELDS] for entry in entries]
    return csv_rows([FIELDS, *rows])


def _header(cells: list[str]) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    unknown = [name for name in names if name not in FIELDS]
    if not any(names):
        raise LexiconFileInvalid("The file is empty.", _ADVICE, line=1)
    if unknown or len(set(names)) < len(names):
        what = f"has the unknown column {unknown[0][:50]!r}" if unknown else "names one twice"
        raise LexiconFileInvalid(f"Row 1 must name the columns; it {what}.", _ADVICE, line=1)
    if "grapheme" not in names:
        raise LexiconFileInvalid("There is no column `grapheme`.", _ADVICE, line=1)
    return names


def _row(names: list[str], cells: list[str], number: int, line: int) -> Row:
    if len(cells) > len(names):
        refused = EntryInvalid(
            f"The row has {len(cells)} cells; there are {len(names)} columns.",
            "Put a cell with commas in quotes.",
            field="",
            reason="too-many-cells",
        )
        return Row(number, {"grapheme": cells[names.index("grapheme")]}, line, refused=refused)
    pairs = zip(names, cells, strict=False)
    return Row(number, {name: unescaped(cell) for name, cell in pairs if cell}, line)


def _cell(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value
