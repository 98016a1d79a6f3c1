"""Where audit events come from, and the trail verified and exported over HTTP."""

import json
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.clock import utc_now
from app.core.config import Settings
from app.models.audit_check import line_of
from tests.api.access_table import bearer, guarded_settings, make_key
from tests.conftest import serving
from tests.db.trails import at, by_hand, fill
from tests.speaking import create_app

AUDIT = "/api/v1/audit"
ROLES = ("creator", "admin")


def newest(client: Any) -> dict[str, Any]:
    event: dict[str, Any] = client.get(AUDIT).json()["items"][0]
    return event


def make_a_key(client: Any, **headers: str) -> None:
    body = {"name": "x", "scopes": ["reader"]}
    assert client.post("/api/v1/keys", json=body, headers=headers).status_code == 201


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:DB8::1", "2001:db8::1"),
        (f"fe80::1%{'x' * 500}", "fe80::1"),
        ("anything", "-"),
        ("", "-"),
    ],
)
def test_an_event_tells_the_address_that_it_came_from(
    settings: Settings, host: str, told: str
) -> None:
    with TestClient(create_app(settings), client=(host, 50_000)) as client:
        make_a_key(client, **{"X-Forwarded-For": "198.51.100.1"})

        assert newest(client)["source"] == told


def test_the_word_of_a_proxy_counts_where_it_is_trusted(settings: Settings) -> None:
    with serving(create_app(settings), forwarded_allow_ips="127.0.0.1") as client:
        make_a_key(client, **{"X-Forwarded-For": "203.0.113.7"})

        assert newest(client)["source"] == "203.0.113.7"


@pytest.mark.sql
def test_the_trail_is_exported_and_verified(client: TestClient, settings: Settings) -> None:
    make_a_key(client)
    make_a_key(client)

    exported = client.get(f"{AUDIT}/export")
    verdict = client.get(f"{AUDIT}/verify").json()

    assert exported.headers["content-type"].startswith("text/plain")
    lines = [json.loads(line) for line in exported.text.splitlines()]
    assert [line["action"] for line in lines] == ["key.created"] * 2
    assert [line["digest"] for line in lines][-1] == verdict["digest"] == newest(client)["digest"]
    assert (verdict["valid"], verdict["events"], verdict["faults"]) == (True, 2, [])
    assert None not in map(line_of, exported.text.splitlines())
    tomorrow = (utc_now() + timedelta(days=1)).isoformat()
    assert client.get(f"{AUDIT}/export", params={"since": tomorrow}).text == ""

    noted = {"expect": f"2:{verdict['digest']}"}
    by_hand(settings.data_dir / "voices.db", "DELETE FROM audit_events WHERE number = 1")
    found = client.get(f"{AUDIT}/verify", params=noted).json()
    assert not found["valid"]
    assert [(fault["kind"], fault["number"]) for fault in found["faults"]] == [("missing", 1)]


@pytest.mark.parametrize("query", ["verify?expect=x", "verify?expect=1:abc", "export?since=soon"])
def test_what_means_nothing_is_400(client: TestClient, query: str) -> None:
    answer = client.get(f"{AUDIT}/{query}")

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-request")


def test_only_who_may_read_the_trail_may_verify_or_export_it(settings: Settings) -> None:
    guarded = guarded_settings(settings.data_dir)

    async def key(*scopes: str) -> str:
        return await make_key(guarded, "ann", *scopes)

    creator, admin = (at(settings.database, lambda _, role=role: key(role)) for role in ROLES)
    with TestClient(create_app(guarded)) as client:
        for path in ("verify", "export"):
            url = f"{AUDIT}/{path}"
            assert client.get(url, headers=bearer(creator)).status_code == 403
            assert client.get(url, headers=bearer(admin)).status_code == 200


@pytest.mark.sql
def test_a_server_removes_what_was_kept_long_enough_when_it_starts(
    settings: Settings,
) -> None:
    at(settings.database, fill)
    by_hand(settings.data_dir / "voices.db", "UPDATE audit_events SET created_at = '2020-01-01'")
    keeps = settings.model_copy(update={"audit_retention_days": 30})
    with TestClient(create_app(keeps)) as client:
        items = client.get(AUDIT).json()["items"]

    assert [(event["number"], event["action"]) for event in items] == [(7, "audit.expired")]
