"""Streams of speech, as the tests read them."""

import json
from typing import Any


def events(content: str) -> list[tuple[str, dict[str, Any]]]:
    """Names and data, in order. Comments are left out."""
    found = []
    for block in content.split("\n\n")[:-1]:
        if block.startswith(":"):
            continue
        name, data = block.split("\n")
        assert name.startswith("event: ")
        assert data.startswith("data: ")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    assert content.endswith("\n\n")
    return found
