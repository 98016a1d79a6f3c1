"""From a text, with or without markup, to the pieces that are spoken one after the other."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import dropwhile, pairwise

from app.text.clean import speakable
from app.text.prosody import Prosody
from app.text.split import SENTENCE_PAUSE_S, Segment, split
from app.text.ssml import Script


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
    """

    text: str
    start: int
    end: int
    pause_s: float
    prosody: Prosody
    lead_s: float = 0.0
    language: str | None = None
    voice: str | None = None
    edits: tuple = ()
    marks: tuple = ()

    @property
    def speakable(self) -> bool:
        """False for a piece of punctuation only, such as a row of stars: only its pause counts."""
        return speakable(self.text)


def plan(script: Script, *, max_chars: int, language: str) -> list[Piece]:
    """The pieces, at least one, the first of which can be spoken.

    Args:
        script: what to speak; its text has been through `clean`.
        max_chars: longest piece.
        language: BCP-47 tag; decides where sentences end.
    """
    cutter = _Cutter(script)
    segments = split(script.text, max_chars=max_chars, language=language)
    parts = [part for segment in segments for part in cutter.parts(segment)]
    return cutter.paused(list(dropwhile(lambda part: not part.speakable, parts)))


class _Cutter:
    """Cuts sentences where the markup says so, and knows the pauses between."""

    def __init__(self, script: Script) -> None:
        self._spans = script.spans
        self._starts = [span.start for span in script.spans]
        changes = [
            after.start
            for before, after in pairwise(script.spans)
            if before.prosody != after.prosody
        ]
        self._ends = script.ends
        self._breaks = [offset for offset, _ in script.breaks]
        self._breaks_s = [pause_s for _, pause_s in script.breaks]
        self._cuts = sorted({*changes, *self._breaks, *self._ends})

    def parts(self, segment: Segment) -> Iterator[Piece]:
        """Of a sentence: cut at breaks, at other ends of sentences, and where its prosody changes.

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
                    made[-1] = self._made(segment, before.start, piece.end, spoken.prosody)
                    continue
            made.append(piece)
        yield from made[:-1]
        yield replace(made[-1], pause_s=segment.pause_s)

    def paused(self, pieces: list[Piece]) -> list[Piece]:
        """With the pauses of the markup: a break says how long one is, whatever it would have been
        else; the end of a sentence has one, but for the last.
        """
        made = []
        for piece, following in zip(pieces, [*pieces[1:], None], strict=True):
            until = following.start if following else None
            pause_s = self._pause_s(piece.start, until)
            if pause_s is None:
                pause_s = piece.pause_s
                if following and self._ends[_within(self._ends, piece.start, following.start)]:
                    pause_s = max(pause_s, SENTENCE_PAUSE_S)
            made.append(replace(piece, pause_s=pause_s))
        lead_s = self._pause_s(-1, made[0].start)
        return [replace(made[0], lead_s=lead_s or 0.0), *made[1:]]

    def _piece(self, segment: Segment, start: int, end: int) -> Piece | None:
        text = segment.text[start - segment.start : end - segment.start]
        start, end = end - len(text.lstrip()), start + len(text.rstrip())
        if start >= end:
            return None
        prosody = self._spans[bisect_right(self._starts, start) - 1].prosody
        return self._made(segment, start, end, prosody)

    def _made(self, segment: Segment, start: int, end: int, prosody: Prosody) -> Piece:
        text = segment.text[start - segment.start : end - segment.start]
        return Piece(text, start, end, 0.0, prosody)

    def _pause_s(self, after: int, until: int | None) -> float | None:
        """All breaks behind an offset, up to another; None if there are none."""
        found = self._breaks_s[_within(self._breaks, after, until)]
        return sum(found) if found else None


def _within(offsets: Sequence[int], after: int, until: int | None) -> slice:
    """Those behind an offset, up to another or to the end."""
    stop = len(offsets) if until is None else bisect_right(offsets, until)
    return slice(bisect_right(offsets, after), stop)


def pieces(script, *, max_chars, language):
    yield from plan(script, max_chars=max_chars, language=language)
