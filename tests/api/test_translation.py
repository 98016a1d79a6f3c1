"""Translating, and speaking what was translated, over HTTP: Azure AI Translator is a fake."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api.sites import SPEAK, TRANSLATE, Site, said
from tests.api.speech import events
from tests.api.test_batches import begin, work
from tests.api.voices import voice_server
from tests.azure_fake.faults import FAULTS
from tests.azure_fake.serving import served
from tests.azure_fake.translator import KEY, REGION, TranslatorState, translator_app
from tests.conftest import registered

HARD = 'Tom & <b>Ann</b> "Ja" 😀'


Translating = Site[TranslatorState]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Translating]:
    state = TranslatorState()
    with (
        served(translator_app(state)) as url,
        voice_server(
            tmp_path_factory.mktemp("data"),
            azure_translator_endpoint=url,
            azure_translator_key=KEY,
            azure_translator_region=REGION,
            max_text_chars=60_000,
        ) as client,
    ):
        yield Site(client, state, text="Guten Tag.", translate_to="en")


@pytest.fixture
def site(running: Translating) -> Translating:
    running.state.bodies.clear()
    running.state.loses = False
    return running


def test_texts_are_translated_and_the_same_ones_once_for_each_owner(site: Translating) -> None:
    answer = site.translate(HARD, "Katze.", glossary=["Ann", {"term": "Katze", "translation": "x"}])

    assert answer.status_code == 200
    assert answer.json() == {
        "translator": "azure",
        "translations": [
            {"text": text, "source_language": "de", "target_language": "en", "detected": True}
            for text in ('tOM & <B>Ann</B> "jA" 😀', "x.")
        ],
    }
    assert site.translate("Neu.", "Neu.").json()["translations"][1]["text"] == "nEU."
    asked = len(site.state.bodies)
    site.translate("Neu.")
    assert len(site.state.bodies) == asked
    site.translate("Neu.", owner="bob")
    assert len(site.state.bodies) == asked + 1


@pytest.mark.services
def test_fifty_thousand_characters_are_translated(site: Translating) -> None:
    text = "Das ist ein Satz & 😀. " * 2_300
    [done] = site.translate(text).json()["translations"]

    assert done["text"] == text.swapcase()


def test_languages_are_told_and_what_the_engine_speaks(site: Translating) -> None:
    body = site.client.get("/api/v1/translation/languages").json()
    detected = site.client.post("/api/v1/translation/detect", json={"texts": ["Ja", "Nein"]})

    spoken = {one["tag"]: one["spoken"] for one in body["items"]}
    assert (spoken["en"], spoken["cy"]) == (True, False)
    assert detected.json()["detections"] == [{"language": "de", "score": 0.9}] * 2


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"target_language": "tlh"}, "language-unsupported"),
        ({"target_language": "not a tag"}, "invalid-request"),
        ({"texts": []}, "invalid-request"),
        ({"texts": ["x" * 60_001]}, "text-too-long"),
        ({"glossary": ["two\nlines"]}, "invalid-request"),
    ],
)
def test_what_cannot_be_translated_is_refused(
    body: dict[str, Any], code: str, site: Translating
) -> None:
    answer = site.translate("Ja", **body)

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert site.state.bodies == []


def test_half_of_a_surrogate_pair_is_refused(site: Translating) -> None:
    body = '{"texts": ["Ja", "Gu\\ud800ten"], "target_language": "en"%s}'
    for more in ("", ', "glossary": ["x\\ud800"]'):
        answer = site.client.post(
            TRANSLATE, content=body % more, headers={"Content-Type": "application/json"}
        )
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid-request")
    assert site.state.bodies == []


def test_terms_that_are_lost_are_told_by_their_number(site: Translating) -> None:
    site.state.loses = True
    answer = site.translate("Verlorene Katze", glossary=["Hund", "Katze"])

    assert answer.status_code == 502
    assert (answer.json()["code"], answer.json()["terms"]) == ("translation-failed", [2])


def test_what_is_sent_is_translated_spoken_and_noted(site: Translating) -> None:
    answer = site.speak(text=HARD, source_language="fr", normalize="off")
    entry = site.last()

    assert said(answer.content) == ['tOM & <B>aNN</B> "jA"']
    assert answer.headers["x-translated-from"] == "fr"
    assert answer.headers["x-translated-to"] == "en"
    assert (entry["id"], entry["text"], entry["language"]) == (
        answer.headers["x-history-id"], HARD, "en",
    )  # fmt: skip
    assert entry["translation"] == {
        "source_language": "fr",
        "target_language": "en",
        "detected": False,
        "source_text": HARD,
        "text": HARD.swapcase(),
        "translator": "azure",
    }
    plain = site.speak(translate_to=None)
    assert "x-translated-to" not in plain.headers
    assert site.last()["translation"] is None


def test_a_stream_tells_both_texts_at_its_end(site: Translating) -> None:
    answer = site.speak(f"{SPEAK}/stream", text="Ja. Nein.", stream_format="sse", language="en-US")
    found = events(answer.text)

    assert [data["text"] for name, data in found if name == "audio"] == ["jA.", "nEIN."]
    done = found[-1][1]["translation"]
    assert (done["source_text"], done["text"]) == ("Ja. Nein.", "jA. nEIN.")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"translate_to": "cy"}, "language-unsupported"),
        ({"translate_to": "tlh"}, "language-unsupported"),
        ({"source_language": "tlh"}, "language-unsupported"),
        ({"language": "fr"}, "invalid-request"),
        ({"text": None, "ssml": "<speak>Ja</speak>"}, "invalid-request"),
        ({"translate_to": None, "source_language": "de"}, "invalid-request"),
        ({"text": " \n"}, "text-unspeakable"),
        ({"text": "x" * 10_001}, "text-too-long"),
        ({"voice": "nobody"}, "voice-not-found"),
        ({"format": "opus", "sample_rate": 11_025}, "format-unsupported"),
    ],
)
def test_what_cannot_be_spoken_is_refused_before_it_is_translated(
    fields: dict[str, Any], code: str, site: Site
) -> None:
    answer = site.speak(**fields)

    assert answer.json()["code"] == code
    assert site.state.bodies == []


def test_of_a_request_that_is_not_to_be_kept_nothing_is(site: Translating) -> None:
    before = site.last()
    for _ in range(2):
        assert site.speak(text="Geheim.", store=False).status_code == 200

    assert len(site.state.bodies) == 2  # not in the memory for translations either
    assert site.last() == before


def test_items_of_a_batch_are_translated(site: Translating) -> None:
    body = {"voice": site.voice, "format": "pcm", "translate_to": "en"}
    items: list[dict[str, Any]] = [
        {"text": "Eins Ann.", "glossary": ["Ann"]}, {"text": "Zwei.", "source_language": "fr"},
    ]  # fmt: skip
    done = work(site.client, begin(site.client, body | {"items": items}))
    secret = work(site.client, begin(site.client, body | {"items": items, "store": False}))

    assert (done["status"], secret["status"]) == ("succeeded", "succeeded")
    found = site.client.get(done["links"]["items"]).json()["items"]
    assert [one["translation"]["source_text"] for one in found] == ["Eins Ann.", "Zwei."]
    assert [one["translation"]["text"] for one in found] == ["eINS Ann.", "zWEI."]
    assert said(site.client.get(found[0]["audio"]).content) == ["eINS Ann."]
    kept = site.client.get(secret["links"]["items"]).json()["items"][0]["translation"]
    assert (kept["target_language"], kept["source_text"], kept["text"]) == ("en", None, None)


def test_a_batch_with_an_item_that_cannot_be_translated_is_not_begun(site: Translating) -> None:
    items = [
        {"text": "Ja"},
        {"ssml": "<speak>Ja</speak>"},
        {"text": "Ja", "source_language": "tlh"},
    ]
    body = {"voice": site.voice, "translate_to": "en", "items": items}
    answer = site.client.post("/api/v1/synthesis/batch", json=body)

    assert answer.status_code == 400
    assert [error["loc"][2] for error in answer.json()["errors"]] == [1, 2]


def test_without_a_translator_it_is_said_what_to_set(client: TestClient) -> None:
    voice = registered(client)
    spoken = {"text": "Ja", "voice": voice, "translate_to": "en"}
    batch = {"voice": voice, "translate_to": "en", "items": [{"text": "Ja"}]}
    for answer in (
        client.post(TRANSLATE, json={"texts": ["Ja"], "target_language": "en"}),
        client.post("/api/v1/translation/detect", json={"texts": ["Ja"]}),
        client.get("/api/v1/translation/languages"),
        client.post(SPEAK, json=spoken),
        client.post(f"{SPEAK}/stream", json=spoken),
        client.post("/api/v1/synthesis/batch", json=batch),
    ):
        assert (answer.status_code, answer.json()["code"]) == (503, "translation-unavailable")
        assert "AZURE_TRANSLATOR_KEY" in answer.json()["suggestion"]


def test_what_is_translated_draws_on_the_limit_of_characters(tmp_path: Any) -> None:
    limits = {"rate_limiting_enabled": True, "rate_limit_characters": 40, "max_text_chars": 40}
    with voice_server(tmp_path, translator="fake", **limits) as client:
        spoken = {"text": "x" * 20, "voice": registered(client), "translate_to": "en"}
        assert client.post(SPEAK, json=spoken).headers["ratelimit"].count('"characters";r=15') == 1
        answer = client.post(TRANSLATE, json={"texts": ["x" * 20], "target_language": "en"})

    assert (answer.status_code, answer.json()["rate"]) == (429, "characters")


def test_nothing_of_a_text_is_in_the_log(
    site: Translating, capsys: pytest.CaptureFixture[str]
) -> None:
    site.speak(text="Geheimnis Xylophon.")
    site.state.faults.add("*/translate", FAULTS["401"])
    assert site.translate("Geheimnis Xylophon zwei.").status_code == 503

    told = "".join(capsys.readouterr())
    assert "a call failed" in told
    assert "req-of-the-fake" in told
    assert "xylophon" not in told.lower()
    assert "SECRET" not in told
    assert KEY not in told
