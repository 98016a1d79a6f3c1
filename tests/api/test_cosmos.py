"""The service with Cosmos DB as its database: the fake of it, over a real connection."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.config import Settings
from app.main import create_app
from tests.api.voices import VOICES, settings_of, speech
from tests.azure_fake.cosmos import KEY, State, cosmos_app
from tests.azure_fake.faults import Faults
from tests.azure_fake.serving import served
from tests.conftest import registered

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
