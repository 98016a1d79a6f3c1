"""Whether what a model made of a text may be spoken."""

import re
from typing import Final
from xml.parsers import expat

from app.core.exceptions import AppError, PreparationFailed
from app.text.prosody import Prosody
from app.text.ssml import parse

ALLOWED: Final = frozenset({"speak", "p", "s", "break", "sub", "say-as"})
"""Elements that say how a text is read. Voices, lexicons and speed are the caller's to choose."""

_LONGEST_BREAK_S: Final = 2.0
_PAUSES_S, _PAUSE_S_PER_CHAR = 5.0, 0.1  # all together, in s: more than the text takes to say
_GROWTH, _ROOM = 3, 200  # markup of a short text is longer than the text
_DOCUMENT: Final = re.compile(
    r"\s*(?:<\?xml[^<>]*\?>\s*)?<speak\b[^<>]*(?<!/)>(.*)</speak\s*>\s*", re.DOTALL
)


def checked(ssml: str, text: str, *, language: str) -> str:
    """What is inside of `<speak>`.

    Args:
        ssml: the answer of a model.
        text: that it was made of.
        language: BCP-47 tag.

    Raises:
        PreparationFailed: it is too long, cannot be read, says nothing, or has an element or a
            pause that it may not have.
    """
    if len(ssml) > _GROWTH * len(text) + _ROOM:
        raise _useless("is far longer than the text")
    found = _DOCUMENT.fullmatch(ssml)
    if found is None:
        raise _useless("is no SSML")
    try:
        script = parse(ssml, Prosody(1.0, 0.0, 0.0), language=language)
    except AppError as error:
        raise _useless("cannot be read as SSML") from error
    if not script.text.strip():
        raise _useless("says nothing")
    if foreign := sorted(_elements(ssml) - ALLOWED):
        raise _useless(f"has elements that it may not have ({len(foreign)})")
    if any(pause_s > _LONGEST_BREAK_S for _, pause_s in script.breaks):
        raise _useless("has too long a pause")
    if sum(pause_s for _, pause_s in script.breaks) > _PAUSES_S + _PAUSE_S_PER_CHAR * len(text):
        raise _useless("has too many pauses")
    return found[1]


def _elements(ssml: str) -> set[str]:
    """Names of those in a document that was read before: it has no entities of its own."""
    names: set[str] = set()
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda name, _: names.add(name)
    parser.Parse(ssml.encode(), True)
    return names


def _useless(why: str) -> PreparationFailed:
    return PreparationFailed(
        f"What the model made of the text {why}.",
        'Try again, or send `prepare` with `"on_error": "skip"` to have it spoken as it is.',
    )
