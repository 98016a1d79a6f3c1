import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

from app.audio.types import Recording
from app.core.config import Settings
from app.engines.base import VoiceState
from tests.conftest import recording
from tests.speaking import create_app, engine_kind


def test_registering_answers_as_documented(client: TestClient) -> None:
    response = client.post(
        "/voices",
        files={"file": ("sample.wav", recording(seconds=8.0, rate=22050), "audio/wav")},
        data={"name": "My Voice", "description": "Test voice"},
    )

    assert response.status_code == 201
    body = response.json()
    assert body["filename"] == "sample.wav"
    assert body["duration"] == pytest.approx(8.0, abs=0.01)
    assert body["sample_rate"] == 22050
    assert body["message"] == "Voice registered successfully"
    assert body["report"]["speech_s"] > 3


def test_a_voice_is_shown_as_it_was_registered(client: TestClient, register) -> None:
    voice_id = register(name="Zoë 🎤 / Ωmega", description="two\nlines")

    body = client.get(f"/voices/{voice_id}").json()

    assert body["voice_id"] == voice_id
    assert body["name"] == "Zoë 🎤 / Ωmega"
    assert body["description"] == "two\nlines"
    assert body["filename"] == "sample.wav"
    assert body["created_at"].endswith("Z")


def test_the_name_is_the_files_when_none_is_given(client: TestClient, register) -> None:
    assert client.get(f"/voices/{register()}").json()["name"] == "sample"


@pytest.mark.parametrize(
    "filename", ["../../etc/passwd.wav", "C:\\tmp\\passwd.wav", "a/b/passwd.wav"]
)
def test_paths_in_a_filename_are_dropped(client: TestClient, filename: str) -> None:
    response = client.post("/voices", files={"file": (filename, recording(), "audio/wav")})

    assert response.json()["filename"] == "passwd.wav"


@pytest.mark.parametrize(
    "name", ["x" * 201, "x" * 10_000, "line\nbreak", "null\x00byte", "\x1b[31m"]
)
def test_an_unusable_name_is_refused(shared: TestClient, name: str) -> None:
    before = shared.get("/voices").json()
    response = shared.post(
        "/voices", files={"file": ("a.wav", recording(), "audio/wav")}, data={"name": name}
    )

    assert response.status_code == 400
    assert response.json()["code"] == "invalid-request"
    assert shared.get("/voices").json() == before


def test_a_missing_file_is_400(shared: TestClient) -> None:
    response = shared.post("/voices", data={"name": "no file"})

    assert response.status_code == 400
    assert response.json()["errors"][0]["loc"] == ["body", "file"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "unreadable-audio"),
        (b"This is text, not audio." * 100, "unreadable-audio"),
        (recording(seconds=2.5), "recording-too-short"),
        (recording()[:60], "unreadable-audio"),
    ],
    ids=["empty", "text", "short", "header only"],
)
def test_an_upload_nothing_can_be_made_of_is_400(
    client: TestClient, content: bytes, code: str
) -> None:
    response = client.post("/voices", files={"file": ("sample.wav", content, "audio/wav")})

    assert response.status_code == 400
    body = response.json()
    assert body["code"] == code
    assert body["suggestion"]
    assert client.get("/voices").json()["items"] == []


def test_a_refused_recording_says_what_was_measured_and_what_is_needed(client: TestClient) -> None:
    short = ("a.wav", recording(seconds=2.5), "audio/wav")

    body = client.post("/voices", files={"file": short}).json()

    assert body["limit"] == 3.0
    assert 0 < body["measured"] < 3.0


def test_an_upload_over_the_limit_is_413(settings: Settings) -> None:
    small = settings.model_copy(update={"max_upload_bytes": 100_000})
    with TestClient(create_app(small)) as client:
        file = ("a.wav", recording(seconds=20), "audio/wav")
        response = client.post("/voices", files={"file": file})

    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == "upload-too-large"


def test_voices_are_listed_newest_first_in_pages(client: TestClient, register) -> None:
    ids = [register(hz=100.0 + 10 * n) for n in range(5)]
    seen, cursor = [], None
    while True:
        page = client.get("/voices", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
        seen += [voice["voice_id"] for voice in page.json()["items"]]
        cursor = page.json()["cursor"]
        if cursor is None:
            break

    assert seen == ids[::-1]


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 501}, {"cursor": "nonsense"}])
def test_a_bad_page_is_400(shared: TestClient, query: dict[str, object]) -> None:
    assert shared.get("/voices", params=query).status_code == 400


