"""Voices that are shared: who reaches them then, for what, and what is told of it."""

import asyncio
from collections.abc import Callable, Iterator
from functools import partialmethod
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from tests.api.access_table import bearer, guarded_settings, make_key
from tests.api.lexicons import add, make, problem
from tests.api.voices import VOICES, fingerprint, speech
from tests.conftest import registered
from tests.servers.postgres import BOTH
from tests.speaking import TRAINS, create_app, engine_trains

GROUP = "Team Ärger"
SPEAK = "/api/v1/synthesis/speak"
IDENTIFY = "/api/v1/provenance/identify"
As = Callable[[str], Any]


class Caller:
    """Somebody with a key. All call by one client: a server has one event loop."""

    def __init__(self, client: TestClient, key: str) -> None:
        self._client = client
        self._headers = bearer(key)

    def _call(self, method: str, url: str, headers: Any = None, **more: Any) -> Any:
        headers = self._headers | (headers or {})
        return self._client.request(method, url, headers=headers, **more)

    get = partialmethod(_call, "GET")
    post = partialmethod(_call, "POST")
    put = partialmethod(_call, "PUT")
    delete = partialmethod(_call, "DELETE")


@pytest.fixture(scope="module", params=BOTH)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    more: dict[str, Any] = {"consent_policy": "off"}
    if request.param == "postgresql":
        more["database_url"] = SecretStr(request.getfixturevalue("new_postgres")())
    settings = guarded_settings(tmp_path_factory.mktemp("sharing"), **more)
    app = create_app(settings)
    with TestClient(app) as client:
        key = asyncio.run(make_key(settings, "root", "admin"))
        client.headers.update(bearer(key))
        yield client


@pytest.fixture(scope="module")
def acting(server: TestClient) -> As:
    """A client of an owner; `carol` is in a group."""

    def made(owner: str, *groups: str, scope: str = "creator") -> Caller:
        wanted = {"name": owner, "owner": owner, "scopes": [scope], "groups": groups}
        answer = server.post("/api/v1/keys", json=wanted)
        assert answer.status_code == 201, answer.text
        return Caller(server, answer.json()["key"])

    known = {
        "ann": made("ann"),
        "bob": made("bob"),
        "carol": made("carol", GROUP),
        "eve": made("eve"),
        "boss": made("boss", GROUP, scope="admin"),
    }
    return known.__getitem__


@pytest.fixture
def voice(acting: As) -> str:
    """One of ann's."""
    return registered(acting("ann"))


def share(client: Any, voice: str, **wanted: Any) -> dict[str, Any]:
    answer = client.post(f"{VOICES}/{voice}/shares", json=wanted)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def said(client: Any, voice: str, **fields: Any) -> int:
    body = {"voice": voice, "text": "Good morning, all of you."} | fields
    if "ssml" in body:
        del body["text"]
    return client.post(SPEAK, json=body).status_code


def test_a_shared_voice_speaks_for_others_and_for_nobody_else(acting: As, voice: str) -> None:
    ann, bob, eve = acting("ann"), acting("bob"), acting("eve")
    assert said(bob, voice) == 404

    share(ann, voice, user="bob")

    assert fingerprint(bob, voice) == fingerprint(ann, voice)
    assert said(bob, voice) == 200
    streamed = bob.post(f"{SPEAK}/stream", json={"voice": voice, "text": "Good morning."})
    assert streamed.status_code == 200
    assert bob.post(f"{VOICES}/{voice}/preview").status_code == 200
    asked = {"voice": voice, "text": "Good morning."}
    assert bob.post("/api/v1/lexicon/validate", json=asked).status_code == 200
    shown = bob.get(f"{VOICES}/{voice}").json()
    assert (shown["access"], shown["owner"]) == ("use", "ann")
    assert ann.get(f"{VOICES}/{voice}").json()["access"] == "own"
    assert said(eve, voice) == 404
    assert eve.get(f"/voices/{voice}").status_code == 404


