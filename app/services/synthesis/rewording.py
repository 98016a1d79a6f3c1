"""Making what is spoken of what was sent: translating it first."""

from dataclasses import replace

from app.models.speech import SpeechRequest
from app.models.translation import SpokenTranslation, pairs
from app.services.synthesis.speech import Order
from app.translators.base import Term
from app.translators.desk import TranslationDesk

_DONE = {"translate_to": None, "source_language": None, "glossary": None}


class Rewording:
    """Rewords the texts of requests that ask for it."""

    def __init__(self, translations: TranslationDesk) -> None:
        self._translations = translations

    async def check(self, request: SpeechRequest) -> None:
        """Whether it can be done, without doing it.

        Raises:
            UnsupportedLanguage, TextTooLong, TranslationUnavailable, TranslationFailed
        """
        if request.translate_to is not None:
            await self._translations.check(request.translate_to, request.source_language)
            self._translations.check_length([request.content])

    async def done(self, order: Order) -> Order:
        """With what is to be spoken. Its text was checked, and is paid for here.

        Raises:
            as `check`; what the charge raises
        """
        request, target = order.request, order.request.translate_to
        if target is None:
            return order
        await self.check(request)
        await order.charge(len(request.content))
        [made] = await self._translations.translate(
            order.by.owner,
            [request.content],
            target=target,
            source=request.source_language,
            terms=[Term(*pair) for pair in pairs(request.glossary)],
            remember=request.store is not False,
        )
        language = request.language or target
        return replace(
            order,
            spoken=request.model_copy(update={**_DONE, "text": made.text, "language": language}),
            translation=SpokenTranslation(
                source_language=made.source,
                target_language=made.target,
                detected=made.detected,
                source_text=request.content,
                text=made.text,
                translator=made.translator,
            ),
            charged=len(request.content),
        )
