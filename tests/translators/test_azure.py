"""Azure AI Translator, against a fake that follows its contract."""

import json
from typing import Any

import pytest

from app.core.config import Settings
from app.core.exceptions import (
    AppError,
    TranslationFailed,
    TranslationUnavailable,
    UnsupportedLanguage,
)
from app.translators.azure import AzureSite
from app.translators.base import Detection, Term
from app.translators.create import create_translator
from tests.azure_fake.faults import FAULTS, Fault, refused
from tests.azure_fake.translator import TranslatorState
from tests.translators.made import Pauses, Site, azure_settings, translating

Azure = Site[TranslatorState]
VERSIONS = ("2026-06-06", "3.0")
pytestmark = pytest.mark.anyio


@pytest.fixture(params=VERSIONS)
def usual(request: pytest.FixtureRequest, azure: Azure) -> dict[str, Any]:
    return azure_settings(azure.url) | {"azure_translator_version": request.param}


async def test_texts_come_back_with_all_but_their_words_as_it_was(
    usual: dict[str, Any], azure: Azure
) -> None:
    texts = ["Tom & <b>Ann</b>", " \"Ja\"\n\n'Nein' 👩‍👩‍👧 ", "", " \n", "x"]
    async with translating(**usual) as translator:
        done = await translator.translate(texts, target="en")

        assert [one.text for one in done] == [text.swapcase() for text in texts]
        assert [(one.source, one.detected) for one in done][::4] == [("de", True)] * 2
        assert len(azure.state.bodies) == 1


@pytest.mark.services
async def test_a_source_that_is_given_is_told_and_not_detected(
    usual: dict[str, Any], azure: Azure
) -> None:
    async with translating(**usual) as translator:
        [done] = await translator.translate(["Ja"], target="en", source="fr")

    assert (done.source, done.detected) == ("fr", False)
    assert '"fr"' in json.dumps([azure.state.bodies, azure.state.queries])


@pytest.mark.services
async def test_long_texts_are_cut_at_sentences_within_the_limits_of_the_service(
    usual: dict[str, Any], azure: Azure
) -> None:
    sentence = "Das ist ein Satz mit & und < und 😀. "
    texts = [sentence * 1400, "a" * 50_000, "😀" * 26_000]
    async with translating(**usual) as translator:
        done = await translator.translate(texts, target="en")

    assert done[0].text == texts[0].swapcase()
    assert done[1].text.replace(" ", "") == texts[1].swapcase()  # cut where there is no sentence
    assert done[2].text.replace(" ", "") == texts[2]
    assert len(texts[0]) > 50_000
    assert all(size <= 50_000 for size in azure.state.sizes)
    sent = [
        one.get("Text", one.get("text"))
        for body in azure.state.bodies
        for one in (body["inputs"] if isinstance(body, dict) else body)
    ]
    assert {text[-1] for text in sent if text.startswith("Das")} == {"."}


async def test_terms_come_back_as_the_glossary_says(usual: dict[str, Any], azure: Azure) -> None:
    terms = [Term("Contoso & Co", "Contoso & Co"), Term("Katze", "minou <3"), Term("Kat", "!")]
    text = "Contoso & Co <hat> eine Katze.\nKatzen hat sie nicht, Kater auch nicht 😀."
    async with translating(**usual) as translator:
        done = await translator.translate([text, "ohne"], target="en", terms=terms)

    assert done[0].text == (
        "Contoso & Co <HAT> EINE minou <3.\nkATZEN HAT SIE NICHT, kATER AUCH NICHT 😀."
    )
    assert done[1].text == "OHNE"


@pytest.mark.services
async def test_fifty_thousand_letters_that_html_makes_longer_fit_into_its_requests(
    usual: dict[str, Any], azure: Azure
) -> None:
    text = "a & b < c" * 5_555
    async with translating(**usual) as translator:
        [done] = await translator.translate([text], target="en", terms=[Term("b", "b")])

    assert done.text.replace(" ", "") == text.replace("a", "A").replace("c", "C").replace(" ", "")
    assert all(size <= 50_000 for size in azure.state.sizes)


@pytest.mark.services
async def test_terms_that_are_lost_are_an_error(usual: dict[str, Any], azure: Azure) -> None:
    azure.state.loses = True
    async with translating(**usual) as translator:
        with pytest.raises(TranslationFailed) as error:
            await translator.translate(
                ["Eine Katze"], target="en", terms=[Term("Hund", "x"), Term("Katze", "y")]
            )

    assert error.value.extra == {"terms": [2]}


async def test_languages_and_what_a_text_is_in(usual: dict[str, Any], azure: Azure) -> None:
    async with translating(**usual) as translator:
        known = {one.tag: one.own_name for one in await translator.languages()}
        found = await translator.detect(["Ja. " * 1000] * 120)

    assert known["fr"] == "Français"
    assert len(found) == 120
    assert found[0] in (Detection("de", 1.0), Detection("de", 0.9))
    assert all(size <= 50_000 for size in azure.state.sizes)


