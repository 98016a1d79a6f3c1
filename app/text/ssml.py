"""The part of SSML 1.1 that is understood. What is not is refused by name, never skipped."""

import re
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from app.core.exceptions import InvalidRequest, MarkupInvalid
from app.text.prosody import Prosody
from app.text.spoken import Edit

SUPPORTED: Final = ("speak", "p", "s", "break", "prosody", "sub")
NAMESPACE: Final = "http://www.w3.org/2001/10/synthesis"
MAX_DEPTH: Final = 32
MAX_BREAK_S: Final = 20.0
MAX_BREAKS_S: Final = 600.0
STRENGTHS: Final = {
    "none": 0.0, "x-weak": 0.25, "weak": 0.5, "medium": 0.75, "strong": 1.0, "x-strong": 1.25,
}  # fmt: skip

_KNOWN = frozenset(
    {
        "audio", "bookmark", "desc", "emphasis", "lang", "lexicon", "lookup", "mark", "meta",
        "metadata", "phoneme", "say-as", "token", "voice", "w",
    }
)  # fmt: skip
_ATTRIBUTES = {
    "speak": ("version", "xmlns", "xml:lang"),
    "p": (),
    "s": (),
    "break": ("time", "strength"),
    "prosody": ("rate", "pitch", "volume"),
    "sub": ("alias",),
}
_PARENTS = {
    "p": ("speak", "prosody"),
    "s": ("speak", "prosody", "p"),
    "break": ("speak", "prosody", "p", "s"),
    "prosody": ("speak", "prosody", "p", "s"),
    "sub": ("speak", "prosody", "p", "s"),
}
_TIME = re.compile(r"\+?(\d{1,6}(?:\.\d{0,6})?|\.\d{1,6})(ms|s)")
_SPACE = re.compile(r"[ \t\r\n]+")


@dataclass(frozen=True, slots=True)
class Span:
    """A passage of a text, spoken in one way.

    Attributes:
        language: BCP-47 tag, None where the markup does not say.
        voice: id of the voice, None for that of the request.
    """

    start: int
    end: int
    prosody: Prosody
    language: str | None = None
    voice: str | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """What is to be spoken, and how.

    Attributes:
        text: without markup.
        spans: in order; what is in none of them is white space.
        breaks: offsets in the text where there is a pause, in s; in order.
        ends: offsets where a sentence ends, whatever its punctuation; in order.
        language: BCP-47 tag of the whole, None if it is not said.
        edits: what is not read as it is written: `sub`, `say-as`, `phoneme`; in order.
        marks: offsets in the text and names of the marks; in order.
        lexicons: ids of those that the markup asks for, by precedence.
        ignored: what of the markup has no meaning here, e.g. `mstts:express-as`; each once.
    """

    text: str
    spans: tuple[Span, ...]
    breaks: tuple[tuple[int, float], ...] = ()
    ends: tuple[int, ...] = ()
    language: str | None = None
    edits: tuple[Edit, ...] = ()
    marks: tuple[tuple[int, str], ...] = ()
    lexicons: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


def plain(text: str, prosody: Prosody) -> Script:
    """Text in which nothing is markup."""
    return Script(text, (Span(0, len(text), prosody),))


def parse(ssml: str, prosody: Prosody) -> Script:
    """Read a document: `speak` and what is in it.

    No DTD, no entities but the five of XML, nothing is fetched. Linear in the length.

    Args:
        ssml: of a length that the caller has checked.
        prosody: what the markup changes.

    Raises:
        MarkupInvalid: with `line` and `column`, both from 1.
        InvalidRequest: half of a surrogate pair.
    """
    try:
        content = ssml.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest(
            f"The SSML has half of a surrogate pair at offset {error.start}.",
            "Send it as valid UTF-8.",
            offset=error.start,
        ) from error
    return _Reader(prosody).read(content)


@dataclass(slots=True)
class _Element:
    name: str
    prosody: Prosody
    language: str | None = None


@dataclass(slots=True)
class _Written:
    """A script in the making."""

    parts: list[str] = field(default_factory=list)
    length: int = 0
    spans: list[Span] = field(default_factory=list)
    breaks: list[tuple[int, float]] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)

    def write(self, text: str, prosody: Prosody) -> None:
        """White space is a space, however much of it there is."""
        text = _SPACE.sub(" ", text)
        if self._blank():
            text = text.removeprefix(" ")
        if text:
            self.spans.append(Span(self.length, self.length + len(text), prosody))
            self._append(text)

    def separate(self, by: str) -> None:
        """Begin a new paragraph or sentence."""
        if self.parts and not (self.parts[-1].endswith(by) or (by == " " and self._blank())):
            self._append(by)

    def _blank(self) -> bool:
        return not self.parts or self.parts[-1][-1] in " \n"

    def _append(self, text: str) -> None:
        self.parts.append(text)
        self.length += len(text)


