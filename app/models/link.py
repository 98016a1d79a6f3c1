"""Links to files: what callers see of them."""

from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

SHORTEST_S: Final = 60
LONGEST_S: Final = 7 * 24 * 3600
_LINK: dict[str, Any] = {
    "url": "https://voices.blob.core.windows.net/voice-cloning/outputs/…?sv=…&sig=…",
    "expires_at": "2026-01-15T11:30:00Z",
    "content_type": "audio/mpeg",
}


class DownloadLink(BaseModel):
    """Whoever has it can fetch the file from the store, without credentials, until it expires."""

    model_config = ConfigDict(json_schema_extra={"examples": [_LINK]})

    url: str = Field(description="To be fetched by GET. It cannot be taken back.")
    expires_at: datetime
    content_type: str = Field(description="Of the file; the store itself does not tell it.")
