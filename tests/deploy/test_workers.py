"""Several server processes, by each command that the documentation names, on one database."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psutil
import pytest

from tests.servers.api import COUNT, SERVE, Server, api_server, register, sentences, speaking
from tests.servers.postgres import Postgres

pytestmark = pytest.mark.services

GUNICORN = ("-m", "gunicorn", "app.main:app", "-b", "127.0.0.1:PORT", "-w", "2", "-k")
COMMANDS = {
    "uvicorn": ("-m", "uvicorn", "app.main:app", "--workers", "2"),
    "gunicorn": (*GUNICORN, "uvicorn.workers.UvicornWorker"),
    "gunicorn, new name": (*GUNICORN, "uvicorn_worker.UvicornWorker"),
    "ours": ("-m", "app.cli", "serve"),
}


@pytest.fixture
def shared(postgres_server: Postgres, redis_url: str) -> dict[str, object]:
    """Settings of processes that share their state."""
    return {
        "DATABASE_URL": postgres_server.create(),
        "REDIS_URL": redis_url,
        "RATE_LIMITING_ENABLED": "false",
    }


def workers(server: Server) -> list[psutil.Process]:
    """The two processes that serve, when they are there."""
    deadline = time.monotonic() + 30
    while True:
        children = psutil.Process(server.process.pid).children()
        serving = [one for one in children if "resource_tracker" not in " ".join(one.cmdline())]
        if len(serving) == 2:
            return serving
        assert time.monotonic() < deadline, f"{len(serving)} processes"
        time.sleep(0.05)


@contextmanager
def suspended(process: psutil.Process) -> Iterator[None]:
    process.suspend()
    try:
        yield
    finally:
        process.resume()


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_all_processes_serve_the_same_voices_and_end_in_order(
    tmp_path: Path, shared: dict[str, object], command: tuple[str, ...]
) -> None:
    with (
        api_server(tmp_path, command, WORKERS=2, **shared) as server,
        httpx2.Client(base_url=server.url, timeout=60) as client,
    ):
        voice_id = register(client)
        pair = workers(server)
        for other in pair:  # whichever does not sleep answers
            with suspended(other), httpx2.Client(base_url=server.url, timeout=20) as fresh:
                said = fresh.post(
                    f"/voices/{voice_id}/synthesize", json={"text": "Here.", "format": "pcm"}
                )
                assert sentences(said.content) == ["Here."]
        with speaking(client) as response:
            pieces = response.iter_bytes()
            sound = [next(pieces)]
            server.stop()
            sound += list(pieces)
        status = server.process.wait(30)

    assert len(sentences(b"".join(sound))) == COUNT
    assert status == 0
    assert not [one for one in pair if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def test_two_servers_on_one_database_share_voices(
    tmp_path: Path, shared: dict[str, object]
) -> None:
    with (
        api_server(tmp_path, SERVE, **shared) as one,
        api_server(tmp_path, SERVE, **shared) as two,
        httpx2.Client(base_url=one.url, timeout=30) as first,
        httpx2.Client(base_url=two.url, timeout=30) as second,
    ):
        voice_id = register(first)
        said = second.post(f"/voices/{voice_id}/synthesize", json={"text": "Hi.", "format": "pcm"})
        assert sentences(said.content) == ["Hi."]

        os.kill(one.process.pid, signal.SIGKILL)
        assert second.get(f"/voices/{voice_id}").status_code == 200
        assert second.delete(f"/voices/{voice_id}").status_code == 200
    with (
        api_server(tmp_path, SERVE, **shared) as three,
        httpx2.Client(base_url=three.url, timeout=30) as third,
    ):
        assert third.get("/voices").json()["items"] == []
