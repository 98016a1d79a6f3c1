"""Real servers of the Azure Blob and S3 protocols on loopback, from `make test-services`."""

import base64
import hashlib
import hmac
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path

import httpx2
import pytest

from tests.servers import free_port, listens, running

INSTALLED = Path(__file__).parents[2] / ".venv" / "servers" / "node_modules"

# The same for every emulator in the world.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@dataclass(frozen=True)
class Azurite:
    """The emulator of Azure Blob Storage. It checks signatures, and keeps all in memory."""

    process: subprocess.Popen[bytes]
    endpoint: str

    @property
    def connection_string(self) -> str:
        return f"AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={self.endpoint};"

    def create_container(self, name: str) -> None:
        """As an operator does before the first start."""
        response = httpx2.put(
            f"{self.endpoint}/{name}?restype=container",
            headers=_signed("PUT", f"/{ACCOUNT}/{name}", "restype:container"),
        )
        assert response.status_code == 201, response.text

    def names(self, container: str) -> list[str]:
        """Of the blobs in a container, as the server itself tells them."""
        response = httpx2.get(
            f"{self.endpoint}/{container}?comp=list&restype=container",
            headers=_signed("GET", f"/{ACCOUNT}/{container}", "comp:list\nrestype:container"),
        )
        assert response.status_code == 200, response.text
        return re.findall("<Name>(.*?)</Name>", response.text)


@dataclass(frozen=True)
class S3rver:
    """A server of Amazon's S3 protocol with the bucket `voices`. It checks no secret."""

    process: subprocess.Popen[bytes]
    endpoint: str
    key: str = "S3RVER"


@contextmanager
def azurite() -> Iterator[Azurite]:
    port = free_port()
    command = [
        *("node", _script("azurite/dist/src/blob/main.js"), "--inMemoryPersistence", "--silent"),
        *("--blobHost", "127.0.0.1", "--blobPort", str(port)),
        *("--skipApiVersionCheck", "--disableTelemetry"),
    ]
    with _serving(command, port) as process:
        yield Azurite(process, f"http://127.0.0.1:{port}/{ACCOUNT}")


@contextmanager
def s3rver(folder: Path) -> Iterator[S3rver]:
    port = free_port()
    command = [
        # The server encrypts with what OpenSSL calls legacy.
        *("node", "--openssl-legacy-provider", _script("s3rver/bin/s3rver.js")),
        *("--directory", str(folder), "--address", "127.0.0.1", "--port", str(port)),
        *("--configure-bucket", "voices", "--silent"),
    ]
    with _serving(command, port) as process:
        yield S3rver(process, f"http://127.0.0.1:{port}")


@contextmanager
def _serving(command: list[str | Path], port: int) -> Iterator[subprocess.Popen[bytes]]:
    with (
        tempfile.TemporaryDirectory(prefix="blobs-") as folder,
        running(
            command,
            answers=lambda: listens(port),
            log=Path(folder) / "log",
            stop=signal.SIGKILL,
        ) as process,
    ):
        yield process


def _script(path: str) -> str:
    script = INSTALLED / path
    if not script.is_file():
        say = pytest.fail if os.environ.get("CI") else pytest.skip
        say("needs Node.js and npm, then `make test-services`, which installs the server")
    return str(script)


def _signed(method: str, path: str, query: str) -> dict[str, str]:
    """Headers of a request without content, signed with the account's key ("Shared Key")."""
    date = formatdate(usegmt=True)
    headers = f"x-ms-date:{date}\nx-ms-version:2023-11-03"
    text = f"{method}\n" + "\n" * 11 + f"{headers}\n/{ACCOUNT}{path}\n{query}"
    digest = hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()
    return {
        "Authorization": f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}",
        "x-ms-date": date,
        "x-ms-version": "2023-11-03",
    }
