"""What administrators look at: reports, and unusual volume."""

import asyncio
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.config import Settings
from tests.api.access_table import bearer, guarded_settings, make_key
from tests.api.test_history import add_voice, note
from tests.api.test_usage import fill
from tests.speaking import create_app

URL = "/api/v1/flags"
REPORTS = "/api/v1/reports"
WORDS = "It says porcelain walrus in my voice."


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Any, Any]]:
    """A server, and headers of an administrator and of a reader."""
    settings = guarded_settings(
        tmp_path_factory.mktemp("data"), rate_limiting_enabled=True, rate_limit_reports=2
    )
    admin = asyncio.run(make_key(settings, "admin", "admin"))
    with TestClient(create_app(settings)) as client:
        yield client, bearer(admin), settings


def reader(world: Any, name: str) -> Any:
    """Headers of a new caller, who has all of the limit."""
    return bearer(asyncio.run(make_key(world[2], name, "reader")))


def test_a_report_becomes_a_flag_that_an_administrator_closes(
    world: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    client, admin, _ = world
    body = {"voice_id": "v-1", "request_id": "r-1", "description": WORDS, "contact": "a@b.example"}

    taken = client.post(REPORTS, json=body, headers=reader(world, "ann"))

    assert taken.status_code == 201, taken.text
    [flag] = client.get(URL, headers=admin, params={"subject": "v-1"}).json()["items"]
    assert flag["id"] == taken.json()["id"]
    assert (flag["kind"], flag["owner"], flag["status"]) == ("report", "ann", "open")
    reporter = flag["details"].pop("reporter")
    assert reporter.startswith("key:")
    assert flag["details"] == body

    close = f"{URL}/{flag['id']}/close"
    closed = client.post(close, json={"note": "Voice deleted."}, headers=admin).json()
    assert (closed["status"], closed["note"]) == ("closed", "Voice deleted.")
    assert closed["decided_by"].startswith("key:")
    assert client.post(close, headers=admin).json()["code"] == "conflict"
    for status, count in (("open", 0), ("closed", 1)):
        query = {"kind": "report", "owner": "ann", "status": status}
        assert len(client.get(URL, headers=admin, params=query).json()["items"]) == count

    events = client.get("/api/v1/audit", headers=admin, params={"subject_id": flag["id"]}).json()
    told = [(event["action"], event["owner"]) for event in events["items"]]
    assert told == [("flag.closed", "ann"), ("report.created", "ann")]
    said = "".join(capfd.readouterr())
    assert "flag raised" in said
    assert not any(word in said for word in ("walrus", "a@b.example", "v-1"))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"voice_id": "v-2"}, 201),
        ({"request_id": "r-2"}, 201),
        ({"description": "x" * 2000}, 201),
        ({"description": "x" * 2001}, 400),
        ({"description": "a\u0000b"}, 400),
        ({"description": "  ", "contact": "a@b.example"}, 400),
        ({"voice_id": "two words"}, 400),
        ({}, 400),
    ],
)
def test_a_report_says_something(world: Any, body: dict[str, str], status: int) -> None:
    headers = reader(world, f"caller-{len(str(body))}-{status}")

    assert world[0].post(REPORTS, json=body, headers=headers).status_code == status


def test_reports_are_limited_and_need_a_caller_that_is_known(world: Any) -> None:
    client, _, _ = world
    headers = reader(world, "eve")

    answers = [client.post(REPORTS, json={"voice_id": "v-3"}, headers=headers) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert answers[-1].json()["rate"] == "reports"
    assert client.post(REPORTS, json={"voice_id": "v-3"}).status_code == 401


def test_flags_are_for_administrators(world: Any) -> None:
    client, admin, _ = world
    headers = reader(world, "joe")

    assert client.get(URL, headers=headers).json()["permission"] == "abuse:manage"
    assert client.post(f"{URL}/x/close", headers=headers).status_code == 403
    assert client.post(f"{URL}/x/close", headers=admin).json()["code"] == "flag-not-found"


# Unusual volume


def today(client: TestClient) -> date:
    return date.fromisoformat(client.get("/api/v1/usage").json()["until"])


def unusual(client: TestClient) -> list[dict[str, Any]]:
    client.get("/api/v1/usage")  # what was counted is written
    items: list[dict[str, Any]] = client.get(URL, params={"kind": "unusual-volume"}).json()["items"]
    return items


def used_to(client: TestClient, *characters: int) -> None:
    """So much on the days before this one, the last day first; a multiple of ten each."""
    start = today(client)
    days = enumerate(characters, start=1)
    if characters:
        fill(client, *(("local", start - timedelta(days=n), "v", c // 10) for n, c in days))


@pytest.fixture
def watched(settings: Settings) -> Iterator[TestClient]:
    rules = {"alert_volume_factor": 3.0, "alert_volume_floor": 100}
    with TestClient(create_app(settings.model_copy(update=rules))) as client:
        yield client


def test_far_more_than_usual_is_flagged_once_a_day(watched: TestClient) -> None:
    used_to(watched, *[100] * 14)
    voice = add_voice(watched)
    note(watched, voice, "a" * 300)
    assert unusual(watched) == []

    for _ in range(2):
        note(watched, voice, "a" * 50)
        [flag] = unusual(watched)

    assert (flag["owner"], flag["subject"]) == ("local", "local")
    assert flag["details"] == {
        "day": today(watched).isoformat(),
        "characters": 350,
        "limit": 300,
        "median": 100.0,
    }
    metrics = watched.get("/metrics").text
    assert 'voice_cloning_abuse_events_total{kind="unusual-volume"} 1.0' in metrics


@pytest.mark.parametrize(
    ("before", "characters", "flags"),
    [([], 100, 0), ([], 101, 1), ([1000], 150, 1), ([20] * 14, 100, 0), ([1000] * 14, 2999, 0)],
)
def test_what_is_usual_is_the_median_of_two_weeks_but_the_floor_at_least(
    watched: TestClient, before: list[int], characters: int, flags: int
) -> None:
    used_to(watched, *before)

    note(watched, add_voice(watched), "a" * characters)

    assert len(unusual(watched)) == flags


def test_an_absolute_number_can_be_set(settings: Settings) -> None:
    rules = {"alert_daily_characters": 200, "alert_volume_factor": 0.0}
    with TestClient(create_app(settings.model_copy(update=rules))) as client:
        used_to(client, *[10_000] * 14)
        voice = add_voice(client)
        note(client, voice, "a" * 200)
        assert unusual(client) == []
        note(client, voice, "a" * 15)

        [flag] = unusual(client)

    assert (flag["details"]["characters"], flag["details"]["limit"]) == (215, 200)
