"""How a text would be said: what is asked, and what is told."""

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from app.models.lexicon import LexiconIds
from app.models.speech import Normalization, Normalize

MOST_CHARS = 5_000
MOST_SAMPLES = 20
"""Entries of which samples are spoken in one request."""


class ValidateRequest(BaseModel):
    """A text, and what is to be found out about it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "text": "Dr. Nguyen flew 42 km.",
                    "language": "en-US",
                    "lexicon_ids": ["7b0c5b5e-7a53-4f0e-9a59-0d4b8d2b8e11"],
                    "verify": True,
                }
            ]
        },
    )

    text: str = Field(description="Plain text.", max_length=MOST_CHARS)
    language: str | None = Field(
        None,
        min_length=2,
        max_length=35,
        description="BCP-47 tag, or `auto`; default: the voice's, else the engine's first one.",
    )
    lexicon_ids: LexiconIds | None = Field(None, description="As when speaking.")
    normalize: Normalization = Field(Normalize.AUTO, description="As when speaking.")
    voice: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="Id of the voice of the samples, whose lexicons apply; default: one of the "
        "engine's own.",
    )
    audio: StrictBool = Field(
        False,
        description="Speak each word that an entry changes, as it would be without it and as it "
        f"is with it; {MOST_SAMPLES} entries at most.",
    )
    verify: StrictBool = Field(
        False, description="Say of each of these entries whether it changes what is heard."
    )


class Change(BaseModel):
    """A passage that is not read as it is written."""

    start: int = Field(description="Offset of its first character in the text.")
    end: int = Field(description="Offset behind the last one.")
    text: str = Field(description="What is written.")
    spoken: str = Field(description="What is said instead.")
    rule: str = Field(description="`lexicon`, or what was put into words: `money`, `date`, ...")
    entry_id: str | None = Field(description="The entry of a lexicon that says so.")
    phonemes: str | None = Field(
        description="IPA, where the entry has phonemes and the engine takes them."
    )


class Unapplied(BaseModel):
    """An entry that fits, and was not applied."""

    entry_id: str
    start: int
    end: int
    text: str = Field(description="What is written there.")
    reason: str = Field(
        description="`overlapped` by what is longer or said earlier; `overridden` by an entry for "
        "the same; `language`, `case`, "
        "`part-of-speech`: it is for another; `part-of-speech-unknown`: nothing here can "
        "tell; `phonemes-unsupported`: the engine lacks one of its phonemes."
    )
    missing_phonemes: list[str] = Field(description="Those that the engine lacks.")


class CheckedWord(BaseModel):
    """A word as it is said."""

    text: str
    start: int = Field(description="Offset in the text of what it comes from.")
    end: int
    phonemes: str = Field(description="IPA.")
    known: bool = Field(
        description="Whether a dictionary or a lexicon has it; else its reading is derived from "
        "its letters."
    )


class CheckedSentence(BaseModel):
    """A sentence, and how it is said."""

    start: int
    end: int
    text: str
    spoken: str = Field(description="Empty where nothing can be said.")
    language: str
    changes: list[Change]
    unapplied: list[Unapplied]
    words: list[CheckedWord] = Field(description="Empty where the engine tells no phonemes.")


class CheckedEntry(BaseModel):
    """An entry, by how it sounds where it is applied first."""

    entry_id: str
    text: str
    changed: bool | None = Field(
        None, description="Whether it changes what is heard; null without `verify`."
    )
    reason: str | None = Field(None, description="Why we think so.")
    distance: float | None = Field(
        None,
        description="Between the sentence without it and with it, where they differ most: 0 is "
        "the same sound, from 12.5 on it is another.",
    )
    heard_before: str | None = Field(
        None, description="What a recogniser heard, where there is one."
    )
    heard_after: str | None = None
    audio_before: str | None = Field(None, description="WAV in Base64, with `audio`.")
    audio_after: str | None = None


class ValidateResponse(BaseModel):
    """How a text is said."""

    text: str
    spoken: str = Field(description="All sentences as they are said.")
    language: str = Field(description="Of what has no other.")
    normalized: bool = Field(description="Whether numbers and the like were put into words.")
    normalization: list[str] = Field(description="What the rules of the language cover.")
    lexicons: list[str] = Field(description="Those that apply, `id@revision`, first one first.")
    engine: str
    takes_phonemes: bool = Field(
        description="Whether the engine takes phonemes; else it is told a respelling."
    )
    sentences: list[CheckedSentence]
    unknown_words: list[str] = Field(description="Words no source knows, each once.")
    missing_phonemes: list[str] = Field(description="That the engine lacks, each once.")
    entries: list[CheckedEntry] = Field(description="With `audio` or `verify`; else empty.")
    more_entries: int = Field(description="Entries of which no sample was spoken: too many.")
