"""Azure AI Translator, and the chat model: a few words are translated and told apart."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from app.core.config import Settings
from app.core.exceptions import AppError, ConfigurationError, TranslationFailed
from app.doctor.azure.watching import Watch
from app.doctor.findings import Check, Wrong
from app.translators.base import Term, Translator
from app.translators.chat import ChatTranslator
from app.translators.create import create_chat_model, create_translator
from app.translators.http import CallFailed, Reason

_OTHER_PATH: Final = "translator/text"
_TEXT: Final = "Guten Tag\N{GRINNING FACE}"
"""10 characters as Unicode counts them, 11 as UTF-16 does."""
_COUNTED: Final = {"10": "as Unicode characters", "11": "as UTF-16 units"}


@asynccontextmanager
async def translator_checks(settings: Settings, watch: Watch) -> AsyncIterator[Sequence[Check]]:
    tries = _Translating(settings.model_copy(update={"translator": "azure"}), watch)
    try:
        yield [
            Check("languages", tries.languages),
            Check("detecting", tries.detect, needed=True),
            Check("translating", tries.translate),
        ]
    finally:
        await tries.translator.close()


class _Translating:
    def __init__(self, settings: Settings, watch: Watch) -> None:
        self._settings = settings
        self._watch = watch
        self.translator = _made(settings)

    async def languages(self) -> str:
        count = len(await self.translator.languages())
        return f"the endpoint answers with {count} languages; that needs no key."

    async def detect(self) -> str:
        try:
            found = (await self.translator.detect([_TEXT]))[0]
        except AppError as error:
            if not _is_missing(error):
                raise
            raise Wrong(await self._elsewhere()) from error
        version, metered = self._settings.azure_translator_version, self._watch.metered
        how = "" if version == "3.0" else ", by translating into English"
        counted = f"{metered} characters were counted{_way(metered)}" if metered else (
            "the answer does not say how many characters were counted"
        )  # fmt: skip
        return f"version {version} took German for {found.language!r}{how}; {counted}."

    async def translate(self) -> str:
        kept = Term("Tag", "Tag")
        try:
            await self.translator.translate(["Guten Tag."], source="de", target="en", terms=[kept])
        except TranslationFailed as error:
            raise Wrong(
                f'{error.detail} If class="notranslate" is not kept in this version, set '
                "AZURE_TRANSLATOR_VERSION=3.0."
            ) from None
        return 'ten characters were translated, and a term in class="notranslate" came back.'

    async def _elsewhere(self) -> str:
        """Whether another path is the right one."""
        here = self._settings.azure_translator_path
        if here == _OTHER_PATH:
            return "nothing is there. Look at AZURE_TRANSLATOR_ENDPOINT and AZURE_TRANSLATOR_PATH."
        changed = self._settings.model_copy(update={"azure_translator_path": _OTHER_PATH})
        other = _made(changed)
        try:
            await other.detect([_TEXT])
        except AppError:
            return "nothing is there. Look at AZURE_TRANSLATOR_ENDPOINT and AZURE_TRANSLATOR_PATH."
        finally:
            await other.close()
        return f"the Translator answers under another path: AZURE_TRANSLATOR_PATH={_OTHER_PATH}."


@asynccontextmanager
async def chat_checks(settings: Settings, watch: Watch) -> AsyncIterator[Sequence[Check]]:
    model = create_chat_model(settings, time.monotonic)
    if model is None:  # parts are opened only where they are named
        raise AssertionError
    translator = ChatTranslator(model)

    async def ask() -> str:
        try:
            found = (await translator.detect(["Guten Tag"]))[0]
        except AppError as error:
            if not _is_form(error):
                raise
            raise Wrong(
                f"{model.site.name} does not take the request, or answers in another form. Try "
                "OPENAI_RESPONSE_FORMAT=json_object (or none), OPENAI_LENGTH_LIMIT=max_tokens, "
                f"and OPENAI_TEMPERATURE; look at {model.site.settings} as well."
            ) from error
        form = settings.openai_response_format
        return f"answers as asked with the form {form!r}: took German for {found.language!r}."

    try:
        yield [Check("one answer", ask)]
    finally:
        await translator.close()


def _made(settings: Settings) -> Translator:
    made = create_translator(settings, time.monotonic)
    if made is None:
        raise ConfigurationError("There is no translator.")
    return made


def _way(metered: str) -> str:
    return f", {_COUNTED[metered]}" if metered in _COUNTED else ""


def _is_missing(error: AppError) -> bool:
    failure = error.__cause__
    return isinstance(failure, CallFailed) and failure.reason is Reason.NOT_FOUND


def _is_form(error: AppError) -> bool:
    failure = error.__cause__
    by_form = (Reason.REFUSED, Reason.UNREADABLE)
    no_call = isinstance(error, TranslationFailed) and failure is None
    return no_call or (isinstance(failure, CallFailed) and failure.reason in by_form)