def test_members_of_a_group_reach_what_is_shared_with_it(acting: As, voice: str) -> None:
    share(acting("ann"), voice, group=GROUP)

    assert said(acting("carol"), voice) == 200
    assert said(acting("bob"), voice) == 404


def test_a_name_of_a_group_is_not_that_of_a_user(acting: As, voice: str) -> None:
    share(acting("ann"), voice, group="bob")
    share(acting("ann"), voice, user="user:bob")

    assert said(acting("bob"), voice) == 404


def test_who_acts_for_another_owner_is_not_in_the_groups_of_their_own_key(
    acting: As, voice: str
) -> None:
    boss = acting("boss")
    share(acting("ann"), voice, group=GROUP)
    assert boss.get(f"{VOICES}/{voice}").status_code == 200

    assert boss.get(f"{VOICES}/{voice}", headers={"X-Owner": "eve"}).status_code == 404


def test_whoever_uses_a_voice_cannot_do_more(acting: As, voice: str) -> None:
    ann, bob = acting("ann"), acting("bob")
    sample = ann.get(f"{VOICES}/{voice}/samples").json()["items"][0]["sample_id"]
    share(ann, voice, user="bob", access="use")

    refused = [
        bob.put(f"{VOICES}/{voice}", json={"name": "Mine", "version": 1}),
        bob.get(f"{VOICES}/{voice}/samples"),
        bob.get(f"{VOICES}/{voice}/samples/{sample}/audio"),
        bob.post(f"{VOICES}/{voice}/samples", files={"files": ("b.wav", speech(150.0))}),
        bob.delete(f"{VOICES}/{voice}/samples/{sample}"),
        bob.post(f"{VOICES}/{voice}/verify", files={"file": ("b.wav", speech(150.0))}),
        bob.post(f"{VOICES}/{voice}/train"),
        bob.get(f"{VOICES}/{voice}/versions"),
        bob.get(f"{VOICES}/{voice}/export"),
        bob.delete(f"{VOICES}/{voice}"),
        bob.delete(f"/voices/{voice}"),
        bob.get(f"{VOICES}/{voice}/shares"),
        bob.post(f"{VOICES}/{voice}/shares", json={"user": "eve"}),
    ]

    assert [problem(answer) for answer in refused] == [(403, "voice-access-missing")] * len(refused)
    assert ann.get(f"{VOICES}/{voice}").json()["name"] == "sample"


def test_whoever_manages_a_voice_changes_and_trains_it_and_neither_deletes_nor_shares(
    acting: As, voice: str
) -> None:
    ann, bob = acting("ann"), acting("bob")
    share(ann, voice, user="bob", access="manage")
    known = bob.get(f"{VOICES}/{voice}").json()
    assert known["access"] == "manage"

    changed = bob.put(f"{VOICES}/{voice}", json={"name": "Ours", "version": known["version"]})
    assert (changed.status_code, changed.json()["access"]) == (200, "manage")
    added = bob.post(f"{VOICES}/{voice}/samples", files={"files": ("b.wav", speech(150.0))})
    assert added.status_code == 200, added.text
    if engine_trains():
        job = bob.post(f"{VOICES}/{voice}/train").json()["job_id"]
        assert bob.get(f"/api/v1/jobs/{job}").json()["subject_id"] == voice
        assert b"event: end" in bob.get(f"/api/v1/jobs/{job}/events").content
        assert acting("eve").get(f"/api/v1/jobs/{job}").status_code == 404
        assert ann.get(f"/api/v1/jobs/{job}").status_code == 200
    assert bob.get(f"{VOICES}/{voice}/versions").status_code == 200

    assert ann.get(f"{VOICES}/{voice}").json()["name"] == "Ours"
    for refused in (
        bob.delete(f"{VOICES}/{voice}"),
        bob.get(f"{VOICES}/{voice}/export"),
        bob.post(f"{VOICES}/{voice}/shares", json={"user": "eve"}),
    ):
        assert problem(refused) == (403, "voice-access-missing")


