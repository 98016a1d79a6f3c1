"""What an entry must be, wherever it comes from: a request, a row of a table, an element of XML."""

import re
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from typing import Any, Final, TypeVar

from app.core.exceptions import EntryInvalid, InvalidRequest
from app.models.base import LANGUAGE_FORM, MAX_LANGUAGE
from app.models.lexicon import (
    FIELDS,
    MAX_ALIAS,
    MAX_DESCRIPTION,
    MAX_GRAPHEME,
    MAX_NAME,
    MAX_NOTE,
    MAX_PHONEMES,
    Alphabet,
    EntryDraft,
    PartOfSpeech,
)
from app.text.alphabets import to_ipa

KindT = TypeVar("KindT", bound=StrEnum)

_LANGUAGE: Final = re.compile(LANGUAGE_FORM)
_SCRIPT_CHARS: Final = 4
_REGION_CHARS: Final = 2
_UNSAYABLE: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
_NO_XML: Final = re.compile("[\ufffe\uffff]")
_UNSEEN: Final = frozenset({"Cf", "Mn", "Mc", "Me", "Zs"})
_TRUE: Final = frozenset({"true", "yes", "1"})
_FALSE: Final = frozenset({"false", "no", "0"})


def checked(fields: Mapping[str, Any]) -> EntryDraft:
    """An entry of these fields. Those that are missing, None or empty texts are not given.

    Raises:
        EntryInvalid: it cannot be used; `field` and `reason` say why.
    """
    for name in fields:
        if name not in FIELDS:
            raise _invalid(
                name[:50],
                "field-unknown",
                f"There is no field {name[:50]!r}.",
                f"The fields are: {', '.join(FIELDS)}.",
            )
    alias = _text(fields, "alias", MAX_ALIAS)
    phonemes, alphabet = _phonemes(fields)
    if (alias is None) == (phonemes is None):
        both = alias is not None
        raise _invalid(
            "alias",
            "alias-and-phonemes" if both else "alias-missing",
            "An entry has either an alias or phonemes"
            + (", not both." if both else "; there is neither."),
            "Say in `alias` what is read instead, or in `phonemes` and `alphabet` how it is said.",
        )
    return EntryDraft(
        grapheme=_grapheme(fields),
        alias=alias,
        phonemes=phonemes,
        alphabet=alphabet,
        language=_language(fields),
        case_sensitive=_flag(fields, "case_sensitive", otherwise=False),
        word_boundaries=_flag(fields, "word_boundaries", otherwise=True),
        part_of_speech=_one_of(fields, "part_of_speech", PartOfSpeech),
        note=_text(fields, "note", MAX_NOTE),
    )


def canonical_language(tag: str) -> str:
    """A BCP-47 tag with its subtags in their usual case: `EN-us` is `en-US`.

    Raises:
        ValueError: it has not the form of one.
    """
    if len(tag) > MAX_LANGUAGE or not _LANGUAGE.fullmatch(tag):
        raise ValueError("no BCP-47 tag")
    first, *others = tag.split("-")
    cased = [first.lower()]
    for part in others:
        if len(part) == _SCRIPT_CHARS and part.isalpha():
            cased.append(part.title())
        else:
            cased.append(part.upper() if len(part) == _REGION_CHARS else part.lower())
    return "-".join(cased)


def checked_name(name: str) -> str:
    """The name of a lexicon.

    Raises:
        InvalidRequest: it cannot be called so.
    """
    called = " ".join(unicodedata.normalize("NFC", name).split())
    if not 1 <= len(called) <= MAX_NAME or not _plain(called):
        raise InvalidRequest(
            f"A lexicon's name has 1 to {MAX_NAME} characters, no control characters among them.",
            "Choose another name.",
        )
    return called


def checked_description(description: str | None) -> str | None:
    """What is written about a lexicon; an empty text is none.

    Raises:
        InvalidRequest: it cannot be kept.
    """
    text = (description or "").strip()
    if len(text) > MAX_DESCRIPTION or not all(_plain(line) for line in text.splitlines()):
        raise InvalidRequest(
            f"A description has up to {MAX_DESCRIPTION} characters, no control characters but "
            "line ends among them.",
            "Change it.",
        )
    return text or None


def checked_language(tag: str | None) -> str | None:
    """A BCP-47 tag in its usual case; an empty one is none.

    Raises:
        InvalidRequest: it has not the form of one.
    """
    try:
        return canonical_language(tag) if tag else None
    except ValueError as error:
        raise InvalidRequest(
            "The language is no BCP-47 tag.", "Send one like `en-US` or `fr`."
        ) from error


