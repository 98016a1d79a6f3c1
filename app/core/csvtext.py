"""Tables as text, by RFC 4180."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Any, Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_rows(rows: Iterable[Sequence[Any]]) -> str:
    """Lines of a table. None is an empty cell.

    A text that a spreadsheet would take for a formula has an apostrophe before it.
    """
    table = StringIO(newline="")
    csv.writer(table).writerows([_cell(value) for value in row] for row in rows)
    return table.getvalue()


def _cell(value: Any) -> Any:
    """Numbers stay what they are, negative ones as well."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
