"""The form of ids: UUIDs in lower case."""

import re

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_id(text: str) -> bool:
    """Whether this can be the id of a record, or of a tenant or object of Entra ID."""
    return _ID.fullmatch(text) is not None
