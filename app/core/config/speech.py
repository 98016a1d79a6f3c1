"""The engine, and what it is given."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from app.core.config.kinds import ANY_CASE, Strings

FallbackPolicy = Literal["asked", "always"]
EmojiPolicy = Literal["drop", "name", "error"]


class SpeechSettings(BaseModel):
    """Voices and speaking."""

    voice_engine: str = Field("auto", description="Engine by name, or `auto`: the best there is.")
    fallback_engines: Strings = Field(
        (), description="Engines that may speak where that one cannot, in their order."
    )
    fallback: Annotated[FallbackPolicy, ANY_CASE] = Field(
        "asked",
        description="When they may: only where a request asks for it, or always unless it forbids.",
    )
    engine_threads: int | None = Field(None, ge=1, description="Default: the cores, at most 8.")
    engine_concurrency: int | None = Field(None, ge=1, description="Sentences made at once.")
    models_auto_pull: bool = Field(False, description="Fetch missing model files at start.")
    enrolment_refinement: bool = Field(
        False, description="Search for a better voice while there is nothing else to do."
    )
    min_speech_s: float = Field(3.0, gt=0, description="Least speech in a recording.")
    max_recording_s: float = Field(600.0, gt=0, description="Longest recording.")
    max_text_chars: int = Field(100_000, ge=1, description="Longest text that is streamed.")
    max_whole_text_chars: int = Field(
        10_000, ge=1, description="Longest text whose audio is returned in one piece, unstreamed."
    )
    emoji: Annotated[EmojiPolicy, ANY_CASE] = Field(
        "drop", description="What becomes of emoji in a text: left out, named, or refused."
    )
