"""Entries as W3C PLS 1.0, read: https://www.w3.org/TR/pronunciation-lexicon/

No DTD, no entities but the five of XML, nothing is fetched. Linear in the length.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final
from xml.parsers import expat

from app.core.exceptions import LexiconFileInvalid
from app.lexicons.formats.rows import FileContents, Row, too_many
from app.models.lexicon import PartOfSpeech

NAMESPACE: Final = "http://www.w3.org/2005/01/pronunciation-lexicon"
ROLES: Final = "urn:voice-cloning:pls"
"""Namespace of roles that say what PLS itself has no words for."""
ANY_CASE: Final = "any-case"
IN_WORDS: Final = "in-words"
UNDETERMINED: Final = "und"
"""Language of entries for any language: PLS wants one."""
ALPHABETS: Final[Mapping[str, str]] = MappingProxyType(
    {"cmu-arpabet": "x-cmu-arpabet", "ups": "x-microsoft-ups"}
)
"""Names of ours that PLS would not take, as they are written there."""

MAX_DEPTH: Final = 32
_ELEMENTS_PER_ENTRY: Final = 8
_XML: Final = "http://www.w3.org/XML/1998/namespace"
_LANG: Final = f"{_XML} lang"
_SEPARATOR: Final = " "
_PARTS: Final = ("grapheme", "alias", "phoneme", "example")
_PARENTS: Final[Mapping[str, str | None]] = MappingProxyType(
    {"lexicon": None, "meta": "lexicon", "metadata": "lexicon", "lexeme": "lexicon"}
    | dict.fromkeys(_PARTS, "lexeme")
)
_OURS: Final[Mapping[str, str]] = MappingProxyType(
    {foreign: own for own, foreign in ALPHABETS.items()}
)
_ADJECTIVE, _ADVERB = PartOfSpeech.ADJECTIVE, PartOfSpeech.ADVERB
_SPEECH: Final[Mapping[str, PartOfSpeech]] = MappingProxyType(
    {part.value: part for part in PartOfSpeech}
    | {"adj": _ADJECTIVE, "adv": _ADVERB, "nn": PartOfSpeech.NOUN, "vb": PartOfSpeech.VERB}
)


def read_pls(content: bytes, *, limit: int) -> FileContents:
    """The lexemes of a document, one row for each of their graphemes. Graphemes match in the case
    in which they are written, unless a role of ours says otherwise. Of several aliases and phonemes
    the preferred one counts, else the first.

    Raises:
        LexiconFileInvalid: with `line` and `column`, both from 1; or it has more than `limit` rows.
    """
    return _Reader(limit).read(content)


@dataclass(slots=True)
class _Lexeme:
    """A lexeme in the making."""

    number: int
    line: int
    language: str | None
    roles: tuple[str, ...]
    graphemes: list[str] = field(default_factory=list)
    spoken: list[tuple[str, str, str, bool]] = field(default_factory=list)
    """Kind, text, alphabet, preferred."""
    example: str | None = None

    def rows(self) -> list[Row]:
        fields: dict[str, Any] = {"language": self.language, "note": self.example}
        fields["case_sensitive"] = (ROLES, ANY_CASE) not in self._qualified()
        fields["word_boundaries"] = (ROLES, IN_WORDS) not in self._qualified()
        remarks = []
        for namespace, name in self._qualified():
            if part := _SPEECH.get(name.lower()):
                fields["part_of_speech"] = part.value
            elif namespace != ROLES:
                remarks.append(f"The role {name[:50]!r} is not known, and left out.")
        if self.spoken:
            kind, text, alphabet, _ = next((one for one in self.spoken if one[3]), self.spoken[0])
            fields |= {"alias": text} if kind == "alias" else {"phonemes": text}
            if kind == "phoneme":
                fields["alphabet"] = _OURS.get(alphabet, alphabet)
            if len(self.spoken) > 1:
                remarks.append("It is said in several ways; one of them is kept.")
        remark = " ".join(remarks) or None
        return [
            Row(self.number, {"grapheme": grapheme} | fields, self.line, remark)
            for grapheme in self.graphemes or [""]
        ]

    def _qualified(self) -> list[tuple[str, str]]:
        pairs = [role.rpartition(_SEPARATOR) for role in self.roles]
        return [(namespace, name) for namespace, _, name in pairs]


class _Reader:
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: list[str] = []
        self._elements = 0
        self._lexemes = 0
        self._rows: list[Row] = []
        self._lexeme: _Lexeme | None = None
        self._text: list[str] = []
        self._said: tuple[str, bool] = ("", False)
        self._alphabet = ""
        self._language: str | None = None
        self._prefixes: dict[str, str] = {}
        self._parser = expat.ParserCreate(None, _SEPARATOR)
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartNamespaceDeclHandler = self._namespace

    def read(self, content: bytes) -> FileContents:
        try:
            self._parser.Parse(content, True)
        except expat.ExpatError as error:
            reason = expat.errors.messages.get(error.code, "it is not XML")
            raise _invalid(
                f"The file cannot be read: {reason}",
                "Send well-formed XML; write & as &amp; and < as &lt; in the text.",
                line=error.lineno,
                column=error.offset + 1,
            ) from error
        except (LookupError, ValueError) as error:  # of encodings that Python has not, or not so
            raise LexiconFileInvalid(
                "The file has an encoding that cannot be read.", "Save it as UTF-8."
            ) from error
        return FileContents(self._rows, self._language)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > self._limit * _ELEMENTS_PER_ENTRY + 1000:
            raise too_many(self._limit)
        if len(self._open) >= MAX_DEPTH:
            raise self._refusal(f"More than {MAX_DEPTH} elements are nested", "Nest fewer.")
        if "metadata" not in self._open:
            name = self._known(name)
            if name == "lexicon":
                self._begin(attributes)
            elif name == "lexeme":
                self._begin_lexeme(attributes)
            elif name in _PARTS:
                self._text = []
                alphabet = attributes.get("alphabet", self._alphabet)
                self._said = alphabet, attributes.get("prefer", "").strip() in ("true", "1")
        self._open.append(name)

    def _known(self, name: str) -> str:
        """The element without its namespace, if it may be where it is."""
        namespace, _, local = name.rpartition(_SEPARATOR)
        if namespace not in ("", NAMESPACE) or local not in _PARENTS:
            raise self._refusal(
                f"`<{local[:50]}>` is no element of PLS",
                f"Its elements are: {', '.join(_PARENTS)}; its namespace is {NAMESPACE}.",
            )
        parent = _PARENTS[local]
        if parent != (self._open[-1] if self._open else None):
            where = f"must be in `<{parent}>`" if parent else "must be the outermost element"
            raise self._refusal(f"`<{local}>` {where}", "Put it there.")
        return local

    def _begin(self, attributes: dict[str, str]) -> None:
        if attributes.get("version", "1.0") != "1.0":
            raise self._refusal("`version` of `<lexicon>` is not known", "It is 1.0.")
        self._alphabet = attributes.get("alphabet", "")
        self._language = _language(attributes)

    def _begin_lexeme(self, attributes: dict[str, str]) -> None:
        self._lexemes += 1
        roles = []
        for role in attributes.get("role", "").split():
            prefix, _, local = role.rpartition(":")
            roles.append(f"{self._prefixes.get(prefix, '')}{_SEPARATOR}{local}")
        line = self._parser.CurrentLineNumber
        self._lexeme = _Lexeme(self._lexemes, line, _language(attributes), tuple(roles))

    def _end(self, _: str) -> None:
        name = self._open.pop()
        if self._lexeme is None or "metadata" in self._open:
            return
        if name == "lexeme":
            self._rows += self._lexeme.rows()
            if len(self._rows) > self._limit:
                raise too_many(self._limit)
            self._lexeme = None
        elif name in _PARTS:
            self._take(self._lexeme, name, " ".join("".join(self._text).split()))

    def _take(self, lexeme: _Lexeme, name: str, text: str) -> None:
        if name == "grapheme":
            lexeme.graphemes.append(text)
        elif name == "example":
            lexeme.example = lexeme.example or text
        else:
            lexeme.spoken.append((name, text, *self._said))

    def _characters(self, text: str) -> None:
        inside = self._open[-1]
        if inside in _PARTS and self._lexeme is not None:
            self._text.append(text)
        elif text.strip() and "metadata" not in self._open:
            raise self._refusal(
                f"`<{inside[:50]}>` has a text of its own", "Put it into `<grapheme>` or `<alias>`."
            )

    def _namespace(self, prefix: str | None, uri: str | None) -> None:
        self._prefixes[prefix or ""] = uri or ""

    def _doctype(self, *_: object) -> None:
        raise self._refusal(
            "There is a DTD", "Leave `<!DOCTYPE …>` out; write characters as they are."
        )

    def _refusal(self, what: str, suggestion: str) -> LexiconFileInvalid:
        return _invalid(
            what,
            suggestion,
            line=self._parser.CurrentLineNumber,
            column=self._parser.CurrentColumnNumber + 1,
        )


def _language(attributes: Mapping[str, str]) -> str | None:
    language = attributes.get(_LANG, "").strip()
    return None if language.lower() in ("", UNDETERMINED) else language


def _invalid(what: str, suggestion: str, *, line: int, column: int) -> LexiconFileInvalid:
    return LexiconFileInvalid(
        f"{what}, at line {line}, column {column}.", suggestion, line=line, column=column
    )
