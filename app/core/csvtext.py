"""Tables as text, by RFC 4180."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from typing import Any, Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_NO_LIMIT: Final = 2**31 - 1


def csv_rows(rows: Iterable[Sequence[Any]]) -> str:
    """Lines of a table. None is an empty cell.

    A text that a spreadsheet would take for a formula has an apostrophe before it.
    """
    table = StringIO(newline="")
    csv.writer(table).writerows([_cell(value) for value in row] for row in rows)
    return table.getvalue()


def read_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a table, each with the number of the line that it ends in. Commas, or semicolons
    or tabs as spreadsheets write them where numbers have commas; the first line tells.

    Raises:
        csv.Error: it is no table. The error is raised where it is reached.
    """
    # The limit is one for the whole process: always the same, so that nobody takes it from others.
    csv.field_size_limit(_NO_LIMIT)
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    rows = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    for cells in rows:
        yield rows.line_num, cells


def unescaped(cell: str) -> str:
    """A cell of a table that `csv_rows` has written, as it was."""
    return cell[1:] if cell.startswith("'") and _risky(cell[1:]) else cell


def _cell(value: Any) -> Any:
    """Numbers stay what they are, negative ones as well."""
    return f"'{value}" if isinstance(value, str) and _risky(value) else value


def _risky(text: str) -> bool:
    """A formula; or what would be taken for an escaped one."""
    return text.lstrip("'").startswith(_FORMULA)
