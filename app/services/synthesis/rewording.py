"""Making what is spoken of what was sent: translating it, preparing it for the ear."""

from dataclasses import replace

from app.core.exceptions import PreparationFailed, PreparationUnavailable
from app.core.logging import get_logger
from app.models.preparation import OnError
from app.models.speech import SpeechRequest
from app.models.translation import SpokenTranslation, pairs
from app.preparing.preparer import Preparer
from app.services.synthesis.speech import Order
from app.translators.base import Term
from app.translators.desk import TranslationDesk

log = get_logger(__name__)

_DONE = {"translate_to": None, "source_language": None, "glossary": None, "prepare": None}


class Rewording:
    """Rewords the texts of requests that ask for it."""

    def __init__(
        self, translations: TranslationDesk | None = None, preparer: Preparer | None = None
    ) -> None:
        self._translations = translations or TranslationDesk(None)
        self._preparer = preparer or Preparer(None)

    async def check(self, request: SpeechRequest) -> None:
        """Whether it can be done, without doing it.

        Raises:
            UnsupportedLanguage, TextTooLong, TranslationUnavailable, TranslationFailed
            PreparationUnavailable
        """
        if request.prepare is not None:
            self._preparer.check(request.content)
        if request.translate_to is not None:
            await self._translations.check(request.translate_to, request.source_language)
            self._translations.check_texts([request.content])

    async def done(self, order: Order, *, language: str, most: int) -> Order:
        """With what is to be spoken. Its text was checked, and is paid for here.

        Args:
            language: in which it is to be spoken.
            most: characters that may be spoken.

        Raises:
            as `check`; PreparationFailed; what the charge raises
        """
        request = order.request
        await self.check(request)
        await order.charge(len(request.content))
        spoken = request.model_copy(update=_DONE)
        order = replace(order, spoken=spoken, charged=len(request.content))
        if request.translate_to is not None:
            order = await self._translated(order, request.translate_to)
        return await self._prepared(order, language, most) if request.prepare else order

    async def _translated(self, order: Order, target: str) -> Order:
        request = order.request
        [made] = await self._translations.translate(
            order.by.owner,
            [request.content],
            target=target,
            source=request.source_language,
            terms=[Term(*pair) for pair in pairs(request.glossary)],
            remember=request.store is not False,
        )
        news = {"text": made.text, "language": request.language or target}
        translation = SpokenTranslation(
            source_language=made.source,
            target_language=made.target,
            detected=made.detected,
            source_text=request.content,
            text=made.text,
            translator=made.translator,
        )
        return replace(order, spoken=order.asked.model_copy(update=news), translation=translation)

    async def _prepared(self, order: Order, language: str, most: int) -> Order:
        asked, prepare = order.asked, order.request.prepare
        try:
            ssml = await self._preparer.prepared(asked.content, language=language, most=most)
        except (PreparationFailed, PreparationUnavailable) as error:
            if prepare is None or prepare.on_error is OnError.FAIL:
                raise
            log.warning("not prepared", code=error.code, detail=error.detail)
            return order
        spoken = asked.model_copy(update={"text": None, "ssml": ssml})
        return replace(order, spoken=spoken, prepared=ssml)
