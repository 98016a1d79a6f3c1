"""The service itself in processes of its own, started by the commands that people use."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen

import httpx2

from app.engines.fake import read_back
from tests.audio.signals import read_pcm
from tests.conftest import recording
from tests.schema import schema_in
from tests.servers import free_port, listens, running

# 17 MB of sound, more than the buffers on the way hold: it is under way until it is read.
SENTENCE = "One sentence of many. "
COUNT = 400

SERVE = ("-m", "app.main")
UVICORN = ("-m", "uvicorn", "app.main:app")


class Server:
    """A server process, with the processes it starts, and where it listens."""

    def __init__(self, process: Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)


@contextmanager
def api_server(folder: Path, command: tuple[str, ...], **settings: object) -> Iterator[Server]:
    """Start one with the fake engine and its state under the folder.

    Args:
        command: what follows `python`; `PORT` in it stands for the port.
        settings: by the names of their variables.
    """
    port = free_port()
    schema_in(folder / "data")
    values = {"DATA_DIR": folder / "data", "VOICE_ENGINE": "fake", "PORT": port, **settings}
    if "uvicorn" in command:
        command = (*command, "--port", "PORT")
    with running(
        [sys.executable, *(part.replace("PORT", str(port)) for part in command)],
        answers=lambda: listens(port),
        log=folder / f"log-{port}",
        stop=signal.SIGKILL,
        env=os.environ | {name: str(value) for name, value in values.items()},
        start_new_session=True,
    ) as process:
        try:
            yield Server(process, port)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def register(client: httpx2.Client) -> str:
    """Register a voice; its id."""
    answer = client.post("/voices", files={"file": ("a.wav", recording(), "audio/wav")})
    assert answer.status_code == 201, answer.text
    voice_id: str = answer.json()["voice_id"]
    return voice_id


@contextmanager
def speaking(client: httpx2.Client) -> Iterator[httpx2.Response]:
    """A stream of `COUNT` sentences whose headers were read."""
    body = {"text": SENTENCE * COUNT, "stream": True, "format": "pcm"}
    with client.stream("POST", f"/voices/{register(client)}/synthesize", json=body) as response:
        assert response.status_code == 200
        yield response


def sentences(pcm: bytes) -> list[str]:
    """What was said."""
    return [text for _, text in read_back(read_pcm(pcm))]
