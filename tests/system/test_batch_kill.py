"""Servers that are killed in the middle of a batch, and servers that share one."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx2
import pytest

from app.engines.fake import read_back
from tests.audio.signals import read_pcm
from tests.conftest import recording
from tests.servers import free_port, running
from tests.servers.postgres import BOTH

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
PATH = "/api/v1/synthesis/batch"
COUNT = 200
WAIT_S = 120.0
ENDED = ("succeeded", "partial", "failed", "cancelled")


class Server:
    """A process that answers requests and works on jobs."""

    def __init__(self, client: httpx2.Client, pid: int, log: Path) -> None:
        self.client, self._pid, self._log = client, pid, log

    def kill(self) -> None:
        os.kill(self._pid, 9)

    def spoken(self) -> int:
        """How many items it has spoken to the end."""
        lines = self._log.read_text(errors="replace").splitlines()
        told = [json.loads(line) for line in lines if line.startswith("{")]
        return sum(
            line.get("event") == "spoke" and (line["source"], line["outcome"]) == ("batch", "ok")
            for line in told
        )


@dataclass(frozen=True)
class Site:
    """What servers share."""

    folder: Path
    environment: dict[str, str]

    @contextmanager
    def server(self) -> Iterator[Server]:
        port = free_port()
        url, log = f"http://127.0.0.1:{port}", self.folder / f"server-{port}.log"
        with (
            running(
                [sys.executable, "-m", "app.main"],
                answers=lambda: _is_ready(url),
                log=log,
                cwd=self.folder,
                env=self.environment | {"PORT": str(port)},
            ) as process,
            httpx2.Client(base_url=url, timeout=60) as client,
        ):
            yield Server(client, process.pid, log)

    def files(self) -> list[Path]:
        return list((self.folder / "data" / "outputs").rglob("batch-*"))


def _is_ready(url: str) -> bool:
    with suppress(httpx2.TransportError):
        return httpx2.get(f"{url}/health/ready", timeout=5).status_code == 200
    return False


def _site(folder: Path, **settings: str) -> Site:
    own = {
        "PYTHONPATH": str(ROOT), "DATA_DIR": str(folder / "data"), "VOICE_ENGINE": "fake",
        "JOBS_WORKER": "true", "JOBS_DEAD_AFTER_S": "2", "JOBS_POLL_S": "0.1",
        "RATE_LIMITING_ENABLED": "false", "HISTORY_KEEP_AUDIO": "false",
    }  # fmt: skip
    return Site(folder, {**os.environ, **own, **settings})


@pytest.fixture(params=BOTH)
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    if request.param == "sqlite":
        return _site(tmp_path)
    return _site(tmp_path, DATABASE_URL=request.getfixturevalue("postgres_url"))


@pytest.fixture
def shared(postgres_url: str, tmp_path: Path) -> Site:
    return _site(tmp_path, DATABASE_URL=postgres_url)


def begin(client: httpx2.Client) -> tuple[str, list[str]]:
    """A batch in two voices in turns: its path, and the voices."""
    voices = []
    for hz in (110.0, 190.0):
        file = {"file": ("a.wav", recording(hz=hz), "audio/wav")}
        voices.append(client.post("/voices", files=file).json()["voice_id"])
    items = [{"text": f"This is number {n}.", "voice": voices[n % 2]} for n in range(COUNT)]
    answer = client.post(PATH, json={"format": "pcm", "normalize": "off", "items": items})
    assert answer.status_code == 202, answer.text
    path: str = answer.json()["batch"]["links"]["self"]
    return path, voices


def until(
    client: httpx2.Client, path: str, enough: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    deadline = time.monotonic() + WAIT_S
    while True:
        batch: dict[str, Any] = client.get(path).json()
        if enough(batch):
            return batch
        assert time.monotonic() < deadline, batch
        time.sleep(0.05)


def half(batch: dict[str, Any]) -> bool:
    return bool(batch["counts"]["succeeded"] >= COUNT * 0.4)


def ended(batch: dict[str, Any]) -> bool:
    return batch["status"] in ENDED


def items_of(client: httpx2.Client, path: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.get(f"{path}/items?limit=500").json()["items"]
    return items


def check_all_is_said(client: httpx2.Client, path: str, voices: list[str]) -> None:
    """Each item says exactly its text, in exactly its voice."""
    archive = ZipFile(BytesIO(client.get(f"{path}/result").content))
    fingerprints: dict[str, set[bytes]] = {voice: set() for voice in voices}
    assert len(archive.namelist()) == COUNT + 1
    for n in range(COUNT):
        [(voice, text)] = read_back(read_pcm(archive.read(f"{n + 1:04d}.pcm")))
        assert text == f"This is number {n}."
        fingerprints[voices[n % 2]].add(voice)
    assert sorted(len(found) for found in fingerprints.values()) == [1, 1]
    assert len(set.union(*fingerprints.values())) == 2


def test_a_batch_whose_server_is_killed_is_finished_by_the_next_one(site: Site) -> None:
    with site.server() as first:
        path, voices = begin(first.client)
        until(first.client, path, half)
        first.kill()

    with site.server() as second:
        before = {item["position"] for item in items_of(second.client, path) if item["audio"]}
        batch = until(second.client, path, ended)
        items = items_of(second.client, path)
        check_all_is_said(second.client, path, voices)
        done_again = second.spoken()

    assert COUNT * 0.4 <= len(before) < COUNT
    assert (batch["status"], batch["counts"]["succeeded"]) == ("succeeded", COUNT)
    assert len(site.files()) == COUNT
    assert done_again <= COUNT - len(before) + 1  # one may be done between start and look
    again = [item for item in items if item["attempts"] > 1]
    assert len(again) <= 2  # those in hand when it was killed
    assert all(item["attempts"] == 1 for item in items if item["position"] in before - {
        item["position"] for item in again
    })  # fmt: skip


def test_two_servers_share_a_batch_and_none_speaks_what_the_other_has(shared: Site) -> None:
    with shared.server() as one, shared.server() as other:
        path, voices = begin(one.client)
        batch = until(other.client, path, ended)
        items = items_of(one.client, path)
        check_all_is_said(other.client, path, voices)
        spoken = [one.spoken(), other.spoken()]

    assert (batch["status"], batch["counts"]["succeeded"]) == ("succeeded", COUNT)
    assert {item["attempts"] for item in items} == {1}
    assert len(shared.files()) == COUNT
    assert sum(spoken) == COUNT
    assert min(spoken) > 0


def test_what_a_killed_server_had_in_hand_is_taken_over_by_the_other(shared: Site) -> None:
    with shared.server() as other, shared.server() as killed:
        path, voices = begin(other.client)
        until(other.client, path, half)
        killed.kill()
        batch = until(other.client, path, ended)
        check_all_is_said(other.client, path, voices)

    assert (batch["status"], batch["counts"]["succeeded"]) == ("succeeded", COUNT)
    assert len(shared.files()) == COUNT