def test_what_is_said_with_a_shared_voice_is_of_who_asked_and_the_trail_has_it(
    server: TestClient, acting: As, voice: str
) -> None:
    ann, bob = acting("ann"), acting("bob")
    share(ann, voice, user="bob", access="manage")
    before = ann.get("/api/v1/synthesis/history").json()["items"]

    answer = bob.post(SPEAK, json={"voice": voice, "text": "It was me."})

    assert [entry["text"] for entry in bob.get("/api/v1/synthesis/history").json()["items"]][
        :1
    ] == ["It was me."]
    assert ann.get("/api/v1/synthesis/history").json()["items"] == before
    used = {one["voice_id"] for one in bob.get("/api/v1/usage?group_by=voice").json()["items"]}
    assert voice in used
    trail = server.get("/api/v1/audit", params={"subject_id": voice}).json()["items"]
    assert [event["action"] for event in trail] == [
        "voice.used",
        "voice.shared-manage",
        "voice.created",
    ]
    assert trail[0]["request_id"] == answer.headers["X-Request-ID"]
    assert (trail[0]["owner"], trail[1]["owner"]) == ("ann", "bob")
    assert trail[0]["actor"] != trail[1]["actor"] == trail[2]["actor"]


def test_the_lexicons_of_a_voice_hold_whoever_speaks_in_it(acting: As, voice: str) -> None:
    ann, bob = acting("ann"), acting("bob")
    lexicon = make(ann, f"of {voice}")["id"]
    add(ann, "SQL", "sequel", lexicon_id=lexicon)
    version = ann.get(f"{VOICES}/{voice}").json()["version"]
    change = {"lexicon_ids": [lexicon], "version": version}
    assert ann.put(f"{VOICES}/{voice}", json=change).status_code == 200
    share(ann, voice, user="bob")

    asked = {"voice": voice, "text": "Say SQL."}
    assert bob.post("/api/v1/lexicon/validate", json=asked).json()["spoken"] == "Say sequel."
    refused = bob.post(SPEAK, json=asked | {"lexicon_ids": [lexicon]})
    assert problem(refused) == (404, "lexicon-not-found")


def test_markup_and_batches_reach_shared_voices(acting: As, voice: str) -> None:
    ann, carol = acting("ann"), acting("carol")
    mine = registered(carol, hz=160.0)
    ssml = f'<speak>Mine. <voice name="{voice}">And hers.</voice></speak>'
    items = {"items": [{"voice": voice, "text": "One."}, {"voice": mine, "ssml": ssml}]}
    assert said(carol, mine, ssml=ssml) == 404
    assert problem(carol.post("/api/v1/synthesis/batch", json=items)) == (400, "invalid-request")

    share(ann, voice, group=GROUP)

    assert said(carol, mine, ssml=ssml) == 200
    begun = carol.post("/api/v1/synthesis/batch", json=items)
    assert begun.status_code == 202, begun.text
    carol.get(f"/api/v1/jobs/{begun.json()['job']['job_id']}/events")
    batch = carol.get(begun.headers["Location"]).json()
    assert (batch["status"], batch["counts"]["succeeded"]) == ("succeeded", 2)


def test_a_share_is_replaced_listed_and_taken_back(acting: As, voice: str) -> None:
    ann, bob = acting("ann"), acting("bob")
    first = share(ann, voice, user="bob")
    second = share(ann, voice, user="bob", access="manage", expires_at="2999-01-01T00:00:00Z")
    other = share(ann, voice, group=GROUP)

    listed = ann.get(f"{VOICES}/{voice}/shares").json()["items"]

    assert (second["share_id"], second["access"]) == (first["share_id"], "manage")
    assert listed == [other, second]
    assert (other["user"], other["group"]) == (None, GROUP)
    of_bob = f"{VOICES}/{voice}/shares/{first['share_id']}"
    assert ann.delete(of_bob).status_code == 204
    assert said(bob, voice) == 404
    assert problem(ann.delete(of_bob)) == (404, "share-not-found")


