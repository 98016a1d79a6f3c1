"""The languages that can be spoken."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

_EXAMPLE: dict[str, Any] = {
    "engine": "kokoro",
    "items": [
        {
            "tag": "en-US",
            "name": "English (United States)",
            "own_name": "English (United States)",
            "scripts": ["LATIN"],
            "reader": "dictionaries of hibari, a network for words outside of them",
            "phonemes": True,
            "normalized": True,
            "normalization": ["cardinal", "date", "money"],
            "default": True,
            "detectable": True,
        }
    ],
    "unavailable": [
        {"tag": "es", "name": "Spanish", "suggestion": "pip install 'voice-cloning-api[espeak]'"}
    ],
}


class LanguageDetails(BaseModel):
    """A language that the engine speaks."""

    tag: str = Field(description="BCP-47.")
    name: str = Field(description="In English.")
    own_name: str = Field(description="In itself.")
    scripts: list[str] = Field(description="Of its letters, by their names in Unicode.")
    reader: str | None = Field(description="What reads it: makes sounds of its letters.")
    phonemes: bool = Field(description="Whether lexicons can say its phonemes.")
    normalized: bool = Field(description="Whether there are rules that put things into words.")
    normalization: list[str] = Field(description="What they put into words.")
    default: bool = Field(description="Whether it is spoken where nobody says a language.")
    detectable: bool = Field(description="Whether `language: auto` can find it.")


class UnavailableLanguage(BaseModel):
    """A language that the engine could speak, and what it lacks."""

    tag: str
    name: str
    suggestion: str


class LanguageList(BaseModel):
    """The languages of the engine that runs."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    engine: str
    items: list[LanguageDetails]
    unavailable: list[UnavailableLanguage]
