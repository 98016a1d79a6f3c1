"""Azure AI Translator, text, by its REST API in two versions.

2026-06-06 has no call that only detects: it translates the beginning into English and tells what
it took it for.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from app.core.exceptions import (
    AppError,
    TranslationFailed,
    TranslationUnavailable,
    UnsupportedLanguage,
)
from app.core.tasks import in_thread
from app.translators.base import UNDETERMINED, Detection, Language, Term, Translation
from app.translators.chunks import Bounds, chunks, joined, utf16
from app.translators.failures import told
from app.translators.http import CallFailed, ServiceClient
from app.translators.tags import clean_tag
from app.translators.terms import Glossary

Version = Literal["2026-06-06", "3.0"]

_WHO: Final = "Azure AI Translator"
_MAX_ELEMENTS, _MAX_CHARS = 1000, 50_000  # of a request, in either version
_MAX_DETECTED: Final = 50  # half of the 100 that are taken: letters may count twice
_CHUNK: Final = 5_000  # of a piece as it is sent: long enough for context, quick to answer
_BEGINNING: Final = 500  # of a text whose language is asked for
_LANGUAGE_CODES: Final = frozenset({"400003", "400018", "400019", "400023", "400035", "400036"})
_QUOTA: Final = "403001"


@dataclass(frozen=True, slots=True)
class AzureSite:
    """Where the service is.

    Attributes:
        endpoint: https address, global or of a resource.
        path: between that and `/translate`; None: none for a global endpoint, and
            `translator/text/vVERSION` for one of a resource, as Microsoft's own library has it.
    """

    endpoint: str
    version: Version = "2026-06-06"
    path: str | None = None

    def url(self, call: str) -> str:
        path = self.path
        if path is None:
            own = "cognitiveservices" in (urlsplit(self.endpoint).hostname or "")
            path = f"translator/text/v{self.version}" if own else ""
        return "/".join(part.strip("/") for part in (self.endpoint, path, call) if part)


@dataclass(frozen=True, slots=True)
class _Element:
    """A piece of one of the texts, as it is sent."""

    text: int
    bounds: Bounds
    content: str
    html: bool


class AzureTranslator:
    """Implements `Translator`."""

    name = "azure"

    def __init__(self, client: ServiceClient, site: AzureSite) -> None:
        self._client = client
        self._site = site

    async def close(self) -> None:
        await self._client.close()

    async def translate(
        self,
        texts: Sequence[str],
        *,
        target: str,
        source: str | None = None,
        terms: Sequence[Term] = (),
    ) -> list[Translation]:
        glossary = Glossary(terms)
        elements = await in_thread(None, _cut, texts, source, glossary)
        done: list[Translation] = []
        for some in _requests(elements):
            done += await self._translated(some, target, source)
        found: dict[int, list[tuple[_Element, Translation]]] = {}
        for element, translation in zip(elements, done, strict=True):
            found.setdefault(element.text, []).append((element, translation))
        return [
            _whole(text, found.get(number, []), glossary, target, source)
            for number, text in enumerate(texts)
        ]

    async def detect(self, texts: Sequence[str]) -> list[Detection]:
        found: list[Detection] = []
        for start in range(0, len(texts), _MAX_DETECTED):
            some = [text[:_BEGINNING] or " " for text in texts[start : start + _MAX_DETECTED]]
            if self._site.version == "3.0":
                answer = await self._call("POST", "detect", {}, [{"Text": text} for text in some])
                found += [_detection(item) for item in _list(answer, len(some))]
            else:
                answer = await self._call("POST", "translate", {}, _inputs(some, "en", None, False))
                values = _list(_member(answer, "value"), len(some))
                found += [_detection(_member(item, "detectedLanguage")) for item in values]
        return found

    async def languages(self) -> Sequence[Language]:
        answer = await self._call("GET", "languages", {"scope": "translation"}, None)
        known = _member(answer, "translation")
        if not isinstance(known, Mapping):
            raise _useless()
        return [
            Language(tag, _text(entry, "name") or tag, _text(entry, "nativeName") or tag)
            for tag, entry in known.items()
            if clean_tag(tag)
        ]

    async def _translated(
        self, elements: Sequence[_Element], target: str, source: str | None
    ) -> list[Translation]:
        contents, html = [one.content for one in elements], elements[0].html
        if self._site.version == "3.0":
            query = {"to": target, "textType": "html" if html else "plain"}
            if source:
                query["from"] = source
            answer = await self._call("POST", "translate", query, [{"Text": t} for t in contents])
        else:
            body = _inputs(contents, target, source, html)
            answer = _member(await self._call("POST", "translate", {}, body), "value")
        return [_translation(item, source) for item in _list(answer, len(elements))]

    async def _call(self, method: str, call: str, query: Mapping[str, str], body: Any) -> Any:
        params = {"api-version": self._site.version, **query}
        try:
            answer = await self._client.call(method, self._site.url(call), params=params, body=body)
        except CallFailed as failure:
            raise _told(failure) from failure
        return answer.document


def _cut(texts: Sequence[str], source: str | None, glossary: Glossary) -> list[_Element]:
    return [
        one
        for number, text in enumerate(texts)
        for one in _elements(number, text, source, glossary)
    ]


def _elements(number: int, text: str, source: str | None, glossary: Glossary) -> Iterator[_Element]:
    """What is sent of a text. Lines of one with terms are sent apart: in HTML a line break is no
    more than a space.
    """
    if not glossary.used(text):
        for start, end in chunks(text, _CHUNK, language=source, measure=utf16):
            yield _Element(number, (start, end), text[start:end], html=False)
        return

    def marked(piece: str) -> int:
        return utf16(glossary.marked(piece))

    at = 0
    for line in text.splitlines(keepends=True):
        for start, end in chunks(line, _CHUNK, language=source, measure=marked):
            content = glossary.marked(line[start:end])
            yield _Element(number, (at + start, at + end), content, html=True)
        at += len(line)


def _requests(elements: Sequence[_Element]) -> Iterator[list[_Element]]:
    """Neighbours that fit into one request: version 3.0 takes one kind of text in each."""
    for _, kind in groupby(elements, key=lambda one: one.html):
        some: list[_Element] = []
        size = 0
        for one in kind:
            length = utf16(one.content)
            if some and (len(some) == _MAX_ELEMENTS or size + length > _MAX_CHARS):
                yield some
                some, size = [], 0
            some.append(one)
            size += length
        if some:
            yield some


def _whole(
    text: str,
    done: Sequence[tuple[_Element, Translation]],
    glossary: Glossary,
    target: str,
    source: str | None,
) -> Translation:
    if not done:  # nothing but white space
        return Translation(text, source or UNDETERMINED, detected=False)
    pieces = [
        glossary.unmarked(translation.text, text[slice(*element.bounds)])
        if element.html
        else translation.text
        for element, translation in done
    ]
    bounds = [element.bounds for element, _ in done]
    longest = max(done, key=lambda one: len(one[0].content))[1]
    translated = joined(text, bounds, pieces, language=target)
    return Translation(translated, longest.source, longest.detected)


def _inputs(texts: Sequence[str], target: str, source: str | None, html: bool) -> dict[str, Any]:
    """The body of version 2026-06-06."""
    usual: dict[str, Any] = {
        "textType": "Html" if html else "Plain",
        "targets": [{"language": target}],
    }
    if source:
        usual["language"] = source
    return {"inputs": [{"text": text, **usual} for text in texts]}


def _translation(item: Any, source: str | None) -> Translation:
    found = _list(_member(item, "translations"), 1)[0]
    text = _text(found, "text")
    if text is None:
        raise _useless()
    detected = item.get("detectedLanguage")
    language = _detection(detected).language if isinstance(detected, Mapping) else None
    return Translation(text, source or language or UNDETERMINED, detected=source is None)


def _detection(item: Any) -> Detection:
    language = clean_tag(_text(item, "language")) or UNDETERMINED
    score = item.get("score") if isinstance(item, Mapping) else None
    if isinstance(score, int | float) and 0 <= score <= 1:
        return Detection(language, float(score))
    return Detection(language, None)


def _member(document: Any, name: str) -> Any:
    if not isinstance(document, Mapping):
        raise _useless()
    return document.get(name)


def _list(value: Any, length: int) -> list[Any]:
    if not isinstance(value, list) or len(value) != length:
        raise _useless()
    return value


def _text(item: Any, name: str) -> str | None:
    value = item.get(name) if isinstance(item, Mapping) else None
    return value if isinstance(value, str) else None


def _useless() -> TranslationFailed:
    return TranslationFailed(f"{_WHO} has sent no usable answer.", "Try again later.")


def _told(failure: CallFailed) -> AppError:
    if failure.status == 400 and failure.code in _LANGUAGE_CODES:
        return UnsupportedLanguage(
            f"{_WHO} does not translate between these languages.",
            "GET /api/v1/translation/languages lists those that it knows.",
        )
    if failure.code == _QUOTA:
        return TranslationUnavailable(
            f"What {_WHO} gives for this subscription is used up.",
            "Wait for the next period, or ask the operator for another plan.",
        )
    return told(
        failure,
        who=_WHO,
        settings="AZURE_TRANSLATOR_KEY, AZURE_TRANSLATOR_REGION and AZURE_TRANSLATOR_ENDPOINT",
        unavailable=TranslationUnavailable,
        failed=TranslationFailed,
    )
