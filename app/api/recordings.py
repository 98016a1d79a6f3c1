"""Recordings as answers: the very files that were sent."""

from typing import Any, Final
from urllib.parse import quote

from fastapi import Response

_OTHER: Final = "application/octet-stream"
# What a file begins with, by what it is.
_SIGNATURES: Final = (
    (b"RIFF", "audio/wav"), (b"fLaC", "audio/flac"), (b"OggS", "audio/ogg"), (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"), (b"\xff\xf3", "audio/mpeg"), (b"\xff\xf1", "audio/aac"),
    (b"\x1aE\xdf\xa3", "audio/webm"),
)  # fmt: skip
_TYPES: Final = sorted({kind for _, kind in _SIGNATURES} | {"audio/mp4", _OTHER})
RECORDING: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file, as it was sent.",
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in _TYPES},
    }
}


def recording(content: bytes, filename: str) -> Response:
    """A file to be saved under a name."""
    disposition = f"attachment; filename*=UTF-8''{quote(filename, safe='')}"
    return Response(
        content, media_type=_type_of(content), headers={"Content-Disposition": disposition}
    )


def _type_of(content: bytes) -> str:
    if content[4:8] == b"ftyp":
        return "audio/mp4"
    return next((kind for start, kind in _SIGNATURES if content.startswith(start)), _OTHER)
