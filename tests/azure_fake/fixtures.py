"""Fakes that are served once for all tests, as fixtures: `conftest.py` of a folder imports them."""

from collections.abc import Iterator

import pytest

from tests.azure_fake.chat import ChatState, chat_app
from tests.azure_fake.serving import served
from tests.azure_fake.translator import TranslatorState, translator_app
from tests.translators.made import Site


@pytest.fixture(scope="session")
def translator_site() -> Iterator[Site[TranslatorState]]:
    state = TranslatorState()
    app = translator_app(state)
    with served(app) as url:
        yield Site(url, state, app)


@pytest.fixture(scope="session")
def chat_site() -> Iterator[Site[ChatState]]:
    state = ChatState()
    app = chat_app(state)
    with served(app) as url:
        yield Site(url, state, app)


@pytest.fixture
def azure(translator_site: Site[TranslatorState]) -> Site[TranslatorState]:
    """Azure AI Translator, asked nothing yet."""
    return translator_site.anew(TranslatorState())


@pytest.fixture
def chat(chat_site: Site[ChatState]) -> Site[ChatState]:
    """Chat models, asked nothing yet."""
    return chat_site.anew(ChatState())