class _Reader:
    def __init__(self, prosody: Prosody) -> None:
        self._own = prosody
        self._open: list[_Element] = []
        self._written = _Written()
        self._language: str | None = None
        self._breaks_s = 0.0
        self._parser = expat.ParserCreate("utf-8")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.ProcessingInstructionHandler = self._instruction

    def read(self, content: bytes) -> Script:
        try:
            self._parser.Parse(content, True)
        except expat.ExpatError as error:
            reason = expat.errors.messages.get(error.code, "it is not XML")
            raise _invalid(
                f"The SSML cannot be read: {reason}",
                "Send well-formed XML; write & as &amp; and < as &lt; in the text.",
                line=error.lineno,
                column=error.offset + 1,
            ) from error
        made = self._written
        return Script(
            "".join(made.parts),
            tuple(made.spans),
            tuple(made.breaks),
            tuple(made.ends),
            self._language,
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._check_place(name)
        self._check_attributes(name, attributes)
        prosody = self._open[-1].prosody if self._open else self._own
        if name == "speak":
            self._begin(attributes)
        elif name in ("p", "s"):
            self._separate(name)
        elif name == "break":
            self._break(attributes)
        elif name == "prosody":
            prosody = self._prosody(prosody, attributes)
        elif name == "sub":
            if "alias" not in attributes:
                raise self._refusal("`<sub>` has no `alias`", "Say in `alias` what is spoken.")
            self._written.write(attributes["alias"], prosody)
        self._open.append(_Element(name, prosody))

    def _end(self, name: str) -> None:
        self._open.pop()
        if name in ("p", "s"):
            self._separate(name)

    def _text(self, text: str) -> None:
        inside = self._open[-1]
        if inside.name == "break" and text.strip():
            raise self._refusal("`<break>` has a content", "Write it as `<break/>`.")
        if inside.name not in ("break", "sub"):
            self._written.write(text, inside.prosody)

    def _doctype(self, *_: object) -> None:
        raise self._refusal(
            "There is a DTD", "Leave `<!DOCTYPE …>` out; write characters as they are."
        )

    def _instruction(self, target: str, _: str) -> None:
        raise self._refusal(f"There is an instruction `<?{target[:50]}`", "Leave it out.")

    def _check_place(self, name: str) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise self._refusal(f"More than {MAX_DEPTH} elements are nested", "Nest fewer.")
        if name not in SUPPORTED:
            kind = "is not supported" if name in _KNOWN else "is no element of SSML"
            raise self._refusal(
                f"`<{name[:50]}>` {kind}",
                f"Use only: {', '.join(SUPPORTED)}.",
                supported=list(SUPPORTED),
            )
        if not self._open:
            if name != "speak":
                raise self._refusal(
                    f"`<{name}>` is not in `<speak>`", "Put all of it into `<speak>…</speak>`."
                )
        elif self._open[-1].name not in _PARENTS.get(name, ()):
            raise self._refusal(
                f"`<{name}>` cannot be in `<{self._open[-1].name}>`", "Put it elsewhere."
            )

    def _check_attributes(self, name: str, attributes: dict[str, str]) -> None:
        allowed = _ATTRIBUTES[name]
        for attribute in attributes:
            if attribute not in allowed and not _harmless(name, attribute):
                known = ", ".join(f"`{one}`" for one in allowed) or "none"
                raise self._refusal(
                    f"`{attribute[:50]}` of `<{name}>` is not supported",
                    f"Its attributes are: {known}.",
                )

    def _begin(self, attributes: dict[str, str]) -> None:
        if attributes.get("xmlns", NAMESPACE) != NAMESPACE:
            raise self._refusal("`xmlns` is not that of SSML", f"It is {NAMESPACE}.")
        if attributes.get("version", "1.1") not in ("1.0", "1.1"):
            raise self._refusal("`version` of `<speak>` is not supported", "It is 1.0 or 1.1.")
        self._language = attributes.get("xml:lang")
        if self._language is not None and not 2 <= len(self._language) <= 35:
            raise self._refusal("`xml:lang` is no language", "Use a BCP-47 tag, such as en-US.")

    def _separate(self, name: str) -> None:
        self._written.separate("\n\n" if name == "p" else " ")
        if name == "s":
            self._written.ends.append(self._written.length)

    def _break(self, attributes: dict[str, str]) -> None:
        strength = attributes.get("strength", "medium")
        if strength not in STRENGTHS:
            raise self._refusal(
                "`strength` of `<break>` is not known", f"Use one of: {', '.join(STRENGTHS)}."
            )
        pause_s = STRENGTHS[strength]
        if "time" in attributes:
            found = _TIME.fullmatch(attributes["time"])
            pause_s = float(found[1]) / (1000 if found[2] == "ms" else 1) if found else -1.0
            if not 0 <= pause_s <= MAX_BREAK_S:
                raise self._refusal(
                    "`time` of `<break>` cannot be used",
                    f"Use something like 500ms or 1.5s, at most {MAX_BREAK_S:g}s.",
                )
        self._breaks_s += pause_s
        if self._breaks_s > MAX_BREAKS_S:
            raise self._refusal(
                f"All `<break>`s together are longer than {MAX_BREAKS_S:g} s", "Use fewer."
            )
        self._written.breaks.append((self._written.length, pause_s))

    def _prosody(self, prosody: Prosody, attributes: dict[str, str]) -> Prosody:
        if not attributes:
            raise self._refusal(
                "`<prosody>` changes nothing", "Say `rate`, `pitch` or `volume` in it."
            )
        for attribute, value in attributes.items():
            try:
                prosody = prosody.changed(attribute, value.strip(), self._own)
            except ValueError as error:
                raise self._refusal(
                    f"`{attribute}` of `<prosody>` cannot be used", str(error)
                ) from error
        return prosody

    def _refusal(self, what: str, suggestion: str, **extra: object) -> MarkupInvalid:
        return _invalid(
            what,
            suggestion,
            line=self._parser.CurrentLineNumber,
            column=self._parser.CurrentColumnNumber + 1,
            **extra,
        )


def _invalid(
    what: str, suggestion: str, *, line: int, column: int, **extra: object
) -> MarkupInvalid:
    return MarkupInvalid(
        f"{what}, at line {line}, column {column}.", suggestion, line=line, column=column, **extra
    )


def _harmless(name: str, attribute: str) -> bool:
    """Declarations of other vocabularies: what is used of them is refused where it is used."""
    return name == "speak" and (attribute.startswith("xmlns:") or attribute == "xsi:schemaLocation")
