"""What is read instead of what is written, and which offsets of the one are which of the other."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Edit:
    """A passage that is not read as it is written.

    Attributes:
        start: offset of its first character in the written text.
        end: offset behind the last one; more than `start`.
        spoken: what is read instead. Empty for what is left out.
        rule: kind of the reason, e.g. `year`, `money`, `lexicon`, `say-as`.
        phonemes: IPA; then `spoken` is what an engine reads that takes no phonemes.
        entry: id of the lexicon entry that says so.
    """

    start: int
    end: int
    spoken: str
    rule: str
    phonemes: str | None = None
    entry: str | None = None

    def moved(self, by: int) -> "Edit":
        """The same in a text that begins `by` characters earlier."""
        return replace(self, start=self.start + by, end=self.end + by)


@dataclass(frozen=True, slots=True)
class Passage:
    """Part of a spoken text, as it comes from the written one.

    Attributes:
        start, end: offsets in the spoken text. Spaces that only part words lie between passages.
        source_start, source_end: in the written text.
        edit: None where it is read as it is written, character by character.
    """

    start: int
    end: int
    source_start: int
    source_end: int
    edit: Edit | None = None


@dataclass(frozen=True, slots=True)
class SpokenText:
    """A text as it is read.

    Attributes:
        text: no white space at its ends, single spaces where it was changed.
        passages: in order, without gaps in the written text but for white space.
    """

    text: str
    passages: tuple[Passage, ...]

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Offsets in the written text of a span of the spoken one. What was changed is taken whole:
        three of the words of `42nd` are all of `42nd`.
        """
        starts = [passage.start for passage in self.passages]
        first = self._at(starts, start)
        last = self._at(starts, max(start, end - 1))
        begin = first.source_start if first.edit else first.source_start + start - first.start
        stop = last.source_end if last.edit else last.source_start + end - last.start
        # A span that begins or ends between passages, in a space that only parts words.
        begin = min(max(begin, first.source_start), first.source_end)
        return begin, max(begin, min(stop, last.source_end))

    def _at(self, starts: Sequence[int], offset: int) -> Passage:
        return self.passages[max(0, bisect_right(starts, offset) - 1)]


def spoken(text: str, edits: Iterable[Edit]) -> SpokenText:
    """Read a text with its edits.

    Args:
        text: as it is written.
        edits: in order, without overlap.

    Raises:
        ValueError: they overlap, or lie outside of the text.
    """
    parts: list[str] = []
    passages: list[Passage] = []
    length = at = 0
    for edit in [*edits, None]:
        start, end = (edit.start, edit.end) if edit else (len(text), len(text))
        if not at <= start <= end <= len(text):
            raise ValueError(f"an edit at {start} to {end} overlaps, or is outside of the text")
        for piece, passage in (
            (text[at:start], Passage(0, 0, at, start)),
            (edit.spoken if edit else "", Passage(0, 0, start, end, edit)),
        ):
            if not piece and passage.edit is None:
                continue
            if parts and piece and _touch(parts[-1], piece, passages[-1], passage):
                parts.append(" ")
                length += 1
            passages.append(replace(passage, start=length, end=length + len(piece)))
            if piece:
                parts.append(piece)
                length += len(piece)
        at = end
    return SpokenText("".join(parts), tuple(passages))


def _touch(before: str, after: str, one: Passage, other: Passage) -> bool:
    """Whether two words would run into one."""
    changed = one.edit is not None or other.edit is not None
    return changed and before[-1].isalnum() and after[0].isalnum()


def untouched(length: int, edits: Sequence[Edit]) -> Iterable[tuple[int, int]]:
    """The spans of a text of that length that no edit is about, in order."""
    at = 0
    for edit in edits:
        if at < edit.start:
            yield at, edit.start
        at = edit.end
    if at < length:
        yield at, length


def merged(*kinds: Sequence[Edit]) -> list[Edit]:
    """All edits in order. Where two overlap, that of the earlier kind stays."""
    kept: list[Edit] = []
    for edits in kinds:
        starts = [edit.start for edit in kept]
        for edit in edits:
            place = bisect_right(starts, edit.start)
            clear = (place == 0 or kept[place - 1].end <= edit.start) and (
                place == len(starts) or edit.end <= kept[place].start
            )
            if clear:
                kept.insert(place, edit)
                starts.insert(place, edit.start)
    return kept
