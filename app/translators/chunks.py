"""Cutting long texts at sentences, and putting together what came of the pieces."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from app.text.languages import primary, scripts
from app.text.sentences import trim
from app.text.split import segments

Measure = Callable[[str], int]
Bounds = tuple[int, int]

# Of languages that are written without spaces between sentences.
_UNSPACED: Final = frozenset({"CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR"})


def utf16(text: str) -> int:
    """Length in UTF-16 code units: services that say `characters` may mean those."""
    return len(text) + sum(char > "\uffff" for char in text)


def chunks(text: str, limit: int, *, language: str | None, measure: Measure) -> list[Bounds]:
    """Start and end of pieces that measure no more than a limit, in order: as long as they can be,
    cut at sentences. All but white space is in one of them.

    Args:
        limit: one that a single character cannot go over.
        language: BCP-47 tag, None if nobody knows.
    """
    found: list[Bounds] = []
    for start, end in _cut(text, trim(text, 0, len(text)), limit, language or "en", measure):
        if found and measure(text[found[-1][0] : end]) <= limit:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def _cut(
    text: str, bounds: Bounds, limit: int, language: str, measure: Measure
) -> Iterator[Bounds]:
    pending = [(*bounds, limit)] if bounds[0] < bounds[1] else []
    while pending:
        start, end, most = pending.pop()
        if measure(text[start:end]) <= limit:
            yield start, end
            continue
        most = most if end - start > most else max(1, (end - start) // 2)
        parts = list(segments(text[start:end], max_chars=most, language=language))
        if len(parts) == 1 and len(parts[0].text) == end - start:  # one letter with its signs
            yield start, end
            continue
        pending += [(start + part.start, start + part.end, most) for part in parts][::-1]


def joined(text: str, bounds: Sequence[Bounds], pieces: Sequence[str], *, language: str) -> str:
    """The text with its pieces replaced. White space between them stays; where there is none, and
    the language has spaces between sentences, one is put there.

    Args:
        language: of the pieces.
    """
    spaced = not scripts(primary(language)) & _UNSPACED
    parts: list[str] = []
    at = 0
    for (start, end), piece in zip(bounds, pieces, strict=True):
        between = text[at:start]
        parts.append(" " if parts and not between and spaced else between)
        parts.append(piece.strip())
        at = end
    return "".join([*parts, text[at:]])
