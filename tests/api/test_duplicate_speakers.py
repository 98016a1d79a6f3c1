"""The same speaker with another owner. Speakers are told apart by their pitch; see `by_pitch`."""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.audio.activity import EnergyDetector
from app.audio.ears import Listener
from tests.api.access_table import bearer, guarded_settings, make_key
from tests.api.voices import VOICES, by_pitch, parts, speech
from tests.speaking import create_app

OWNERS = ("admin", "ann", "ben", "cid")


class World:
    """A server on which several owners register voices."""

    def __init__(self, client: TestClient, keys: dict[str, str], folder: Path) -> None:
        self.client = client
        self.keys = keys
        self.database = folder / "voices.db"

    def register(self, who: str, hz: float) -> str:
        files = {"file": ("a.wav", speech(hz), "audio/wav")}
        answer = self.client.post("/voices", files=files, headers=bearer(self.keys[who]))
        assert answer.status_code == 201, answer.text
        assert "flag" not in answer.text
        return str(answer.json()["voice_id"])

    def flags(self) -> list[dict[str, Any]]:
        answer = self.client.get("/api/v1/flags", headers=bearer(self.keys["admin"]))
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    def kept(self) -> set[str]:
        """Ids of the voices whose speakers are kept."""
        with sqlite3.connect(self.database) as database:
            return {name for (name,) in database.execute("SELECT id FROM voice_speakers")}


@pytest.fixture
def world(tmp_path: Path, new_database: Path) -> Iterator[World]:
    copyfile(new_database, tmp_path / "voices.db")
    settings = guarded_settings(tmp_path, jobs_worker=False, sweep_grace_s=0.0)
    keys = {
        name: asyncio.run(make_key(settings, name, "admin" if name == "admin" else "creator"))
        for name in OWNERS
    }
    app = create_app(settings, listener=lambda: Listener(EnergyDetector(), by_pitch))
    with TestClient(app) as client:
        yield World(client, keys, tmp_path)


def test_the_speaker_of_another_owners_voice_is_flagged(world: World) -> None:
    first = world.register("ann", 120.0)
    assert world.flags() == []
    world.register("ann", 120.0 + 1e-9)
    world.register("ben", 240.0)
    assert world.flags() == []

    again = world.register("cid", 125.0)

    [flag] = world.flags()
    assert (flag["kind"], flag["subject"], flag["owner"]) == ("duplicate-speaker", again, "cid")
    found = flag["details"]["voices"]
    assert {one["owner"] for one in found} == {"ann"}
    assert first in {one["voice_id"] for one in found}
    assert all(one["similarity"] >= 0.55 for one in found)


def test_recordings_that_are_added_do_not_flag_it_again(world: World) -> None:
    world.register("ann", 120.0)
    voice = world.register("ben", 125.0)

    files = parts(("b.wav", speech(122.0)))
    added = world.client.post(
        f"{VOICES}/{voice}/samples", files=files, headers=bearer(world.keys["ben"])
    )

    assert added.status_code == 200, added.text
    assert len(world.flags()) == 1


@pytest.mark.sql
def test_a_speaker_is_erased_with_the_voice(world: World) -> None:
    voice, other = world.register("ann", 120.0), world.register("ann", 240.0)
    assert world.kept() == {voice, other}

    world.client.delete(f"/voices/{voice}", headers=bearer(world.keys["ann"]))

    assert world.kept() == {other}
    world.register("ben", 121.0)
    assert world.flags() == []


@pytest.mark.sql
def test_what_a_failed_deletion_has_left_is_swept(world: World) -> None:
    voice = world.register("ann", 120.0)
    kept = world.register("ann", 240.0)
    with sqlite3.connect(world.database) as database:
        database.execute("DELETE FROM voices WHERE id = ?", (voice,))
    app: Any = world.client.app

    with TestClient(create_app(app.state.context.settings)):
        assert world.kept() == {kept}


def test_voices_of_one_who_is_denied_later_are_flagged(world: World) -> None:
    voice = world.register("ann", 120.0)
    world.register("ben", 240.0)

    denied = world.client.post(
        "/api/v1/denied-speakers",
        files={"file": ("a.wav", speech(122.0), "audio/wav")},
        data={"name": "A public figure", "reason": "asked us"},
        headers=bearer(world.keys["admin"]),
    )

    assert denied.status_code == 201, denied.text
    [flag] = world.flags()
    assert (flag["kind"], flag["subject"]) == ("denied-speaker-near", voice)
    assert flag["details"]["denied"][0]["denied_speaker_id"] == denied.json()["id"]
