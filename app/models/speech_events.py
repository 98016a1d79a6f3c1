"""Speech as events: what each says."""

from pydantic import BaseModel, Field

from app.models.translation import SpokenTranslation


class WordEvent(BaseModel):
    """A word as it is written, in seconds from the start of the audio."""

    word: str
    start_s: float
    end_s: float
    start: int = Field(description="Offset of its first character in the text.")
    end: int = Field(description="Offset behind the last one.")


class RuleEvent(BaseModel):
    """A place where an entry of a lexicon fits."""

    entry_id: str
    start: int = Field(description="Offset of its first character in the text.")
    end: int = Field(description="Offset behind the last one.")
    applied: bool
    reason: str | None = Field(description="Why it was not applied.")


class MarkEvent(BaseModel):
    """`mark`: one of the SSML, behind the `audio` of its sentence."""

    name: str
    time_s: float = Field(description="When it is reached, from the start of the audio.")
    sentence: int = Field(description="As of the event `audio`.")


class AudioEvent(BaseModel):
    """`audio`: a sentence, or as much of one as is spoken in one way."""

    audio: str = Field(
        description="Base64. The bytes of all events, one after the other, are a file of the "
        "format; those of one need not be."
    )
    sentence: int = Field(description="From 0, in order.")
    text: str = Field(description="As it is written.")
    spoken: str = Field(description="As it is said: with lexicons applied, numbers in words.")
    language: str = Field(description="In which it is said.")
    voice: str = Field(description="Id of the voice that says it.")
    start: int = Field(
        description="Offset of its first character in the text; of SSML, in the "
        "text without markup, white space run together."
    )
    end: int = Field(description="Offset behind the last one.")
    start_s: float = Field(description="In the audio.")
    end_s: float = Field(description="In the audio, with the pause that follows.")
    words: list[WordEvent] = Field(description="Empty where the engine has no timings.")
    lexicon: list[RuleEvent] = Field(description="Entries of lexicons that fit, in order.")


class DoneEvent(BaseModel):
    """`done`: the last event of a stream that was not broken off."""

    duration_s: float
    characters: int = Field(description="That are counted: of `text` or `ssml`.")
    first_audio_ms: int
    total_ms: int
    history_id: str | None = Field(description="Null if the history has no entry of it.")
    voice_version: int
    engine: str
    similarity: float | None
    normalized: bool = Field(
        description="Whether numbers and the like were put into words; false where it is off, or "
        "the language has no rules."
    )
    lexicon_applied: int = Field(description="Places where an entry of a lexicon was applied.")
    lexicon_ignored: int = Field(description="Places where one fits and was not applied.")
    translation: SpokenTranslation | None = Field(
        description="Both texts, if it was translated; `start` and `end` are offsets in its `text`."
    )
    prepared: str | None = Field(
        description="SSML that was made of the text for the ear; null if none was."
    )
    ssml_ignored: list[str] = Field(description="What of the SSML has no effect here.")
