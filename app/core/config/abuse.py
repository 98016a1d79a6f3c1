"""What stands against misuse."""

from pathlib import Path

from pydantic import BaseModel, Field


class AbuseSettings(BaseModel):
    """Terms that are not spoken, speakers, unusual volume."""

    blocked_terms_file: Path | None = Field(
        None, description="A list of what is not spoken: docs/abuse.md. Default: none."
    )
    denied_speaker_similarity: float = Field(
        0.55, ge=0.41, le=1, description="From it on, a recording is of a denied speaker."
    )
    duplicate_speaker_similarity: float = Field(
        0.55, ge=0.41, le=1, description="From it on, two owners' voices are of one speaker."
    )
    alert_daily_characters: int = Field(
        0, ge=0, description="Flag an owner with more spoken on a day; 0: never."
    )
    alert_volume_factor: float = Field(
        10.0, ge=0, description="Flag an owner with so many times its median of 14 days; 0: never."
    )
    alert_volume_floor: int = Field(
        200_000, ge=1, description="Fewer characters on a day are not flagged by that factor."
    )