@pytest.mark.services
async def test_a_language_that_it_does_not_have_is_told_so(usual: dict[str, Any]) -> None:
    async with translating(**usual) as translator:
        with pytest.raises(UnsupportedLanguage):
            await translator.translate(["Ja"], target="xx")


@pytest.mark.services
async def test_a_quota_that_is_used_up_is_told_so(usual: dict[str, Any], azure: Azure) -> None:
    azure.state.faults.add("*/translate", refused(403, 403001))
    async with translating(**usual) as translator:
        with pytest.raises(TranslationUnavailable, match="used up"):
            await translator.translate(["Ja"], target="en")


@pytest.mark.services
@pytest.mark.parametrize("name", ["429 with Retry-After", "429", "500", "503", "HTML error"])
async def test_what_may_pass_is_tried_again(name: str, azure: Azure) -> None:
    azure.state.faults.add("*/translate", FAULTS[name], times=3)
    pauses = Pauses()
    async with translating(pauses, **azure_settings(azure.url)) as translator:
        [done] = await translator.translate(["Ja"], target="en")

    assert done.text == "jA"
    assert len(pauses) == 3
    if "Retry-After" in name:
        assert pauses == [7.0] * 3
    else:
        assert all(0.25 * 2**n <= pause <= 0.5 * 2**n for n, pause in enumerate(pauses))


@pytest.mark.services
@pytest.mark.parametrize("name", ["401", "403", "404", "409", "empty body", "HTML body", "cut"])
async def test_what_will_not_pass_is_asked_once(name: str, azure: Azure) -> None:
    azure.state.faults.add("*/translate", FAULTS[name])
    pauses = Pauses()
    async with translating(pauses, **azure_settings(azure.url)) as translator:
        with pytest.raises(AppError) as error:
            await translator.translate(["Ja"], target="en")

    assert (pauses, len(azure.app.calls)) == ([], 1)
    unavailable = name in ("401", "403", "404")
    assert isinstance(error.value, TranslationUnavailable if unavailable else TranslationFailed)
    assert "SECRET" not in str((error.value.detail, error.value.suggestion, error.value.extra))


async def test_nobody_waits_longer_than_the_settings_say(azure: Azure) -> None:
    azure.state.faults.add("*/translate", refused(429, 429000, retry_after="3600"), times=9)
    pauses = Pauses()
    async with translating(pauses, **azure_settings(azure.url)) as translator:
        with pytest.raises(TranslationUnavailable) as error:
            await translator.translate(["Ja"], target="en")

    assert (pauses, error.value.retry_after_s) == ([], 3600)


@pytest.mark.services
async def test_where_nothing_answers_it_is_tried_as_often_as_it_may_be() -> None:
    pauses = Pauses()
    async with translating(pauses, **azure_settings("http://127.0.0.1:9")) as translator:
        with pytest.raises(TranslationUnavailable):
            await translator.translate(["Ja"], target="en")

    assert len(pauses) == 3


@pytest.mark.services
async def test_an_answer_that_does_not_begin_in_time_is_asked_for_again(azure: Azure) -> None:
    azure.state.faults.add("*/translate", Fault(slow_s=1.0))
    settings = azure_settings(azure.url) | {"services_timeout_s": 0.5}
    pauses = Pauses()
    async with translating(pauses, **settings) as translator:
        [done] = await translator.translate(["Ja"], target="en")

    assert (done.text, len(pauses)) == ("jA", 1)


@pytest.mark.parametrize(
    ("endpoint", "version", "path", "url"),
    [
        ("https://api.cognitive.microsofttranslator.com", "3.0", None, "/translate"),
        ("https://n.cognitiveservices.azure.com/", "3.0", None, "/translator/text/v3.0/translate"),
        (
            "https://n.cognitiveservices.azure.com", "2026-06-06", None,
            "/translator/text/v2026-06-06/translate",
        ),
        (
            "https://n.cognitiveservices.azure.com", "2026-06-06", "translator/text/",
            "/translator/text/translate",
        ),
    ],
)  # fmt: skip
async def test_addresses_are_those_of_the_documentation(
    endpoint: str, version: Any, path: str | None, url: str
) -> None:
    assert AzureSite(endpoint, version, path).url("translate") == endpoint.rstrip("/") + url


async def test_auto_takes_azure_first_then_a_chat_model_then_none() -> None:
    chat = {"openai_base_url": "http://127.0.0.1:9/v1", "openai_model": "m"}

    def name(**settings: Any) -> str | None:
        made = create_translator(Settings(_env_file=None, **settings), lambda: 0.0)
        return made and made.name

    assert name() is None
    assert name(azure_translator_key="k", **chat) == "azure"
    assert name(**chat) == "openai"
    assert name(translator="none", azure_translator_key="k") is None
    assert (
        name(azure_openai_endpoint="https://n.openai.azure.com", azure_openai_api_key="k") is None
    )
