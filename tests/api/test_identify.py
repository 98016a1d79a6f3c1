"""Which request made a clip, over HTTP."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from app.audio.encode import encode_all
from app.audio.types import AudioFormat, Samples
from app.core.config import Settings
from app.engines.fake import SAMPLE_RATE
from tests.api.access_table import bearer, guarded_settings, make_key
from tests.api.chatter import Chatter, chatter, clip
from tests.api.voices import settings_of
from tests.audio.signals import read_pcm
from tests.conftest import recording, registered
from tests.speaking import create_app

IDENTIFY = "/api/v1/provenance/identify"
SPEAK = "/api/v1/synthesis/speak"
FIRST = "Seventeen walruses juggle porcelain on a frozen lake in the north, every afternoon."
SECOND = "Nobody applauds the ninth of them, although it is by far the best, as everybody knows."


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with chattering(settings_of(tmp_path_factory.mktemp("identify"))) as client:
        yield client


@pytest.fixture(scope="module")
def voice(server: TestClient) -> str:
    return registered(server)


def chattering(settings: Settings) -> TestClient:
    return TestClient(create_app(settings, engine=Chatter()))


def said(client: TestClient, voice: str, text: str, path: str = SPEAK) -> tuple[Any, Samples]:
    """The answer, and its audio."""
    body = {"text": text, "format": "pcm", "sample_rate": SAMPLE_RATE}
    answer = client.post(path, json=body if voice in path else body | {"voice": voice})
    assert answer.status_code == 200, answer.text
    return answer, read_pcm(answer.content)


def identified(client: TestClient, content: bytes, headers: Any = None) -> list[dict[str, Any]]:
    answer = client.post(IDENTIFY, files={"file": ("clip", content)}, headers=headers)
    assert answer.status_code == 200, answer.text
    matches: list[dict[str, Any]] = answer.json()["matches"]
    return matches


@pytest.mark.parametrize(
    ("path", "source"),
    [
        (SPEAK, "speak"),
        (f"{SPEAK}/stream", "stream"),
        ("/voices/{voice}/synthesize", "synthesize"),
        ("/api/v1/voices/{voice}/preview", "preview"),
    ],
)
def test_a_clip_finds_the_request_that_made_it(
    server: TestClient, voice: str, path: str, source: str
) -> None:
    text = f"The {source} of seventeen walruses who juggle porcelain on a frozen lake at noon."
    answer, audio = said(server, voice, text, path.format(voice=voice))

    (match,) = identified(server, clip(audio, 0.7, 3.2))

    assert match["request_id"] == answer.headers["X-Request-ID"]
    assert match["output_id"] == answer.headers["X-History-ID"]
    assert (match["source"], match["owner"], match["actor"]) == (source, "local", "local")
    assert match["voices"] == [{"voice_id": voice, "consent_id": None}]
    assert match["duration_s"] == pytest.approx(len(audio) / SAMPLE_RATE, abs=0.01)
    assert 0 <= match["clip_start_s"] < 0.5
    assert 2.0 < match["clip_end_s"] <= 2.5
    for end in ("start", "end"):
        assert match[f"output_{end}_s"] - match[f"clip_{end}_s"] == pytest.approx(0.7, abs=0.03)
    assert match["votes"] >= 20
    assert 0.5 < match["confidence"] < 1


def test_a_clip_across_sentences_lies_where_it_was_cut(server: TestClient, voice: str) -> None:
    before = "Here begins what has a border, with a fox and a goose and some dozen of hens."
    _, audio = said(server, voice, f"{before} Behind it lies the other side, with a cat and a dog.")
    border_s = len(chatter(before)) / SAMPLE_RATE

    (match,) = identified(server, clip(audio, border_s - 1.2, border_s + 1.8))

    apart = match["output_start_s"] - match["clip_start_s"]
    assert apart == pytest.approx(border_s - 1.2, abs=0.05)
    assert match["clip_start_s"] < 0.5
    assert match["clip_end_s"] > 2.2


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(
            chatter("Of this nothing was ever spoken here, and never will be."), id="other"
        ),
        pytest.param(np.zeros(3 * SAMPLE_RATE, np.float32), id="silence"),
        pytest.param(chatter(FIRST)[: SAMPLE_RATE // 2], id="short"),
        pytest.param(np.ones(1, np.float32), id="a sample"),
    ],
)
def test_what_is_not_sure_is_not_told(server: TestClient, voice: str, sound: Samples) -> None:
    said(server, voice, FIRST)

    content = encode_all(sound, AudioFormat.FLAC, input_rate=24_000, output_rate=24_000)

    assert identified(server, content) == []


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(b"", "unreadable-audio", id="empty"),
        pytest.param(b"Dear Sir or Madam", "unreadable-audio", id="text"),
        pytest.param(
            encode_all(
                np.zeros(61 * 8000, np.float32),
                AudioFormat.FLAC,
                input_rate=8000,
                output_rate=8000,
            ),
            "recording-too-long",
            id="long",
        ),
    ],
)
def test_what_is_no_clip_is_an_error(server: TestClient, content: bytes, code: str) -> None:
    answer = server.post(IDENTIFY, files={"file": ("clip", content)})

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert answer.json()["suggestion"]


def test_speech_that_breaks_off_is_remembered_as_far_as_it_came(
    server: TestClient, voice: str
) -> None:
    text = f"It goes on for a while, with a bear and a tiger and a lion. {SECOND} Then it breaks."
    body = {"text": text, "voice": voice, "format": "pcm", "stream_format": "sse"}
    answer = server.post(f"{SPEAK}/stream", json=body)
    assert "event: error" in answer.text

    matches = identified(server, clip(chatter(SECOND), 0.5, 3.0))

    assert answer.headers["X-Request-ID"] in [match["request_id"] for match in matches]


def test_a_voice_that_is_deleted_is_still_told_of(server: TestClient) -> None:
    voice = registered(server, hz=180.0)
    _, audio = said(server, voice, "An umbrella of sassafras, or rather of marmalade and feathers.")
    assert server.delete(f"/voices/{voice}").status_code == 200

    (match,) = identified(server, clip(audio, 0.2, 2.2))

    assert [one["voice_id"] for one in match["voices"]] == [voice]


@pytest.mark.sql
def test_it_outlives_the_server_and_is_kept_without_history_or_text(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, history_enabled=False)
    with chattering(settings) as client:
        answer, audio = said(client, registered(client), FIRST)

    for file in tmp_path.rglob("*"):
        assert not file.is_file() or b"walruses" not in file.read_bytes()
    with chattering(settings) as client:
        (match,) = identified(client, clip(audio, 0.5, 3.0))
    assert match["request_id"] == answer.headers["X-Request-ID"]


@pytest.mark.sql
def test_nothing_is_remembered_where_the_operator_wants_none(tmp_path: Path) -> None:
    with chattering(settings_of(tmp_path, fingerprints=False)) as client:
        _, audio = said(client, registered(client), FIRST)

        assert identified(client, clip(audio, 0.5, 3.0)) == []


@pytest.mark.sql
def test_only_who_reads_the_audit_trail_is_told_of_others(tmp_path: Path) -> None:
    settings = guarded_settings(tmp_path, consent_policy="off")
    keys = {
        who: bearer(asyncio.run(make_key(settings, owner, role)))
        for who, owner, role in (
            ("ann", "ann", "creator"),
            ("ben", "ben", "creator"),
            ("admin", "carl", "admin"),
        )
    }
    with chattering(settings) as client:
        file = {"file": ("a.wav", recording(seconds=5.0), "audio/wav")}
        made = client.post("/voices", files=file, headers=keys["ann"]).json()
        body = {"text": FIRST, "voice": made["voice_id"], "format": "pcm"}
        assert client.post(SPEAK, json=body, headers=keys["ann"]).status_code == 200
        content = clip(chatter(FIRST), 0.5, 3.0)
        told = {who: identified(client, content, key) for who, key in keys.items()}

    assert [match["owner"] for match in told["ann"]] == ["ann"]
    assert told["ben"] == []
    assert told["admin"] == told["ann"]
    assert told["admin"][0]["actor"].startswith("key:")
