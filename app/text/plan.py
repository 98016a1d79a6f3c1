"""From a text, with or without markup, to the pieces that are spoken one after the other."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import dropwhile, pairwise

from app.text.clean import speakable
from app.text.pauses import SENTENCE_PAUSE_S
from app.text.prosody import Prosody
from app.text.split import Segment, segments
from app.text.spoken import Edit, untouched
from app.text.ssml import Script, Span


@dataclass(frozen=True, slots=True)
class Piece:
    """A sentence, or as much of it as is spoken in one way.

    Attributes:
        text: without white space around it.
        start: offset of the first character in the text of the script.
        end: offset behind the last one.
        pause_s: silence that follows, in seconds.
        prosody: how it is spoken.
        lead_s: silence before it, in seconds: only the first piece has some.
        language: BCP-47 tag, None where the markup does not say.
        voice: id of the voice, None for that of the request.
        edits: what the markup says of passages, at offsets in `text`; in order.
        marks: offsets in `text`, 0 to its length, and names; in order.
    """

    text: str
    start: int
    end: int
    pause_s: float
    prosody: Prosody
    lead_s: float = 0.0
    language: str | None = None
    voice: str | None = None
    edits: tuple[Edit, ...] = ()
    marks: tuple[tuple[int, str], ...] = ()

    @property
    def speakable(self) -> bool:
        """False for a piece of punctuation only, such as a row of stars: only its pause counts."""
        if not self.edits:
            return speakable(self.text)
        return any(speakable(edit.spoken) for edit in self.edits) or any(
            speakable(self.text[start:end]) for start, end in untouched(len(self.text), self.edits)
        )


def plan(script: Script, *, max_chars: int, language: str) -> list[Piece]:
    """All at once of what `pieces` gives."""
    return list(pieces(script, max_chars=max_chars, language=language))


def pieces(script: Script, *, max_chars: int, language: str) -> Iterator[Piece]:
    """The pieces, of which the first one can be spoken; none if there is nothing to say. Each is
    made when it is asked for.

    Args:
        script: what to speak; its text has been through `clean`.
        max_chars: longest piece, but for what the markup says something of as a whole.
        language: BCP-47 tag; decides where sentences end.
    """
    cutter = _Cutter(script)
    whole = [(edit.start, edit.end) for edit in script.edits]
    found = segments(script.text, max_chars=max_chars, language=language, whole=whole)
    parts = (part for segment in found for part in cutter.parts(segment))
    return cutter.finished(dropwhile(lambda part: not part.speakable, parts))


class _Cutter:
    """Cuts sentences where the markup says so, and knows the pauses between."""

    def __init__(self, script: Script) -> None:
        self._spans = script.spans
        self._starts = [span.start for span in script.spans]
        self._edits = script.edits
        self._edit_starts = [edit.start for edit in script.edits]
        self._marks = script.marks
        self._told = 0  # marks
        changes = [
            after.start
            for before, after in pairwise(script.spans)
            if _manner(before) != _manner(after)
        ]
        self._ends = script.ends
        self._gaps = script.gaps
        self._gap_starts = [offset for offset, _, _ in script.gaps]
        self._breaks = [offset for offset, _ in script.breaks]
        self._breaks_s = [pause_s for _, pause_s in script.breaks]
        self._cuts = sorted({*changes, *self._breaks, *self._ends})

    def parts(self, segment: Segment) -> Iterator[Piece]:
        """Of a sentence: cut at breaks, at other ends of sentences, and where its manner changes.

        Punctuation goes with the words beside it, unless there is a pause between.
        """
        inner = self._cuts[_within(self._cuts, segment.start, segment.end - 1)]
        made: list[Piece] = []
        for start, end in pairwise([segment.start, *inner, segment.end]):
            piece = self._piece(segment, start, end)
            if piece is None:
                continue
            if made and not (made[-1].speakable and piece.speakable):
                before = made[-1]
                if self._pause_s(before.end - 1, piece.start) is None:
                    spoken = piece if piece.speakable else before
                    made[-1] = self._made(segment, before.start, piece.end, like=spoken)
                    continue
            made.append(piece)
        yield from made[:-1]
        yield replace(made[-1], pause_s=segment.pause_s)

    def finished(self, parts: Iterator[Piece]) -> Iterator[Piece]:
        """With the pauses of the markup: a break says how long one is, whatever it would have been
        else; the end of a sentence has one, but for the last. And with the marks.
        """
        piece = next(parts, None)
        if piece is not None:
            piece = replace(piece, lead_s=self._pause_s(-1, piece.start) or 0.0)
        while piece is not None:
            following = next(parts, None)
            until = following.start if following else None
            pause_s = self._pause_s(piece.start, until)
            if pause_s is None:
                pause_s = piece.pause_s
                if following and self._ends[_within(self._ends, piece.start, following.start)]:
                    pause_s = max(pause_s, SENTENCE_PAUSE_S)
                if following and pause_s >= SENTENCE_PAUSE_S:
                    pause_s = self._between_sentences(piece, pause_s)
            marks = tuple(self._marks_until(piece, last=following is None))
            yield replace(piece, pause_s=pause_s, marks=marks)
            piece = following

    def _between_sentences(self, piece: Piece, pause_s: float) -> float:
        at = bisect_right(self._gap_starts, piece.end - 1)
        if not at:
            return pause_s
        _, gap_s, exact = self._gaps[at - 1]
        return gap_s if exact else pause_s + gap_s

    def _marks_until(self, piece: Piece, *, last: bool) -> Iterator[tuple[int, str]]:
        while self._told < len(self._marks):
            offset, name = self._marks[self._told]
            if offset > piece.end and not last:
                return
            self._told += 1
            yield min(max(offset - piece.start, 0), len(piece.text)), name

    def _piece(self, segment: Segment, start: int, end: int) -> Piece | None:
        text = segment.text[start - segment.start : end - segment.start]
        start, end = end - len(text.lstrip()), start + len(text.rstrip())
        if start >= end:
            return None
        return self._made(segment, start, end)

    def _made(self, segment: Segment, start: int, end: int, like: Piece | None = None) -> Piece:
        text = segment.text[start - segment.start : end - segment.start]
        span = self._spans[max(0, bisect_right(self._starts, start) - 1)]
        first, last = bisect_left(self._edit_starts, start), bisect_left(self._edit_starts, end)
        return Piece(
            text,
            start,
            end,
            0.0,
            like.prosody if like else span.prosody,
            language=like.language if like else span.language,
            voice=like.voice if like else span.voice,
            edits=tuple(edit.moved(-start) for edit in self._edits[first:last]),
        )

    def _pause_s(self, after: int, until: int | None) -> float | None:
        """All breaks behind an offset, up to another; None if there are none."""
        found = self._breaks_s[_within(self._breaks, after, until)]
        return sum(found) if found else None


def _manner(span: Span) -> tuple[Prosody, str | None, str | None]:
    return span.prosody, span.language, span.voice


def _within(offsets: Sequence[int], after: int, until: int | None) -> slice:
    """Those behind an offset, up to another or to the end."""
    stop = len(offsets) if until is None else bisect_right(offsets, until)
    return slice(bisect_right(offsets, after), stop)