def test_what_is_shared_with_oneself_can_be_listed(acting: As, voice: str) -> None:
    ann, carol = acting("ann"), acting("carol")
    own = registered(carol, hz=170.0)
    share(ann, voice, group=GROUP)
    share(ann, voice, user="carol", access="manage")

    def listed(**asked: Any) -> list[tuple[str, str]]:
        items = carol.get(f"{VOICES}/", params=asked).json()["items"]
        return [(one["voice_id"], one["access"]) for one in items]

    assert (voice, "manage") == listed(shared=True)[0]
    assert (own, "own") in listed()
    assert voice not in [voice_id for voice_id, _ in listed()]
    assert own not in [voice_id for voice_id, _ in listed(shared=True)]
    assert acting("eve").get(f"{VOICES}/?shared=true").json()["items"] == []


def test_a_deleted_voice_is_shared_no_more(acting: As, voice: str) -> None:
    ann, bob = acting("ann"), acting("bob")
    share(ann, voice, user="bob")

    assert ann.delete(f"{VOICES}/{voice}").status_code == 200

    assert said(bob, voice) == 404
    shared = bob.get(f"{VOICES}/?shared=true").json()["items"]
    assert voice not in [one["voice_id"] for one in shared]


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"user": "bob", "group": "team"},
        {"user": ""},
        {"user": "b b"},
        {"user": "x" * 201},
        {"group": ""},
        {"group": "a\nb"},
        {"group": "g" * 191},
        {"user": "bob", "access": "own"},
        {"user": "bob", "expires_at": "soon"},
        {"user": "bob", "expires_at": "2999-01-01T00:00:00"},
        {"user": "bob", "expires_at": "2020-01-01T00:00:00Z"},
        {"user": "ann"},
        {"user": "bob", "owner": "bob"},
    ],
    ids=str,
)
def test_what_cannot_be_shared_is_told(acting: As, voice: str, wanted: dict[str, Any]) -> None:
    answer = acting("ann").post(f"{VOICES}/{voice}/shares", json=wanted)

    assert problem(answer) == (400, "invalid-request")
    assert acting("ann").get(f"{VOICES}/{voice}/shares").json()["items"] == []


def test_a_voice_of_somebody_else_cannot_be_shared(acting: As, voice: str) -> None:
    wanted = {"user": "eve"}

    assert problem(acting("eve").post(f"{VOICES}/{voice}/shares", json=wanted)) == (
        404,
        "voice-not-found",
    )


def test_a_manager_writes_nothing_about_the_consent_and_attaches_no_lexicon(
    acting: As, voice: str
) -> None:
    ann, bob = acting("ann"), acting("bob")
    secret = make(ann, f"not of {voice}")["id"]
    attached = make(ann, f"of {voice}")["id"]
    version = ann.get(f"{VOICES}/{voice}").json()["version"]
    change = {"consent": "contract 17", "lexicon_ids": [attached], "version": version}
    known = ann.put(f"{VOICES}/{voice}", json=change).json()
    share(ann, voice, user="bob", access="manage")

    for more in ({"consent": "forged"}, {"consent": None}, {"lexicon_ids": [attached, secret]}):
        refused = bob.put(f"{VOICES}/{voice}", json=more | {"version": known["version"]})
        assert problem(refused) == (403, "voice-access-missing")

    assert ann.get(f"{VOICES}/{voice}").json() == known
    fewer = bob.put(f"{VOICES}/{voice}", json={"lexicon_ids": [], "version": known["version"]})
    assert (fewer.status_code, fewer.json()["consent"]) == (200, None)
    assert ann.get(f"{VOICES}/{voice}").json()["consent"] == "contract 17"


