"""People who may not be cloned. Speakers are told apart by their pitch; see `by_pitch`."""

import io
import sqlite3
import wave
from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api.voices import VOICES, parts, speech, train, trained, voice_server
from tests.services.parts import files as files_of
from tests.speaking import TRAINS, engine_trains

URL = "/api/v1/denied-speakers"
DENIED_HZ = 120.0
NEAR_HZ = 175.0
OTHER_HZ = 240.0


@pytest.fixture
def server(tmp_path: Path, new_database: Path) -> Iterator[TestClient]:
    copyfile(new_database, tmp_path / "voices.db")
    with voice_server(tmp_path, tells_speakers=True) as client:
        yield client


def settings(client: TestClient) -> Any:
    app: Any = client.app
    return app.state.context.settings


def deny(client: TestClient, hz: float = DENIED_HZ, *, seconds: float = 7.0) -> Any:
    return client.post(
        URL,
        files={"file": ("a.wav", speech(hz, seconds), "audio/wav")},
        data={"name": "A public figure", "reason": "asked us"},
    )


def denied(client: TestClient) -> str:
    answer = deny(client)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def register(client: TestClient, hz: float) -> Any:
    return client.post("/voices", files={"file": ("b.wav", speech(hz), "audio/wav")})


def add(client: TestClient, hz: float) -> Any:
    voice = trained(client, ("own.wav", speech(OTHER_HZ)))
    return client.post(f"{VOICES}/{voice}/samples", files=parts(("b.wav", speech(hz))))


def by_bundle(client: TestClient, hz: float) -> Any:
    """A bundle that was made before somebody was denied."""
    voice = trained(client, ("own.wav", speech(hz)))
    bundle = client.get(f"{VOICES}/{voice}/export").content
    denied(client)
    return client.post(f"{VOICES}/import", files={"file": ("a.zip", bundle, "application/zip")})


WAYS = {
    "registered": register,
    "trained": lambda client, hz: train(client, ("b.wav", speech(hz))),
    "trained among others": lambda client, hz: train(
        client, ("a.wav", speech(OTHER_HZ)), ("c.wav", speech(OTHER_HZ, 7.0)), ("b.wav", speech(hz))
    ),
    "added": add,
    "imported": by_bundle,
}


@pytest.mark.parametrize(
    "way", [pytest.param(way, marks=[TRAINS] if "trained" in way else []) for way in WAYS]
)
def test_no_way_leads_to_the_voice_of_a_denied_speaker(server: TestClient, way: str) -> None:
    who = denied(server) if way != "imported" else None

    answer = WAYS[way](server, DENIED_HZ)

    assert (answer.status_code, answer.json()["code"]) == (403, "speaker-denied")
    for told in ("public figure", "asked us", "similarity"):
        assert told not in answer.text
    [event] = server.get("/api/v1/audit", params={"action": "speaker.denied"}).json()["items"]
    assert event["outcome"] == "speaker-denied"
    assert who in (None, event["subject_id"])
    voices = server.get("/voices").json()["items"]
    assert len(voices) == (way in ("added", "imported"))
    assert len(files_of(settings(server))) == 2 * len(voices)


def test_other_speakers_are_let_in(server: TestClient) -> None:
    denied(server)

    assert register(server, OTHER_HZ).status_code == 201


def test_nobody_hides_behind_the_first_minute(server: TestClient) -> None:
    """A recording of another speaker that goes over to the denied one is refused as well."""
    denied(server)
    joined = io.BytesIO()
    with wave.open(joined, "wb") as file:
        for number, hz in enumerate((OTHER_HZ, DENIED_HZ)):
            with wave.open(io.BytesIO(speech(hz, 62.0))) as part:
                if number == 0:
                    file.setparams(part.getparams())
                file.writeframes(part.readframes(part.getnframes()))

    answer = server.post("/voices", files={"file": ("b.wav", joined.getvalue(), "audio/wav")})

    assert answer.json()["code"] == "speaker-denied"


def test_a_denied_speaker_is_listed_without_its_embedding_and_can_be_let_go(
    server: TestClient,
) -> None:
    who = denied(server)

    [listed] = server.get(URL).json()["items"]
    assert listed.keys() == {"id", "name", "reason", "created_by", "created_at"}
    assert (listed["id"], listed["name"], listed["reason"]) == (who, "A public figure", "asked us")
    assert files_of(settings(server)) == []

    assert server.delete(f"{URL}/{who}").status_code == 204
    assert server.get(URL).json()["items"] == []
    assert server.delete(f"{URL}/{who}").json()["code"] == "denied-speaker-not-found"
    assert register(server, DENIED_HZ).status_code == 201
    actions = [event["action"] for event in server.get("/api/v1/audit").json()["items"]]
    assert [action for action in actions if action.startswith("denied")] == [
        "denied-speaker.deleted",
        "denied-speaker.added",
    ]


def test_without_an_encoder_nobody_is_denied_and_nothing_passes_unlooked_at(
    server: TestClient,
) -> None:
    denied(server)
    with voice_server(settings(server).data_dir) as client:
        answers = [deny(client), register(client, OTHER_HZ)]
        for answer in answers + ([train(client)] if engine_trains() else []):
            assert (answer.status_code, answer.json()["code"]) == (503, "engine-unavailable")
        assert client.get("/voices").json()["items"] == []


@pytest.mark.sql
def test_who_is_only_near_is_taken_and_flagged(server: TestClient) -> None:
    who = denied(server)

    answer = register(server, NEAR_HZ)

    assert answer.status_code == 201
    with sqlite3.connect(settings(server).data_dir / "voices.db") as database:
        [(kind, subject, details)] = database.execute("SELECT kind, subject, details FROM flags")
    assert (kind, subject) == ("denied-speaker-near", answer.json()["voice_id"])
    assert who in details
