"""Voices that are exported and imported."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from app.core.config import Settings
from tests.api.voices import (
    VOICES,
    fingerprint,
    get,
    speech,
    trained,
    voice_server,
    zipped,
)
from tests.services.parts import files as files_of
from tests.speaking import TRAINS, create_app, engine_kind

Manifest = dict[str, Any]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with voice_server(tmp_path_factory.mktemp("data")) as client:
        yield client


@pytest.fixture(scope="module")
def bundle(server: TestClient) -> bytes:
    """Of a voice of two recordings, with a third one that was refused."""
    files = [("a.wav", speech()), ("Zoë.wav", speech(150.0)), ("bad.txt", b"no sound")]
    voice = trained(
        server, *files, name="Zoë", description="two\nlines", language="en-GB", consent="c7"
    )
    return export(server, voice)


def export(client: TestClient, voice: str) -> bytes:
    answer = client.get(f"{VOICES}/{voice}/export")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    assert int(answer.headers["content-length"]) == len(answer.content)
    return answer.content


def take_in(client: TestClient, content: bytes) -> httpx2.Response:
    return client.post(f"{VOICES}/import", files={"file": ("b.zip", content, "application/zip")})


def voices(client: TestClient) -> list[str]:
    return [voice["voice_id"] for voice in client.get(VOICES).json()["items"]]


def changed(content: bytes, change: Callable[[Manifest, dict[str, bytes]], Any]) -> bytes:
    """The bundle with another manifest, or other files."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(files.pop("manifest.json"))
    change(manifest, files)
    return zipped(("manifest.json", json.dumps(manifest).encode()), *files.items())


