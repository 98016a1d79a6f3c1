import json
import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from app.core.config import Settings
from tests.conftest import recording

Register = Callable[..., str]


def trail(client: TestClient, **filters: Any) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/audit", params=filters)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def actions(client: TestClient, **filters: Any) -> list[str]:
    return [event["action"] for event in trail(client, **filters)]


def speak(client: TestClient, voice: str, **body: Any) -> int:
    body = {"text": "Tell it. And tell more. And more.", **body}
    return client.post(f"/voices/{voice}/synthesize", json=body).status_code


def test_creating_using_and_deleting_a_voice_is_told_newest_first(
    client: TestClient, register: Register
) -> None:
    voice = register(name="Zebedee")
    assert speak(client, voice) == 200
    answer = client.delete(f"/voices/{voice}", headers={"X-Request-ID": "r-9"})
    assert answer.status_code == 200

    events = trail(client)

    assert [event["action"] for event in events] == ["voice.deleted", "voice.used", "voice.created"]
    assert {event["subject_id"] for event in events} == {voice}
    assert events[0]["request_id"] == "r-9"
    assert {(event["actor"], event["outcome"]) for event in events} == {("local", "ok")}
    assert "Zebedee" not in json.dumps(events)


@pytest.mark.parametrize("stream", [False, True])
def test_a_use_is_one_event_however_many_sentences(
    client: TestClient, register: Register, stream: bool
) -> None:
    voice = register()

    assert speak(client, voice, stream=stream) == 200

    assert actions(client, subject_id=voice) == ["voice.used", "voice.created"]


def test_what_was_refused_is_not_told_as_done(client: TestClient, register: Register) -> None:
    voice = register()

    assert speak(client, voice, text="?!") in (200, 400)
    assert speak(client, voice, format="none") == 400
    assert speak(client, "550e8400-e29b-41d4-a716-446655440000") == 404
    assert client.delete("/voices/550e8400-e29b-41d4-a716-446655440000").status_code == 404

    assert set(actions(client)) <= {"voice.created", "voice.used"}
    assert len(trail(client, subject_id="550e8400-e29b-41d4-a716-446655440000")) == 0


def test_the_trail_is_filtered_by_voice_actor_action_and_time(
    client: TestClient, register: Register
) -> None:
    one, other = register(), register(hz=180.0)
    speak(client, one)
    middle = trail(client, subject_id=other)[0]["at"]

    assert actions(client, subject_id=one) == ["voice.used", "voice.created"]
    assert actions(client, action="voice.created") == ["voice.created"] * 2
    assert actions(client, actor="local", action="voice.used") == ["voice.used"]
    assert actions(client, actor="key:none") == []
    assert actions(client, since=middle) == ["voice.used", "voice.created"]
    assert actions(client, until=middle) == ["voice.created"]
    later = datetime.fromisoformat(middle) + timedelta(days=1)
    assert actions(client, since=later.isoformat()) == []


def test_pages_follow_one_another_under_the_same_filter(
    client: TestClient, register: Register
) -> None:
    voice = register()
    for _ in range(4):
        speak(client, voice)
    wanted = {"action": "voice.used", "since": "2026-01-01T00:00:00Z", "limit": 3}

    first = client.get("/api/v1/audit", params=wanted).json()
    second = client.get("/api/v1/audit", params=wanted | {"cursor": first["cursor"]}).json()

    ids = [event["id"] for event in first["items"] + second["items"]]
    assert len(ids) == len(set(ids)) == 4
    assert second["cursor"] is None
    mixed = client.get("/api/v1/audit", params={"cursor": first["cursor"]})
    assert mixed.status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        "since=yesterday",
        "since=2026-01-01T00:00:00",
        "since=0001-01-01T00:00:00+14:00",  # before the first moment, in UTC
        "until=9999-12-31T23:59:59-14:00",
        "action=voice.sung",
        "limit=0",
    ],
)
def test_a_filter_that_means_nothing_is_400(client: TestClient, query: str) -> None:
    answer = client.get(f"/api/v1/audit?{quote(query, safe='=')}")

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-request")


@pytest.mark.sql
def test_without_the_trail_nothing_is_created_or_deleted_but_voices_speak(
    client: TestClient, register: Register, settings: Settings
) -> None:
    voice = register()
    with sqlite3.connect(settings.data_dir / "voices.db") as database:
        database.execute("ALTER TABLE audit_events RENAME TO gone")
    database.close()

    assert client.delete(f"/voices/{voice}").json()["code"] == "database-unavailable"
    assert client.get(f"/voices/{voice}").status_code == 200
    file = {"file": ("b.wav", recording(), "audio/wav")}
    assert client.post("/voices", files=file).status_code == 503
    assert [v["voice_id"] for v in client.get("/voices").json()["items"]] == [voice]
    kept = [path for path in settings.uploads.rglob("*") if path.is_file()]
    assert len(kept) == 1
    assert speak(client, voice) == 200


def test_making_and_revoking_a_key_is_told(client: TestClient) -> None:
    body = {"name": "Zebedee", "scopes": ["reader"]}
    made = client.post("/api/v1/keys", json=body).json()
    key_id = made["id"]
    for _ in range(2):  # the second time changes nothing
        assert client.delete(f"/api/v1/keys/{key_id}").status_code in (200, 204)

    events = trail(client, subject_id=key_id)

    assert [event["action"] for event in events] == ["key.revoked", "key.created"]
    assert made["key"] not in json.dumps(events)
    assert "Zebedee" not in json.dumps(events)
