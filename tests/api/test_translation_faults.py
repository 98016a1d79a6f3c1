"""Every call of the translator with every fault: what a caller sees."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.api.sites import Site
from tests.api.test_batches import begin, work
from tests.api.voices import voice_server
from tests.azure_fake.faults import FAULTS
from tests.azure_fake.serving import served
from tests.azure_fake.translator import KEY, REGION, TranslatorState, translator_app

pytestmark = pytest.mark.services

Translating = Site[TranslatorState]
DOWN = (503, "translation-unavailable")
USELESS = (502, "translation-failed")
SEEN = dict.fromkeys(FAULTS, DOWN) | dict.fromkeys(
    ("409", "empty body", "HTML body", "cut"), USELESS
)


@contextmanager
def a_site(folder: Path) -> Iterator[Translating]:
    """Its translator keeps no translations, so that each request asks."""
    state = TranslatorState()
    with (
        served(translator_app(state)) as url,
        voice_server(
            folder,
            azure_translator_endpoint=url,
            azure_translator_key=KEY,
            azure_translator_region=REGION,
            azure_translator_version="3.0",
            translation_cache_chars=0,
            services_tries=1,
        ) as client,
    ):
        yield Site(client, state, text="Guten Tag.", translate_to="en")


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Translating]:
    """It knows the languages already."""
    with a_site(tmp_path_factory.mktemp("data")) as site:
        site.client.get("/api/v1/translation/languages")
        yield site


def ask(site: Translating, route: str) -> Any:
    if route == "translate":
        return site.translate("Ja")
    if route == "detect":
        return site.client.post("/api/v1/translation/detect", json={"texts": ["Ja"]})
    if route == "languages":
        return site.client.get("/api/v1/translation/languages")
    return site.speak(f"/api/v1/synthesis/{route}", text="Ja")


def check(site: Translating, route: str, call: str, fault: str) -> None:
    """What is answered, that nothing is kept of it, and that it passes."""
    before = site.client.get("/api/v1/synthesis/history").json()
    site.state.faults.add(f"*/{call}", FAULTS[fault])
    answer = ask(site, route)

    assert (answer.status_code, answer.json()["code"]) == SEEN[fault]
    if "Retry-After" in fault:
        assert answer.headers["retry-after"] == "7"
    assert "SECRET" not in answer.text
    assert site.client.get("/api/v1/synthesis/history").json() == before
    assert ask(site, route).status_code == 200


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("route", ["translate", "detect", "speak", "speak/stream"])
def test_faults(route: str, fault: str, known: Translating) -> None:
    check(known, route, "detect" if route == "detect" else "translate", fault)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("route", ["languages", "translate", "speak"])
def test_faults_where_the_languages_are_not_known_yet(
    route: str, fault: str, tmp_path: Path
) -> None:
    with a_site(tmp_path) as site:
        check(site, route, "languages", fault)


@pytest.mark.parametrize("fault", FAULTS)
def test_an_item_of_a_batch_fails_alone(fault: str, known: Translating) -> None:
    items = [{"text": "Ja", "translate_to": "en"}, {"text": "Nein"}]
    batch = begin(known.client, {"voice": known.voice, "format": "pcm", "items": items})
    known.state.faults.add("*/translate", FAULTS[fault])
    done = work(known.client, batch)

    assert (done["status"], done["counts"]["failed"]) == ("partial", 1)
    [failed, spoken] = known.client.get(done["links"]["items"]).json()["items"]
    assert failed["error"]["code"] == SEEN[fault][1]
    assert (spoken["status"], spoken["translation"]) == ("succeeded", None)
    known.client.post(f"{done['links']['self']}/retry")
    assert work(known.client, done)["status"] == "succeeded"
