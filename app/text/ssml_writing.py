"""What is read of SSML, in the making."""

import re
from dataclasses import dataclass, field
from typing import Final

from app.text.prosody import Prosody
from app.text.spoken import Edit
from app.text.ssml import Script, Span
from app.text.ssml_names import Content

_SPACE: Final = re.compile(r"[ \t\r\n]+")


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
    tail_s: float = 0.0

    def write(self, text: str, inside: Open) -> None:
        """White space is a space, however much of it there is."""
        text = _SPACE.sub(" ", text)
        if self._blank():
            text = text.removeprefix(" ")
        if text:
            end = self.length + len(text)
            span = Span(self.length, end, inside.prosody, inside.language, inside.voice)
            self.spans.append(span)
            self._append(text)

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
        )

    def _blank(self) -> bool:
        return not self.parts or self.parts[-1][-1] in " \n"

    def _append(self, text: str) -> None:
        self.parts.append(text)
        self.length += len(text)
