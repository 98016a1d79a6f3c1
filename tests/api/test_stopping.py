"""Stopping real server processes: what is being said is finished, nothing new is begun."""

import signal
import socket
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from tests.servers.api import COUNT, SERVE, UVICORN, Server, api_server, sentences, speaking

pytestmark = pytest.mark.services


def refused(server: Server) -> httpx2.Response:
    """The first answer that is no longer a usual one."""
    with httpx2.Client(base_url=server.url, timeout=20) as client:
        for _ in range(500):
            answer = client.get("/voices")
            if answer.status_code != 200:
                return answer
    raise AssertionError("the server goes on as before")


@pytest.mark.parametrize(("command", "status"), [(SERVE, 0), (UVICORN, -signal.SIGTERM)])
def test_a_stream_under_way_is_finished_and_nothing_new_is_begun(
    tmp_path: Path, command: tuple[str, ...], status: int
) -> None:
    with (
        api_server(tmp_path, command, SHUTDOWN_GRACE_S=60) as running,
        httpx2.Client(base_url=running.url, timeout=60) as client,
        speaking(client) as response,
    ):
        pieces = response.iter_bytes()
        sound = [next(pieces)]
        running.stop()
        late = refused(running)
        with httpx2.Client(base_url=running.url) as probe:
            ready, live = probe.get("/health/ready"), probe.get("/health/live")
        sound += list(pieces)
        left = running.process.wait(30)

    assert late.status_code == 503
    assert late.json()["code"] == "shutting-down"
    assert late.headers["connection"] == "close"
    assert int(late.headers["retry-after"]) > 0
    assert (ready.status_code, live.status_code) == (503, 200)
    assert "stopped" in ready.json()["checks"]["server"]
    assert len(sentences(b"".join(sound))) == COUNT
    assert left == status


@pytest.mark.parametrize("command", [SERVE, UVICORN])
def test_what_is_not_done_in_time_is_broken_off(tmp_path: Path, command: tuple[str, ...]) -> None:
    options = ("--timeout-graceful-shutdown", "1") if command is UVICORN else ()
    with (
        api_server(tmp_path, (*command, *options), SHUTDOWN_GRACE_S=1) as running,
        httpx2.Client(base_url=running.url, timeout=60) as client,
        speaking(client) as response,
    ):
        pieces = response.iter_bytes()
        next(pieces)
        running.stop()
        running.process.wait(30)
        with pytest.raises(httpx2.RemoteProtocolError):
            list(pieces)


def test_a_request_that_has_not_begun_to_be_answered_is_told_so(tmp_path: Path) -> None:
    with (
        api_server(tmp_path, SERVE, SHUTDOWN_GRACE_S=1) as running,
        closing(socket.create_connection(("127.0.0.1", running.port), timeout=30)) as connection,
    ):
        # Its body never comes, and BODY_TIMEOUT_S is longer than the grace.
        connection.sendall(b"POST /voices/x/synthesize HTTP/1.1\r\nHost: x\r\n")
        connection.sendall(b"Content-Type: application/json\r\nContent-Length: 9\r\n")
        connection.sendall(b"Expect: 100-continue\r\n\r\n")
        assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        running.stop()
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
        left = running.process.wait(30)

    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b'"code":"shutting-down"' in answer
    assert left == 0


def test_an_idle_server_stops_at_once_even_with_kept_connections(tmp_path: Path) -> None:
    with (
        api_server(tmp_path, SERVE, SHUTDOWN_GRACE_S=600) as running,
        httpx2.Client(base_url=running.url) as client,
    ):
        client.get("/health")
        running.stop()
        assert running.process.wait(30) == 0