def key_of(entry: EntryDraft, language: str | None) -> tuple[str, bool, str | None, str | None]:
    """What no two entries of a lexicon have in common.

    Args:
        language: of the lexicon.
    """
    word = entry.grapheme if entry.case_sensitive else folded(entry.grapheme)
    spoken_in = entry.language or language
    return word, entry.case_sensitive, spoken_in and spoken_in.lower(), entry.part_of_speech


def folded(text: str) -> str:
    """For comparing without regard to case."""
    return unicodedata.normalize("NFC", text.casefold())


def _plain(text: str) -> bool:
    """Whether it has no character that cannot be stored, sent or written into XML."""
    if text.isprintable():
        return True  # no format characters either; quick
    forbidden = any(unicodedata.category(char) in _UNSAYABLE for char in text)
    return not forbidden and not _NO_XML.search(text)


def _grapheme(fields: Mapping[str, Any]) -> str:
    grapheme = _text(fields, "grapheme", MAX_GRAPHEME)
    if grapheme is None:
        raise _invalid(
            "grapheme", "grapheme-empty", "The grapheme is empty.", "Say what is written."
        )
    return grapheme


def _text(fields: Mapping[str, Any], name: str, limit: int) -> str | None:
    """In NFC, single spaces for white space; None if there is nothing in it."""
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise _invalid(name, "not-a-text", f"`{name}` is not a text.", "Send a string.")
    if len(value) > 4 * limit:  # before anything costs time: NFC may shorten it, but not so much
        raise _too_long(name, len(value), limit)
    text = " ".join(unicodedata.normalize("NFC", value).split())
    if len(text) > limit:
        raise _too_long(name, len(text), limit)
    if not text:
        return None
    if not _plain(text):
        raise _invalid(
            name,
            "characters-forbidden",
            f"`{name}` has control characters, or some that no text has.",
            "Send plain text.",
        )
    if all(unicodedata.category(char) in _UNSEEN for char in text):
        raise _invalid(
            name, f"{name}-invisible", f"There is nothing to be seen in `{name}`.", "Send a word."
        )
    return text


def _phonemes(fields: Mapping[str, Any]) -> tuple[str | None, Alphabet | None]:
    phonemes = _text(fields, "phonemes", MAX_PHONEMES)
    alphabet = _one_of(fields, "alphabet", Alphabet)
    if phonemes is None:
        if alphabet is not None and not fields.get("alias"):
            raise _invalid(
                "phonemes", "phonemes-missing", "There are no phonemes.", "Send `phonemes`."
            )
        return None, None
    if alphabet is None:
        raise _invalid(
            "alphabet",
            "alphabet-missing",
            "It is not said in which alphabet the phonemes are.",
            f"Say in `alphabet` one of: {', '.join(Alphabet)}.",
        )
    try:
        to_ipa(phonemes, alphabet)
    except ValueError as error:
        raise _invalid(
            "phonemes",
            "phonemes-invalid",
            f"The phonemes are not {alphabet.value}: {error}"[:500],
            "Correct them, or name the alphabet that they are in.",
        ) from error
    return phonemes, alphabet


def _language(fields: Mapping[str, Any]) -> str | None:
    language = _text(fields, "language", MAX_LANGUAGE)
    if language is None:
        return None
    try:
        return canonical_language(language)
    except ValueError as error:
        raise _invalid(
            "language",
            "language-invalid",
            "The language is no BCP-47 tag.",
            "Send one like `en-US` or `fr`.",
        ) from error


def _flag(fields: Mapping[str, Any], name: str, *, otherwise: bool) -> bool:
    value = fields.get(name)
    if value is None or value == "":
        return otherwise
    if isinstance(value, bool):
        return value
    word = value.strip().lower()[:10] if isinstance(value, str) else ""
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise _invalid(name, "not-a-flag", f"`{name}` is neither true nor false.", "Send one of them.")


def _one_of(fields: Mapping[str, Any], name: str, kind: type[KindT]) -> KindT | None:
    value = fields.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, str):
        with suppress(ValueError):
            return kind(value.strip().lower())
    raise _invalid(
        name,
        f"{name.replace('_', '-')}-unknown",
        f"`{name}` is not known.",
        f"Use one of: {', '.join(kind)}.",
    )


def _too_long(name: str, length: int, limit: int) -> EntryInvalid:
    return _invalid(
        name,
        f"{name}-too-long",
        f"`{name}` has {length} characters; at most {limit} are allowed.",
        "Shorten it.",
    )


def _invalid(field: str, reason: str, detail: str, suggestion: str) -> EntryInvalid:
    return EntryInvalid(detail, suggestion, field=field, reason=reason)
