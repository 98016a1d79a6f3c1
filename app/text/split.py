"""Cut a text into pieces an engine speaks at once: sentences, or parts of very long ones."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

from app.text.clean import speakable
from app.text.languages import primary
from app.text.pauses import (
    CONJUNCTION_PAUSE_S,
    HEADING_PAUSE_S,
    PARAGRAPH_PAUSE_S,
    WORD_PAUSE_S,
    after_clause,
    after_sentence,
)
from app.text.sentences import LINE_END, sentences, trim

_PARAGRAPH = re.compile(r"(?:\r\n|\r(?!\n)|\n)[^\S\r\n]*[\r\n]\s*|\u2029\s*")
# List items ("-", "*", "3.", "3)") and headings ("##").
_MARKER = re.compile(r"\s*(?:[-*+•‣–]|\d{1,3}[.)]|#{1,6})\s+\S")
_ENDED = re.compile(r".{0,2}[^\W\d_]{3,5}[.!?][\"”’)]?\Z")
_OTHER_MARKER = re.compile(r"\s*(?:[A-Za-z][.)]|\d{1,2}(?:\.\d{1,2}){1,3}\.?)\s+\S")
_HEADING = re.compile(r"\s*#{1,6}\s")
_NUMBERED = re.compile(r"(?:\d{1,2}\.){1,4}\d{0,2}\s+[^\W\d_]")
# Inside what is one sentence, such as a long quotation: no abbreviations.
_INNER_END = re.compile(r"(?:[^\W\d_]{4}\.|[!?…])[\"'”’»)\]]{0,4}(?=\s)|[。！？।]")
# A clause ends at these: before white space where the mark also stands inside numbers ("1,000",
# "3:30"), anywhere where it does not.
_CLAUSE = re.compile(r"[;:,][\"'”’»)\]]{0,4}(?=\s)|[—،؛、，；：]")
_CONJUNCTIONS = {
    language: re.compile(rf"\s(?=(?:{words})\s)")
    for language, words in {
        "en": "and|but|or|because|which|who|whose|where|when|while|although|though|if|so|unless"
        "|until|since|whereas",
        "de": "und|aber|oder|weil|dass|denn|sondern|obwohl|während|wenn|als",
        "es": "y|e|pero|o|porque|que|aunque|cuando|donde|mientras|si|sino",
        "fr": "et|mais|ou|parce|car|qui|que|dont|où|quand|lorsque|puisque|si",
        "it": "e|ed|ma|o|perché|che|mentre|quando|dove|anche|se",
        "pt": "e|mas|ou|porque|que|embora|quando|onde|enquanto|se",
    }.items()
}
_SPACE = re.compile(r"\s+")
_SHORT_LINE = 40
_LONG_LINES, _LONGEST_LINES = 1_000, 4_000
_SOME_LINES = 100


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a text.

    Attributes:
        text: equals `source[start:end]`, without white space around it.
        start: offset of the first character in the source.
        end: offset behind the last one.
        pause_s: silence that should follow, in seconds; 0 at the end of everything.
    """

    text: str
    start: int
    end: int
    pause_s: float

    @property
    def speakable(self) -> bool:
        """False for a piece of punctuation only, such as a row of stars: only its pause counts."""
        return speakable(self.text)


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    pause_s: float


def split(text: str, *, max_chars: int, language: str = "en") -> list[Segment]:
    """All at once of what `segments` gives."""
    return list(segments(text, max_chars=max_chars, language=language))


