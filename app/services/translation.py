"""Translating texts for callers, without speaking them."""

from app.core.exceptions import UnsupportedLanguage
from app.engines.base import Engine
from app.models.charge import Charge
from app.models.translation import (
    DetectedLanguage,
    DetectRequest,
    DetectResponse,
    TranslatedText,
    TranslateRequest,
    TranslateResponse,
    TranslationLanguage,
    TranslationLanguages,
    pairs,
)
from app.translators.base import Term
from app.translators.desk import TranslationDesk


class TranslationService:
    """Translates, and tells languages."""

    def __init__(self, desk: TranslationDesk, engine: Engine) -> None:
        self._desk = desk
        self._engine = engine

    async def translate(
        self, owner: str, asked: TranslateRequest, *, charge: Charge
    ) -> TranslateResponse:
        """Translate texts.

        Args:
            charge: is awaited when everything is in order; what it raises ends the request.

        Raises:
            InvalidRequest, TextTooLong, UnsupportedLanguage
            TranslationUnavailable, TranslationFailed
        """
        chars = self._desk.check_texts(asked.texts)
        await self._desk.check(asked.target_language, asked.source_language)
        await charge(chars)
        done = await self._desk.translate(
            owner,
            asked.texts,
            target=asked.target_language,
            source=asked.source_language,
            terms=[Term(*pair) for pair in pairs(asked.glossary)],
        )
        return TranslateResponse(
            translator=self._desk.translator.name,
            translations=[
                TranslatedText(
                    text=one.text,
                    source_language=one.source,
                    target_language=one.target,
                    detected=one.detected,
                )
                for one in done
            ],
        )

    async def detect(self, asked: DetectRequest, *, charge: Charge) -> DetectResponse:
        """What languages texts are in.

        Raises:
            InvalidRequest, TextTooLong, TranslationUnavailable, TranslationFailed
        """
        chars = self._desk.check_texts(asked.texts)
        if self._desk.translator:
            await charge(chars)
        found, name = await self._desk.detect(asked.texts)
        return DetectResponse(
            translator=name,
            detections=[DetectedLanguage(language=one.language, score=one.score) for one in found],
        )

    async def languages(self) -> TranslationLanguages:
        """What the translator knows, and what of it can be spoken.

        Raises:
            TranslationUnavailable, TranslationFailed
        """
        known = await self._desk.languages()
        return TranslationLanguages(
            translator=self._desk.translator.name,
            items=[
                TranslationLanguage(
                    tag=one.tag, name=one.name, own_name=one.own_name, spoken=self._speaks(one.tag)
                )
                for one in known
            ],
        )

    def _speaks(self, tag: str) -> bool:
        try:
            self._engine.check("a", tag)
        except UnsupportedLanguage:
            return False
        return True
