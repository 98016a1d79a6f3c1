"""The entries of a revision as bytes: JSON, compressed."""

import gzip
from collections.abc import Sequence
from typing import Final

from pydantic import TypeAdapter, ValidationError

from app.core.exceptions import DatabaseError
from app.models.lexicon import Entry

_ENTRIES: Final = TypeAdapter(tuple[Entry, ...])
_FAST: Final = 1  # twice as large as the best, ten times as fast


def pack(entries: Sequence[Entry]) -> bytes:
    """10,000 entries take some 50 ms: not on the event loop."""
    content = _ENTRIES.dump_json(tuple(entries), exclude_defaults=True)
    return gzip.compress(content, _FAST, mtime=0)


def unpack(data: bytes) -> tuple[Entry, ...]:
    """What was packed.

    Raises:
        DatabaseError: it is damaged.
    """
    try:
        return _ENTRIES.validate_json(gzip.decompress(data))
    except (OSError, EOFError, ValidationError) as error:
        raise DatabaseError(
            "A stored lexicon cannot be read.",
            "Use the version of the program that has written it, or restore a backup.",
        ) from error
