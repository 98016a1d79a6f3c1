"""SSML 1.1 and Azure's dialect of it, as far as it can be spoken.

What is unknown is refused by name. What is known and has no effect here is told in
`Script.ignored`, and its text is spoken.
"""

import re
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from app.core.exceptions import InvalidRequest
from app.text.prosody import Prosody
from app.text.spoken import Edit

_NO_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Span:
    """A passage of a text, spoken in one way.

    Attributes:
        language: BCP-47 tag, None where the markup does not say.
        voice: id of the voice, None for that of the request.
    """

    start: int
    end: int
    prosody: Prosody
    language: str | None = None
    voice: str | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """What is to be spoken, and how.

    Attributes:
        text: without markup.
        spans: in order; what is in none of them is white space.
        breaks: offsets in the text where there is a pause, in s; in order.
        ends: offsets where a sentence ends, whatever its punctuation; in order.
        language: BCP-47 tag of the whole, None if it is not said.
        edits: what is not read as it is written: `sub`, `say-as`, `phoneme`; in order.
        marks: offsets in the text and names of the marks; in order.
        lexicons: ids of those that the markup asks for, by precedence.
        ignored: what of the markup has no meaning here, e.g. `mstts:express-as`; each once.
        gaps: offsets from which on there are pauses between sentences, in s, and whether they are
            instead of the usual ones, or longer by that; in order.
    """

    text: str
    spans: tuple[Span, ...]
    breaks: tuple[tuple[int, float], ...] = ()
    ends: tuple[int, ...] = ()
    language: str | None = None
    edits: tuple[Edit, ...] = ()
    marks: tuple[tuple[int, str], ...] = ()
    lexicons: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    gaps: tuple[tuple[int, float, bool], ...] = ()


def plain(text: str, prosody: Prosody) -> Script:
    """Text in which nothing is markup."""
    return Script(text, (Span(0, len(text), prosody),))


def escaped(text: str) -> str:
    """A text in which nothing is markup, as it stands in a document. Characters that XML cannot
    hold become spaces.
    """
    return escape(_NO_XML.sub(" ", text))


def parse(ssml: str, prosody: Prosody, *, language: str = "en-US") -> Script:
    """Read a document: `speak` and what is in it.

    No DTD, no entities but the five of XML, nothing is fetched. Linear in the length.

    Args:
        ssml: of a length that the caller has checked.
        prosody: what the markup changes.
        language: BCP-47 tag of what the markup says nothing else of; only `say-as` depends on it.

    Raises:
        MarkupInvalid: with `line` and `column`, both from 1.
        InvalidRequest: half of a surrogate pair.
    """
    from app.text.ssml_reader import Reader

    try:
        content = ssml.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest(
            f"The SSML has half of a surrogate pair at offset {error.start}.",
            "Send it as valid UTF-8.",
            offset=error.start,
        ) from error
    return Reader(prosody, language).read(content)
