"""How much was spoken, over HTTP."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.config import Settings
from app.models.history import UsageDay
from app.models.voice import Voice
from tests.api.access_table import bearer, guarded_settings, make_key
from tests.api.test_history import add_voice, call, context, note
from tests.speaking import create_app

URL = "/api/v1/usage"
TODAY = date(2026, 1, 15)


def usage(client: TestClient, headers: Any = None, **query: Any) -> Any:
    answer = client.get(URL, params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def fill(client: TestClient, *days: tuple[str, date, str, int]) -> None:
    """Usage by owner, day and voice: so many requests of ten characters and a second each."""
    records = [
        UsageDay(
            owner=owner, day=day, voice_id=voice, requests=n, characters=10 * n, audio_s=float(n)
        )
        for owner, day, voice, n in days
    ]
    call(client, context(client).database.collection(UsageDay).add_all, records)


def test_what_was_spoken_counts_at_once_whatever_is_kept_of_it(client: TestClient) -> None:
    voice = add_voice(client)
    note(client, voice, "Hello.")
    note(client, voice, "Hello there.", request_store=False)

    report = usage(client)

    assert report["totals"] == {"requests": 2, "characters": 18, "audio_s": 3.0}
    assert report["items"] == [
        {"day": report["until"], "voice_id": voice.id, "owner": None, **report["totals"]}
    ]
    since = date.fromisoformat(report["since"])
    assert date.fromisoformat(report["until"]) - since == timedelta(days=29)
    assert client.get(f"{URL}/").json() == report


def test_usage_is_added_up_by_day_and_voice(client: TestClient) -> None:
    yesterday = TODAY - timedelta(days=1)
    fill(
        client,
        ("local", yesterday, "a", 1),
        ("local", TODAY, "a", 2),
        ("local", TODAY, "b", 4),
        ("local", TODAY - timedelta(days=2), "a", 8),
        ("somebody", TODAY, "a", 16),
    )
    days = {"since": str(yesterday), "until": str(TODAY)}

    def requests(*by: str) -> dict[Any, int]:
        report = usage(client, group_by=list(by), **days)
        assert report["group_by"] == list(by)
        assert report["totals"] == {"requests": 7, "characters": 70, "audio_s": 7.0}
        return {
            tuple(v for v in (item["day"], item["voice_id"], item["owner"]) if v): item["requests"]
            for item in report["items"]
        }

    assert requests("day", "voice") == {
        (str(TODAY), "a"): 2,
        (str(TODAY), "b"): 4,
        (str(yesterday), "a"): 1,
    }
    assert list(requests("day").items()) == [((str(TODAY),), 6), ((str(yesterday),), 1)]
    assert requests("voice") == {("a",): 3, ("b",): 4}
    assert requests("owner") == {("local",): 7}
    assert requests("voice", "owner") == {("a", "local"): 3, ("b", "local"): 4}


def test_more_than_a_page_is_added_up(client: TestClient) -> None:
    first = TODAY - timedelta(days=999)
    fill(client, *(("local", first + timedelta(days=n), "a", 1) for n in range(1000)))

    report = usage(client, since=str(first), until=str(TODAY), group_by="voice")

    assert [item["requests"] for item in report["items"]] == [1000]


def test_the_ends_of_time_are_days_like_others(client: TestClient) -> None:
    fill(client, ("local", TODAY, "a", 1))

    assert usage(client, since="0001-01-01", until="9999-12-31")["totals"]["requests"] == 1
    assert usage(client, until="0001-01-01")["since"] == "0001-01-01"
    assert usage(client, since=str(TODAY), until=str(TODAY))["totals"]["requests"] == 1


def test_days_that_mean_nothing_are_400(client: TestClient) -> None:
    for query in (
        "since=yesterday",
        "since=0",
        "since=1700000000",
        "until=2026-02-30",
        "until=20260101",
        "since=2026-01-02&until=2026-01-01",
        "since=2999-01-01",
        "group_by=month",
        "group_by=day&group_by=day&group_by=day&group_by=day",
        "all=perhaps",
        "voice=a",
        "owner=*",
    ):
        answer = client.get(f"{URL}?{query}")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid-request"), query


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[tuple[TestClient, Any, Any]]:
    settings = guarded_settings(tmp_path)
    with TestClient(create_app(settings)) as client:
        ann, chief = (
            bearer(call(client, make_key, settings, owner, role))
            for owner, role in (("ann", "reader"), ("chief", "admin"))
        )
        yield client, ann, chief


def test_an_administrator_sees_the_usage_of_all_by_owner(
    guarded: tuple[TestClient, Any, Any],
) -> None:
    client, ann, chief = guarded
    today = date.today()  # noqa: DTZ011 - any of the last days
    fill(client, ("ann", today, "a", 1), ("ben", today, "b", 2), ("ben", today, "c", 4))

    assert usage(client, ann)["totals"]["requests"] == 1
    assert usage(client, chief)["totals"]["requests"] == 0
    assert usage(client, chief | {"X-Owner": "ben"})["totals"]["requests"] == 6
    whole = usage(client, chief, all="true", group_by="owner")
    assert {item["owner"]: item["requests"] for item in whole["items"]} == {"ann": 1, "ben": 6}
    assert usage(client, chief, all="true")["group_by"] == ["day", "voice", "owner"]

    refused = client.get(URL, params={"all": "true"}, headers=ann)
    assert (refused.status_code, refused.json()["permission"]) == (403, "owners:any")
    both = client.get(URL, params={"all": "true"}, headers=chief | {"X-Owner": "ben"})
    assert both.status_code == 400


def test_what_was_counted_is_there_after_a_stop(settings: Settings) -> None:
    with TestClient(create_app(settings)) as client:
        voice: Voice = add_voice(client)
        for _ in range(3):
            note(client, voice, "four")
    with TestClient(create_app(settings)) as client:
        assert usage(client)["totals"] == {"requests": 3, "characters": 12, "audio_s": 4.5}
        assert len(client.get("/api/v1/synthesis/history").json()["items"]) == 3
