"""Voices under /api/v1, as the tests make them."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
from fastapi.testclient import TestClient
from numpy.typing import NDArray

from app.audio.activity import EnergyDetector
from app.audio.dsp import median_pitch_hz
from app.audio.ears import Listener
from app.audio.types import Samples
from app.core.config import Settings
from app.engines.fake import read_back
from tests.audio.signals import read_pcm
from tests.conftest import recording
from tests.schema import schema_in
from tests.speaking import create_app, engine_settings, engine_trains

VOICES = "/api/v1/voices"


def settings_of(folder: Path, **more: Any) -> Settings:
    """Of a server without limits, with the engine that tests speak with."""
    usual = {"rate_limiting_enabled": False, "jobs_worker": False, **engine_settings()}
    if not more.keys() & {"database_url", "cosmos_db_endpoint"}:
        schema_in(folder)
    return Settings(_env_file=None, data_dir=folder, **usual | more)


@contextmanager
def voice_server(
    folder: Path, *, tells_speakers: bool = False, **more: Any
) -> Iterator[TestClient]:
    """A server with the engine that tests speak with. It tells speakers apart by
    their pitch, if it is to.
    """
    settings = settings_of(folder, **more)
    listener = (lambda: Listener(EnergyDetector(), by_pitch)) if tells_speakers else None
    with TestClient(create_app(settings, listener=listener)) as client:
        yield client


def by_pitch(samples: Samples) -> NDArray[np.float32]:
    """A speaker embedding for tests: near voices have near pitches, an octave is another one."""
    octaves = np.log2((median_pitch_hz(samples, 16_000) or 50.0) / 50.0)
    angle = octaves * np.pi / 2
    return np.array([np.cos(angle), np.sin(angle)], np.float32)


@cache
def speech(hz: float = 120.0, seconds: float = 6.0) -> bytes:
    """A short recording; another pitch is another recording."""
    return recording(hz=hz, seconds=seconds)


def parts(*files: tuple[str, bytes]) -> list[tuple[str, tuple[str, bytes, str]]]:
    """Of a form with several files."""
    return [("files", (name, content, "audio/wav")) for name, content in files]


def train(client: TestClient, *files: tuple[str, bytes], **fields: str) -> httpx2.Response:
    key = fields.pop("key", None)
    headers = {"Idempotency-Key": key} if key else {}
    files = files or (("a.wav", speech()),)
    return client.post(f"{VOICES}/train", files=parts(*files), data=fields, headers=headers)


def trained(client: TestClient, *files: tuple[str, bytes], **fields: str) -> str:
    """Id of a new voice of some recordings; its training waits, if its engine can be trained."""
    if not engine_trains():
        return _put_together(client, *files or (("a.wav", speech()),), **fields)
    response = train(client, *files, **fields)
    assert response.status_code == 202, response.text
    return str(response.json()["voice"]["voice_id"])


def _put_together(client: TestClient, *files: tuple[str, bytes], **fields: str) -> str:
    (name, content), *others = files
    told = {key: fields.pop(key) for key in ("name", "description") if key in fields}
    made = client.post("/voices", files={"file": (name, content, "audio/wav")}, data=told)
    assert made.status_code == 201, made.text
    voice = str(made.json()["voice_id"])
    if others:
        answer = client.post(f"{VOICES}/{voice}/samples", files=parts(*others))
        assert answer.status_code == 200, answer.text
    if changes := {key: value for key, value in fields.items() if value}:
        answer = client.put(f"{VOICES}/{voice}", json={"version": 1} | changes)
        assert answer.status_code == 200, answer.text
    return voice


def get(client: TestClient, voice: str) -> dict[str, Any]:
    body: dict[str, Any] = client.get(f"{VOICES}/{voice}").json()
    return body


def fingerprint(client: TestClient, voice: str) -> bytes:
    """Of what speaks: the fake engine's voices can be told by it."""
    spoken = client.post(f"/voices/{voice}/synthesize", json={"text": "Yes.", "format": "pcm"})
    assert spoken.status_code == 200, spoken.text
    [(found, _), *_] = read_back(read_pcm(spoken.content))
    return found


def zipped(*files: tuple[str, bytes], stored: bool = False) -> bytes:
    file = io.BytesIO()
    how = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return file.getvalue()
