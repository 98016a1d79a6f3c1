"""What speaking leaves behind: entries, audio, counts, and nothing where nothing is to be kept."""

from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from app.audio.types import SpeechChunk
from app.core.config import Settings
from app.core.exceptions import EngineFailed
from app.engines.base import SynthesisRequest
from tests.api.test_synthesize import EndlessEngine
from tests.conftest import make_app, registered, serving
from tests.speaking import create_app, engine_kind

HISTORY = "/api/v1/synthesis/history"
SPEAK = "/api/v1/synthesis/speak"
STREAM = f"{SPEAK}/stream"
TEXT = "Seventeen walruses. Juggle porcelain."


class Failing(engine_kind()):
    async def synthesize(self, request: SynthesisRequest) -> AsyncGenerator[SpeechChunk, None]:
        if "fail" in request.text:
            raise EngineFailed("It broke.")
        async for chunk in super().synthesize(request):
            yield chunk


def entries(client: Any, **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.get(HISTORY, params=query).json()["items"]
    return items


def totals(client: Any) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/v1/usage").json()["totals"]
    return found


def files_with(word: str, folder: Path) -> list[str]:
    return [
        path.name
        for path in folder.rglob("*")
        if path.is_file() and word.encode() in path.read_bytes()
    ]


def test_every_way_of_speaking_is_listed_with_what_was_sent(
    client: TestClient, register: Callable[..., str]
) -> None:
    voice = register()
    spoken = [
        client.post(f"/voices/{voice}/synthesize", json={"text": TEXT, "format": "flac"}),
        client.post(SPEAK, json={"text": TEXT, "voice": voice, "format": "mp3"}),
        client.post(STREAM, json={"text": TEXT, "voice": voice, "format": "pcm"}),
    ]
    assert [answer.status_code for answer in spoken] == [200] * 3

    listed = entries(client)[::-1]

    assert [entry["source"] for entry in listed] == ["synthesize", "speak", "stream"]
    assert [entry["format"] for entry in listed] == ["flac", "mp3", "pcm"]
    assert listed[1]["id"] == spoken[1].headers["X-History-Id"]
    assert listed[1]["request_id"] == spoken[1].headers["X-Request-ID"]
    for entry, answer in zip(listed, spoken, strict=True):
        assert (entry["status"], entry["text"], entry["characters"]) == ("ok", TEXT, len(TEXT))
        assert 0 <= entry["first_audio_s"] <= entry["total_s"]
        audio = client.get(f"{HISTORY}/{entry['id']}/audio")
        assert audio.content == answer.content
        assert audio.headers["Content-Type"] == answer.headers["Content-Type"]
        assert entry["bytes"] == len(answer.content)
    seconds = sum(entry["duration_s"] for entry in listed)
    assert totals(client) == {
        "requests": 3,
        "characters": 3 * len(TEXT),
        "audio_s": pytest.approx(seconds),
    }


def test_ssml_is_listed_as_it_was_sent(client: TestClient, register: Callable[..., str]) -> None:
    ssml = "<speak>Walruses <break time='100ms'/> juggle.</speak>"
    answer = client.post(SPEAK, json={"ssml": ssml, "voice": register()})
    assert answer.status_code == 200, answer.text

    (entry,) = entries(client)

    assert (entry["text"], entry["characters"]) == (ssml, len(ssml))


@pytest.mark.sql
def test_what_is_not_to_be_stored_is_nowhere_but_in_the_counts(settings: Settings) -> None:
    with TestClient(create_app(settings)) as client:
        voice = registered(client)
        for path in (SPEAK, STREAM):
            body = {"text": TEXT, "voice": voice, "store": False}
            answer = client.post(path, json=body)
            assert answer.status_code == 200
            assert "x-history-id" not in answer.headers
        other = {"text": "An umbrella.", "voice": voice, "store": True}
        kept = client.post(SPEAK, json=other).headers["x-history-id"]

        assert [entry["text"] for entry in entries(client)] == ["An umbrella."]
        assert [entry["id"] for entry in entries(client)] == [kept]
        assert totals(client)["requests"] == 3
        assert len([path for path in settings.outputs.rglob("*") if path.is_file()]) == 1
        assert files_with("walrus", settings.data_dir) == []

    assert files_with("walrus", settings.data_dir) == []
    assert files_with("umbrella", settings.data_dir) != []


@pytest.mark.parametrize("setting", ["history_enabled", "history_keep_text"])
def test_a_server_that_keeps_no_texts_has_them_in_no_file(settings: Settings, setting: str) -> None:
    with TestClient(create_app(settings.model_copy(update={setting: False}))) as client:
        voice = registered(client)
        assert client.post(SPEAK, json={"text": TEXT, "voice": voice}).status_code == 200
        assert len(entries(client)) == (0 if setting == "history_enabled" else 1)
        assert totals(client)["requests"] == 1

    assert files_with("walrus", settings.data_dir) == []


def test_a_failure_is_listed_with_its_code_however_late_it_comes(settings: Settings) -> None:
    with serving(make_app(settings, Failing())) as client:
        voice = registered(client)
        assert client.post(SPEAK, json={"text": "Now fail.", "voice": voice}).status_code == 500
        with pytest.raises(httpx2.RemoteProtocolError):
            client.post(STREAM, json={"text": "All is fine. Now fail.", "voice": voice})
        assert client.post(SPEAK, json={"text": "?", "voice": str(voice)}).status_code == 400

        late, early = entries(client)

        for entry in (late, early):
            assert (entry["status"], entry["error"]) == ("failed", "engine-failed")
        assert (early["duration_s"], early["first_audio_s"], early["audio_kept"]) == (
            0,
            None,
            False,
        )
        assert late["duration_s"] > 0
        assert totals(client)["requests"] == 2
        assert totals(client)["characters"] == 0


def test_a_stream_that_is_broken_off_is_listed_as_cancelled(settings: Settings) -> None:
    with serving(make_app(settings, EndlessEngine())) as client:
        body = {"text": "One sentence. " * 100, "voice": registered(client), "format": "pcm"}
        with client.stream("POST", STREAM, json=body) as response:
            received = next(response.iter_bytes())
        for _ in range(200):  # until the server has noticed
            if listed := entries(client):
                break

        (entry,) = listed
        assert (entry["status"], entry["error"], entry["source"]) == ("cancelled", None, "stream")
        assert client.get(f"{HISTORY}/{entry['id']}/audio").content.startswith(received[:1000])
        assert totals(client)["audio_s"] == pytest.approx(entry["duration_s"])


def test_audio_goes_with_its_voice_and_the_texts_stay(
    client: TestClient, register: Callable[..., str], settings: Settings
) -> None:
    voice = register()
    assert client.post(SPEAK, json={"text": TEXT, "voice": voice}).status_code == 200
    (entry,) = entries(client)

    erased = client.delete(f"/voices/{voice}").json()

    assert erased["outputs"] == {"files": 1, "bytes": entry["bytes"]}
    assert client.get(f"{HISTORY}/{entry['id']}").json() == entry
    gone = client.get(f"{HISTORY}/{entry['id']}/audio")
    assert (gone.status_code, gone.json()["code"]) == (404, "audio-not-kept")
    assert totals(client)["requests"] == 1


def test_audio_that_is_still_being_written_goes_with_its_voice_too(
    client: TestClient, register: Callable[..., str], settings: Settings
) -> None:
    voice = register()
    assert client.post(SPEAK, json={"text": TEXT, "voice": voice}).status_code == 200
    assert client.delete(f"/voices/{voice}").status_code == 200

    (entry,) = entries(client)

    assert client.get(f"{HISTORY}/{entry['id']}/audio").status_code == 404
    assert not [path for path in settings.outputs.rglob("*") if path.is_file()]


def test_a_start_forgets_what_was_kept_long_enough(settings: Settings) -> None:
    with TestClient(create_app(settings)) as client:
        assert (
            client.post(SPEAK, json={"text": TEXT, "voice": registered(client)}).status_code == 200
        )
    briefly = settings.model_copy(update={"history_retention_days": 1e-9})
    with TestClient(create_app(briefly)) as client:
        assert entries(client) == []
        assert totals(client)["requests"] == 1
        assert not [path for path in settings.outputs.rglob("*") if path.is_file()]