def test_samples_of_words_are_uses_of_the_voice(server: TestClient, acting: As, voice: str) -> None:
    ann, bob = acting("ann"), acting("bob")
    share(ann, voice, user="bob")
    lexicon = make(bob, f"bob's for {voice}")["id"]
    add(bob, "zz", "a whole sentence that nobody has counted", lexicon_id=lexicon)

    asked = {"voice": voice, "text": "Say zz.", "lexicon_ids": [lexicon], "audio": True}
    answer = bob.post("/api/v1/lexicon/validate", json=asked)

    assert answer.json()["entries"][0]["audio_after"]
    trail = server.get("/api/v1/audit", params={"subject_id": voice}).json()["items"]
    assert trail[0]["action"] == "voice.used"


def test_a_suspended_owner_speaks_through_nobody(
    server: TestClient, acting: As, voice: str
) -> None:
    share(acting("ann"), voice, user="bob")
    wanted = {"kind": "owner", "subject": "ann", "reason": "test"}
    suspended = server.post("/api/v1/suspensions", json=wanted).json()
    try:
        said_so = acting("bob").post(SPEAK, json={"voice": voice, "text": "Hello."})
        assert problem(said_so) == (403, "voice-suspended")
    finally:
        server.delete(f"/api/v1/suspensions/{suspended['id']}")
    assert said(acting("bob"), voice) == 200


@TRAINS
def test_suspending_who_trains_a_shared_voice_ends_the_training(
    server: TestClient, acting: As, voice: str
) -> None:
    ann, bob = acting("ann"), acting("bob")
    share(ann, voice, user="bob", access="manage")
    headers = {"Idempotency-Key": "nightly"}
    job = bob.post(f"{VOICES}/{voice}/train", headers=headers).json()["job_id"]
    assert bob.post(f"{VOICES}/{voice}/train", headers=headers).json()["job_id"] == job
    mine = ann.post(f"{VOICES}/{registered(ann, hz=190.0)}/train", headers=headers)
    assert mine.status_code == 202, mine.text

    wanted = {"kind": "owner", "subject": "bob", "reason": "test"}
    suspended = server.post("/api/v1/suspensions", json=wanted).json()

    server.delete(f"/api/v1/suspensions/{suspended['id']}")
    ann.get(f"/api/v1/jobs/{job}/events")  # to its end
    assert ann.get(f"/api/v1/jobs/{job}").json()["status"] in ("cancelled", "succeeded")


def test_the_consent_of_a_shared_voice_is_not_told_by_identifying(acting: As, voice: str) -> None:
    ann, bob, dan = acting("ann"), acting("bob"), acting("eve")
    share(ann, voice, user="bob")
    signed = {"speaker": "A B", "company": "C", "purpose": "Test.", "signed_by": "Ann"}
    consent = ann.post("/api/v1/consents", data=signed | {"voice_id": voice}).json()
    assert consent["status"] == "verified", consent
    text = "Eleven penguins carry an umbrella across the frozen bay, singing quietly to themselves."
    spoken = bob.post(SPEAK, json={"voice": voice, "text": text})

    def told(caller: Any) -> list[Any]:
        found = caller.post(IDENTIFY, files={"file": ("a.wav", spoken.content)}).json()
        return [one["voices"] for one in found["matches"]]

    assert {"voice_id": voice, "consent_id": None} in [one for [one] in told(bob)]
    assert told(dan) == []


def test_ones_own_voice_is_not_among_those_that_others_share(acting: As, voice: str) -> None:
    carol = acting("carol")
    own = registered(carol, hz=175.0)
    share(carol, own, group=GROUP)

    shared = carol.get(f"{VOICES}/?shared=true").json()["items"]

    assert own not in [one["voice_id"] for one in shared]