def segments(
    text: str,
    *,
    max_chars: int,
    language: str = "en",
    whole: Sequence[tuple[int, int]] = (),
) -> Iterator[Segment]:
    """Cut into sentences; what is longer than `max_chars` is cut at clauses, words or anywhere.

    The pieces are in order and hold every character that is not white space exactly once. Each is
    made when it is asked for, from what stands near it. Linear in the length of the text.

    Args:
        text: any text.
        max_chars: longest piece, at least 1.
        language: BCP-47 tag; decides abbreviations and full stops. Unknown ones fall back.
        whole: start and end of what must not be cut, in order, however long it is.
    """
    if max_chars < 1:
        raise ValueError(f"max_chars is {max_chars}")
    held: _Span | None = None
    for span in _kept_whole(_spans(text, max_chars, primary(language)), whole):
        if held is not None:
            yield Segment(text[held.start : held.end], held.start, held.end, held.pause_s)
        held = span
    if held is not None:
        yield Segment(text[held.start : held.end], held.start, held.end, 0.0)


def _spans(text: str, max_chars: int, language: str) -> Iterator[_Span]:
    for paragraph in _paragraphs(text):
        pieces = (
            piece
            for start, end, pause_s in _lines(text, paragraph)
            for piece in _line_pieces(text, (start, end), pause_s, max_chars, language)
        )
        last: _Span | None = None
        for piece in _absorb(text, pieces, max_chars):
            if last is not None:
                yield last
            last = piece
        if last is not None:
            yield _Span(last.start, last.end, PARAGRAPH_PAUSE_S)


def _line_pieces(
    text: str, line: tuple[int, int], pause_s: float | None, max_chars: int, language: str
) -> Iterator[_Span]:
    """`pause_s`: behind the line; None leaves it to its last mark."""
    for sentence in sentences(text, line, language):
        for piece in _cut(text, sentence, max_chars, language):
            last = piece.end == line[1]
            yield _Span(piece.start, piece.end, pause_s) if pause_s and last else piece


def _kept_whole(spans: Iterator[_Span], whole: Sequence[tuple[int, int]]) -> Iterator[_Span]:
    """With those joined between which something must not be cut."""
    places = iter(whole)
    place = next(places, None)
    held: _Span | None = None
    for span in spans:
        while held is not None and place is not None and place[1] <= held.end:
            place = next(places, None)
        if held is not None and place is not None and place[0] < held.end < place[1]:
            held = _Span(held.start, span.end, span.pause_s)
            continue
        if held is not None:
            yield held
        held = span
    if held is not None:
        yield held


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    for gap in _PARAGRAPH.finditer(text):
        start, end = trim(text, at, gap.start())
        if start < end:
            yield start, end
        at = gap.end()
    start, end = trim(text, at, len(text))
    if start < end:
        yield start, end


def _lines(text: str, paragraph: tuple[int, int]) -> Iterator[tuple[int, int, float | None]]:
    """Cut a paragraph before list items and after headings; other line ends are hard wraps.

    With the pause behind it where its last mark does not tell.
    """
    at, stop = paragraph
    if LINE_END.search(text, at, stop) is None:
        yield at, stop, None
        return
    widest = max(len(text[a:b]) for a, b in islice(_all_lines(text, paragraph), _SOME_LINES))
    for (a, b), (c, d) in pairwise(_all_lines(text, paragraph)):
        line, following = text[a:b], text[c:d]
        # So that the first sentence is soon there.
        long = b - at > (_LONG_LINES if _ENDED.match(line.rstrip()[-6:]) else _LONGEST_LINES)
        heading = _is_heading(line, following, widest)
        if long or heading or _is_item(line, following):
            start, end = trim(text, at, b)
            if start < end:
                yield start, end, HEADING_PAUSE_S if heading else None
            at = b
    start, end = trim(text, at, stop)
    if start < end:
        yield start, end, None


