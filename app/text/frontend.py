"""From a sentence as it is written to what an engine is told to say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.text.clean import speakable
from app.text.lexicon import IgnoredRule, Matcher, PartsOfSpeech
from app.text.normalization import normalize
from app.text.plan import Piece
from app.text.split import split
from app.text.spoken import Edit, SpokenText, merged, spoken

NO_PHONEMES: Final = "phonemes-unsupported"
"""Reason why a rule is ignored: the engine has no sound for one of its phonemes."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What an engine can do with a text, in a language.

    Attributes:
        missing: symbols of some IPA that it has no sound for; None if it takes no phonemes.
        parts_of_speech: of the words of a sentence; None if it does not know them.
    """

    missing: Callable[[str], Sequence[str]] | None = None
    parts_of_speech: PartsOfSpeech | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """As much of a sentence as an engine takes at once.

    Attributes:
        start, end: offsets in the spoken text.
        pause_s: silence behind it, in seconds.
    """

    start: int
    end: int
    pause_s: float


@dataclass(frozen=True, slots=True)
class Wording:
    """How a sentence is said.

    Attributes:
        spoken: the text as it is said, in a form that maps back to the written one.
        parts: of it, in order; none if nothing is left that can be said.
        ignored: rules of lexicons that matched and were not applied.
    """

    spoken: SpokenText
    parts: tuple[Part, ...]
    ignored: tuple[IgnoredRule, ...] = ()

    @property
    def applied(self) -> tuple[Edit, ...]:
        """What lexicons have changed."""
        edits = (passage.edit for passage in self.spoken.passages)
        return tuple(edit for edit in edits if edit is not None and edit.entry is not None)


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """Words sentences for an engine.

    Attributes:
        matcher: the lexicons that apply; None without any.
        normalizes: whether numbers, dates, signs and the like become words.
        max_chars: longest text of one part.
    """

    matcher: Matcher | None = None
    normalizes: bool = True
    max_chars: int = 300

    def word(self, piece: Piece, language: str, able: Abilities) -> Wording:
        """What is said of a sentence, and in which parts.

        The markup goes before the lexicons, both before normalization, and nothing changes what
        another of them has put there, but numbers and signs in an alias are words as well.
        """
        marked = [_sayable(edit, able) for edit in piece.edits]
        found, ignored = self._looked_up(piece.text, marked, language, able)
        given = merged(marked, found)
        if self.normalizes:
            given = [self._normalized(edit, language) for edit in given]
        said = self.said(piece.text, language, given)
        return Wording(said, self._parts(said, language), tuple(ignored))

    def said(self, text: str, language: str, given: Sequence[Edit] = ()) -> SpokenText:
        """How a sentence is said with these edits, which are in order, and no others but those of
        normalization.
        """
        if self.normalizes:
            given = merged(given, normalize(text, language, taken=given))
        return spoken(text, given)

    def _looked_up(
        self, text: str, taken: Sequence[Edit], language: str, able: Abilities
    ) -> tuple[list[Edit], list[IgnoredRule]]:
        if self.matcher is None:
            return [], []
        matched = self.matcher.match(
            text, language=language, taken=taken, parts_of_speech=able.parts_of_speech
        )
        ignored = list(matched.ignored)
        found = []
        for edit in matched.edits:
            if edit.phonemes and able.missing is not None and able.missing(edit.phonemes):
                rule = self.matcher.rule(edit.entry or "")
                ignored.append(IgnoredRule(rule, edit.start, edit.end, NO_PHONEMES))
            else:
                found.append(_sayable(edit, able))
        return found, ignored

    def _normalized(self, edit: Edit, language: str) -> Edit:
        if edit.phonemes is not None or not edit.spoken or edit.rule in ("say-as", "phoneme"):
            return edit
        return replace(edit, spoken=spoken(edit.spoken, normalize(edit.spoken, language)).text)

    def _parts(self, said: SpokenText, language: str) -> tuple[Part, ...]:
        if not speakable(said.text):
            return ()
        if len(said.text) <= self.max_chars:
            return (Part(0, len(said.text), 0.0),)
        segments = split(said.text, max_chars=self.max_chars, language=language)
        return tuple(Part(s.start, s.end, s.pause_s) for s in segments if s.speakable)


def part_of(piece: Piece, start: int, end: int) -> Piece | None:
    """What lies between two offsets in the text of a piece; None if it is white space.

    What the markup says of a passage stays whole: it goes with the part in which it begins. Pauses
    stay at the ends of the piece.
    """
    text = piece.text[start:end]
    start, end = end - len(text.lstrip()), start + len(text.rstrip())
    if start >= end:
        return None
    last = not piece.text[end:].strip()
    return replace(
        piece,
        text=piece.text[start:end],
        start=piece.start + start,
        end=piece.start + end,
        pause_s=piece.pause_s if last else 0.0,
        lead_s=0.0 if piece.text[:start].strip() else piece.lead_s,
        edits=tuple(e.moved(-start) for e in piece.edits if start <= e.start and e.end <= end),
        marks=tuple(
            (at - start, name)
            for at, name in piece.marks
            if start <= at < end or (last and at >= end)
        ),
    )


def _sayable(edit: Edit, able: Abilities) -> Edit:
    """Without phonemes where the engine takes none: then it is told the respelling. Where it takes
    them, what is written stands there: words are known by it.
    """
    if edit.phonemes is None or able.missing is not None:
        return edit
    return replace(edit, phonemes=None)