def test_a_bundle_holds_all_that_belongs_to_a_voice(bundle: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        assert archive.testzip() is None
        manifest = json.loads(archive.read("manifest.json"))
        listed = [*manifest["recordings"], *manifest["versions"]]
        assert {part["file"] for part in listed} | {"manifest.json"} == set(archive.namelist())
        for part in listed:
            content = archive.read(part["file"])
            assert (part["bytes"], part["sha256"]) == (len(content), sha256(content).hexdigest())

    assert manifest["format"] == "voice-cloning/bundle.v1"
    voice = manifest["voice"]
    assert (voice["name"], voice["language"], voice["consent"]) == ("Zoë", "en-GB", "c7")
    assert [one["filename"] for one in manifest["recordings"]] == ["a.wav", "Zoë.wav", "bad.txt"]
    assert manifest["recordings"][2]["refused"]


def test_a_voice_that_was_taken_along_speaks_as_before(server: TestClient, bundle: bytes) -> None:
    before = voices(server)
    original = before[0]

    answer = take_in(server, bundle)

    assert answer.status_code == 201
    assert answer.json()["enrolled_again"] is False
    taken = answer.json()["voice"]
    assert taken["voice_id"] not in before
    assert fingerprint(server, taken["voice_id"]) == fingerprint(server, original)
    same = ("name", "description", "language", "consent", "engine", "report", "filename")
    was = get(server, original)
    assert {name: taken[name] for name in same} == {name: was[name] for name in same}
    assert taken["samples"] == was["samples"]
    again = export(server, taken["voice_id"])
    assert len(again) == pytest.approx(len(bundle), abs=200)


@pytest.mark.services
@TRAINS
def test_a_trained_voice_takes_its_versions_along(settings: Settings) -> None:
    works = settings.model_copy(update={"jobs_worker": True, "jobs_poll_s": 0.05})
    with TestClient(create_app(works)) as client:
        voice = trained(client, ("a.wav", speech()), ("b.wav", speech(150.0)), minutes="0.1")
        job = get(client, voice)["training"]["job_id"]
        with client.stream("GET", f"/api/v1/jobs/{job}/events") as events:
            events.read()  # until it has ended
        client.post(f"{VOICES}/{voice}/versions/2/activate")
        was, said = get(client, voice), fingerprint(client, voice)

        taken = take_in(client, export(client, voice)).json()["voice"]

        assert taken["active_version"] == was["active_version"] == 2
        assert fingerprint(client, taken["voice_id"]) == said
        versions = client.get(f"{VOICES}/{taken['voice_id']}/versions").json()["items"]
        assert [version["number"] for version in versions] == [1, 2]
        listed = client.get(f"{VOICES}/{taken['voice_id']}/samples").json()["items"]
        metrics = versions[1]["metrics"]
        assert set(metrics["used"]) == {sample["sample_id"] for sample in listed}
        client.post(f"{VOICES}/{taken['voice_id']}/versions/1/activate")
        assert fingerprint(client, taken["voice_id"]) != said


class Other(engine_kind()):
    info = replace(engine_kind().info, name="other")


def test_states_of_another_engine_are_made_anew_and_that_is_said(
    settings: Settings, bundle: bytes
) -> None:
    with TestClient(create_app(settings, engine=Other())) as client:
        foreign = changed(bundle, lambda manifest, _: manifest["versions"][0].update(number=7))
        answer = take_in(client, foreign)

        body = answer.json()
        assert (answer.status_code, body["enrolled_again"]) == (201, True)
        assert "cloned anew" in body["note"]
        assert (body["voice"]["engine"], body["voice"]["active_version"]) == ("other", 1)
        assert fingerprint(client, body["voice"]["voice_id"])
        assert body["voice"]["samples"]["used"] == 2


def test_an_import_is_in_the_trail_and_so_is_an_export(server: TestClient, bundle: bytes) -> None:
    taken = take_in(server, bundle).json()["voice"]["voice_id"]
    export(server, taken)

    events = server.get("/api/v1/audit", params={"subject_id": taken}).json()["items"]
    assert [event["action"] for event in events] == ["voice.exported", "voice.created"]


def _newer(manifest: Manifest, _: Any) -> None:
    manifest["format"] = "voice-cloning/bundle.v2"


def _other_format(manifest: Manifest, _: Any) -> None:
    manifest["format"] = "else"


def _changed_file(_: Any, files: dict[str, bytes]) -> None:
    files["recordings/001.wav"] = files["recordings/001.wav"][:-1] + b"x"


def _changed_state(_: Any, files: dict[str, bytes]) -> None:
    files["states/1"] = b"zz"


def _shorter_file(_: Any, files: dict[str, bytes]) -> None:
    files["recordings/001.wav"] = files["recordings/001.wav"][:-1]


def _missing_file(_: Any, files: dict[str, bytes]) -> None:
    del files["recordings/002.wav"]


def _path_outside(manifest: Manifest, _: Any) -> None:
    manifest["recordings"][0]["file"] = "../../../../etc/passwd"


def _twice(manifest: Manifest, _: Any) -> None:
    manifest["recordings"][1] = manifest["recordings"][0]


def _no_recording(manifest: Manifest, _: Any) -> None:
    manifest["recordings"] = []


def _infinite(manifest: Manifest, _: Any) -> None:
    manifest["voice"]["adapted_minutes"] = float("inf")


def _null_character(manifest: Manifest, _: Any) -> None:
    manifest["recordings"][0]["refused"] = "a\x00b"


def _bad_number(manifest: Manifest, _: Any) -> None:
    manifest["versions"][0]["number"] = 2**31


def _without_name(manifest: Manifest, _: Any) -> None:
    del manifest["voice"]["name"]


@pytest.mark.parametrize(
    "change",
    [
        _newer, _other_format, _changed_file, _changed_state, _shorter_file, _missing_file,
        _path_outside, _twice, _no_recording, _infinite, _null_character, _bad_number,
        _without_name,
    ],
)  # fmt: skip
def test_a_bundle_that_was_tampered_with_is_refused(
    server: TestClient, bundle: bytes, change: Any
) -> None:
    before = voices(server)

    answer = take_in(server, changed(bundle, change))

    assert (answer.status_code, answer.json()["code"]) == (400, "archive-invalid"), answer.text
    assert answer.json()["suggestion"]
    assert voices(server) == before


def test_a_newer_bundle_is_named(server: TestClient, bundle: bytes) -> None:
    detail = take_in(server, changed(bundle, _newer)).json()["detail"]

    assert "bundle.v2" in detail
    assert "bundle.v1" in detail


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no zip",
        zipped(("a.wav", speech())),
        zipped(("manifest.json", b"[" * 100_000)),
        zipped(("manifest.json", b"3")),
        zipped(("manifest.json", b"\xff\xfe")),
    ],
    ids=["empty", "no zip", "no manifest", "deep", "a number", "no text"],
)
def test_what_is_no_bundle_is_refused(server: TestClient, content: bytes) -> None:
    answer = take_in(server, content)

    assert (answer.status_code, answer.json()["code"]) == (400, "archive-invalid")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"name": "x" * 201}, "invalid-request"),
        ({"language": "cy"}, "language-unsupported"),
        ({"consent": "a\nb"}, "invalid-request"),
    ],
)
def test_what_is_written_about_it_is_checked_as_ever(
    server: TestClient, bundle: bytes, fields: dict[str, str], code: str
) -> None:
    other = changed(bundle, lambda manifest, _: manifest["voice"].update(fields))

    answer = take_in(server, other)

    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_a_bundle_whose_recordings_are_no_speech_leaves_nothing(
    client: TestClient, settings: Settings, bundle: bytes
) -> None:
    def silent(manifest: Manifest, files: dict[str, bytes]) -> None:
        for part in manifest["recordings"]:
            files[part["file"]] = b"x" * 99 + part["file"].encode()
            content = files[part["file"]]
            part |= {"bytes": len(content), "sha256": sha256(content).hexdigest()}

    answer = take_in(client, changed(bundle, silent))

    assert (answer.status_code, answer.json()["code"]) == (400, "unreadable-audio")
    assert files_of(settings) == []


def test_a_voice_whose_file_is_missing_is_not_exported_in_part(
    client: TestClient, settings: Settings
) -> None:
    voice = trained(client)
    next(path for path in settings.uploads.rglob("*") if path.is_file()).unlink()

    answer = client.get(f"{VOICES}/{voice}/export")

    assert (answer.status_code, answer.json()["code"]) == (500, "engine-failed")
    assert "missing" in answer.json()["detail"]
