"""`/api/v1/consents`: statements, recordings of them, voices that need them, and their end."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import numpy as np
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from app import upkeep
from app.audio.types import Samples
from app.core.clock import utc_now
from app.core.exceptions import AssetError
from app.engines.base import SynthesisRequest
from app.models.consent import Consent, ConsentChallenge
from app.services.consents import ConsentEndings
from app.watermark.marking import Watermark
from tests.api.access_table import make_key
from tests.api.speech import events
from tests.api.voices import settings_of
from tests.audio.signals import noise
from tests.consents.speakers import ANN, BOB, listener, says, wav
from tests.servers.postgres import BOTH
from tests.speaking import TRAINS, create_app, engine_kind

CONSENTS = "/api/v1/consents"
SPEAK = "/api/v1/synthesis/speak"
NAMES = {"speaker": "Jane Smith", "company": "Contoso"}
FORM = {**NAMES, "purpose": "Announcements in our stations."}
SAMPLE = "Hello there, this is somebody who speaks for a while, and then goes on for a bit more."


class Machine:
    """Takes every sound that is loud at its end for our own."""

    def score(self, samples: Samples, sample_rate: int) -> float:
        return float(np.abs(samples[-sample_rate // 10 :]).max() > 0.9)


@contextmanager
def server(folder: Path, **more: Any) -> Iterator[TestClient]:
    watermark = more.pop("watermark", Watermark(None, Machine))
    engine = more.pop("engine", None)
    settings = settings_of(folder, **{"consent_policy": "recorded"} | more)
    app = create_app(settings, listener=listener, watermark=watermark, engine=engine)
    with TestClient(app) as client:
        yield client


@pytest.fixture(scope="module", params=BOTH)
def client(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestClient]:
    more = {}
    if request.param == "postgresql":
        more["database_url"] = SecretStr(request.getfixturevalue("new_postgres")())
    with server(tmp_path_factory.mktemp("data"), **more) as running:
        yield running


def register(client: TestClient, speaker: float = ANN, **fields: str) -> httpx2.Response:
    file = {"file": ("a.wav", says(SAMPLE, speaker), "audio/wav")}
    return client.post("/voices", files=file, data=fields)


def voice_of(client: TestClient, speaker: float = ANN, **fields: str) -> str:
    response = register(client, speaker, **fields)
    assert response.status_code == 201, response.text
    return str(response.json()["voice_id"])


def asked(client: TestClient, **query: str) -> dict[str, Any]:
    response = client.get(f"{CONSENTS}/statement", params={"language": "en"} | NAMES | query)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def agree(
    client: TestClient,
    hz: float = ANN,
    *,
    recording: bytes | None = None,
    statement: dict[str, Any] | None = None,
    **fields: Any,
) -> httpx2.Response:
    """Read a statement, the right one if nothing else is said."""
    statement = statement or asked(client)
    form = FORM | {"statement_id": statement["statement_id"]} | fields
    content = says(statement["text"], hz) if recording is None else recording
    return client.post(CONSENTS, data=form, files={"file": ("a.wav", content, "audio/wav")})


def agreed(client: TestClient, speaker: float = ANN, **fields: Any) -> dict[str, Any]:
    response = agree(client, speaker, **fields)
    assert response.status_code == 201, response.text
    consent: dict[str, Any] = response.json()
    assert consent["status"] == "verified", consent
    return consent


def speak(client: TestClient, voice: str) -> httpx2.Response:
    return client.post(SPEAK, json={"text": "Hello.", "voice": voice})


def status_of(client: TestClient, voice: str) -> str:
    return str(client.get(f"/api/v1/voices/{voice}").json()["status"])


def problem(response: httpx2.Response) -> tuple[int, str]:
    body = response.json()
    assert body["suggestion"], body
    return response.status_code, body["code"]


# What is read


def test_a_statement_names_both_and_has_a_code_for_some_minutes(client: TestClient) -> None:
    statement = asked(client, language="de-DE")

    assert statement["language"] == "de-DE"
    assert all(name in statement["text"] for name in NAMES.values())
    assert " ".join(statement["code"]) in statement["text"]
    assert statement["code"] != asked(client)["code"]
    assert problem(client.get(f"{CONSENTS}/statement?language=tlh")) == (
        400,
        "language-unsupported",
    )


def test_a_consent_that_is_read_lets_a_voice_speak(client: TestClient) -> None:
    voice = voice_of(client)
    assert status_of(client, voice) == "pending-consent"
    assert problem(speak(client, voice)) == (403, "consent-required")

    consent = agreed(client, voice_id=voice)

    assert consent["scores"]["words"] == 1.0
    assert consent["scores"]["code"] is True
    assert consent["scores"]["speech_s"] > 3
    assert consent["reasons"] == []
    assert speak(client, voice).status_code == 200
    assert status_of(client, voice) == "ready"
    assert client.get(f"/api/v1/voices/{voice}").json()["consent_id"] == consent["id"]
    assert client.get(f"{CONSENTS}/{consent['id']}").json() == consent
    assert client.get(f"{CONSENTS}/{consent['id']}/audio").content[:4] == b"RIFF"
    assert consent in client.get(CONSENTS, params={"status": "verified"}).json()["items"]


def test_a_voice_can_be_registered_under_a_consent(client: TestClient) -> None:
    consent = agreed(client)["id"]

    assert speak(client, voice_of(client, consent_id=consent)).status_code == 200


@TRAINS
def test_a_voice_can_be_trained_under_a_consent(client: TestClient) -> None:
    trained = client.post(
        "/api/v1/voices/train",
        files=[("files", ("a.wav", says(SAMPLE), "audio/wav"))],
        data={"consent_id": agreed(client)["id"]},
    )
    assert trained.status_code == 202, trained.text

    assert speak(client, trained.json()["voice"]["voice_id"]).status_code == 200


def test_every_way_of_speaking_asks_for_it(client: TestClient) -> None:
    voice = voice_of(client)
    body = {"text": "Hello.", "voice": voice}
    ssml = f"<speak>Hello. <voice name='{voice}'>Me too.</voice></speak>"
    free = voice_of(client, consent_id=agreed(client)["id"])

    for response in (
        client.post(f"/voices/{voice}/synthesize", json={"text": "Hello."}),
        client.post(f"/voices/{voice}/synthesize", json={"text": "Hello.", "stream": True}),
        client.post(SPEAK, json=body),
        client.post(f"{SPEAK}/stream", json=body),
        client.post(f"{SPEAK}/stream", json=body | {"stream_format": "sse"}),
        client.post(f"/api/v1/voices/{voice}/preview"),
        client.post(SPEAK, json={"ssml": ssml, "voice": free}),
    ):
        assert problem(response) == (403, "consent-required")
    batch = client.post("/api/v1/synthesis/batch", json={"items": [body]})
    assert batch.status_code == 400
    assert "consent" in batch.text


# What is refused


def test_the_consent_of_another_speaker_is_refused(client: TestClient) -> None:
    consent = agreed(client, BOB)["id"]
    voice = voice_of(client)

    bound = client.post(f"{CONSENTS}/{consent}/voices", json={"voice_id": voice})
    registered = register(client, consent_id=consent)
    made = agree(client, BOB, voice_id=voice)

    assert client.get(f"{CONSENTS}/{made.json()['consent_id']}").json()["status"] == "verified"
    for response in (bound, registered, made):
        assert problem(response) == (400, "consent-mismatch")
        assert response.json()["similarity"] < response.json()["limit"]
    assert problem(speak(client, voice)) == (403, "consent-required")


def test_a_recording_of_somebody_else_does_not_come_to_a_voice(client: TestClient) -> None:
    voice = voice_of(client)
    agreed(client, voice_id=voice)
    path = f"/api/v1/voices/{voice}/samples"

    other = client.post(path, files=[("files", ("b.wav", says("More. " + SAMPLE, BOB)))])
    same = client.post(path, files=[("files", ("c.wav", says("More. " + SAMPLE)))])

    assert other.status_code == 400
    assert same.status_code == 200, same.text
    assert len(client.get(path).json()["items"]) == 2


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("I would rather talk about the weather of last week. My code is {code}.", "words"),
        ("I, Jane Smith, agree that Contoso may create a synthetic copy of my voice and use it. "
         "My code is 1 2 3 4 5.", "code"),
    ],
    ids=["words", "code"],
)  # fmt: skip
def test_what_was_not_to_be_read_is_rejected(client: TestClient, said: str, reason: str) -> None:
    statement = asked(client)
    text = said.format(code=" ".join(statement["code"]))
    response = agree(client, statement=statement, recording=says(text))

    assert response.status_code == 201, response.text
    consent = response.json()
    assert consent["status"] == "rejected"
    assert any(reason in told for told in consent["reasons"])
    assert problem(client.get(f"{CONSENTS}/{consent['id']}/audio")) == (404, "audio-not-kept")
    used = client.post(f"{CONSENTS}/{consent['id']}/voices", json={"voice_id": voice_of(client)})
    assert problem(used) == (409, "consent-unusable")


def test_an_unclear_name_needs_a_review_that_an_admin_ends(client: TestClient) -> None:
    statement = asked(client, speaker="", company="")
    text = statement["text"].replace("…", "mumble", 1)
    voice = voice_of(client)
    response = agree(client, statement=statement, recording=says(text), voice_id=voice)
    consent = response.json()
    assert consent["status"] == "needs-review", response.text
    assert problem(speak(client, voice)) == (403, "consent-required")
    assert consent["id"] in {one["id"] for one in client.get(f"{CONSENTS}/reviews").json()["items"]}
    assert client.get(f"{CONSENTS}/reviews/{consent['id']}/audio").content[:4] == b"RIFF"

    decided = client.post(f"{CONSENTS}/reviews/{consent['id']}", json={"verified": True})

    assert decided.json()["status"] == "verified"
    assert decided.json()["decided_by"] == "local"
    bound = client.post(f"{CONSENTS}/{consent['id']}/voices", json={"voice_id": voice})
    assert bound.status_code == 200
    assert speak(client, voice).status_code == 200
    again = client.post(f"{CONSENTS}/reviews/{consent['id']}", json={"verified": False})
    assert problem(again) == (409, "consent-unusable")
    actions = [one["action"] for one in client.get("/api/v1/audit").json()["items"]]
    assert "consent.approved" in actions


def test_speech_of_our_own_is_rejected(client: TestClient) -> None:
    statement = asked(client)
    spoken = says(statement["text"])
    loud = np.frombuffer(spoken[44:], "<i2").astype(np.float32) / 32768
    loud[-200:] = 0.95

    consent = agree(client, statement=statement, recording=wav(loud)).json()

    assert consent["status"] == "rejected"
    assert any("watermark" in told for told in consent["reasons"])


def test_a_statement_is_good_once_and_for_its_owner_and_its_time(client: TestClient) -> None:
    statement = asked(client)
    first = agree(client, statement=statement)
    again = agree(client, statement=statement)
    other = client.post(
        CONSENTS,
        data=FORM | {"statement_id": asked(client)["statement_id"]},
        files={"file": ("a.wav", says("x" * 100))},
        headers={"X-Owner": "bob"},
    )
    late = asked(client)
    challenges = client.app.state.context.database.collection(ConsentChallenge)  # type: ignore[attr-defined]

    async def age() -> None:
        found = await challenges.get(late["statement_id"])
        await challenges.update(found.model_copy(update={"expires_at": utc_now()}))

    assert client.portal is not None
    client.portal.call(age)

    assert first.json()["status"] == "verified"
    for response in (again, other, agree(client, statement=late), agree(client, statement_id="no")):
        assert problem(response) == (400, "statement-expired")


def test_what_was_asked_for_must_be_what_is_sent(client: TestClient) -> None:
    statement = asked(client)
    for wrong in ({"language": "de"}, {"speaker": "John Doe"}, {"company": "Fabrikam"}):
        assert problem(agree(client, statement=statement, **wrong)) == (400, "invalid-request")
    assert agree(client, statement=statement).json()["status"] == "verified"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "unreadable-audio"),
        (b"no sound", "unreadable-audio"),
        (wav(np.zeros(24_000 * 6, np.float32)), "recording-silent"),
        (says("Yes, I agree."), "recording-too-short"),
        (wav(noise(61.0, rate=8_000), 8_000), "recording-too-long"),
    ],
    ids=["empty", "text", "silence", "short", "long"],
)
def test_a_recording_that_tells_nothing_uses_up_no_statement(
    client: TestClient, content: bytes, code: str
) -> None:
    statement = asked(client)
    refused = agree(client, statement=statement, recording=content)

    assert problem(refused) == (400, code)
    assert agree(client, statement=statement).json()["status"] == "verified"


@pytest.mark.parametrize(
    "form",
    [
        {"speaker": " "}, {"company": "-"}, {"purpose": "\n"}, {"speaker": "A\0B"},
        {"speaker": "x" * 201}, {"purpose": "x" * 2001}, {"language": "??"}, {"language": "tlh"},
        {"signed_by": ""}, {"voice_id": "none"},
    ],
    ids=range(10),
)  # fmt: skip
def test_a_bad_form_is_refused(client: TestClient, form: dict[str, str]) -> None:
    before = client.get(CONSENTS).json()["items"][:1]
    response = client.post(CONSENTS, data=FORM | {"signed_by": "Jo Doe"} | form)

    assert response.status_code in (400, 404)
    assert response.json()["suggestion"]
    assert client.get(CONSENTS).json()["items"][:1] == before


def test_names_may_be_of_any_script_and_look_like_markup(client: TestClient) -> None:
    for name in ("Jürgen Groß", "李小龙", "<b>{code}</b>", "O'Neill & Söhne"):
        response = client.post(CONSENTS, data=FORM | {"speaker": name, "signed_by": name})
        assert response.json()["speaker"] == name
        statement = asked(client, speaker=name)
        assert name in statement["text"]


def test_a_missing_model_is_no_consent(tmp_path: Path) -> None:
    def missing() -> Machine:
        raise AssetError("The model file is missing.", "Run `voice-cloning models pull`.")

    with server(tmp_path, watermark=Watermark(None, missing)) as client:
        statement = asked(client)
        assert problem(agree(client, statement=statement)) == (503, "asset-unavailable")
        assert client.get(CONSENTS).json()["items"] == []


# Policies


def test_under_attest_a_signature_is_enough_and_under_recorded_it_is_not(tmp_path: Path) -> None:
    outcomes = {}
    for policy in ("attest", "recorded"):
        folder = tmp_path / policy
        with server(folder, consent_policy=policy, auth_mode=("off",)) as client:
            voice = voice_of(client)
            consent = client.post(CONSENTS, data=FORM | {"signed_by": "Jo", "voice_id": voice})
            assert consent.json()["method"] == "attested"
            assert "Jo states that Jane Smith agrees" in consent.json()["statement"]
            outcomes[policy] = speak(client, voice).status_code

    assert outcomes == {"attest": 200, "recorded": 403}


@pytest.mark.parametrize(
    ("policy", "environment", "status"),
    [("off", "production", 200), (None, "development", 403), (None, "production", 403)],
)
def test_the_default_depends_on_where_it_runs(
    tmp_path: Path, policy: str | None, environment: str, status: int
) -> None:
    more = {"consent_policy": policy, "environment": environment, "auth_mode": ("api_key",)}
    settings = settings_of(tmp_path, **more)
    key = asyncio.run(make_key(settings, "ann", "creator"))
    with server(tmp_path, **more) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        voice = voice_of(client)
        assert speak(client, voice).status_code == status
        signed = client.post(CONSENTS, data=FORM | {"signed_by": "Ann", "voice_id": voice})
        assert signed.status_code == 201
        wants_more = policy is None and environment == "production"
        assert speak(client, voice).status_code == (403 if wants_more else 200)


def test_who_runs_the_service_alone_attests_by_the_setting(tmp_path: Path) -> None:
    with server(tmp_path, consent_policy="attest") as client:
        assert speak(client, voice_of(client)).status_code == 200


# The end


def test_revoking_silences_the_voices_for_good_and_may_be_repeated(client: TestClient) -> None:
    consent = agreed(client)["id"]
    voice = voice_of(client, consent_id=consent)
    assert speak(client, voice).status_code == 200

    first = client.post(f"{CONSENTS}/{consent}/revoke").json()
    second = client.post(f"{CONSENTS}/{consent}/revoke").json()

    assert first["status"] == "revoked"
    assert first["erase_at"] > first["revoked_at"]
    assert second == first
    assert problem(speak(client, voice)) == (403, "voice-suspended")
    assert status_of(client, voice) == "suspended"
    new = agreed(client)["id"]
    for response in (
        client.post(f"{CONSENTS}/{new}/voices", json={"voice_id": voice}),
        client.post(f"/api/v1/voices/{voice}/train", json={}),
        client.get(f"/api/v1/voices/{voice}/export"),
    ):
        assert problem(response) == (403, "voice-suspended")
    assert problem(register(client, consent_id=consent)) == (409, "consent-unusable")


@TRAINS
def test_revoking_stops_a_training(client: TestClient) -> None:
    consent = agreed(client)["id"]
    begun = client.post(
        "/api/v1/voices/train",
        files=[("files", ("a.wav", says(SAMPLE), "audio/wav"))],
        data={"consent_id": consent},
    ).json()

    client.post(f"{CONSENTS}/{consent}/revoke")

    assert client.get(f"/api/v1/jobs/{begun['job']['job_id']}").json()["status"] == "cancelled"


class Steps(engine_kind()):
    """Speaks a sentence each time it is let."""

    def __init__(self) -> None:
        self.let = asyncio.Semaphore(0)

    async def step(self, count: int = 1) -> None:
        for _ in range(count):
            self.let.release()

    async def synthesize(self, request: SynthesisRequest) -> Any:
        await self.let.acquire()
        async for chunk in super().synthesize(request):
            yield chunk


def test_revoking_ends_a_stream_in_the_middle_in_another_process(tmp_path: Path) -> None:
    engine = Steps()
    with server(tmp_path, engine=engine) as speaking, server(tmp_path) as other:
        consent = agreed(speaking)["id"]
        voice = voice_of(speaking, consent_id=consent)
        body = {"text": "One. " * 200, "voice": voice, "format": "pcm", "stream_format": "sse"}
        told: list[str] = []
        listening = Thread(
            target=lambda: told.append(speaking.post(f"{SPEAK}/stream", json=body).text)
        )
        listening.start()
        other.post(f"{CONSENTS}/{consent}/revoke")
        portal = speaking.portal
        assert portal is not None
        for _ in range(190):  # a sentence now and then, until it is told to be silent
            portal.call(engine.step)
            listening.join(0.05)
        portal.call(engine.step, 20)
        listening.join(20)

    *spoken, (last, data) = events(told[0])
    assert len(spoken) < 190
    assert (last, data["code"]) == ("error", "voice-suspended")


def test_what_was_revoked_is_erased_when_its_time_has_come(client: TestClient) -> None:
    consent = agreed(client)["id"]
    voice = voice_of(client, consent_id=consent)
    client.post(f"{CONSENTS}/{consent}/revoke")
    context = client.app.state.context  # type: ignore[attr-defined]
    records = context.database.collection(Consent)

    async def age() -> int:
        found = await records.get(consent)
        past = utc_now() - timedelta(seconds=1)
        endings = ConsentEndings(context.consent_tools)
        before = await endings.expire()
        await records.update(found.model_copy(update={"erase_at": past}))
        await asyncio.gather(endings.expire(), endings.expire())  # as two processes may
        return before

    assert client.portal is not None
    assert client.portal.call(age) == 0
    assert problem(client.get(f"{CONSENTS}/{consent}")) == (404, "consent-not-found")
    assert problem(client.get(f"/voices/{voice}")) == (404, "voice-not-found")
    assert not list(Path(context.settings.data_dir).rglob(f"*{consent}*"))


@pytest.mark.services
def test_on_postgresql_two_servers_fall_silent_and_either_erases(
    tmp_path: Path, postgres_url: str
) -> None:
    url = SecretStr(postgres_url)
    due = {"database_url": url, "consent_erasure_days": 0}
    with server(tmp_path, **due) as one, server(tmp_path, **due) as two:
        consent = agreed(one)["id"]
        voice = voice_of(two, consent_id=consent)
        assert [speak(client, voice).status_code for client in (one, two)] == [200, 200]

        assert one.post(f"{CONSENTS}/{consent}/revoke").json()["status"] == "revoked"

        for client in (one, two):
            assert problem(speak(client, voice)) == (403, "voice-suspended")
        assert two.portal is not None
        erased = two.portal.call(upkeep.sweep, two.app.state.context)  # type: ignore[attr-defined]
        assert erased.consents == 1
        for client in (one, two):
            assert problem(client.get(f"{CONSENTS}/{consent}")) == (404, "consent-not-found")
            assert problem(client.get(f"/voices/{voice}")) == (404, "voice-not-found")
        assert not [path for path in tmp_path.rglob("*") if path.name in (consent, voice)]


def test_deleting_erases_the_consent_and_its_voices_now(client: TestClient) -> None:
    consent = agreed(client)["id"]
    voice = voice_of(client, consent_id=consent)

    assert client.delete(f"{CONSENTS}/{consent}").status_code == 204

    assert problem(client.get(f"{CONSENTS}/{consent}")) == (404, "consent-not-found")
    assert problem(client.get(f"/voices/{voice}")) == (404, "voice-not-found")
    assert problem(client.delete(f"{CONSENTS}/{consent}")) == (404, "consent-not-found")


def test_a_sweep_keeps_the_recordings_of_consents(client: TestClient) -> None:
    consent = agreed(client)["id"]
    context = client.app.state.context  # type: ignore[attr-defined]
    assert client.portal is not None

    client.portal.call(context.retention.sweep, 0.0)

    assert client.get(f"{CONSENTS}/{consent}/audio").status_code == 200


def test_the_consents_of_others_are_as_if_they_were_not_there(client: TestClient) -> None:
    consent = agreed(client)["id"]
    bob = {"X-Owner": "bob"}
    path = f"{CONSENTS}/{consent}"

    for response in (
        client.get(path, headers=bob),
        client.get(f"{path}/audio", headers=bob),
        client.post(f"{path}/revoke", headers=bob),
        client.post(f"{path}/voices", headers=bob, json={"voice_id": "x"}),
        client.delete(path, headers=bob),
    ):
        assert problem(response) == (404, "consent-not-found")
    assert client.get(CONSENTS, headers=bob).json()["items"] == []
