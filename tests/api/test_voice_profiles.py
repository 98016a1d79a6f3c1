"""GET, PUT and DELETE under /api/v1/voices."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.config import Settings
from tests.api.voices import VOICES, get, speech, trained, voice_server
from tests.services.parts import files as files_of
from tests.speaking import engine_name, engine_trains

ID = "550e8400-e29b-41d4-a716-446655440000"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with voice_server(tmp_path_factory.mktemp("data")) as client:
        yield client


def registered(client: TestClient, **fields: str) -> str:
    response = client.post("/voices", files={"file": ("a.wav", speech())}, data=fields)
    assert response.status_code == 201
    return str(response.json()["voice_id"])


def listed(client: TestClient, **query: Any) -> list[str]:
    """Names, over all pages of two."""
    names, cursor = [], None
    while True:
        page = client.get(
            VOICES, params={"limit": 2} | query | ({"cursor": cursor} if cursor else {})
        ).json()
        names += [voice["name"] for voice in page["items"]]
        cursor = page["cursor"]
        if cursor is None:
            return names


def test_a_voice_of_the_unversioned_api_is_one_of_this_too(server: TestClient) -> None:
    voice = registered(server, name="Old")

    body = get(server, voice)

    assert (body["status"], body["training"], body["active_version"]) == ("ready", None, 1)
    assert body["samples"]["total"] == 1
    [sample] = server.get(f"{VOICES}/{voice}/samples").json()["items"]
    assert sample["used"] is True
    legacy = server.get(f"/voices/{voice}").json()
    assert {name: body[name] for name in legacy} == legacy


def test_voices_are_sorted_and_filtered_in_pages(tmp_path: Path) -> None:
    with voice_server(tmp_path) as client:
        for name, language in (("b", "en-US"), ("a", "en-GB"), ("d", "en-US"), ("c", "")):
            trained(client, name=name, language=language)
        a = client.get(VOICES, params={"sort": "name"}).json()["items"][0]
        client.put(f"{VOICES}/{a['voice_id']}", json={"version": a["version"], "consent": "later"})

        assert listed(client) == ["c", "d", "a", "b"]
        assert listed(client, sort="created_at") == ["b", "a", "d", "c"]
        assert listed(client, sort="name") == ["a", "b", "c", "d"]
        assert listed(client, sort="-name") == ["d", "c", "b", "a"]
        assert listed(client, sort="-updated_at")[0] == "a"
        assert listed(client, language="en-US") == ["d", "b"]
        assert listed(client, engine=engine_name(), sort="name") == ["a", "b", "c", "d"]
        assert listed(client, engine="kokoro") == []
        slash, none = client.get(f"{VOICES}/"), client.get(VOICES)
        assert slash.json() == none.json()


def test_a_cursor_is_for_its_filter_and_order(server: TestClient) -> None:
    for _ in range(2):
        registered(server)
    cursor = server.get(VOICES, params={"limit": 1}).json()["cursor"]
    assert cursor

    for other in ({"sort": "name"}, {"engine": engine_name()}, {"language": "en"}):
        response = server.get(VOICES, params={"cursor": cursor, **other})
        assert (response.status_code, response.json()["code"]) == (400, "invalid-request")


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 101},
        {"sort": "owner"},
        {"cursor": "nonsense"},
        {"engine": "a\x00b"},
        {"language": "\x00"},
        {"language": "x" * 36},
    ],
)
def test_a_bad_list_is_400(server: TestClient, query: dict[str, Any]) -> None:
    response = server.get(VOICES, params=query)

    assert (response.status_code, response.json()["code"]) == (400, "invalid-request")


# Changing


def test_what_is_left_out_stays_and_null_clears(server: TestClient) -> None:
    voice = trained(server, name="Ann", description="tall", language="en-US", consent="c1")
    before = get(server, voice)

    response = server.put(
        f"{VOICES}/{voice}", json={"version": before["version"], "name": " Bea ", "consent": None}
    )

    assert response.status_code == 200
    changed = response.json()
    told = ("name", "description", "language", "consent", "version")
    told_now = [changed[name] for name in told]
    assert told_now == ["Bea", "tall", "en-US", None, before["version"] + 1]
    assert get(server, voice) == changed
    assert server.get(f"/voices/{voice}").json()["name"] == "Bea"
    [event] = server.get("/api/v1/audit", params={"subject_id": voice}).json()["items"][:1]
    assert (event["action"], event["outcome"]) == ("voice.changed", "ok")


def test_the_version_may_come_as_an_etag(server: TestClient) -> None:
    voice = registered(server)
    etag = server.get(f"{VOICES}/{voice}").headers["etag"]
    url = f"{VOICES}/{voice}"

    first = server.put(url, json={"name": "one"}, headers={"If-Match": etag})
    late = server.put(url, json={"name": "two"}, headers={"If-Match": etag})
    next_one = server.put(url, json={"name": "two"}, headers={"If-Match": first.headers["etag"]})

    assert [answer.status_code for answer in (first, late, next_one)] == [200, 409, 200]
    assert (late.json()["code"], late.json()["version"]) == ("version-conflict", 2)


def test_of_two_changes_at_once_one_is_told_of_the_other(server: TestClient) -> None:
    voice = registered(server)

    def put(name: str) -> int:
        return server.put(f"{VOICES}/{voice}", json={"version": 1, "name": name}).status_code

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(put, "abcd"))

    assert sorted(statuses) == [200, 409, 409, 409]
    assert get(server, voice)["name"] == "abcd"[statuses.index(200)]


@pytest.mark.parametrize(
    ("body", "if_match"),
    [
        ({"name": "x"}, None),
        ({"name": "x", "version": 1}, '"2"'),
        ({"name": "x"}, "*"),
        ({"name": "x"}, 'W/"1"'),
        ({"name": "x", "version": "1"}, None),
        ({"name": "x", "version": 2**40}, None),
        ({"name": "", "version": 1}, None),
        ({"name": "  ", "version": 1}, None),
        ({"name": None, "version": 1}, None),
        ({"name": "a\x00b", "version": 1}, None),
        ({"name": "x" * 201, "version": 1}, None),
        ({"description": "\ud800", "version": 1}, None),
        ({"language": "??", "version": 1}, None),
        ({"consent": "a\nb", "version": 1}, None),
        ({"engine": "fake", "version": 1}, None),
        ([], None),
    ],
)
def test_a_bad_change_is_400_and_changes_nothing(
    server: TestClient, body: Any, if_match: str | None
) -> None:
    voice = registered(server, name="Same")

    headers = {"If-Match": if_match} if if_match else {}
    response = server.put(f"{VOICES}/{voice}", content=json.dumps(body), headers=headers)

    assert (response.status_code, response.json()["code"]) == (400, "invalid-request")
    assert (get(server, voice)["name"], get(server, voice)["version"]) == ("Same", 1)


def test_a_language_that_the_engine_does_not_speak_is_refused(server: TestClient) -> None:
    voice = registered(server)

    response = server.put(f"{VOICES}/{voice}", json={"version": 1, "language": "cy"})

    assert (response.status_code, response.json()["code"]) == (400, "language-unsupported")


# Deleting


@pytest.mark.parametrize("path", [VOICES, "/voices"])
def test_a_deleted_voice_leaves_nothing_and_its_training_is_cancelled(
    client: TestClient, settings: Settings, path: str
) -> None:
    voice = trained(client, ("a.wav", speech()), ("b.wav", speech(150.0)), ("c.wav", b"x"))
    training = get(client, voice)["training"]

    erased = client.delete(f"{path}/{voice}")

    assert erased.status_code == 200
    assert erased.json()["recordings"]["files"] == 3
    assert erased.json()["left"] == []
    assert files_of(settings) == []
    assert client.get(f"{VOICES}/{voice}").status_code == 404
    assert client.get(f"{VOICES}/{voice}/samples").status_code == 404
    if engine_trains():
        job = client.get(f"/api/v1/jobs/{training['job_id']}").json()
        assert job["status"] == "cancelled"


@pytest.mark.parametrize("voice", [ID, "nonsense", "%00", "😀"])
def test_an_unknown_voice_is_404(server: TestClient, voice: str) -> None:
    url = f"{VOICES}/{voice}"
    file = ("a.wav", speech())
    for response in (
        server.get(url),
        server.put(url, json={"version": 1, "name": "x"}),
        server.delete(url),
        server.post(f"{url}/train"),
        server.get(f"{url}/samples"),
        server.post(f"{url}/samples", files={"files": file}),
        server.get(f"{url}/samples/{ID}/audio"),
        server.delete(f"{url}/samples/{ID}"),
        server.post(f"{url}/preview"),
        server.post(f"{url}/verify", files={"file": file}),
        server.get(f"{url}/export"),
    ):
        assert (response.status_code, response.json()["code"]) == (404, "voice-not-found")
