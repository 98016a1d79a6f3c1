"""Server-sent events (WHATWG HTML, section 9.2)."""

import json
from typing import Any, Final

from pydantic import BaseModel

MEDIA_TYPE: Final = "text/event-stream"
KEEP_ALIVE_S: Final = 10.0
"""Proxies give up on an answer that is silent for a minute, some for half of one."""

UNBUFFERED: Final = {"X-Accel-Buffering": "no"}
"""Header: what stands between must not hold back the first event until there are more."""


def event(name: str, data: BaseModel | dict[str, Any]) -> bytes:
    """One event, its data a line of JSON: in strings, line ends are escaped."""
    text = data.model_dump_json() if isinstance(data, BaseModel) else json.dumps(data)
    return f"event: {name}\ndata: {text}\n\n".encode()
