"""Suspending owners, principals, keys and voices."""

import asyncio
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.config import Settings
from app.db.opening import database_of
from app.models.voice import Voice
from tests.api.access_table import bearer, guarded_settings, make_key
from tests.api.voices import speech
from tests.clock import StoppedClock
from tests.speaking import create_app, engine_trains

URL = "/api/v1/suspensions"
NOBODY = "550e8400-e29b-41d4-a716-446655440000"


@dataclasses.dataclass
class World:
    """A server with an administrator and two owners, and another process on the same data."""

    client: TestClient
    other: TestClient
    clock: StoppedClock
    keys: dict[str, str]

    def ask(self, who: str, method: str, path: str, **more: Any) -> Any:
        return self.client.request(method, path, headers=bearer(self.keys[who]), **more)

    def suspend(self, kind: str, subject: str) -> str:
        body = {"kind": kind, "subject": subject, "reason": "misuse"}
        answer = self.ask("admin", "POST", URL, json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def lift(self, suspension: str) -> None:
        assert self.ask("admin", "DELETE", f"{URL}/{suspension}").status_code == 204

    def register(self, who: str) -> str:
        """Id of a new voice."""
        answer = self.ask(who, "POST", "/voices", files={"file": ("a.wav", speech(), "audio/wav")})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["voice_id"])

    def job_of(self, who: str, voice: str) -> str:
        """Id of a job that waits: the voice's training, or a batch if its engine is not trained."""
        if engine_trains():
            answer = self.ask(who, "POST", f"/api/v1/voices/{voice}/train")
            assert answer.status_code == 202, answer.text
            return str(answer.json()["job_id"])
        return str(self.batch(who, voice)["job"]["job_id"])

    def batch(self, who: str, voice: str) -> dict[str, Any]:
        body = {"items": [{"text": "Hello.", "voice": voice}]}
        answer = self.ask(who, "POST", "/api/v1/synthesis/batch", json=body)
        assert answer.status_code == 202, answer.text
        begun: dict[str, Any] = answer.json()
        return begun

    def job(self, who: str, job: str) -> str:
        return str(self.ask(who, "GET", f"/api/v1/jobs/{job}").json()["status"])

    def key_id(self, owner: str) -> str:
        headers = bearer(self.keys["admin"]) | {"X-Owner": owner}
        return str(self.client.get("/api/v1/keys", headers=headers).json()["items"][0]["id"])

    def voice(self, voice: str) -> str | None:
        """Why it may not speak."""
        context: Any = self.client.app
        return asyncio.run(_stored(context.state.context.settings, voice))


async def _stored(settings: Settings, voice: str, **changes: Any) -> str | None:
    database = database_of(settings)
    await database.open(migrate=False)
    try:
        voices = database.collection(Voice)
        found = await voices.get(voice)
        assert found is not None
        if changes:
            found = await voices.update(found.model_copy(update=changes))
        return found.suspended
    finally:
        await database.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("data")
    settings = guarded_settings(folder, jobs_worker=False, consent_policy="off")
    roles = {"admin": "admin", "ann": "creator", "ben": "creator"}
    keys = {name: asyncio.run(make_key(settings, name, role)) for name, role in roles.items()}
    clock = StoppedClock()
    with (
        TestClient(create_app(settings)) as client,
        TestClient(create_app(settings, clock=clock)) as other,
    ):
        yield World(client, other, clock, keys)


@pytest.mark.parametrize("kind", ["owner", "principal", "key"])
def test_a_suspended_caller_may_do_nothing_until_that_is_lifted(world: World, kind: str) -> None:
    key = world.key_id("ann")
    subject = {"owner": "ann", "principal": f"key:{key}", "key": key}[kind]
    assert world.other.get("/voices", headers=bearer(world.keys["ann"])).status_code == 200

    suspension = world.suspend(kind, subject)

    for path in ("/voices", "/api/v1/engines", "/api/v1/jobs"):
        answer = world.ask("ann", "GET", path)
        assert (answer.status_code, answer.json()["code"]) == (403, "suspended")
        assert "misuse" not in answer.text
    assert world.ask("ben", "GET", "/voices").status_code == 200
    world.clock.advance(1.0)
    assert world.other.get("/voices", headers=bearer(world.keys["ann"])).status_code == 403

    world.lift(suspension)

    assert world.ask("ann", "GET", "/voices").status_code == 200
    world.clock.advance(1.0)
    assert world.other.get("/voices", headers=bearer(world.keys["ann"])).status_code == 200


