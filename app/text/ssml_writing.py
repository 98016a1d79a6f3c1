"""What is read of SSML, in the making."""

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final

from app.text.prosody import Prosody
from app.text.spoken import Edit
from app.text.ssml import Script, Span
from app.text.ssml_names import Content

_SPACE: Final = re.compile(r"[ \t\r\n]+")
# Before white space where the mark also stands inside numbers.
_MARK: Final = re.compile(r"[,;](?=\s)|[،؛，；、]")
# All that a sentence could end with.
_STOPS: Final = re.compile(r"[^\w\s,'\"()\[\]-]+|\n+")


@dataclass(slots=True)
class Silences:
    """Of a voice.

    Attributes:
        pauses: in s, behind marks. gap: in s, between sentences, and whether it is the whole one.
    """

    pauses: dict[str, float] = field(default_factory=dict)
    gap: tuple[float, bool] = (0.0, False)

    def inside(self, name: str) -> "Silences":
        """Of an element in it: a voice has its own, which begin as these."""
        return Silences(dict(self.pauses), self.gap) if name == "voice" else self


@dataclass(slots=True)
class Open:
    """An element that is being read.

    Attributes:
        begun: offset in the text where it begins. part: number of the parts that were there then.
    """

    name: str
    content: Content
    prosody: Prosody
    language: str | None
    voice: str | None
    attributes: dict[str, str]
    begun: int
    part: int
    silences: Silences


@dataclass(slots=True)
class Written:
    """A script in the making."""

    parts: list[str] = field(default_factory=list)
    length: int = 0
    spans: list[Span] = field(default_factory=list)
    breaks: list[tuple[int, float]] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    marks: list[tuple[int, str]] = field(default_factory=list)
    lexicons: list[str] = field(default_factory=list)
    ignored: dict[str, None] = field(default_factory=dict)
    gaps: list[tuple[int, float, bool]] = field(default_factory=list)
    tail_s: float = 0.0

    def write(self, text: str, inside: Open) -> list[float]:
        """White space is a space, however much of it there is.

        Returns:
            The pauses that there are behind marks of it, in s.
        """
        text = _SPACE.sub(" ", text)
        if self._blank():
            text = text.removeprefix(" ")
        if text:
            end = self.length + len(text)
            span = Span(self.length, end, inside.prosody, inside.language, inside.voice)
            self.spans.append(span)
            self._append(text)
        if not inside.silences.pauses or inside.content is not Content.MIXED:
            return []
        begun = self.length - len(text)
        made = [
            (begun + mark.end(), inside.silences.pauses[mark[0]])
            for mark in _MARK.finditer(text)
            if mark[0] in inside.silences.pauses
        ]
        self.breaks += made
        return [pause_s for _, pause_s in made]

    def end_gap(self, ended: Silences, around: Silences) -> None:
        """What goes for sentences again behind a voice."""
        if ended.gap != around.gap:
            self.gaps.append((self.length, *around.gap))

    def gaps_s(self) -> float:
        """All pauses between sentences, in s: not less than there will be."""
        if not self.gaps:
            return 0.0
        text = "".join(self.parts)
        places = [*(m.start() for m in _STOPS.finditer(text)), *self.ends]
        starts = [offset for offset, _, _ in self.gaps]
        found = (bisect_right(starts, place) for place in places)
        return sum(self.gaps[at - 1][1] for at in found if at)

    def separate(self, by: str) -> None:
        """Begin a new paragraph or sentence."""
        if self.parts and not (self.parts[-1].endswith(by) or (by == " " and self._blank())):
            self._append(by)

    def edit(self, since: Open, spoken: str, rule: str, phonemes: str | None = None) -> None:
        """What was written since then is said otherwise; what is said is written if nothing was."""
        text = "".join(self.parts[since.part :])
        start = since.begun + len(text) - len(text.lstrip())
        end = since.begun + len(text.rstrip())
        if start >= end:
            start = self.length
            self.write(spoken, since)
            end = self.length
        if start < end:
            self.edits.append(Edit(start, end, spoken, rule, phonemes))

    def script(self, language: str | None) -> Script:
        if self.tail_s:
            self.breaks.append((self.length, self.tail_s))
        return Script(
            "".join(self.parts),
            tuple(self.spans),
            tuple(self.breaks),
            tuple(self.ends),
            language,
            tuple(self.edits),
            tuple(self.marks),
            tuple(dict.fromkeys(self.lexicons)),
            tuple(self.ignored),
            tuple(self.gaps),
        )

    def _blank(self) -> bool:
        return not self.parts or self.parts[-1][-1] in " \n"

    def _append(self, text: str) -> None:
        self.parts.append(text)
        self.length += len(text)
