"""What is told of the watermark of a sound."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

_EXAMPLE: dict[str, Any] = {
    "present": True,
    "score": 0.998,
    "threshold": 0.6,
    "duration": 12.4,
    "marked": [{"start_s": 0.0, "end_s": 12.4, "score": 0.998}],
}


class Marked(BaseModel):
    """A part of the sound that is marked."""

    start_s: float = Field(description="In seconds from the start of the sound.")
    end_s: float
    score: float = Field(description="How surely it is marked: about 0 to 1.")


class Detection(BaseModel):
    """Whether a sound has the mark of this service."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    present: bool
    score: float = Field(description="About 0 without the mark, about 1 with it.")
    threshold: float = Field(description="Score from which the mark counts as present.")
    duration: float = Field(description="Of the sound, in seconds.")
    marked: list[Marked] = Field(description="Where; empty if nowhere.")
