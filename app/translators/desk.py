"""Where everybody has texts translated: bounded, and not twice."""

import re
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.core.clock import Clock
from app.core.exceptions import InvalidRequest, TextTooLong, TranslationUnavailable
from app.core.logging import get_logger
from app.core.tracing import span
from app.translators.base import (
    UNDETERMINED,
    Detection,
    Language,
    Term,
    Translation,
    Translator,
)
from app.translators.tags import resolve

log = get_logger(__name__)

_LANGUAGES_S: Final = 24 * 3600.0

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")

_Key = tuple[str, str, str | None, tuple[Term, ...], str]


class Memory:
    """Translations that were made, the one that was used last longest. Only in this process.

    Args:
        max_chars: of all texts in it, in both languages; 0 keeps none.
    """

    def __init__(self, max_chars: int) -> None:
        self._max = max_chars
        self._chars = 0
        self._kept: OrderedDict[_Key, Translation] = OrderedDict()

    def get(self, key: _Key) -> Translation | None:
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: _Key, translation: Translation) -> None:
        size = _size(key, translation)
        if size > self._max or key in self._kept:
            return
        self._kept[key] = translation
        self._chars += size
        while self._chars > self._max:
            self._chars -= _size(*self._kept.popitem(last=False))


@dataclass(frozen=True, slots=True)
class Translated:
    """A translation with what it was asked for.

    Attributes:
        source, target: by the translator's tags.
        detected: whether the translator has found the source out.
        translator: its name.
    """

    text: str
    source: str
    target: str
    detected: bool
    translator: str


class TranslationDesk:
    """The translator, if there is one, and what it has done.

    Args:
        max_chars: of the texts of one request.
        memory: of earlier translations; of each owner alone.
    """

    def __init__(
        self,
        translator: Translator | None,
        *,
        max_chars: int = 100_000,
        memory: Memory | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self._translator = translator
        self._max_chars = max_chars
        self._memory = memory or Memory(0)
        self._clock = clock
        self._languages: tuple[float, Sequence[Language]] | None = None

    async def close(self) -> None:
        if self._translator is not None:
            await self._translator.close()

    @property
    def translator(self) -> Translator:
        """Raises `TranslationUnavailable` where there is none."""
        if self._translator is None:
            raise TranslationUnavailable(
                "This server has no translator.",
                "Ask the operator to set AZURE_TRANSLATOR_KEY, or OPENAI_BASE_URL and "
                "OPENAI_MODEL: see docs/translation.md.",
            )
        return self._translator

    async def languages(self) -> Sequence[Language]:
        """Those of the translator, asked for once a day.

        Raises:
            TranslationUnavailable, TranslationFailed
        """
        now = self._clock()
        if self._languages is None or now - self._languages[0] > _LANGUAGES_S:
            self._languages = now, await self.translator.languages()
        return self._languages[1]

    async def check(self, target: str, source: str | None) -> tuple[str, str | None]:
        """The translator's tags of two languages.

        Raises:
            UnsupportedLanguage, TranslationUnavailable, TranslationFailed
        """
        known = [language.tag for language in await self.languages()]
        return resolve(target, known), None if source is None else resolve(source, known)

    def check_texts(self, texts: Sequence[str]) -> int:
        """Number of characters.

        Raises:
            TextTooLong
            InvalidRequest: half of a surrogate pair.
        """
        for number, text in enumerate(texts):
            if found := _SURROGATE.search(text):
                raise InvalidRequest(
                    f"Text {number} has half of a surrogate pair at offset {found.start()}.",
                    "Send it as valid UTF-8.",
                    text=number,
                    offset=found.start(),
                )
        length = sum(map(len, texts))
        if length > self._max_chars:
            raise TextTooLong(
                f"The texts have {length} characters; at most {self._max_chars} are translated.",
                "Send less at once.",
                measured=length,
                limit=self._max_chars,
            )
        return length

    async def detect(self, texts: Sequence[str]) -> tuple[list[Detection], str]:
        """What languages texts are in, and the name of who says so.

        Raises:
            InvalidRequest, TextTooLong, TranslationUnavailable, TranslationFailed
        """
        translator = self.translator
        self.check_texts(texts)
        return await translator.detect(texts), translator.name

    async def translate(
        self,
        owner: str,
        texts: Sequence[str],
        *,
        target: str,
        source: str | None = None,
        terms: Sequence[Term] = (),
        remember: bool = True,
    ) -> list[Translated]:
        """Translate texts, in order.

        Args:
            owner: for whom.
            target, source: BCP-47 tags.
            remember: whether the same need not be done again.

        Raises:
            InvalidRequest, TextTooLong, UnsupportedLanguage
            TranslationUnavailable, TranslationFailed
        """
        into, out_of = await self.check(target, source)
        chars = self.check_texts(texts)
        keys: list[_Key] = [(owner, into, out_of, tuple(terms), text) for text in texts]
        found = {key: known for key in keys if (known := self._known(key))}
        missing = [key for key in dict.fromkeys(keys) if key not in found]
        name = self.translator.name
        if missing:
            with span("translate", **{"translation.characters": chars}):
                made = await self.translator.translate(
                    [key[-1] for key in missing], target=into, source=out_of, terms=terms
                )
            found |= zip(missing, map(_clean, made), strict=True)
        for key in missing if remember else ():
            self._memory.put(key, found[key])
        log.info("translated", translator=name, chars=chars, texts=len(texts), new=len(missing))
        return [
            Translated(one.text, one.source, into, one.detected, name)
            for one in (found[key] for key in keys)
        ]

    def _known(self, key: _Key) -> Translation | None:
        return _as_it_is(key) or self._memory.get(key)


def _clean(made: Translation) -> Translation:
    """Without what no text of ours may have, whatever a service sends."""
    text = _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", _CONTROL.sub(" ", made.text))
    return replace(made, text=text)


def _as_it_is(key: _Key) -> Translation | None:
    """A text that needs no translator: white space, or one that is in the language already."""
    _, target, source, terms, text = key
    if not text.strip() or (target == source and not terms):
        return Translation(text, source or UNDETERMINED, detected=False)
    return None


def _size(key: _Key, translation: Translation) -> int:
    return len(key[-1]) + len(translation.text)
