"""The elements of SSML and of Azure's dialect: where they stand, what they take."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

NAMESPACE: Final = "http://www.w3.org/2001/10/synthesis"
AZURE: Final = frozenset({"http://www.w3.org/2001/mstts", "https://www.w3.org/2001/mstts"})
XML: Final = "http://www.w3.org/XML/1998/namespace"


class Content(Enum):
    """What may be in an element."""

    MIXED = "text and elements"
    TEXT = "text"
    NOTHING = "nothing"
    SKIPPED = "anything, which is not spoken"


@dataclass(frozen=True, slots=True)
class Element:
    """What is known of an element.

    Attributes:
        attributes: that have a meaning.
        silent: that SSML or Azure has, and that have no effect here.
    """

    content: Content
    attributes: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()


_VOICE: Final = (
    "xml:lang", "gender", "age", "variant", "required", "languages", "effect", "parameters",
)  # fmt: skip

ELEMENTS: Final[Mapping[str, Element]] = MappingProxyType(
    {
        "speak": Element(
            Content.MIXED,
            ("version", "xml:lang"),
            ("xml:base", "onlangfailure", "startmark", "endmark"),
        ),
        "p": Element(Content.MIXED, ("xml:lang",), ("onlangfailure", "xml:id")),
        "s": Element(Content.MIXED, ("xml:lang",), ("onlangfailure", "xml:id")),
        "prosody": Element(Content.MIXED, ("rate", "pitch", "volume")),
        "emphasis": Element(Content.MIXED, ("level",)),
        "lang": Element(Content.MIXED, ("xml:lang",), ("onlangfailure",)),
        "voice": Element(Content.MIXED, ("name",), _VOICE),
        "w": Element(Content.MIXED, (), ("role", "xml:id")),
        "token": Element(Content.MIXED, (), ("role", "xml:id")),
        "sub": Element(Content.TEXT, ("alias",)),
        "say-as": Element(Content.TEXT, ("interpret-as", "format"), ("detail",)),
        "phoneme": Element(Content.TEXT, ("alphabet", "ph"), ("type",)),
        "break": Element(Content.NOTHING, ("time", "strength")),
        "mark": Element(Content.NOTHING, ("name",)),
        "bookmark": Element(Content.NOTHING, ("mark",)),
        "lexicon": Element(Content.NOTHING, ("uri",), ("xml:id", "type", "fetchtimeout", "maxage")),
        "meta": Element(Content.SKIPPED, ("name", "content", "http-equiv")),
        "metadata": Element(Content.SKIPPED),
        "desc": Element(Content.SKIPPED, ("xml:lang",)),
        "mstts:silence": Element(Content.NOTHING, ("type", "value")),
        "mstts:ttsembedding": Element(Content.MIXED, ("speakerProfileId",), ("speakerprofileid",)),
    }
)  # fmt: skip
KNOWN: Final = frozenset({"audio", "lookup"})
"""Of SSML, and not supported."""

STRENGTHS: Final[Mapping[str, float]] = {
    "none": 0.0, "x-weak": 0.25, "weak": 0.5, "medium": 0.75, "strong": 1.0, "x-strong": 1.25,
}  # fmt: skip
"""Of a break, in s."""
SILENCES: Final[Mapping[str, str]] = MappingProxyType(
    {"comma-exact": ",،，", "semicolon-exact": ";؛；", "enumerationcomma-exact": "、"}
)
"""Marks behind which there is a pause, by the type of Azure's silence."""

STRUCTURE: Final = frozenset(
    {"speak", "voice", "lang", "prosody", "emphasis", "mstts:ttsembedding"}
)
"""In which paragraphs and sentences may stand."""

NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "sub": ("alias",),
    "phoneme": ("ph",),
    "say-as": ("interpret-as",),
    "lang": ("xml:lang",),
}
"""Attributes that an element cannot be without."""
MEANING: Final[Mapping[str, str]] = {
    "alias": "what is spoken",
    "ph": "how it is pronounced",
    "interpret-as": "what it is",
    "xml:lang": "the language",
    "name": "which",
    "mark": "which",
    "speakerProfileId": "the id of a voice",
    "uri": "the id of a lexicon",
    "type": "where",
    "value": "how long, as 200ms,",
}
"""What such an attribute says, as it is told to whoever left it out."""
LONGEST: Final[Mapping[str, int]] = {"alias": 1_000_000, "ph": 1_000}
"""Characters of an attribute that names something other than a thing."""


def name_parts(full: str) -> tuple[str, str, str]:
    """Namespace, name and prefix of what expat tells."""
    parts = full.split(" ")
    if len(parts) == 1:
        return "", parts[0], ""
    return parts[0], parts[1], parts[2] if len(parts) > 2 else ""
