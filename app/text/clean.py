"""What is checked and blanked in a text before anything reads it: offsets stay as they were."""

import re
import unicodedata
from collections.abc import Collection, Sequence
from functools import lru_cache

from app.core.exceptions import InvalidRequest, UnspeakableText

# Stands for an invisible character inside a word: a space would cut the word in two, and taking the
# character out would shift every offset behind it. Phonemizers ignore it.
JOINER = "\u2060"

# Zero-width (non-)joiners choose letter forms in Indic and Arabic words and must survive there.
_MEANINGFUL = "\u200c\u200d"
# Invisible, though Unicode does not class them as format characters.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\ufffe\uffff")
_VARIATION_SELECTORS = ((0x180B, 0x180F), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
# Blocks of emoji, pictographs, box drawing and other ornaments. Their digits (circled numbers) have
# category N and stay.
_PICTURES = (
    (0x2300, 0x23FF),
    (0x2500, 0x27BF),
    (0x2B00, 0x2BFF),
    (0x1F000, 0x1FAFF),
)
_KEYCAP = 0x20E3


def clean(text: str, *, kept: Sequence[tuple[int, int]] = ()) -> str:
    """Check a text and blank what nobody can hear. The result has the same length and offsets.

    Invisible characters (zero width, byte order mark, text direction, variation selectors) become
    spaces, or `JOINER` inside a word. Emoji and ornaments become spaces: they are not spoken.

    Args:
        kept: spans that stay as they are, in order: something else is said there.

    Raises:
        InvalidRequest: control characters other than tab and line ends, or lone surrogates; the
            extra `offset` says where.
        UnspeakableText: nothing but white space, punctuation, symbols or emoji.
    """
    if not text.isprintable():
        _refuse_controls(text)
    cleaned = text if text.isascii() else _blank(text)
    if kept and cleaned != text:
        cleaned = _restored(cleaned, text, kept)
    if not kept and not speakable(cleaned):
        raise _nothing_to_say(text)
    return cleaned


def speakable(text: str) -> bool:
    """Whether there is a letter or a digit of any script in the text."""
    return any(unicodedata.category(char)[0] in "LN" for char in text)


def unsupported_characters(text: str, scripts: Collection[str]) -> str:
    """Letters of other scripts than these, each once, in order of appearance.

    Args:
        text: any text.
        scripts: first words of Unicode character names, e.g. `LATIN`, `CYRILLIC`, `CJK`, `HANGUL`.
    """
    foreign = {
        char: None
        for char in dict.fromkeys(text)
        if char > "\x7f" and (script := script_of(char)) and script not in scripts
    }
    return "".join(foreign)


@lru_cache(maxsize=4096)
def script_of(char: str) -> str:
    """First word of the Unicode name of a letter, e.g. `LATIN`; empty for all that is not a letter.

    Compatibility forms (full-width, mathematical, ligatures) count as what they stand for.
    """
    if unicodedata.category(char)[0] != "L" or char == "µ":  # the unit; its plain form is Greek
        return ""
    plain = unicodedata.normalize("NFKC", char)[0]
    if unicodedata.category(plain)[0] != "L":
        return ""
    # Modifier letters belong to every script; "ª" and "º" decompose to Latin above.
    if unicodedata.category(plain) == "Lm" and unicodedata.name(plain, "").startswith("MODIFIER"):
        return ""
    return unicodedata.name(plain, "UNKNOWN").split(" ", 1)[0]


def _refuse_controls(text: str) -> None:
    for offset, char in enumerate(text):
        category = unicodedata.category(char)
        if category == "Cs":
            raise InvalidRequest(
                f"The text has half of a surrogate pair (U+{ord(char):04X}) at offset {offset}.",
                "Send the text as valid UTF-8.",
                offset=offset,
            )
        if category == "Cc" and char not in "\t\n\r":
            raise InvalidRequest(
                f"The text has a control character (U+{ord(char):04X}) at offset {offset}.",
                "Remove control characters; tab and line ends are allowed.",
                offset=offset,
            )


def _blank(text: str) -> str:
    # Few texts have such characters, and few different ones.
    odd = "".join(c for c in set(text) if c > "\x7f" and (_is_picture(c) or _is_invisible(c)))
    if not odd:
        return text
    chars = list(text)
    for found in re.finditer(f"[{re.escape(odd)}]", text):
        i, char = found.start(), found[0]
        if _is_picture(char):
            chars[i] = " "
        elif not (char in _MEANINGFUL and _in_word(text, i)):
            # A zero-width space marks where a word ends, the others do not.
            inside = char != "\u200b" and _in_word(text, i)
            chars[i] = JOINER if inside else " "
    return "".join(chars)


def _restored(cleaned: str, text: str, kept: Sequence[tuple[int, int]]) -> str:
    parts, at = [], 0
    for start, end in kept:
        parts += [cleaned[at:start], text[start:end]]
        at = end
    return "".join([*parts, cleaned[at:]])


def _in_word(text: str, i: int) -> bool:
    """Whether a letter, mark or digit stands on both sides."""
    if not 0 < i < len(text) - 1:
        return False
    around = (text[i - 1], text[i + 1])
    return all(unicodedata.category(c)[0] in "LMN" and not _is_picture(c) for c in around)


def _is_invisible(char: str) -> bool:
    return (
        unicodedata.category(char) == "Cf"
        or char in _INVISIBLE
        or any(low <= ord(char) <= high for low, high in _VARIATION_SELECTORS)
    )


def _is_picture(char: str) -> bool:
    code = ord(char)
    if code == _KEYCAP:
        return True
    # Unassigned counts: emoji newer than the Unicode tables of this Python.
    return any(low <= code <= high for low, high in _PICTURES) and (
        unicodedata.category(char) in ("So", "Sk", "Sm", "Cn")
    )


def _nothing_to_say(text: str) -> UnspeakableText:
    visible = [char for char in text if not char.isspace() and not _is_invisible(char)]
    if not visible:
        detail = "The text is empty."
    elif all(unicodedata.category(char)[0] == "P" for char in visible):
        detail = "The text is only punctuation."
    else:
        detail = "The text is only symbols or emoji, which are not spoken."
    return UnspeakableText(detail, "Send text with at least one word or number.")
