"""Reads SSML: expat tells of elements and text, a script comes of it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final
from xml.parsers import expat

from app.core.exceptions import MarkupInvalid
from app.text.alphabets import to_ipa
from app.text.normalization import say_as
from app.text.prosody import Prosody
from app.text.respelling import respelled
from app.text.ssml import Script
from app.text.ssml_names import (
    AZURE,
    ELEMENTS,
    KNOWN,
    LONGEST,
    MEANING,
    NAMESPACE,
    NEEDED,
    SILENCES,
    STRENGTHS,
    STRUCTURE,
    XML,
    Content,
    name_parts,
)
from app.text.ssml_writing import Open, Silences, Written

MAX_DEPTH: Final = 32
MAX_ELEMENTS: Final = 20_000
MAX_BREAK_S: Final = 20.0
MAX_BREAKS_S: Final = 600.0
MAX_NAME: Final = 200
_TIME: Final = re.compile(r"\+?(\d{1,6}(?:\.\d{0,6})?|\.\d{1,6})(ms|s)")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,4}")
_LEXICON: Final = re.compile(
    r"(?:urn:lexicon:|(?:https?://[^/\s]{1,255})?/api/v1/lexicons/)?([\w.-]{1,64}(?:@\d{1,10})?)"
)
_SUPPORTED: Final = tuple(name for name in ELEMENTS if not name.startswith("mstts:"))


class Reader:
    """Reads one document.

    Args:
        prosody: of the request.
        language: of what says nothing else.
    """

    def __init__(self, prosody: Prosody, language: str) -> None:
        self._own = prosody
        self._default = language
        self._open: list[Open] = []
        self._written = Written()
        self._language: str | None = None
        self._breaks_s = 0.0
        self._elements = 0
        self._parser = expat.ParserCreate("utf-8", " ")
        self._parser.namespace_prefixes = True
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.ProcessingInstructionHandler = self._instruction

    def read(self, content: bytes) -> Script:
        """Raises `MarkupInvalid`."""
        try:
            self._parser.Parse(content, True)
        except expat.ExpatError as error:
            reason = expat.errors.messages.get(error.code, "it is not XML")
            hint = "Send well-formed XML; write & as &amp; and < as &lt; in the text."
            if "prefix" in reason:
                hint = 'Declare the prefix: <speak xmlns:mstts="https://www.w3.org/2001/mstts">.'
            raise _invalid(
                f"The SSML cannot be read: {reason}",
                hint,
                line=error.lineno,
                column=error.offset + 1,
            ) from error
        self._counted(self._written.gaps_s())
        return self._written.script(self._language)

    def _start(self, full: str, given: dict[str, str]) -> None:
        around = self._open[-1] if self._open else None
        self._count()
        if around and around.content is Content.SKIPPED:
            self._open.append(replace(around, name=""))
            return
        name, known = self._known(full)
        self._check_place(name)
        inside = Open(
            name,
            ELEMENTS[name].content if known else Content.MIXED,
            around.prosody if around else self._own,
            around.language if around else None,
            around.voice if around else None,
            self._attributes(name, given, known=known),
            self._written.length,
            len(self._written.parts),
            Silences() if around is None else around.silences.inside(name),
        )
        if known:
            self._begin(inside)
        self._open.append(inside)

    def _end(self, _: str) -> None:
        inside = self._open.pop()
        if inside.content is Content.SKIPPED:
            return
        if inside.name in ("p", "s"):
            self._separate(inside)
        elif inside.name == "voice":
            self._written.end_gap(inside.silences, self._open[-1].silences)
        elif inside.name == "sub":
            self._written.edit(inside, inside.attributes["alias"], "sub")
        elif inside.name == "phoneme":
            self._phoneme(inside)
        elif inside.name == "say-as":
            self._say_as(inside)

    def _text(self, text: str) -> None:
        inside = self._open[-1]
        if inside.content is Content.NOTHING:
            if text.strip():
                raise self._refusal(
                    f"`<{inside.name}>` has a content", f"Write it as `<{inside.name}/>`."
                )
        elif inside.content is not Content.SKIPPED:
            for pause_s in self._written.write(text, inside):
                self._counted(pause_s)

    def _doctype(self, *_: object) -> None:
        raise self._refusal(
            "There is a DTD", "Leave `<!DOCTYPE …>` out; write characters as they are."
        )

    def _instruction(self, target: str, _: str) -> None:
        raise self._refusal(f"There is an instruction `<?{target[:50]}`", "Leave it out.")

    def _known(self, full: str) -> tuple[str, bool]:
        """Name as it is told, and whether it has a meaning here. `full`: of expat."""
        uri, name, prefix = name_parts(full)
        if uri in AZURE:
            name = f"mstts:{name}"
            if name in ELEMENTS:
                return name, True
        elif uri in ("", NAMESPACE):
            if not self._open and name == "speak":
                return name, True
            if name in ELEMENTS:
                return name, True
            kind = "is not supported" if name in KNOWN else "is no element of SSML"
            raise self._refusal(
                f"`<{name[:50]}>` {kind}",
                f"Use only: {', '.join(_SUPPORTED)}.",
                supported=list(_SUPPORTED),
            )
        elif not self._open:
            raise self._refusal("`xmlns` is not that of SSML", f"It is {NAMESPACE}.")
        else:
            name = f"{prefix}:{name}" if prefix else name
        self._written.ignored[name[:100]] = None
        return name, False

    def _count(self) -> None:
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise self._refusal(f"There are more than {MAX_ELEMENTS} elements", "Split the text.")
        if len(self._open) >= MAX_DEPTH:
            raise self._refusal(f"More than {MAX_DEPTH} elements are nested", "Nest fewer.")

    def _check_place(self, name: str) -> None:
        if not self._open:
            if name != "speak":
                raise self._refusal(
                    f"`<{name[:50]}>` is not in `<speak>`", "Put all of it into `<speak>…</speak>`."
                )
            return
        around = self._open[-1]
        wrong = around.content in (Content.TEXT, Content.NOTHING) or name == "speak"
        if name in ("p", "s"):
            allowed = around.name in STRUCTURE or around.name not in ELEMENTS
            wrong = wrong or not (allowed or (name == "s" and around.name == "p"))
        if name == "lexicon":
            wrong = wrong or around.name not in ("speak", "voice")
        if wrong:
            raise self._refusal(
                f"`<{name[:50]}>` cannot be in `<{around.name[:50]}>`", "Put it elsewhere."
            )

    def _attributes(self, name: str, given: dict[str, str], *, known: bool) -> dict[str, str]:
        """By their names; what has no effect is told, what is unknown is refused."""
        found: dict[str, str] = {}
        for full, value in given.items():
            uri, local, prefix = name_parts(full)
            attribute = f"xml:{local}" if uri == XML else f"{prefix}:{local}" if uri else local
            element = ELEMENTS.get(name)
            if element and attribute in element.attributes:
                found[attribute] = value
            elif uri not in ("", XML) or not known:
                continue  # of other vocabularies: what is used of them is told where it is used
            elif element and attribute in element.silent:
                self._written.ignored[f"{name}@{attribute}"] = None
                found[attribute] = value
            else:
                takes = ", ".join(f"`{one}`" for one in element.attributes) if element else ""
                raise self._refusal(
                    f"`{attribute[:50]}` of `<{name}>` is not supported",
                    f"Its attributes are: {takes or 'none'}.",
                )
        return found

    def _begin(self, inside: Open) -> None:
        if "xml:lang" in inside.attributes and inside.name != "voice":
            self._begin_language(inside)
        begin = _BEGINNINGS.get(inside.name)
        if begin is not None:
            begin(self, inside)
        for attribute in NEEDED.get(inside.name, ()):
            self._needed(inside, attribute)

    def _speak(self, inside: Open) -> None:
        if inside.attributes.get("version", "1.1") not in ("1.0", "1.1"):
            raise self._refusal("`version` of `<speak>` is not supported", "It is 1.0 or 1.1.")

    def _voice(self, inside: Open) -> None:
        inside.voice = self._needed(inside, "name")

    def _embedding(self, inside: Open) -> None:
        other = inside.attributes.get("speakerprofileid")  # as Azure's pages write it now and then
        inside.voice = other or self._needed(inside, "speakerProfileId")

    def _mark(self, inside: Open) -> None:
        name = self._needed(inside, "name" if inside.name == "mark" else "mark")
        self._written.marks.append((self._written.length, name))

    def _needed(self, inside: Open, attribute: str) -> str:
        value = inside.attributes.get(attribute, "").strip()
        if not value:
            raise self._refusal(
                f"`<{inside.name}>` has no `{attribute}`", f"Say {MEANING[attribute]} in it."
            )
        most = LONGEST.get(attribute, MAX_NAME)
        if len(value) > most:
            raise self._refusal(
                f"`{attribute}` of `<{inside.name}>` is longer than {most}", "Shorten it."
            )
        return value

    def _begin_language(self, inside: Open) -> None:
        tag = inside.attributes["xml:lang"].strip()
        if not _LANGUAGE.fullmatch(tag):
            raise self._refusal("`xml:lang` is no language", "Use a BCP-47 tag, such as en-US.")
        if inside.name == "speak":
            self._language = tag
        else:
            inside.language = tag

    def _separate(self, inside: Open) -> None:
        self._written.separate("\n\n" if inside.name == "p" else " ")
        if inside.name == "s":
            self._written.ends.append(self._written.length)

    def _break(self, inside: Open) -> None:
        attributes = inside.attributes
        strength = attributes.get("strength", "medium")
        if strength not in STRENGTHS:
            raise self._refusal(
                "`strength` of `<break>` is not known", f"Use one of: {', '.join(STRENGTHS)}."
            )
        pause_s = STRENGTHS[strength]
        if "time" in attributes:
            pause_s = self._seconds("`time` of `<break>`", attributes["time"])
        self._written.breaks.append((self._written.length, self._counted(pause_s)))

    def _silence(self, inside: Open) -> None:
        """Azure's way to say pauses, from here to the end of the voice that it stands in."""
        kind = self._needed(inside, "type").lower()
        pause_s = self._seconds("`value` of `<mstts:silence>`", self._needed(inside, "value"))
        exact = kind.endswith("-exact")
        if kind in SILENCES:
            inside.silences.pauses |= dict.fromkeys(SILENCES[kind], pause_s)
            return
        kind = kind.removesuffix("-exact")
        if kind == "leading":
            self._written.breaks.insert(0, (0, self._counted(pause_s)))
        elif kind == "tailing":
            self._written.tail_s = self._counted(pause_s)
        elif kind == "sentenceboundary":
            inside.silences.gap = (pause_s, exact)
            self._written.gaps.append((self._written.length, pause_s, exact))
        else:
            self._written.ignored[f"mstts:silence {kind[:50]}"] = None

    def _seconds(self, what: str, value: str) -> float:
        found = _TIME.fullmatch(value.strip())
        pause_s = float(found[1]) / (1000 if found[2] == "ms" else 1) if found else -1.0
        if not 0 <= pause_s <= MAX_BREAK_S:
            raise self._refusal(
                f"{what} cannot be used",
                f"Use something like 500ms or 1.5s, at most {MAX_BREAK_S:g}s.",
            )
        return pause_s

    def _counted(self, pause_s: float) -> float:
        self._breaks_s += pause_s
        if self._breaks_s > MAX_BREAKS_S:
            raise self._refusal(
                f"All pauses together are longer than {MAX_BREAKS_S:g} s",
                "Use fewer, or shorter ones.",
            )
        return pause_s

    def _lexicon(self, inside: Open) -> None:
        found = _LEXICON.fullmatch(self._needed(inside, "uri"))
        if not found:
            raise self._refusal(
                "`uri` of `<lexicon>` is no lexicon of this server",
                "Use its id, or id@revision; upload others: POST /api/v1/lexicon/bulk-upload.",
            )
        self._written.lexicons.append(found[1])

    def _prosody(self, inside: Open) -> None:
        if not inside.attributes:
            raise self._refusal(
                "`<prosody>` changes nothing", "Say `rate`, `pitch` or `volume` in it."
            )
        for attribute, value in inside.attributes.items():
            try:
                inside.prosody = inside.prosody.changed(attribute, value.strip(), self._own)
            except ValueError as error:
                raise self._refusal(
                    f"`{attribute}` of `<prosody>` cannot be used", str(error)
                ) from error

    def _emphasis(self, inside: Open) -> None:
        level = inside.attributes.get("level", "moderate")
        try:
            inside.prosody = inside.prosody.emphasized(level)
        except ValueError as error:
            raise self._refusal("`level` of `<emphasis>` is not known", str(error)) from error

    def _phoneme(self, inside: Open) -> None:
        alphabet = inside.attributes.get("alphabet", "ipa").strip().lower()
        try:
            ipa = to_ipa(inside.attributes["ph"], alphabet)
        except ValueError as error:
            raise self._refusal("`<phoneme>` cannot be used", f"{error}") from error
        self._written.edit(inside, respelled(ipa), "phoneme", ipa)

    def _say_as(self, inside: Open) -> None:
        text = "".join(self._written.parts[inside.part :]).strip()
        language = inside.language or self._language or self._default
        kind, form = inside.attributes["interpret-as"], inside.attributes.get("format")
        if not text:
            raise self._refusal("`<say-as>` has no text", "Write in it what is to be said.")
        try:
            said = say_as(text, kind.strip(), format=form, language=language)
        except ValueError as error:
            raise self._refusal("`<say-as>` cannot be used", f"{error}") from error
        self._written.edit(inside, said, "say-as")

    def _refusal(self, what: str, suggestion: str, **extra: object) -> MarkupInvalid:
        return _invalid(
            what,
            suggestion,
            line=self._parser.CurrentLineNumber,
            column=self._parser.CurrentColumnNumber + 1,
            **extra,
        )


_BEGINNINGS: Final[Mapping[str, Callable[[Reader, Open], None]]] = {
    "speak": Reader._speak,
    "p": Reader._separate,
    "s": Reader._separate,
    "break": Reader._break,
    "prosody": Reader._prosody,
    "emphasis": Reader._emphasis,
    "voice": Reader._voice,
    "mstts:ttsembedding": Reader._embedding,
    "mark": Reader._mark,
    "bookmark": Reader._mark,
    "lexicon": Reader._lexicon,
    "mstts:silence": Reader._silence,
}


def _invalid(
    what: str, suggestion: str, *, line: int, column: int, **extra: object
) -> MarkupInvalid:
    return MarkupInvalid(
        f"{what}, at line {line}, column {column}.", suggestion, line=line, column=column, **extra
    )
