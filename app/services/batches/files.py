"""Files with the items of a batch: JSON, JSON Lines, CSV."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from app.core.csvtext import read_rows
from app.core.exceptions import InvalidRequest
from app.models.batch_request import MOST_ITEMS, BatchItemRequest
from app.services.batches.check import Place

_FIELDS: Final = tuple(BatchItemRequest.model_fields)
_NUMBERS: Final[Mapping[str, Callable[[str], float]]] = {
    "sample_rate": int, "seed": int, "speed": float, "pitch": float, "volume": float,
}  # fmt: skip
_SUGGESTION: Final = f"Fields of an item: {', '.join(_FIELDS)}."
_BOMS: Final = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_MOST_CHARS: Final = 1_000_000  # of a cell

Item = tuple[Place, Any]
"""Where it stands in the file, and what is there."""


def read_items(content: bytes, filename: str) -> list[Item]:
    """The items of a file, not checked yet; rows are numbered as people do, from 1.

    Args:
        filename: its ending tells the form: `.json`, `.jsonl` or `.csv`.

    Raises:
        InvalidRequest: the file cannot be read; its detail says where.
    """
    ending = filename.rpartition(".")[2].lower()
    readers = {"json": _json, "jsonl": _lines, "ndjson": _lines, "csv": _table}
    if ending not in readers:
        raise InvalidRequest(
            "The name of the file does not tell what it is.",
            "Send a file that is called *.json, *.jsonl or *.csv.",
        )
    items: list[Item] = []
    for item in readers[ending](_decoded(content)):
        items.append(item)
        if len(items) > MOST_ITEMS:
            raise InvalidRequest(
                f"The file has more than {MOST_ITEMS} items.", "Send several batches."
            )
    return items


def _decoded(content: bytes) -> str:
    if encoding := _BOMS.get(content[:2]):
        raise InvalidRequest(f"The file is {encoding}.", "Save it as UTF-8.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InvalidRequest(
            f"The file is not UTF-8: line {line} has a byte that has no meaning in it.",
            "Save it as UTF-8.",
            line=line,
        ) from error


def _json(text: str) -> Iterator[Item]:
    document = _parsed(text, "The file")
    items = document.get("items") if isinstance(document, dict) else document
    if not isinstance(items, list) or (isinstance(document, dict) and len(document) > 1):
        raise InvalidRequest(
            "The file is neither an array of items nor an object with nothing but `items`.",
            "What holds for all items goes into fields of the form.",
        )
    for number, item in enumerate(items, start=1):
        yield ("file", f"item {number}"), item


def _lines(text: str) -> Iterator[Item]:
    # Not `splitlines`: JSON may hold line ends of Unicode as they are.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield ("file", f"row {number}"), _parsed(line, f"Row {number}")


def _parsed(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        where = ""
        if isinstance(error, json.JSONDecodeError):
            where = f" at line {error.lineno}, column {error.colno}"
        raise InvalidRequest(f"{what} is not JSON{where}.", "Look for a missing quote.") from error


def _table(text: str) -> Iterator[Item]:
    rows = read_rows(text)
    number = line = 0
    try:
        line, header = next(rows, (1, []))
        names = _header(header)
        for number, (line, cells) in enumerate(rows, start=2):  # noqa: B007 - told below
            if any(len(cell) > _MOST_CHARS for cell in cells):
                raise csv.Error(f"a cell is longer than {_MOST_CHARS} characters")
            if any(cells):
                yield ("file", f"row {number}"), _record(names, cells, number)
    except csv.Error as error:
        raise InvalidRequest(
            f"The file is no table: {error}, in row {number + 1 if number else 1}, after line "
            f"{line}.",
            'Put a cell with commas, quotes or line ends in quotes, and write a quote in it as "".',
            line=line,
        ) from error


def _header(cells: list[str]) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    if not names:
        raise InvalidRequest("The file is empty.", _SUGGESTION)
    unknown = [name for name in names if name not in _FIELDS]
    if unknown or len(set(names)) < len(names):
        what = f"has the unknown column {unknown[0][:50]!r}" if unknown else "names one twice"
        raise InvalidRequest(f"Row 1 must name the columns; it {what}.", _SUGGESTION)
    return names


def _record(names: list[str], cells: list[str], number: int) -> dict[str, Any]:
    """An empty cell is a field that is not given."""
    if len(cells) > len(names):
        raise InvalidRequest(
            f"Row {number} has {len(cells)} cells; there are {len(names)} columns.",
            "Put a cell with commas in quotes.",
            row=number,
        )
    made: dict[str, Any] = {}
    for name, cell in zip(names, cells, strict=False):
        if cell == "":
            continue
        if name == "lexicon_ids":
            made[name] = cell.split()
        elif name in _NUMBERS:
            made[name] = _number(name, cell)
        else:
            made[name] = cell
    return made


def _number(name: str, cell: str) -> float | str:
    """What is no number is told as any other wrong field."""
    try:
        return _NUMBERS[name](cell.strip())
    except (ValueError, OverflowError):
        return cell
