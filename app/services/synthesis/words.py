"""From the words that were spoken back to those that are written."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from app.audio.types import SpeechChunk, WordTiming
from app.models.speech import MarkTime, RuleUse
from app.text.frontend import Part, Wording
from app.text.plan import Piece
from app.text.spoken import SpokenText
from app.text.words import written_words


def shifted(chunks: Sequence[SpeechChunk], part: Part) -> Iterator[SpeechChunk]:
    """The chunks of a part, with the offsets of their words in the whole spoken text."""
    by = part.start
    for chunk in chunks:
        words = (
            replace(word, text_start=by + word.text_start, text_end=by + word.text_end)
            for word in chunk.words
        )
        yield replace(chunk, words=tuple(words))


def written(words: Sequence[WordTiming], said: SpokenText, piece: Piece) -> Iterator[WordTiming]:
    """Words as they are written, at their offsets in the text, of those that were said.

    What is written in one word and spoken in several is one word: `$3.50`, from the start of
    `three` to the end of `cents`. So is what was changed as a whole, however many words it is.

    Args:
        words: of a piece, in order, at offsets in the spoken text.
    """
    places = [said.origin(word.text_start, word.text_end) for word in words]
    at = 0
    while at < len(words):
        (start, end), first, last = places[at], words[at], words[at]
        at += 1
        while at < len(words) and places[at][0] < end:
            end, last = max(end, places[at][1]), words[at]
            at += 1
        start, end = _bare(piece.text, start, end)
        yield WordTiming(
            piece.text[start:end],
            first.start_s,
            last.end_s,
            piece.start + start,
            piece.start + end,
        )


def _bare(text: str, start: int, end: int) -> tuple[int, int]:
    """Without the punctuation and white space around."""
    found = written_words(text[start:end])
    return (start + found[0].start, start + found[-1].end) if found else (start, end)


def rules_of(piece: Piece, wording: Wording) -> Iterator[RuleUse]:
    """What lexicons have done to a sentence, and what not; in order, at offsets in the text."""
    uses = [
        RuleUse(edit.entry or "", piece.start + edit.start, piece.start + edit.end)
        for edit in wording.applied
    ]
    for one in wording.ignored:
        start, end = piece.start + one.start, piece.start + one.end
        uses.append(RuleUse(one.rule.id, start, end, one.reason))
    yield from sorted(uses, key=lambda use: (use.start, use.end))


def marks_of(chunk: SpeechChunk, piece: Piece, start_s: float) -> Iterator[MarkTime]:
    """When the marks of a sentence are reached: where the next word begins to be heard.

    Where the engine has no timings, and behind the last word, that is the end of the speech.

    Args:
        chunk: the sentence with its pauses.
        start_s: of the chunk, in the audio.
    """
    end_s = max(piece.lead_s, chunk.duration_s - piece.pause_s)
    for offset, name in piece.marks:
        begun = (w.start_s for w in chunk.words if w.text_end > piece.start + offset)
        first = piece.lead_s if offset == 0 else end_s
        yield MarkTime(name, start_s + next(begun, first))
