"""The service with Cosmos DB as its database: the fake of it, over a real connection."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.config import Settings
from tests.api.voices import VOICES, settings_of, speech
from tests.azure_fake.cosmos import KEY, State, cosmos_app
from tests.azure_fake.faults import MUTE, Fault, Faults
from tests.azure_fake.serving import served
from tests.conftest import registered
from tests.speaking import create_app

NAME = "voices"


class Account:
    """A fake account that is served, and a server of ours that keeps its records there."""

    def __init__(self, address: str, folder: Path, state: State, faults: Faults) -> None:
        self.state = state
        self.faults = faults
        self._address = address
        self.folder = folder

    def settings(self, **more: Any) -> Settings:
        cosmos = {
            "cosmos_db_endpoint": self._address,
            "cosmos_db_key": KEY,
            "cosmos_db_database": NAME,
        }
        return settings_of(self.folder, **cosmos, **more)

    @contextmanager
    def server(self, **more: Any) -> Iterator[TestClient]:
        with TestClient(create_app(self.settings(**more))) as client:
            yield client

    def stored(self, container: str) -> list[dict[str, Any]]:
        return list(self.state.databases[NAME][container].documents.values())


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    state = State()
    faults = Faults(cosmos_app(state))
    with served(faults) as address:
        yield Account(address, tmp_path, state, faults)


def test_a_voice_is_registered_speaks_is_listed_and_deleted(account):
    with account.server() as client:
        voice = registered(client, name="Ann")
        spoken = client.post(f"/voices/{voice}/synthesize", json={"text": "Yes.", "format": "pcm"})
        listed = client.get(VOICES).json()["items"]
        ready = client.get("/health/ready")
        found = client.post("/api/v1/provenance/identify", files={"file": ("a.wav", speech())})
        deleted = client.delete(f"{VOICES}/{voice}")
        gone = client.get(f"{VOICES}/{voice}")

    assert spoken.status_code == 200
    assert [one["name"] for one in listed] == ["Ann"]
    assert ready.status_code == 200
    assert (found.status_code, found.json()["code"]) == (503, "identify-unavailable")
    assert (deleted.status_code, gone.status_code) == (200, 404)
    assert account.stored("voices") == []
    assert {event["action"] for event in account.stored("audit-events") if "action" in event} == {
        "voice.created", "voice.used", "voice.deleted",
    }  # fmt: skip
    assert not list(account.folder.glob("voices.db*"))


@pytest.mark.services
@pytest.mark.parametrize(
    "fault",
    [
        Fault(429, more=(("x-ms-retry-after-ms", "5"),)),
        Fault(403),
        Fault(503),
        Fault(200, body=b"<html></html>", kind="text/html"),
        Fault(cut=7),
        MUTE,
    ],
    ids=["429", "403", "503", "HTML", "cut", "mute"],
)
def test_a_database_that_is_away_is_told_of_and_comes_back(account, fault):
    bounds = {"cosmos_db_tries": 2, "cosmos_db_max_wait_s": 0.05, "cosmos_db_timeout_s": 0.3}
    with account.server(**bounds) as client:
        voice = registered(client, name="Ann")
        before = dict(account.state.databases[NAME]["voices"].documents)
        account.faults.add("*/docs*", fault, times=999)

        answers = [
            client.get(VOICES),
            client.get(f"{VOICES}/{voice}"),
            client.put(f"{VOICES}/{voice}", json={"name": "Ben"}),
            client.delete(f"{VOICES}/{voice}"),
        ]
        account.faults.clear()
        after = client.get(VOICES).json()["items"]

    assert {answer.status_code for answer in answers} == {503}
    assert {answer.json()["code"] for answer in answers} == {"database-unavailable"}
    assert "127.0.0.1" not in "".join(answer.text for answer in answers)
    assert account.state.databases[NAME]["voices"].documents == before
    assert [one["name"] for one in after] == ["Ann"]


@pytest.mark.services
def test_two_servers_share_what_they_know(account):
    with account.server() as here, account.server() as there:
        voice = registered(here, name="Ann")
        spoken = there.post(f"/voices/{voice}/synthesize", json={"text": "Yes.", "format": "pcm"})
        there.delete(f"{VOICES}/{voice}")
        gone = here.get(f"{VOICES}/{voice}")
        verdict = here.get("/api/v1/audit/verify").json()

    assert (spoken.status_code, gone.status_code) == (200, 404)
    assert verdict["valid"]
