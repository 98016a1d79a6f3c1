"""Translating: what is asked for, and what comes back."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

LanguageTag = Annotated[
    str, Field(max_length=35, pattern=r"^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*$")
]
TranslateTo = Annotated[
    LanguageTag,
    Field(description="BCP-47 tag: the text is translated first, and spoken in this language."),
]
SourceLanguage = Annotated[
    LanguageTag,
    Field(description="Of the text that is translated; default: what it seems to be in."),
]
_TermText = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^\S([^\r\n]*\S)?$")]


class GlossaryPair(BaseModel):
    """A term, and what stands for it in the translation."""

    model_config = ConfigDict(extra="forbid")

    term: _TermText
    translation: _TermText


Glossary = Annotated[
    list[_TermText | GlossaryPair],
    Field(
        max_length=200,
        description="Terms that are kept as they are, or pairs of `term` and `translation`. Whole "
        "words, in the case that they are written in.",
    ),
]


def primary(language: str) -> str:
    """Primary subtag of a BCP-47 tag: `pt-BR` -> `pt`."""
    return language.replace("_", "-").partition("-")[0].lower()


def pairs(glossary: Sequence[str | GlossaryPair] | None) -> list[tuple[str, str]]:
    """Each term once, with what stands for it."""
    found = {}
    for one in glossary or ():
        pair = (one, one) if isinstance(one, str) else (one.term, one.translation)
        found[pair[0]] = pair[1]
    return list(found.items())


_REQUEST: dict[str, Any] = {
    "texts": ["Contoso opens at 9."],
    "target_language": "fr",
    "glossary": ["Contoso"],
}


class TranslateRequest(BaseModel):
    """Texts to be translated."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_REQUEST]})

    texts: list[str] = Field(
        min_length=1, max_length=1000, description="Plain text; markup in it is text."
    )
    target_language: LanguageTag = Field(description="BCP-47 tag.")
    source_language: LanguageTag | None = Field(
        None, description="BCP-47 tag; default: each text has the one that it seems to be in."
    )
    glossary: Glossary | None = None


class TranslatedText(BaseModel):
    """A text in the other language."""

    text: str
    source_language: str = Field(description="As the translator writes it; `und` if unknown.")
    target_language: str
    detected: bool = Field(description="Whether the translator has found the source out.")


class TranslateResponse(BaseModel):
    """Translations, in the order of the texts."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "translator": "azure",
                    "translations": [
                        {
                            "text": "Contoso ouvre à 9 heures.",
                            "source_language": "en",
                            "target_language": "fr",
                            "detected": True,
                        }
                    ],
                }
            ]
        }
    )

    translator: str
    translations: list[TranslatedText]


class DetectRequest(BaseModel):
    """Texts in unknown languages."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"texts": ["Bonjour !"]}]}
    )

    texts: list[str] = Field(
        min_length=1, max_length=100, description="Of each, the first 500 characters are looked at."
    )


class DetectedLanguage(BaseModel):
    """What language a text seems to be in."""

    language: str = Field(description="As the translator writes it; `und` if unknown.")
    score: float | None = Field(description="0 to 1; null where the translator does not say.")


class DetectResponse(BaseModel):
    """Languages, in the order of the texts."""

    translator: str
    detections: list[DetectedLanguage]


class TranslationLanguage(BaseModel):
    """A language that the translator knows."""

    tag: str = Field(description="BCP-47, as the translator writes it.")
    name: str = Field(description="In English.")
    own_name: str = Field(description="In itself.")
    spoken: bool = Field(description="Whether the engine that runs speaks it.")


class TranslationLanguages(BaseModel):
    """The languages of the translator."""

    translator: str
    items: list[TranslationLanguage]


class SpokenTranslation(BaseModel):
    """A text that was translated before it was spoken."""

    source_language: str = Field(description="As the translator writes it; `und` if unknown.")
    target_language: str
    detected: bool = Field(description="Whether the translator has found the source out.")
    source_text: str | None = Field(None, description="What was sent; null if it is not kept.")
    text: str | None = Field(description="The translation; null if it is not kept.")
    translator: str