@pytest.mark.parametrize("kind", ["owner", "principal", "key", "voice"])
def test_jobs_under_a_suspension_are_cancelled_and_no_others(world: World, kind: str) -> None:
    voice, other = world.register("ann"), world.register("ben")
    job, others = world.job_of("ann", voice), world.job_of("ben", other)
    key = world.key_id("ann")
    subject = {"owner": "ann", "principal": f"key:{key}", "key": key, "voice": voice}[kind]

    world.lift(world.suspend(kind, subject))

    assert world.job("ann", job) == "cancelled"
    assert world.job("ben", others) == "queued"


def test_a_batch_that_speaks_a_suspended_voice_is_cancelled(world: World) -> None:
    voice, own = world.register("ann"), world.register("ann")
    started = [world.batch("ann", each) for each in (voice, own)]

    world.lift(world.suspend("voice", voice))

    assert [world.job("ann", one["job"]["job_id"]) for one in started] == ["cancelled", "queued"]


def test_a_suspended_voice_does_not_speak_until_that_is_lifted(world: World) -> None:
    voice = world.register("ann")
    body = {"text": "Hello.", "voice": voice}
    speak = "/api/v1/synthesis/speak"

    suspension = world.suspend("voice", voice)
    refused = world.ask("ann", "POST", speak, json=body)
    elsewhere = world.other.post(speak, json=body, headers=bearer(world.keys["ann"]))
    world.lift(suspension)

    for answer in (refused, elsewhere):
        assert (answer.status_code, answer.json()["code"]) == (403, "voice-suspended")
    assert world.ask("ann", "POST", speak, json=body).status_code == 200


def test_a_suspended_voice_is_marked_and_lifting_unmarks_it(world: World) -> None:
    voice = world.register("ann")

    first = world.suspend("voice", voice)
    assert world.suspend("voice", voice) == first
    assert world.voice(voice) == "suspended"
    listed = world.ask("admin", "GET", URL, params={"kind": "voice"}).json()["items"]
    assert [(one["subject"], one["owner"], one["reason"]) for one in listed] == [
        (voice, "ann", "misuse")
    ]

    world.lift(first)
    assert world.voice(voice) is None
    assert world.ask("admin", "DELETE", f"{URL}/{first}").json()["code"] == "suspension-not-found"


@pytest.mark.parametrize("revoked", ["before", "meanwhile"])
def test_lifting_a_suspension_leaves_a_voice_whose_consent_was_revoked(
    world: World, revoked: str
) -> None:
    voice = world.register("ann")
    app: Any = world.client.app
    revoke = _stored(app.state.context.settings, voice, suspended="consent-revoked")
    if revoked == "before":
        asyncio.run(revoke)
    suspension = world.suspend("voice", voice)
    if revoked == "meanwhile":
        asyncio.run(revoke)

    world.lift(suspension)

    assert world.voice(voice) == "consent-revoked"


def test_suspensions_are_in_the_audit_trail(world: World) -> None:
    voice = world.register("ann")

    world.lift(world.suspend("voice", voice))

    events = world.ask("admin", "GET", "/api/v1/audit", params={"subject_id": voice}).json()
    told = [(event["action"], event["owner"], event["outcome"]) for event in events["items"]]
    assert told[:2] == [("suspension.lifted", "ann", "ok"), ("suspension.created", "ann", "ok")]


@pytest.mark.parametrize(
    ("kind", "subject", "code"),
    [
        ("owner", "admin", "conflict"),
        ("voice", NOBODY, "voice-not-found"),
        ("key", "%", "key-not-found"),
        ("owner", "two words", "invalid-request"),
        ("planet", "ann", "invalid-request"),
    ],
)
def test_what_cannot_be_suspended_is_refused(
    world: World, kind: str, subject: str, code: str
) -> None:
    body = {"kind": kind, "subject": subject, "reason": "misuse"}

    assert world.ask("admin", "POST", URL, json=body).json()["code"] == code


def test_only_administrators_suspend(world: World) -> None:
    body = {"kind": "owner", "subject": "ben", "reason": "envy"}

    answer = world.ask("ann", "POST", URL, json=body)

    assert answer.json()["permission"] == "abuse:manage"
    assert world.ask("ben", "GET", "/voices").status_code == 200