def test_a_deleted_voice_is_gone_with_its_files(
    client: TestClient, register, settings: Settings
) -> None:
    voice_id = register()
    sizes = [
        (folder / voice_id / name).stat().st_size
        for folder, name in ((settings.uploads, "original"), (settings.embeddings, "state"))
    ]
    kept = settings.outputs / voice_id / "old.mp3"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"speech")
    (settings.embeddings / voice_id / "state-older").write_bytes(b"12345")

    deleted = client.delete(f"/voices/{voice_id}")

    assert deleted.status_code == 200
    assert deleted.json() == {
        "voice_id": voice_id,
        "record": True,
        "recordings": {"files": 1, "bytes": sizes[0]},
        "states": {"files": 2, "bytes": sizes[1] + 5},
        "outputs": {"files": 1, "bytes": 6},
        "left": [],
    }
    assert client.get(f"/voices/{voice_id}").status_code == 404
    assert client.delete(f"/voices/{voice_id}").status_code == 404
    folders = (settings.uploads, settings.embeddings, settings.outputs)
    left = [p for d in folders for p in d.rglob("*") if p.is_file()]
    assert left == []


@pytest.mark.parametrize(
    "voice_id", ["550e8400-e29b-41d4-a716-446655440000", "nonsense", "%00", "😀"]
)
def test_an_unknown_voice_is_404(shared: TestClient, voice_id: str) -> None:
    for response in (
        shared.get(f"/voices/{voice_id}"),
        shared.delete(f"/voices/{voice_id}"),
        shared.post(f"/voices/{voice_id}/synthesize", json={"text": "Hello"}),
    ):
        assert response.status_code == 404
        assert response.json()["code"] == "voice-not-found"


def test_a_file_that_breaks_off_is_taken_with_a_warning(client: TestClient) -> None:
    content = recording(seconds=16.0)
    whole, cut = (
        client.post("/voices", files={"file": ("a.wav", part, "audio/wav")}).json()
        for part in (content, content[: len(content) // 2])
    )

    assert not [text for text in whole["report"]["warnings"] if "breaks off" in text]
    assert cut["duration"] == pytest.approx(8.0, abs=0.1)
    assert [text for text in cut["report"]["warnings"] if "breaks off" in text]


def test_foreign_files_in_the_upload_folder_are_left_alone(settings: Settings) -> None:
    settings.uploads.mkdir(parents=True)
    foreign = settings.uploads / "README"
    foreign.write_text("mine", encoding="utf-8")

    with TestClient(create_app(settings.model_copy(update={"sweep_grace_s": 0.0}))):
        pass

    assert foreign.read_text(encoding="utf-8") == "mine"


def test_the_original_recording_is_kept(client: TestClient, settings: Settings) -> None:
    content = recording(hz=150.0)
    client.post("/voices", files={"file": ("a.wav", content, "audio/wav")})

    kept = [path for path in settings.uploads.rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in kept] == [content]


def test_voices_outlive_the_server(settings: Settings) -> None:
    with TestClient(create_app(settings)) as client:
        file = ("a.wav", recording(), "audio/wav")
        voice_id = client.post("/voices", files={"file": file}).json()["voice_id"]

    with TestClient(create_app(settings)) as client:
        spoken = client.post(f"/voices/{voice_id}/synthesize", json={"text": "Still here."})

    assert spoken.status_code == 200


@pytest.mark.parametrize("description", ["x" * 2001, "null\x00byte"])
def test_an_unusable_description_is_refused(shared: TestClient, description: str) -> None:
    file = ("a.wav", recording(), "audio/wav")

    response = shared.post("/voices", files={"file": file}, data={"description": description})

    assert (response.status_code, response.json()["code"]) == (400, "invalid-request")


class SlowEngine(engine_kind()):
    """Enrols when it is told to."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go_on = threading.Event()

    async def enroll(self, recordings: Sequence[Recording]) -> VoiceState:
        self.begun.set()
        await asyncio.to_thread(self.go_on.wait, 20)
        return await super().enroll(recordings)


def test_more_registrations_than_allowed_are_sent_away_for_now(settings: Settings) -> None:
    engine = SlowEngine()
    one = settings.model_copy(update={"max_concurrent_uploads": 1})
    with TestClient(create_app(one, engine=engine)) as client, ThreadPoolExecutor(1) as pool:
        files = {"file": ("a.wav", recording(), "audio/wav")}
        first = pool.submit(client.post, "/voices", files=files)
        assert engine.begun.wait(20)
        refused = client.post("/voices", files=files)
        engine.go_on.set()

        assert (refused.status_code, refused.json()["code"]) == (503, "engine-busy")
        assert int(refused.headers["retry-after"]) > 0
        assert first.result().status_code == 201
        assert client.post("/voices", files=files).status_code == 201
