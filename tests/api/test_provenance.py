"""Manifests in files, and what the service says of files that are sent."""

import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import av
import c2pa
import numpy as np
import pytest
from fastapi.testclient import TestClient

from app.audio.encode import encode_all
from app.audio.types import AudioFormat
from tests.api.test_batches import begin, work
from tests.api.voices import trained, voice_server
from tests.provenance.authority import Issued, issued
from tests.speaking import seeded

VERIFY = "/api/v1/provenance/verify"
FORMATS = ("wav", "mp3", "flac")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("provenance")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[TestClient]:
    """Signs with a certificate of an operator."""
    with voice_server(folder, **issued().settings(folder, c2pa="always")) as client:
        yield client


@pytest.fixture(scope="module")
def voice(server: TestClient) -> str:
    return trained(server)


@pytest.fixture(scope="module")
def unsigned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Signs nothing, trusts nobody."""
    with voice_server(tmp_path_factory.mktemp("unsigned"), c2pa="never") as client:
        yield client


def spoken(client: TestClient, voice: str, fmt: str = "wav", **more: Any) -> bytes:
    body = {"text": "Yes, we can.", "format": fmt, **seeded(1), **more}
    answer = client.post(f"/voices/{voice}/synthesize", json=body)
    assert answer.status_code == 200, answer.text
    return answer.content


def verified(client: TestClient, content: bytes, **fields: str) -> dict[str, Any]:
    answer = client.post(VERIFY, files={"file": ("a", content)}, data=fields)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def decoded(content: bytes) -> bytes:
    with av.open(io.BytesIO(content)) as container:
        return b"".join(frame.to_ndarray().tobytes() for frame in container.decode(audio=0))


def plain(seconds: float = 0.2, fmt: AudioFormat = AudioFormat.WAV) -> bytes:
    samples = np.sin(np.arange(int(8000 * seconds)) / 5).astype(np.float32) / 2
    return encode_all(samples, fmt, input_rate=8000, output_rate=8000)


def signed_by(someone: Issued, definition: dict[str, Any], content: bytes | None = None) -> bytes:
    """A WAV file as any other program would sign it."""
    info = c2pa.C2paSignerInfo("es256", someone.chain, someone.key.encode(), None)
    target = io.BytesIO()
    with c2pa.Builder(definition) as builder, c2pa.Signer.from_info(info) as signer:
        builder.sign(signer, "audio/wav", io.BytesIO(content or plain()), target)
    return target.getvalue()


@pytest.mark.parametrize("fmt", FORMATS)
def test_a_file_says_by_a_signature_that_it_is_synthetic(
    server: TestClient, voice: str, fmt: str
) -> None:
    answer = server.post(f"/voices/{voice}/synthesize", json={"text": "Yes.", "format": fmt})
    report = verified(server, answer.content, voice=voice)

    assert (report["verdict"], report["unchanged"], report["problems"]) == ("trusted", True, [])
    assert report["signer"] == report["signer"] | {
        "name": "speech.example.com",
        "organisation": "Example",
        "trusted": True,
        "this_service": True,
        "test_certificate": False,
    }
    said = report["statement"]
    assert said["ai_generated"] is True
    assert said["digital_source_type"].endswith("/trainedAlgorithmicMedia")
    assert said["generator"] == "voice-cloning-api"
    assert said["request_id"] == answer.headers["X-Request-ID"]
    assert said["synthesis_id"] == answer.headers["X-History-ID"]
    assert said["voice_matches"] is True
    assert voice.encode() not in answer.content


def test_another_voice_does_not_match_and_that_of_nobody_is_not_found(
    server: TestClient, voice: str
) -> None:
    content = spoken(server, voice)

    assert verified(server, content, voice=trained(server))["statement"]["voice_matches"] is False
    missing = server.post(VERIFY, files={"file": content}, data={"voice": "nobody"})
    assert (missing.status_code, missing.json()["code"]) == (404, "voice-not-found")


@pytest.mark.parametrize("fmt", FORMATS)
def test_a_manifest_changes_no_sample(
    server: TestClient, unsigned: TestClient, voice: str, fmt: str
) -> None:
    other = spoken(unsigned, trained(unsigned), fmt)
    content = spoken(server, voice, fmt)

    assert content != other
    assert decoded(content) == decoded(other)


@pytest.mark.parametrize("fmt", ["opus", "aac", "pcm", "mulaw"])
def test_formats_that_take_no_manifest_go_without(server: TestClient, voice: str, fmt: str) -> None:
    report = verified(server, spoken(server, voice, fmt))

    assert (report["verdict"], report["manifest"]) == ("none", False)
    assert report["takes_manifests"] is False


@pytest.mark.parametrize("fmt", ["mp3", "flac", "wav"])
def test_the_files_of_a_batch_are_signed_each_and_joined(
    server: TestClient, voice: str, fmt: str
) -> None:
    items = [{"text": "One.", "format": "flac"}, {"text": "Two.", "format": "wav"}]
    wanted = {"voice": voice, "items": items, "concatenate": True, "concatenate_format": fmt}
    batch = begin(server, wanted)
    work(server, batch)

    with ZipFile(io.BytesIO(server.get(batch["links"]["result"]).content)) as archive:
        for name in archive.namelist()[:2]:
            assert verified(server, archive.read(name), voice=voice)["verdict"] == "trusted"
    joined = server.get(batch["links"]["audio"]).content
    report = verified(server, joined, voice=voice)
    assert report["verdict"] == "trusted"
    assert report["statement"]["synthesis_id"] == batch["batch_id"]
    assert report["statement"]["voice_matches"] is True
    with av.open(io.BytesIO(joined)) as container:
        assert len(container.chapters()) == (0 if fmt == "wav" else 2)


def test_a_joined_file_names_the_voices_of_ssml(server: TestClient, voice: str) -> None:
    other = trained(server)
    ssml = f"<speak>One. <voice name='{other}'>Two.</voice></speak>"
    batch = begin(server, {"voice": voice, "items": [{"ssml": ssml}], "concatenate": True})
    work(server, batch)
    joined = server.get(batch["links"]["audio"]).content

    for one in (voice, other):
        assert verified(server, joined, voice=one)["statement"]["voice_matches"] is True


def test_whoever_a_voice_is_shared_with_may_name_it(server: TestClient, voice: str) -> None:
    content, to = spoken(server, voice), {"X-Owner": "somebody"}

    def asked() -> Any:
        form = {"files": {"file": ("a", content)}, "data": {"voice": voice}, "headers": to}
        return server.post(VERIFY, **form)

    assert (asked().status_code, asked().json()["code"]) == (404, "voice-not-found")
    shared = {"user": "somebody", "access": "use"}
    answer = server.post(f"/api/v1/voices/{voice}/shares", json=shared)
    assert answer.status_code == 201, answer.text
    assert asked().json()["statement"]["voice_matches"] is True


def test_a_stream_has_none(server: TestClient, voice: str) -> None:
    body = {"text": "Yes.", "voice": voice, "format": "mp3"}
    streamed = server.post("/api/v1/synthesis/speak/stream", json=body)

    assert verified(server, streamed.content)["verdict"] == "none"


@pytest.mark.parametrize("fmt", FORMATS)
def test_a_bit_that_was_changed_is_seen(server: TestClient, voice: str, fmt: str) -> None:
    changed = bytearray(spoken(server, voice, fmt))
    changed[2000 if fmt == "wav" else -200] ^= 1  # a sample; the manifest is elsewhere
    report = verified(server, bytes(changed))

    assert (report["verdict"], report["valid"], report["unchanged"]) == ("invalid", False, False)
    assert [one["code"] for one in report["problems"]] == ["assertion.dataHash.mismatch"]


def test_what_the_manifest_says_cannot_be_changed(server: TestClient, voice: str) -> None:
    content = spoken(server, voice)
    changed = content.replace(b"trainedAlgorithmicMedia", b"trainedAlgorithmicMeteo")
    assert changed != content
    report = verified(server, changed)

    assert (report["verdict"], report["unchanged"]) == ("invalid", None)


def test_a_file_that_was_converted_has_none(server: TestClient, voice: str) -> None:
    samples = np.frombuffer(decoded(spoken(server, voice)), np.int16)
    again = encode_all(
        samples.astype(np.float32) / 32768, AudioFormat.MP3, input_rate=24000, output_rate=24000
    )
    report = verified(server, again)

    assert (report["verdict"], report["valid"], report["unchanged"]) == ("none", None, None)
    assert report["takes_manifests"] is True


def test_a_foreign_signature_holds_but_is_trusted_only_if_its_authority_is(
    server: TestClient, folder: Path
) -> None:
    someone = issued("somebody.example.com")
    captured = {"action": "c2pa.created", "digitalSourceType": "http://c2pa.example/made-by-hand"}
    definition = {
        "claim_generator_info": [{"name": "x" * 5000, "version": "1"}],
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [captured]}}],
    }
    content = signed_by(someone, definition)
    report = verified(server, content)
    assert (report["verdict"], report["valid"], report["unchanged"]) == ("untrusted", True, True)
    assert report["signer"]["name"] == "somebody.example.com"
    assert (report["signer"]["trusted"], report["signer"]["this_service"]) == (False, False)
    assert report["statement"]["ai_generated"] is False
    assert len(report["statement"]["generator"]) == 200

    anchors = folder / "anchors.pem"
    anchors.write_bytes(someone.anchor)
    with voice_server(folder / "trusting", c2pa_trust_anchors=anchors) as trusting:
        trusted = verified(trusting, content)
    assert (trusted["verdict"], trusted["signer"]["this_service"]) == ("trusted", False)


def test_a_manifest_elsewhere_is_not_fetched(server: TestClient) -> None:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{http.server_port}/manifest"
        someone, target = issued(), io.BytesIO()
        info = c2pa.C2paSignerInfo("es256", someone.chain, someone.key.encode(), None)
        with c2pa.Signer.from_info(info) as signer:
            created = {"action": "c2pa.created", "digitalSourceType": "http://c2pa.example/none"}
            builder = c2pa.Builder(
                {"assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [created]}}]}
            )
            builder.set_no_embed()
            builder.set_remote_url(url)
            builder.sign(signer, "audio/wav", io.BytesIO(plain()), target)
        report = verified(server, target.getvalue())
        http.shutdown()

    assert (report["verdict"], report["manifest"]) == ("elsewhere", False)
    assert report["manifest_url"] == url
    assert asked == []


def _huge(content: bytes) -> bytes:
    """A box in the manifest says that it has 2 GB."""
    at = content.index(b"cbor") - 4
    return content[:at] + b"\x7f\xff\xff\xff" + content[at + 4 :]


@pytest.mark.parametrize(
    ("spoil", "verdict"),
    [
        (lambda content: b"\x13\x37" * 500, "none"),
        (lambda content: b"RI", "none"),
        (lambda content: content.replace(b"jumb", b"jumq"), "invalid"),
        (_huge, "invalid"),
        (lambda content: b"", None),
        (lambda content: content[:-100], None),
        (lambda content: content[: len(content) // 2], None),
    ],
    ids=["noise", "two bytes", "no boxes", "huge box", "empty", "truncated", "half"],
)
def test_spoilt_files_have_clear_answers(
    server: TestClient, voice: str, spoil: Any, verdict: str | None
) -> None:
    answer = server.post(VERIFY, files={"file": ("a", spoil(spoken(server, voice)))})

    if verdict is None:
        assert (answer.status_code, answer.json()["code"]) == (400, "unreadable-audio")
        assert answer.json()["suggestion"]
    else:
        assert answer.status_code == 200, answer.text
        assert answer.json()["verdict"] == verdict
        assert (verdict == "none") == (answer.json()["problems"] == [])


def test_a_file_may_be_as_long_as_a_recording(tmp_path: Path) -> None:
    with voice_server(tmp_path, max_upload_bytes=1000) as client:
        answer = client.post(VERIFY, files={"file": ("a.wav", plain())})

    assert (answer.status_code, answer.json()["code"]) == (413, "upload-too-large")


def test_a_test_certificate_says_so_and_is_the_same_after_a_restart(tmp_path: Path) -> None:
    with voice_server(tmp_path, c2pa="always") as client:
        assert client.get("/health/ready").json()["c2pa"] == "test"
        content = spoken(client, trained(client))
    with voice_server(tmp_path, c2pa="always") as client:
        report = verified(client, content)

    assert (report["verdict"], report["signer"]["test_certificate"]) == ("trusted", True)
    assert "TEST" in report["signer"]["name"]
    assert "TEST CERTIFICATE" in report["statement"]["title"]
    assert "one for tests" in report["summary"]
    [stored] = (tmp_path / "c2pa").iterdir()
    assert stored.stat().st_mode & 0o077 == 0


def test_never_is_never(unsigned: TestClient) -> None:
    content = spoken(unsigned, trained(unsigned))

    assert verified(unsigned, content)["verdict"] == "none"
    assert unsigned.get("/health/ready").json()["c2pa"] == "never"


def test_files_are_counted(server: TestClient, voice: str) -> None:
    spoken(server, voice)
    [line] = [
        line
        for line in server.get("/metrics").text.splitlines()
        if line.startswith("voice_cloning_c2pa_files_total{") and 'outcome="signed"' in line
    ]
    assert float(line.split()[-1]) >= 1
