"""What went against a published description since somebody looked last: `tests/conftest.py` looks
after each test, whichever fake the request came to.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

_found: list[str] = []
_lock = threading.Lock()


def note(reason: str) -> None:
    with _lock:
        _found.append(reason)


def taken() -> list[str]:
    """All of them; nobody gets them again."""
    with _lock:
        found = list(_found)
        _found.clear()
    return found


def check() -> None:
    """Fail the test if there are any."""
    if wrong := taken():
        pytest.fail("Against a published description:\n" + "\n".join(wrong), pytrace=False)


@contextmanager
def expected() -> Iterator[list[str]]:
    """Those of the block, which are no failure of the test; there when it ends."""
    before, seen = taken(), list[str]()
    try:
        yield seen
    finally:
        seen += taken()
        for reason in before:
            note(reason)
