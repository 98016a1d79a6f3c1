"""What the desk keeps, and what it lets through."""

from collections.abc import Sequence
from typing import Any

import pytest

from app.core.exceptions import UnsupportedLanguage
from app.translators.base import Translation
from app.translators.desk import Memory, TranslationDesk
from app.translators.fake import FakeTranslator
from app.translators.tags import resolve

pytestmark = pytest.mark.anyio
AZURE = ("de", "en", "fr", "fr-CA", "nb", "pt", "pt-pt", "zh-Hans", "zh-Hant", "sr-Latn")


class Counting(FakeTranslator):
    """Notes what it was asked; says what no text of ours may have."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.more = ""

    async def translate(self, texts: Sequence[str], **options: Any) -> list[Translation]:
        self.asked += texts
        made = await super().translate(texts, **options)
        return [Translation(one.text + self.more, one.source, one.detected) for one in made]


async def test_the_oldest_translations_are_forgotten_first() -> None:
    counting = Counting()
    desk = TranslationDesk(counting, memory=Memory(60))  # of two

    async def ask(text: str) -> None:
        await desk.translate("ann", [text], target="en")

    for text in ("a" * 10, "b" * 10, "a" * 10, "c" * 10, "a" * 10, "b" * 10):
        await ask(text)

    assert [text[0] for text in counting.asked] == ["a", "b", "c", "b"]
    await ask("x" * 100)  # too long to be kept, and takes nobody's place
    await ask("b" * 10)
    assert [text[0] for text in counting.asked] == ["a", "b", "c", "b", "x"]


async def test_what_differs_in_anything_is_another_translation() -> None:
    counting = Counting()
    desk = TranslationDesk(counting, memory=Memory(10_000))
    asked: list[dict[str, Any]] = [
        {"target": "en"}, {"target": "fr"}, {"target": "en", "source": "de"}, {"target": "en"},
        {"target": "en-GB"},
    ]  # fmt: skip
    for options in asked:
        await desk.translate("ann", ["Ja"], **options)

    assert len(counting.asked) == 3


async def test_what_is_in_the_language_already_is_left_as_it_is() -> None:
    counting = Counting()
    [done] = await TranslationDesk(counting).translate("a", ["Ja"], target="de", source="de-AT")

    assert (done.text, done.target, counting.asked) == ("Ja", "de", [])


async def test_what_a_service_sends_is_made_fit_for_our_texts() -> None:
    counting = Counting()
    counting.more = "\x00\ud800\n"
    [done] = await TranslationDesk(counting).translate("a", ["Ja"], target="en")

    assert done.text == "[en] Ja \N{REPLACEMENT CHARACTER}\n"


@pytest.mark.parametrize(
    ("tag", "known"),
    [
        ("EN", "en"), ("en_US", "en"), ("fr-CA", "fr-CA"), ("fr-ca", "fr-CA"), ("pt-BR", "pt"),
        ("pt-PT", "pt-pt"), ("zh", "zh-Hans"), ("zh-CN", "zh-Hans"), ("zh-TW", "zh-Hant"),
        ("zh-Hant-HK", "zh-Hant"), ("cmn", "zh-Hans"), ("no", "nb"), ("sr", "sr-Latn"),
        ("de-1996", "de"),
    ],
)  # fmt: skip
async def test_a_tag_stands_for_the_nearest_one_that_there_is(tag: str, known: str) -> None:
    assert resolve(tag, AZURE) == known


async def test_a_tag_that_stands_for_none_is_refused() -> None:
    with pytest.raises(UnsupportedLanguage):
        resolve("tlh", AZURE)
