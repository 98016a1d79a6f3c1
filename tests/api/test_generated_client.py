"""The OpenAPI document is good for more than reading: a client generated from it works."""

import importlib
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from app.core.config import Settings
from app.engines.fake import read_back
from tests.audio.signals import read_pcm
from tests.conftest import recording, serving
from tests.speaking import create_app

pytestmark = pytest.mark.services

PACKAGE = "generated_client"
AUDIO = ("wav", "mpeg", "flac", "ogg", "aac", "pcm", "basic", "x-mulaw")
# What the generator does not know is said to be bytes, as its documentation advises.
OVERRIDES = {f"audio/{name}": "application/octet-stream" for name in AUDIO} | {
    "application/zip": "application/octet-stream",
    "text/event-stream": "text/plain",
    "text/csv": "text/plain",
}


class Client:
    """What was generated, and a connection."""

    def __init__(self, package: ModuleType, url: str) -> None:
        self._package = package
        self._connection = package.Client(base_url=url)

    def close(self) -> None:
        self._connection.get_httpx_client().close()

    def model(self, name: str) -> Any:
        return getattr(importlib.import_module(f"{PACKAGE}.models"), name)

    def file(self, content: bytes, name: str) -> Any:
        types = importlib.import_module(f"{PACKAGE}.types")
        return types.File(payload=io.BytesIO(content), file_name=name, mime_type="audio/wav")

    def call(self, operation: str, **arguments: Any) -> Any:
        """The answer, as the generated function gives it."""
        tag, name = operation.split(".")
        module = importlib.import_module(f"{PACKAGE}.api.{tag}.{name}")
        return module.sync_detailed(client=self._connection, **arguments)


def generate(folder: Path, document: dict[str, Any]) -> str:
    """Have a client made; what the generator had to say about the document."""
    (folder / "openapi.json").write_text(json.dumps(document))
    settings = {"content_type_overrides": OVERRIDES, "post_hooks": []}
    (folder / "settings.json").write_text(json.dumps(settings))
    program = Path(sys.executable).with_name("openapi-python-client")
    run = subprocess.run(
        [
            program, "generate", "--path", folder / "openapi.json", "--config",
            folder / "settings.json", "--meta", "none", "--output-path", folder / PACKAGE,
        ],
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout + run.stderr


@pytest.fixture
def client(settings: Settings, tmp_path: Path, monkeypatch: Any) -> Iterator[Client]:
    works = settings.model_copy(update={"jobs_worker": True, "jobs_poll_s": 0.05})
    app = create_app(works)
    said = generate(tmp_path, app.openapi())
    assert "WARNING" not in said, said
    monkeypatch.syspath_prepend(tmp_path)
    try:
        with serving(app) as http:
            generated = Client(importlib.import_module(PACKAGE), str(http.base_url))
            yield generated
            generated.close()
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
            del sys.modules[name]


@pytest.mark.filterwarnings("default")  # of what is generated
def test_a_generated_client_registers_speaks_and_lists(client):
    body = client.model("BodyCreateVoice")(file=client.file(recording(), "a.wav"))
    created = client.call("voices.create_voice", body=body)
    assert created.status_code == 201
    voice_id = created.parsed.voice_id

    request = client.model("SpeechRequest").from_dict(
        {"text": "Hello there.", "voice": voice_id, "format": "pcm"}
    )
    spoken = client.call("synthesis.speak", body=request)
    assert spoken.status_code == 200
    audio = spoken.parsed.payload.read()
    assert [text for _, text in read_back(read_pcm(audio))] == ["Hello there."]

    listed = client.call("history.list_history", voice=voice_id)
    assert [entry.text for entry in listed.parsed.items] == ["Hello there."]

    missing = client.call("jobs.get_job", job_id="no-such-job")
    assert missing.status_code == 404
    assert missing.parsed.code == "job-not-found"
