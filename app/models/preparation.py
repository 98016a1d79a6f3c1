"""Preparing a text for the ear: what is asked for."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class PrepareMode(StrEnum):
    """What a text is prepared for."""

    EAR = "ear"


class OnError(StrEnum):
    """What becomes of a request whose text could not be prepared."""

    FAIL = "fail"
    SKIP = "skip"


class Prepare(BaseModel):
    """Have a chat model rewrite the text before it is spoken."""

    model_config = ConfigDict(extra="forbid")

    mode: PrepareMode = Field(
        PrepareMode.EAR,
        description="`ear`: abbreviations, lists and tables as one would say them, with pauses.",
    )
    on_error: OnError = Field(
        OnError.FAIL,
        description="Where that does not succeed: `fail` is an error, `skip` speaks the text as "
        "it is.",
    )
