"""`GET /api/v1/languages`, and `language: auto`."""

import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.audio.types import SpeechChunk
from app.core.config import Settings
from app.engines.base import SynthesisRequest
from tests.conftest import make_app, registered
from tests.speaking import create_app, engine_kind, engine_name

STREAM = "/api/v1/synthesis/speak/stream"


class Polyglot(engine_kind()):
    """Says in which language it was asked for what."""

    info = replace(
        engine_kind().info,
        languages=("en-US", "es", "fr", "hi"),
        readers={"es": "a book"},
        unavailable={"tlh": "Learn it.", "pt-BR": "Buy a book."},
    )

    def __init__(self) -> None:
        self.asked: list[tuple[str | None, str]] = []

    def check(self, text: str, language: str | None) -> None: ...

    async def synthesize(self, request: SynthesisRequest) -> AsyncGenerator[SpeechChunk, None]:
        self.asked.append((request.language, request.text))
        async for chunk in super().synthesize(request):
            yield chunk


def test_it_tells_what_is_spoken_by_which_reader_and_what_is_put_into_words(
    settings: Settings,
) -> None:
    with TestClient(make_app(settings, Polyglot())) as client:
        told = client.get("/api/v1/languages").json()

    assert told["engine"] == engine_name()
    english, spanish, french, hindi = told["items"]
    assert (english["tag"], english["name"]) == ("en-US", "English (United States)")
    assert (english["default"], spanish["default"]) == (True, False)
    assert english["normalized"] is True
    assert {"cardinal", "date", "money", "acronym"} <= set(english["normalization"])
    assert (spanish["own_name"], spanish["reader"]) == ("español", "a book")
    assert (french["scripts"], hindi["scripts"]) == (["LATIN"], ["DEVANAGARI", "LATIN"])
    assert all(one["detectable"] and not one["phonemes"] for one in told["items"])
    assert [(one["tag"], one["name"]) for one in told["unavailable"]] == [
        ("tlh", "tlh"),
        ("pt-BR", "Portuguese (Brazil)"),
    ]


def test_the_embedded_engine_tells_what_it_lacks(settings: Settings) -> None:
    from app.engines.kokoro.phonemes import LANGUAGES, available_languages

    kokoro = settings.model_copy(update={"voice_engine": "kokoro"})
    with TestClient(create_app(kokoro)) as client:
        told = client.get("/api/v1/languages").json()

    tags = [one["tag"] for one in told["items"]]
    assert tags == list(available_languages())
    assert {*tags, *(one["tag"] for one in told["unavailable"])} == set(LANGUAGES)
    assert all(one["phonemes"] and one["reader"] for one in told["items"])
    assert all("espeak" in one["suggestion"] for one in told["unavailable"])


def test_each_sentence_is_spoken_in_the_language_that_it_is_in(settings: Settings) -> None:
    engine = Polyglot()
    text = (
        "Hello there, how are you today? ¿Dónde está la biblioteca, por favor? "
        "He said नमस्ते to all of them. Nous allons au marché demain matin."
    )
    with TestClient(make_app(settings, engine)) as client:
        body = {"text": text, "voice": registered(client), "language": "auto", "format": "pcm"}
        response = client.post(STREAM, json=body | {"stream_format": "sse"})

    assert response.status_code == 200, response.text
    assert [language for language, _ in engine.asked] == [
        "en-US", "es", "en-US", "hi", "en-US", "fr",
    ]  # fmt: skip
    assert engine.asked[3][1] == "नमस्ते"
    sentences = [
        json.loads(line.removeprefix("data: "))
        for line in response.text.splitlines()
        if line.startswith("data: ") and '"audio"' in line
    ]
    assert [text[one["start"] : one["end"]] for one in sentences] == [o["text"] for o in sentences]
    assert [one["language"] for one in sentences] == [language for language, _ in engine.asked]
    assert "".join("".join(one["text"] for one in sentences).split()) == "".join(text.split())


def test_markup_says_the_language_of_a_passage(settings: Settings) -> None:
    engine = Polyglot()
    ssml = "<speak>Yes. <lang xml:lang='fr'>Oui.</lang></speak>"
    with TestClient(make_app(settings, engine)) as client:
        body = {"ssml": ssml, "voice": registered(client), "format": "pcm"}
        assert client.post("/api/v1/synthesis/speak", json=body).status_code == 200

    assert engine.asked == [("en-US", "Yes."), ("fr", "Oui.")]


@pytest.mark.parametrize(("normalize", "status"), [("auto", 200), ("on", 400), ("off", 200)])
def test_a_language_without_rules_says_so(settings: Settings, normalize: str, status: int) -> None:
    class Unruly(Polyglot):
        info: Any = replace(Polyglot.info, languages=("th-TH",))

    with TestClient(make_app(settings, Unruly())) as client:
        body = {"text": "Hab 12.", "voice": registered(client), "normalize": normalize}
        response = client.post("/api/v1/synthesis/speak", json=body)

    assert response.status_code == status
    if status == 200:
        assert response.headers["x-normalized"] == "false"
    else:
        assert response.json()["code"] == "language-unsupported"
