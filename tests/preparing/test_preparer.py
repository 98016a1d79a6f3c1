"""Texts that are prepared in parts, and in time."""

import pytest

from app.core.config import Settings
from app.core.exceptions import PreparationFailed, PreparationUnavailable
from app.preparing.preparer import PreparationLimits, Preparer
from app.translators.create import create_chat_model
from tests.azure_fake.chat import ChatState
from tests.azure_fake.faults import Fault
from tests.translators.made import Site, chat_settings

pytestmark = pytest.mark.anyio
TEXT = "This is a sentence. " * 440


def made(chat: Site[ChatState], limits: PreparationLimits | None = None) -> Preparer:
    chat.state.prepares = lambda text: f"<speak><p>{text}</p></speak>"
    settings = Settings(_env_file=None, **chat_settings(chat.url))
    return Preparer(create_chat_model(settings, lambda: 0.0), limits)


async def test_a_long_text_is_prepared_in_parts(chat: Site[ChatState]) -> None:
    preparer = made(chat)
    ssml = await preparer.prepared(TEXT, language="en", most=10_000)
    await preparer.close()

    assert ssml.count("This is a sentence.") == 440
    assert ssml.count("<p>") == len(chat.state.bodies) == 3


@pytest.mark.services
async def test_a_result_that_is_too_long_to_be_spoken_is_refused(chat: Site[ChatState]) -> None:
    preparer = made(chat)
    with pytest.raises(PreparationFailed) as error:
        await preparer.prepared(TEXT, language="en", most=8_800)
    await preparer.close()

    assert error.value.extra["limit"] == 8_800


@pytest.mark.services
async def test_what_takes_too_long_is_given_up(chat: Site[ChatState]) -> None:
    chat.state.faults.add("*/completions", Fault(slow_s=5.0))
    preparer = made(chat, PreparationLimits(total_s=0.1))
    with pytest.raises(PreparationUnavailable):
        await preparer.prepared("Yes.", language="en", most=1_000)
    await preparer.close()
