"""Clients that hold a connection without using it, against a real server."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager

import httpx2
import psutil
import pytest

from app.core.config import Settings
from tests.conftest import make_app, recording, serving
from tests.speaking import new_engine

pytestmark = pytest.mark.services

GUARDED = "app.api.connection:Connection"
PLAIN = "auto"


@pytest.fixture
def impatient(settings: Settings) -> Settings:
    values = {"body_timeout_s": 0.3, "send_timeout_s": 0.3, "max_concurrent_requests": 1}
    return settings.model_copy(update=values)


@contextmanager
def connected(client: httpx2.Client) -> Iterator[socket.socket]:
    url = client.base_url
    with closing(socket.create_connection((url.host, url.port), timeout=20)) as connection:
        yield connection


def rest(connection: socket.socket) -> bytes:
    """Everything until the server ends the connection."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionError:
        pass
    return b"".join(parts)


def head(path: str, *, length: int, kind: str = "application/json") -> bytes:
    lines = (
        f"POST {path} HTTP/1.1",
        "Host: x",
        f"Content-Type: {kind}",
        f"Content-Length: {length}",
    )
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.mark.parametrize("http", [GUARDED, PLAIN])
def test_a_body_that_does_not_come_is_408_and_the_end(impatient: Settings, http: str) -> None:
    with (
        serving(make_app(impatient, new_engine()), http=http) as client,
        connected(client) as slow,
    ):
        slow.sendall(head("/voices/x/synthesize", length=100) + b'{"text": "Hel')
        answer = rest(slow)

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in answer.lower()
    assert b'"code":"client-too-slow"' in answer


def test_a_body_that_trickles_is_408_too(impatient: Settings) -> None:
    with serving(make_app(impatient, new_engine())) as client, connected(client) as slow:
        slow.sendall(head("/voices/x/synthesize", length=10**6))
        slow.settimeout(0.05)
        answer = b""
        for _ in range(400):  # never silent for as long as the limit
            slow.sendall(b"x")
            try:
                answer = slow.recv(65536)
                break
            except TimeoutError:
                continue

    assert answer.startswith(b"HTTP/1.1 408 ")


def test_a_patient_sender_of_much_is_served(impatient: Settings) -> None:
    form = httpx2.Request(
        "POST", "http://x/voices", files={"file": ("a.wav", recording(), "audio/wav")}
    )
    body, kind = form.read(), form.headers["content-type"]
    with serving(make_app(impatient, new_engine())) as client, connected(client) as sender:
        sender.sendall(head("/voices", length=len(body), kind=kind))
        for start in range(0, len(body), 20_000):
            sender.sendall(body[start : start + 20_000])
        assert sender.recv(65536).startswith(b"HTTP/1.1 201 ")


@pytest.mark.parametrize(
    "sent", [b"", b"GET /health HTTP/1.1\r\nHost: x\r\n", b"\r\n"], ids=["none", "some", "empty"]
)
def test_headers_that_do_not_come_end_the_connection(impatient: Settings, sent: bytes) -> None:
    app = make_app(impatient, new_engine())
    with serving(app, http=GUARDED) as client, connected(client) as slow:
        slow.sendall(sent)
        assert rest(slow) == b""


def test_headers_that_trickle_on_a_kept_connection_end_it(impatient: Settings) -> None:
    app = make_app(impatient, new_engine())
    with serving(app, http=GUARDED) as client, connected(client) as slow:
        slow.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert slow.recv(65536).startswith(b"HTTP/1.1 200 ")
        slow.settimeout(0.05)
        slow.sendall(b"GET /health HTTP/1.1\r\nX: ")
        ended = False
        for _ in range(400):
            try:
                slow.sendall(b"x")
                ended = slow.recv(1) == b""
            except TimeoutError:
                continue
            except ConnectionError:
                ended = True
            break

    assert ended


@pytest.mark.parametrize("http", [GUARDED, PLAIN])
def test_an_answer_that_is_not_read_stops_the_synthesis(impatient: Settings, http: str) -> None:
    with serving(make_app(impatient, new_engine()), http=http) as client:
        file = ("a.wav", recording(), "audio/wav")
        voice = client.post("/voices", files={"file": file}).json()["voice_id"]
        path = f"/voices/{voice}/synthesize"
        text = "One sentence of many. " * 4000  # 170 MB, more than any buffer holds
        body = f'{{"text": "{text}", "stream": true, "format": "pcm"}}'.encode()
        with connected(client) as deaf:
            deaf.sendall(head(path, length=len(body)) + body)
            assert deaf.recv(12) == b"HTTP/1.1 200"
            # Only one request at a time is allowed: the next is served when the first is stopped.
            for _ in range(400):
                answer = client.post(path, json={"text": "Next."})
                if answer.status_code == 200:
                    break
                assert answer.json()["code"] == "engine-busy"
            assert answer.status_code == 200
            broken = [
                line
                for line in client.get("/metrics").text.splitlines()
                if line.startswith("voice_cloning_http_broken_answers_total{")
            ]
            assert ['side="client"' in line for line in broken] == [True], "it is not our fault"
            if http == GUARDED:
                for _ in range(400):
                    client.get("/health")
                    if not held(deaf):
                        break
                assert not held(deaf)


def held(connection: socket.socket) -> bool:
    """Whether the server, which runs in this process, still has its end."""
    port = connection.getsockname()[1]
    ends = psutil.Process().net_connections("tcp")
    return any(end.raddr and end.raddr.port == port for end in ends)