def _all_lines(text: str, paragraph: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """With their ends, one by one."""
    at, stop = paragraph
    for found in LINE_END.finditer(text, at, stop):
        yield at, found.end()
        at = found.end()
    yield at, stop


def _is_item(line: str, following: str) -> bool:
    """Letters and numbers of several parts stand in front of other lines as well, but seldom of two
    in a row.
    """
    if _MARKER.match(following):
        return True
    return bool(_OTHER_MARKER.match(line) and _OTHER_MARKER.match(following))


def _is_heading(line: str, following: str, widest: int) -> bool:
    """Marked as one, or short, without a full stop, before a capital: numbered, or much shorter
    than the paragraph.
    """
    if _HEADING.match(line):
        return True
    line = line.strip()
    return (
        0 < len(line) < _SHORT_LINE
        and (len(line) < widest / 2 or bool(_NUMBERED.match(line)))
        and unicodedata.category(line[-1])[0] in "LN"
        and following.lstrip()[:1].isupper()
    )


def _cut(text: str, sentence: tuple[int, int], max_chars: int, language: str) -> Iterator[_Span]:
    """Cut a sentence into parts of about equal length, none above `max_chars`."""
    start, end = sentence
    while end - start > max_chars:
        rest = end - start
        target = -(-rest // -(-rest // max_chars))
        # Not so near the end that a tiny rest would follow.
        low, high = max(1, target // 2), min(max_chars, rest - max(1, target // 4))
        at, pause_s = _best_cut(text, start, (low, max(low, target, high), target), language)
        first, last = trim(text, start, at)
        if first < last:
            yield _Span(first, last, pause_s)
        start = trim(text, at, end)[0]
    yield _Span(start, end, after_sentence(text[max(start, end - 12) : end]))


def _best_cut(
    text: str, start: int, reach: tuple[int, int, int], language: str
) -> tuple[int, float]:
    """Where to cut behind `start`: `reach` is the least, the most and the best length.

    Where a sentence ends, else a clause, else before a conjunction, between words, anywhere.
    """
    low, high, target = reach
    # One character more: whether a space follows the last mark is part of the question.
    window = text[start : start + high + 1]
    for pattern, pause in (
        (_INNER_END, after_sentence),
        (_CLAUSE, after_clause),
        (_CONJUNCTIONS.get(language), lambda _: CONJUNCTION_PAUSE_S),
        (_SPACE, lambda _: WORD_PAUSE_S),
    ):
        found = pattern.finditer(window) if pattern else ()
        # What is one character of white space or more ends where that begins.
        places = [m.start() if m[0].isspace() else m.end() for m in found]
        ends = [end for end in places if low <= end <= high]
        if ends:
            best = min(ends, key=lambda end: abs(end - target))
            return start + best, pause(window[:best])
    for length in range(target, low - 1, -1):
        if not _in_cluster(text, start + length):
            return start + length, WORD_PAUSE_S
    return start + target, WORD_PAUSE_S  # one cluster longer than a piece may be


def _in_cluster(text: str, at: int) -> bool:
    """Whether what a reader takes for one character would be cut: the common cases of UAX #29."""
    before, after = text[at - 1], text[at]
    if unicodedata.category(after)[0] == "M" or "\u200d" in (before, after):
        return True
    if "\U0001f3fb" <= after <= "\U0001f3ff" or "\u1160" <= after <= "\u11ff":  # skin tone, jamo
        return True
    if "\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff":
        return True
    flags = 0
    while flags < at and "\U0001f1e6" <= text[at - 1 - flags] <= "\U0001f1ff":
        flags += 1
        if flags > 64:  # a row of flags: bounded work
            break
    return flags % 2 == 1 and "\U0001f1e6" <= after <= "\U0001f1ff"


def _absorb(text: str, spans: Iterator[_Span], max_chars: int) -> Iterator[_Span]:
    """Join punctuation that stands alone ("...", a closing quote) to a neighbour, where it fits."""
    held: _Span | None = None
    held_speaks = False
    for span in spans:
        speaks = speakable(text[span.start : span.end])
        fits = held is not None and span.end - held.start <= max_chars
        if held is not None and fits and not (speaks and held_speaks):
            held = _Span(held.start, span.end, span.pause_s)
            held_speaks = held_speaks or speaks
            continue
        if held is not None:
            yield held
        held, held_speaks = span, speaks
    if held is not None:
        yield held
