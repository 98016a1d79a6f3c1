"""What callers write about a voice: checked before anything is made of it."""

import re
from contextlib import suppress
from pathlib import PurePosixPath, PureWindowsPath
from typing import Final

from app.core.exceptions import InvalidRequest, UnspeakableText
from app.engines.base import Engine
from app.models.base import LANGUAGE_FORM, MAX_LANGUAGE

MAX_NAME: Final = 200
MAX_DESCRIPTION: Final = 2000
MAX_CONSENT: Final = 200

_LINE_ENDS = "\t\r\n"  # may stand in a description
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_LANGUAGE = re.compile(LANGUAGE_FORM)
_MAX_FILENAME = 255
_ANY_LANGUAGE = "1"  # is read in each


def clean_filename(filename: str) -> str:
    """The last part of whatever path the caller's system uses; only ever shown, never opened."""
    last = PureWindowsPath(PurePosixPath(filename).name).name
    return _CONTROL.sub("", last).strip()[-_MAX_FILENAME:] or "recording"


def name_of(name: str | None, filename: str) -> str:
    """What a voice is called; without a name as the file without its ending.

    Raises:
        InvalidRequest: it cannot be called so.
    """
    chosen = (name or "").strip() or PurePosixPath(clean_filename(filename)).stem[:MAX_NAME]
    check_text("name", chosen, limit=MAX_NAME)
    return chosen


def description_of(description: str | None) -> str | None:
    """Raise `InvalidRequest` if it cannot be kept; an empty one is none."""
    if description:
        check_text("description", description, limit=MAX_DESCRIPTION, allowed=_LINE_ENDS)
    return description or None


def consent_of(consent: str | None) -> str | None:
    """Raise `InvalidRequest` if it cannot be kept; an empty one is none."""
    reference = (consent or "").strip()
    check_text("consent reference", reference, limit=MAX_CONSENT)
    return reference or None


def language_of(language: str | None, engine: Engine) -> str | None:
    """A language that the engine speaks; an empty one is none.

    Raises:
        InvalidRequest: this is no BCP-47 tag.
        UnsupportedLanguage: the engine does not speak it.
    """
    if not language:
        return None
    if len(language) > MAX_LANGUAGE or not _LANGUAGE.fullmatch(language):
        raise InvalidRequest("The language is no BCP-47 tag.", "Send one like `en-US` or `fr`.")
    with suppress(UnspeakableText):  # the text is, the language is not
        engine.check(_ANY_LANGUAGE, language)
    return language


def check_text(field: str, text: str, *, limit: int, allowed: str = "") -> None:
    """Refuse what is too long or has control characters other than the allowed ones."""
    if len(text) > limit:
        raise InvalidRequest(
            f"The {field} has {len(text)} characters; at most {limit} are allowed.",
            "Shorten it.",
            limit=limit,
        )
    if any(char not in allowed for char in _CONTROL.findall(text)):
        raise InvalidRequest(f"The {field} contains control characters.", "Send plain text.")
