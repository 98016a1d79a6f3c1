"""The port that translators implement."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Translation:
    """A text in the other language.

    Attributes:
        source: language of the original, by the translator's tag.
        detected: whether the translator has found it out.
    """

    text: str
    source: str
    detected: bool


@dataclass(frozen=True, slots=True)
class Detection:
    """What language a text seems to be in.

    Attributes:
        language: by the translator's tag; `und` where it cannot tell.
        score: 0 to 1, None where the translator does not say.
    """

    language: str
    score: float | None


@dataclass(frozen=True, slots=True)
class Language:
    """A language that a translator knows.

    Attributes:
        tag: as the translator writes it, BCP-47.
        name: in English.
        own_name: in itself.
    """

    tag: str
    name: str
    own_name: str


@dataclass(frozen=True, slots=True)
class Term:
    """What stands for a term in the translation: the term itself if it is to be kept."""

    term: str
    translation: str


UNDETERMINED = "und"
"""The tag of a language that nobody can tell."""


class Translator(Protocol):
    """A service that translates. All languages are tags of `languages`.

    Every method raises `TranslationUnavailable` where the service cannot be reached or does not
    let us, and `TranslationFailed` where its answer is of no use. Nothing of a text is logged.
    """

    @property
    def name(self) -> str:
        """As the setting TRANSLATOR names it."""
        ...

    async def translate(
        self,
        texts: Sequence[str],
        *,
        target: str,
        source: str | None = None,
        terms: Sequence[Term] = (),
    ) -> list[Translation]:
        """Translate texts of any length, in order. White space around them is kept.

        Raises:
            UnsupportedLanguage
            TranslationFailed: also where a term did not come back as it should.
        """
        ...

    async def detect(self, texts: Sequence[str]) -> list[Detection]:
        """What languages texts are in; a long one by its beginning."""
        ...

    async def languages(self) -> Sequence[Language]:
        """Into and from which it translates."""
        ...

    async def close(self) -> None: ...
