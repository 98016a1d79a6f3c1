"""What stands against misuse."""

from pathlib import Path

from pydantic import BaseModel, Field


class AbuseSettings(BaseModel):
    """Terms that are not spoken, speakers, unusual volume."""

    blocked_terms_file: Path | None = Field(
        None, description="A list of what is not spoken: docs/abuse.md. Default: none."
    )
