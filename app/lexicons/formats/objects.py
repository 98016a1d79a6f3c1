"""Entries as JSON."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

from app.core.exceptions import EntryInvalid, LexiconFileInvalid
from app.lexicons.formats.rows import FileContents, Row, decoded, too_many
from app.models.lexicon import FIELDS, EntryDraft, Lexicon

_ADVICE: Final = "Send a list of entries, or an object with the list in `entries`."
# Brackets beyond one for each entry: some in texts, and those around the entries.
_SPARE: Final = 10_000


def read_objects(content: bytes, *, limit: int) -> FileContents:
    """The items of a document: a list of entries, or an object that has it as `entries`, as an
    export does.

    Raises:
        LexiconFileInvalid: it is not JSON, something else, or has more than `limit` entries.
    """
    text = decoded(content)
    # A file of nothing but brackets would be a hundred times larger in memory.
    if text.count("{") > limit + _SPARE or text.count("[") > limit + _SPARE:
        raise too_many(limit)
    document = _parsed(text)
    items = document.get("entries") if isinstance(document, dict) else document
    if not isinstance(items, list):
        raise LexiconFileInvalid("The file is neither a list nor has it `entries`.", _ADVICE)
    if len(items) > limit:
        raise too_many(limit)
    about = document.get("lexicon") if isinstance(document, dict) else None
    language = about.get("language") if isinstance(about, dict) else None
    return FileContents(
        [_row(item, number) for number, item in enumerate(items, start=1)],
        language if isinstance(language, str) else None,
    )


def write_objects(lexicon: Lexicon, entries: Iterable[EntryDraft]) -> str:
    """The entries, with a word about their lexicon."""
    about = lexicon.model_dump(include={"id", "name", "description", "language", "revision"})
    items = [{name: value for name, value in asdict(e).items() if name in FIELDS} for e in entries]
    return json.dumps({"lexicon": about, "entries": items}, ensure_ascii=False, indent=1)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise LexiconFileInvalid(
            f"The file is not JSON: line {error.lineno}, column {error.colno}.",
            "Look for a missing quote or comma.",
            line=error.lineno,
            column=error.colno,
        ) from error
    except (ValueError, RecursionError) as error:
        raise LexiconFileInvalid(
            "The file is not JSON that can be read: too deep, or a number is too long.", _ADVICE
        ) from error


def _row(item: Any, number: int) -> Row:
    if isinstance(item, dict):
        return Row(number, item)
    refused = EntryInvalid(
        "The item is not an object.", "Send an entry.", field="", reason="not-an-object"
    )
    return Row(number, {}, refused=refused)
