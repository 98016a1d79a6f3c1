"""Voices of the engine `azure` through our own API, over a fake of the service."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from app.engines.base import Engine
from app.main import create_app
from app.watermark.marking import Watermark
from tests.api.voices import settings_of
from tests.azure_fake.faults import Fault
from tests.azure_fake.speech import SpeechFake, speech_service
from tests.consents.speakers import ANN, BOB, listener, says
from tests.engines.azure.patience import Patience, engine_over

CONSENTS = "/api/v1/consents"
VOICES = "/api/v1/voices"
NAMES = {"speaker": "Jane Smith", "company": "Contoso"}
SAMPLE = "Somebody speaks for a while, and then goes on for a bit more, since Azure needs it. " * 2
STATEMENT = "I am aware of it, and of all that follows from it, and of the rest, and so on and on."
WAV = "audio/wav"


@pytest.fixture(scope="module")
def running() -> Iterator[SpeechFake]:
    with speech_service() as fake:
        yield fake


@pytest.fixture
def service(running: SpeechFake) -> SpeechFake:
    running.reset()
    return running


@contextmanager
def server(folder: Path, service: SpeechFake, engine: Engine | None = None) -> Iterator[TestClient]:
    """As its settings say, or with an engine."""
    settings = settings_of(
        folder,
        voice_engine="azure",
        azure_speech_key=service.account.key,
        azure_speech_endpoint=service.url,
        azure_speech_poll_s=0.001,
    )
    # Many tests together are more than Azure takes in ten seconds: they do not wait for it.
    app = create_app(settings, engine=engine, listener=listener, watermark=Watermark())
    with TestClient(app) as client:
        yield client


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def shared(running: SpeechFake, folder: Path) -> Iterator[TestClient]:
    with server(folder, running, engine_over(running, Patience())) as client:
        yield client


@pytest.fixture
def client(shared: TestClient, service: SpeechFake) -> TestClient:
    """Of a server over an account with nothing in it but the project."""
    service.account.projects["voice-cloning"] = {"id": "voice-cloning", "kind": "PersonalVoice"}
    return shared


def consent(client: TestClient, recording: bytes | None, **fields: str) -> dict[str, Any]:
    form = NAMES | {"purpose": "Tests.", "signed_by": "Ann Lee", "language": "en-GB"} | fields
    files = {} if recording is None else {"provider_recording": ("p.wav", recording, WAV)}
    response = client.post(CONSENTS, data=form, files=files)
    assert response.status_code == 201, response.text
    found: dict[str, Any] = response.json()
    return found


def register(client: TestClient, **fields: str) -> httpx2.Response:
    file = {"file": ("a.wav", says(SAMPLE, ANN), WAV)}
    return client.post("/voices", files=file, data=fields)


def registered(client: TestClient) -> str:
    agreed = consent(client, says(STATEMENT))
    response = register(client, consent_id=agreed["id"])
    assert response.status_code == 201, response.text
    return str(response.json()["voice_id"])


def problem(response: httpx2.Response) -> tuple[int, str]:
    body = response.json()
    assert body["suggestion"], body
    return response.status_code, body["code"]


def test_a_voice_is_registered_spoken_and_deleted(client: TestClient, service: SpeechFake) -> None:
    voice = registered(client)

    [there] = service.account.consents.values()
    assert (there.body["voiceTalentName"], there.body["locale"]) == ("Jane Smith", "en-GB")
    text = 'Fish & chips <are> "good".'
    said = client.post("/api/v1/synthesis/speak", json={"text": text, "voice": voice})
    assert said.status_code == 200, said.text
    assert said.content.startswith(b"RIFF") or len(said.content) > 1000
    [document] = service.account.spoken
    [made] = service.account.voices.values()
    assert made.body["speakerProfileId"] in document
    assert "Fish and chips" in document or "Fish &amp; chips" in document

    erased = client.delete(f"{VOICES}/{voice}").json()
    assert erased["left"] == []
    assert service.account.is_bare


@pytest.mark.services
def test_a_lexicon_is_respelt_for_a_model_without_phonemes(
    client: TestClient, service: SpeechFake
) -> None:
    voice = registered(client)
    ssml = '<speak>See <phoneme alphabet="ipa" ph="ˈwɪn">Nguyen</phoneme> soon.</speak>'

    said = client.post("/api/v1/synthesis/speak", json={"ssml": ssml, "voice": voice})

    assert said.status_code == 200, said.text
    [document] = service.account.spoken
    assert "<phoneme" not in document
    assert "Nguyen" not in document


def test_the_statement_of_azure_is_told_beside_ours(client: TestClient) -> None:
    said = client.get(f"{CONSENTS}/statement", params={"language": "de", **NAMES}).json()
    assert said["provider_statement"].startswith("Ich, Jane Smith bin mir bewusst, dass Aufnahmen")
    assert "Contoso" in said["provider_statement"]
    assert said["text"] != said["provider_statement"]


def test_a_voice_needs_a_consent_with_the_statement_of_azure(
    client: TestClient, service: SpeechFake
) -> None:
    assert problem(register(client)) == (403, "consent-required")
    without = consent(client, None)
    assert without["provider_recording"] is False
    assert problem(register(client, consent_id=without["id"])) == (409, "consent-unusable")
    assert service.account.is_bare


@pytest.mark.services
def test_what_azure_hears_is_told_to_who_registers(client: TestClient, service: SpeechFake) -> None:
    agreed = consent(client, says(SAMPLE))
    service.account.fail_consent.append("AudioAndScriptNotMatch")

    before = client.get(VOICES).json()["items"]
    assert problem(register(client, consent_id=agreed["id"])) == (409, "consent-unusable")
    assert service.account.is_bare
    assert client.get(VOICES).json()["items"] == before


def test_both_statements_are_read_by_the_same_person(client: TestClient) -> None:
    asked = client.get(f"{CONSENTS}/statement", params={"language": "en", **NAMES}).json()

    def read(provider: float) -> httpx2.Response:
        form = NAMES | {"purpose": "Tests.", "statement_id": asked["statement_id"]}
        files = {
            "file": ("a.wav", says(asked["text"], ANN), WAV),
            "provider_recording": ("b.wav", says(asked["provider_statement"], provider), WAV),
        }
        return client.post(CONSENTS, data=form, files=files)

    assert problem(read(BOB)) == (400, "consent-mismatch")
    agreed = read(ANN)
    assert agreed.status_code == 201, agreed.text
    assert agreed.json()["provider_recording"] is True


def test_a_recording_that_cannot_be_read_is_refused(client: TestClient) -> None:
    form = NAMES | {"purpose": "Tests.", "signed_by": "Ann Lee"}
    files = {"provider_recording": ("p.wav", b"no sound", WAV)}
    assert problem(client.post(CONSENTS, data=form, files=files)) == (400, "unreadable-audio")


@pytest.mark.services
def test_a_consent_that_ends_takes_everything_with_it(
    client: TestClient, service: SpeechFake, folder: Path
) -> None:
    voice = registered(client)
    consent_id = client.get(f"{VOICES}/{voice}").json()["consent_id"]
    [kept] = folder.rglob(f"{consent_id}/provider-statement")

    assert client.delete(f"{CONSENTS}/{consent_id}").status_code == 204

    assert service.account.is_bare
    assert not kept.exists()


def test_a_deletion_goes_through_though_azure_is_away(
    client: TestClient, service: SpeechFake
) -> None:
    voice = registered(client)
    service.faults.add("DELETE *", Fault(401))

    erased = client.delete(f"{VOICES}/{voice}").json()

    assert (erased["record"], erased["left"]) == (True, ["provider"])
    assert client.get(f"{VOICES}/{voice}").status_code == 404


@pytest.mark.sql
def test_without_the_trail_nothing_is_deleted_there_either(
    client: TestClient, service: SpeechFake, folder: Path
) -> None:
    voice = registered(client)
    rename = "ALTER TABLE {} RENAME TO {}"
    with closing(sqlite3.connect(folder / "voices.db")) as database:
        database.execute(rename.format("audit_events", "gone"))
        answer = client.delete(f"{VOICES}/{voice}")
        database.execute(rename.format("gone", "audit_events"))

    assert problem(answer) == (503, "database-unavailable")
    assert len(service.account.voices) == 1
    said = client.post("/api/v1/synthesis/speak", json={"text": "Yes.", "voice": voice})
    assert said.status_code == 200
    assert client.delete(f"{VOICES}/{voice}").json()["left"] == []


@pytest.mark.services
def test_nothing_is_left_there_of_a_voice_that_cannot_be_kept_here(
    tmp_path: Path, service: SpeechFake
) -> None:
    with server(tmp_path, service) as client:
        agreed = consent(client, says(STATEMENT))
        states = tmp_path / "embeddings"
        shutil.rmtree(states)
        states.write_text("in the way")

        assert problem(register(client, consent_id=agreed["id"]))[0] == 503

    assert service.account.is_bare


@pytest.mark.services
def test_bundles_are_not_taken_in(client: TestClient) -> None:
    voice = registered(client)
    bundle = client.get(f"{VOICES}/{voice}/export")
    assert bundle.status_code == 200

    sent = {"file": ("v.zip", bundle.content, "application/zip")}
    assert problem(client.post(f"{VOICES}/import", files=sent)) == (403, "consent-required")
    assert client.delete(f"{VOICES}/{voice}").json()["left"] == []


def test_callers_can_see_that_text_leaves_the_machine(client: TestClient) -> None:
    [engine] = client.get("/api/v1/engines").json()["items"]
    assert (engine["name"], engine["local"]) == ("azure", False)
    assert engine["controls"] == ["speed"]
