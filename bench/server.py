"""A server of its own for a benchmark: a real process on loopback, with a data folder that goes
with it.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil

from app.core.config import Settings
from tests.servers import free_port


@dataclass
class Server:
    """A running server and a client of it."""

    client: httpx2.Client
    process: psutil.Process
    folder: Path

    def rss_mb(self) -> float:
        return float(self.process.memory_info().rss) / 1e6

    def register(self, path: Path | bytes, name: str) -> dict[str, object]:
        content = path if isinstance(path, bytes) else path.read_bytes()
        response = self.client.post("/voices", files={"file": (f"{name}.flac", content)})
        response.raise_for_status()
        body: dict[str, object] = response.json()
        return body


@contextmanager
def serving(**environment: str) -> Iterator[Server]:
    """Start, wait until it is ready, stop by the id that was started."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        variables = os.environ | {
            "DATA_DIR": folder,
            "MODEL_DIR": str(Settings().models.absolute()),
            "PORT": str(port),
            "LOG_LEVEL": "WARNING",
            "RATE_LIMITING_ENABLED": "false",  # a benchmark asks for more than a caller may
            "ENROLMENT_REFINEMENT": "false",  # it would run beside what is measured
            **environment,
        }
        process = subprocess.Popen([sys.executable, "-m", "app.main"], env=variables)
        try:
            with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=300) as client:
                _wait(client, process)
                yield Server(client, psutil.Process(process.pid), Path(folder))
        finally:
            process.terminate()
            process.wait(20)


def _wait(client: httpx2.Client, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise SystemExit("The server ended by itself.")
        with suppress(httpx2.TransportError):
            ready = client.get("/health/ready")
            if ready.status_code == 200:
                return
            raise SystemExit(f"Not ready: {ready.text}")
        time.sleep(0.1)
    raise SystemExit("The server did not start in a minute.")
