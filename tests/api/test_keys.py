"""API keys over HTTP."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api.access_table import guarded_settings, make_key
from tests.speaking import create_app

KEYS = "/api/v1/keys"


@contextmanager
def chief(folder: Path) -> Iterator[TestClient]:
    """A client that sends the key of the administrator `chief`."""
    settings = guarded_settings(folder)
    key = asyncio.run(make_key(settings, "chief", "admin"))
    with TestClient(create_app(settings), headers={"X-API-Key": key}) as client:
        yield client


@pytest.fixture
def admin(tmp_path: Path) -> Iterator[TestClient]:
    with chief(tmp_path) as client:
        yield client


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """For tests that make no key."""
    with chief(tmp_path_factory.mktemp("unchanged")) as client:
        yield client


def create(client: TestClient, **members: Any) -> Any:
    body = {"name": "web shop", "scopes": ["speaker"]} | members
    response = client.post(KEYS, json=body)
    assert response.status_code == 201, response.text
    assert response.headers["Cache-Control"] == "no-store"
    return response.json()


def get(client: TestClient, path: str, key: str) -> int:
    return client.get(path, headers={"X-API-Key": key}).status_code


def test_a_new_key_works_at_once_and_is_shown_only_then(admin: TestClient) -> None:
    made = create(admin, expires_days=30)

    assert made["owner"] == "chief"
    assert made["scopes"] == ["speaker"]
    assert made["key"].startswith(made["prefix"])
    assert made["expires_at"] > made["created_at"]
    listed = admin.get(KEYS)
    assert made["key"] not in listed.text
    assert "digest" not in listed.text
    assert listed.json()["items"][0] == {k: v for k, v in made.items() if k != "key"}
    assert get(admin, "/voices", made["key"]) == 200
    assert get(admin, KEYS, made["key"]) == 403


def test_a_revoked_key_is_refused_with_the_next_request(admin: TestClient) -> None:
    made = create(admin)
    assert get(admin, "/voices", made["key"]) == 200

    assert admin.delete(f"{KEYS}/{made['id']}").status_code == 204

    assert get(admin, "/voices", made["key"]) == 401
    assert admin.get(KEYS).json()["items"][0]["revoked_at"]
    assert admin.delete(f"{KEYS}/{made['id']}").status_code == 204


def test_an_administrator_makes_and_revokes_the_keys_of_others(admin: TestClient) -> None:
    by_member = create(admin, owner="ann")
    by_header = admin.post(
        KEYS, json={"name": "b", "scopes": ["reader"]}, headers={"X-Owner": "ann"}
    ).json()

    assert by_member["owner"] == by_header["owner"] == "ann"
    anns = admin.get(KEYS, headers={"X-Owner": "ann"}).json()["items"]
    assert {key["id"] for key in anns} == {by_member["id"], by_header["id"]}
    assert len(admin.get(KEYS).json()["items"]) == 1
    assert admin.delete(f"{KEYS}/{by_member['id']}").status_code == 404
    revoked = admin.delete(f"{KEYS}/{by_member['id']}", headers={"X-Owner": "ann"})
    assert revoked.status_code == 204


def test_the_last_use_is_shown(admin: TestClient) -> None:
    made = create(admin)
    assert made["last_used_at"] is None
    get(admin, "/voices", made["key"])
    app: Any = admin.app
    assert admin.portal is not None
    admin.portal.call(app.state.context.access.close)  # its notes are written

    by_id = {key["id"]: key for key in admin.get(KEYS).json()["items"]}

    assert by_id[made["id"]]["last_used_at"]


def test_the_list_comes_in_pages(admin: TestClient) -> None:
    made = [create(admin, name=f"key {n}")["id"] for n in range(3)]

    first = admin.get(f"{KEYS}?limit=2").json()
    second = admin.get(KEYS, params={"limit": 2, "cursor": first["cursor"]}).json()

    assert [key["id"] for key in first["items"]] == made[:0:-1]
    assert second["items"][0]["id"] == made[0]


@pytest.mark.parametrize(
    "members",
    [
        {"name": ""},
        {"name": "   "},
        {"name": "x" * 201},
        {"name": "a\0b"},
        {"name": "line\nbreak"},
        {"name": "\ud800"},
        {"name": None},
        {"scopes": []},
        {"scopes": ["boss"]},
        {"scopes": "admin"},
        {"scopes": ["speaker"] * 50},
        {"owner": ""},
        {"owner": "a b"},
        {"owner": "x" * 201},
        {"owner": "é"},
        {"expires_days": 0},
        {"expires_days": -1},
        {"expires_days": 10**9},
        {"expires_day": 7},
    ],
    ids=lambda members: str(members)[:40],
)
def test_a_key_that_makes_no_sense_is_refused(unchanged: TestClient, members: Any) -> None:
    body = {"name": "web shop", "scopes": ["speaker"]} | members

    response = unchanged.post(
        KEYS, content=json.dumps(body), headers={"Content-Type": "application/json"}
    )

    assert response.status_code == 400
    assert len(unchanged.get(KEYS).json()["items"]) == 1
