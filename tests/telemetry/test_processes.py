"""Several server processes that count together."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
import pytest

from app.core.metrics_folder import FOLDER, shared_folder
from tests.conftest import recording
from tests.servers import free_port, running, wait_until
from tests.telemetry.series import samples, value

ROOT = Path(__file__).parents[2]
UVICORN = ("-m", "app.main")
GUNICORN = ("-m", "gunicorn", "--config", "deploy/gunicorn.conf.py", "app.main:app")


@contextmanager
def two_processes(
    command: tuple[str, ...], folder: Path
) -> Iterator[tuple[httpx2.Client, subprocess.Popen[bytes]]]:
    port = free_port()
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
        "DATA_DIR": str(folder / "data"),
        "VOICE_ENGINE": "fake",
        "PORT": str(port),
        "WORKERS": "2",
        "SHUTDOWN_GRACE_S": "2",
        "LOG_LEVEL": "warning",
        "RATE_LIMITING_ENABLED": "false",
        "TMPDIR": str(folder),
    }
    # Every request on a connection of its own, so that both processes get some.
    limits = httpx2.Limits(max_keepalive_connections=0)
    with (
        httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, limits=limits) as client,
        running(
            [sys.executable, *command],
            answers=lambda: are_loaded(client, 2),
            log=folder / "log",
            cwd=ROOT,
            env=environment,
        ) as process,
    ):
        yield client, process


def are_loaded(client: httpx2.Client, count: int) -> bool:
    with suppress(httpx2.TransportError):
        return loaded(client) == count
    return False


def scrape(client: httpx2.Client) -> str:
    return client.get("/metrics").text


def loaded(client: httpx2.Client) -> float:
    return value(scrape(client), "engine_loaded")


def workers(process: subprocess.Popen[bytes]) -> set[int]:
    """Processes of its own that count."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return {
        int(child)
        for child in children
        if b"resource_tracker" not in Path(f"/proc/{child}/cmdline").read_bytes()
    }


@pytest.mark.services
@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
@pytest.mark.parametrize("command", [UVICORN, GUNICORN], ids=["uvicorn", "gunicorn"])
def test_two_processes_count_together_and_a_killed_one_leaves_no_gauge(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    log = tmp_path / "log"
    with two_processes(command, tmp_path) as (client, process):
        before = value(scrape(client), "http_requests_total", route="/health")
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: client.get("/health"), range(60)))
        file = {"file": ("a.wav", recording(), "audio/wav")}
        voice = client.post("/voices", files=file).json()["voice_id"]
        for _ in range(6):
            client.post(f"/voices/{voice}/synthesize", json={"text": "Hello"})

        answers = [scrape(client) for _ in range(6)]

        for text in answers:  # whichever process is asked
            assert value(text, "http_requests_total", route="/health") == before + 60
            assert value(text, "speech_requests_total", outcome="ok") == 6
            assert value(text, "engine_loaded", engine="fake") == 2
            assert value(text, "build_info") == 1
            assert value(text, "http_requests_in_flight") == 1
            assert not any("pid" in sample.labels for sample in samples(text))

        killed = min(workers(process))
        os.kill(killed, signal.SIGKILL)
        # It is not counted any more, and the one that comes in its place is, once.
        wait_until(lambda: are_loaded(client, 1), process, log)
        wait_until(lambda: are_loaded(client, 2), process, log)
        assert killed not in workers(process)

        text = scrape(client)
        assert value(text, "http_requests_total", route="/health") == before + 60
        assert value(text, "speech_requests_total", outcome="ok") == 6
        assert value(text, "http_requests_in_flight") == 1

    assert not list(tmp_path.glob("voice-cloning-metrics-*"))


def test_what_an_earlier_run_has_left_is_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir()
    (folder / "counter_1.db").write_bytes(b"old")
    (folder / "keep.txt").write_text("not ours")
    monkeypatch.setenv(FOLDER, str(folder))

    with shared_folder(2):
        assert [file.name for file in folder.iterdir()] == ["keep.txt"]

    assert folder.is_dir()


def test_a_folder_of_its_own_goes_with_the_server_and_one_process_needs_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(FOLDER, raising=False)

    with shared_folder(1):
        assert FOLDER not in os.environ
    with shared_folder(2):
        folder = Path(os.environ[FOLDER])
        assert folder.is_dir()

    assert not folder.exists()
    assert FOLDER not in os.environ
