"""Two server processes on one PostgreSQL, one Redis and one blob container, told apart by API keys:
what a service with several machines must keep when one of them dies.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from app.engines.fake import read_back
from tests.audio.signals import read_pcm
from tests.conftest import recording
from tests.servers import free_port, running
from tests.servers.blobs import azurite

pytestmark = [pytest.mark.services, pytest.mark.timeout(240)]

ROOT = Path(__file__).parents[2]
CONTAINER = "voice-cloning"
TRAINING_LIMIT = 40


@dataclass(frozen=True)
class Server:
    """One of the two processes."""

    url: str
    process: subprocess.Popen[bytes]

    def client(self, key: str) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, headers={"X-API-Key": key}, timeout=60)


@dataclass(frozen=True)
class Platform:
    """What the processes share."""

    environment: dict[str, str]
    folder: Path

    @contextlib.contextmanager
    def server(self) -> Iterator[Server]:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        environment = self.environment | {"PORT": str(port)}
        with running(
            [sys.executable, "-m", "app.main"],
            answers=lambda: _is_ready(url),
            log=self.folder / f"server-{port}.log",
            cwd=self.folder,
            env=environment,
        ) as process:
            yield Server(url, process)

    def key(self, owner: str, scope: str) -> str:
        command = ["keys", "create", "--name", "test", "--scope", scope, "--owner", owner]
        made = subprocess.run(
            [sys.executable, "-m", "app.cli", *command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return made.stdout.strip()


@pytest.fixture
def platform(postgres_url: str, redis_url: str, tmp_path: Path) -> Iterator[Platform]:
    with azurite() as blobs:
        blobs.create_container(CONTAINER)
        settings = {
            "PYTHONPATH": str(ROOT),
            "VOICE_ENGINE": "fake",
            "AUTH_MODE": "api_key",
            "CONSENT_POLICY": "off",
            "DATA_DIR": str(tmp_path / "data"),
            "DATABASE_URL": postgres_url,
            "REDIS_URL": redis_url,
            "AZURE_STORAGE_CONNECTION_STRING": blobs.connection_string,
            "AZURE_STORAGE_CONTAINER": CONTAINER,
            "RATE_LIMIT_DEFAULT": "100000",
            "RATE_LIMIT_SYNTHESIS": "100000",
            "RATE_LIMIT_TRAINING": str(TRAINING_LIMIT),
            "RATE_LIMIT_CHARACTERS": "10000000",
        }
        yield Platform(os.environ | settings, tmp_path)


def _is_ready(url: str) -> bool:
    with contextlib.suppress(httpx2.TransportError):
        return httpx2.get(f"{url}/health/ready", timeout=5).status_code == 200
    return False


def register(client: httpx2.Client, hz: float) -> httpx2.Response:
    file = ("sample.wav", recording(hz=hz, seconds=6.0), "audio/wav")
    return client.post("/voices", files={"file": file})


def registered(client: httpx2.Client, hz: float) -> str:
    answer = register(client, hz)
    assert answer.status_code == 201, answer.text
    voice_id: str = answer.json()["voice_id"]
    return voice_id


def speak(client: httpx2.Client, voice_id: str, text: str) -> tuple[bytes, str]:
    """The fingerprint of the voice and the text, as they are heard."""
    body = {"text": text, "format": "pcm"}
    answer = client.post(f"/voices/{voice_id}/synthesize", json=body)
    assert answer.status_code == 200, answer.text
    [heard] = read_back(read_pcm(answer.content))
    return heard


def test_two_owners_on_two_processes_share_all_but_each_other(platform: Platform) -> None:
    anns, bens, admins = (
        platform.key(owner, scope)
        for owner, scope in (("ann", "creator"), ("ben", "creator"), ("ops", "admin"))
    )
    with platform.server() as first, platform.server() as second:
        ann, ben = first.client(anns), second.client(bens)
        ann_elsewhere, admin = second.client(anns), first.client(admins)
        with ann, ben, ann_elsewhere, admin:
            anns_voice = registered(ann, 110.0)
            bens_voice = registered(ben, 170.0)

            # The voice made by one process is spoken by the other.
            here, there = (speak(c, anns_voice, "good morning") for c in (ann, ann_elsewhere))
            assert here == there
            assert here[1] == "good morning"
            assert speak(ben, bens_voice, "good night") != here

            for owner, own, others in (
                (ann_elsewhere, anns_voice, bens_voice),
                (ben, bens_voice, anns_voice),
            ):
                listed = [voice["voice_id"] for voice in owner.get("/voices").json()["items"]]
                assert listed == [own]
                text = {"text": "stolen"}
                assert owner.get(f"/voices/{others}").status_code == 404
                assert owner.delete(f"/voices/{others}").status_code == 404
                spoken = owner.post(f"/voices/{others}/synthesize", json=text)
                assert (spoken.status_code, spoken.json()["code"]) == (404, "voice-not-found")

            _limits_are_shared(ann, ann_elsewhere)
            _revocation_is_shared(admin, ann, ann_elsewhere)
            assert speak(ben, bens_voice, "still here")[1] == "still here"


def _limits_are_shared(here: httpx2.Client, there: httpx2.Client) -> None:
    """The bucket is one: alternating between the processes gives no second helping."""
    statuses = [
        register((here, there)[number % 2], 100.0 + number).status_code
        for number in range(2 * TRAINING_LIMIT)
    ]
    assert set(statuses) == {201, 429}
    # One of them was used before; some came back while this was running.
    assert statuses.count(201) < 1.5 * TRAINING_LIMIT


def _revocation_is_shared(admin: httpx2.Client, here: httpx2.Client, there: httpx2.Client) -> None:
    keys = admin.get("/api/v1/keys", headers={"X-Owner": "ann"}).json()["items"]
    [key_id] = [key["id"] for key in keys if key["owner"] == "ann"]
    assert admin.delete(f"/api/v1/keys/{key_id}", headers={"X-Owner": "ann"}).status_code in (
        200,
        204,
    )
    for client in (here, there):
        assert client.get("/voices").status_code == 401


@dataclass
class Load:
    """What came of the calls to one process.

    Attributes:
        right: answers with the right voice and text.
        wrong: other answers with status 200.
        refused: statuses other than those that were expected.
        broken: connections that failed.
        registered: voice id -> hz, of the registrations that were answered with 201.
    """

    right: int = 0
    wrong: list[object] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    broken: int = 0
    registered: dict[str, float] = field(default_factory=dict)


def test_a_process_that_is_killed_under_load_costs_only_its_own_connections(
    platform: Platform,
) -> None:
    key = platform.key("cleo", "creator")  # her limits are untouched by other tests
    with platform.server() as doomed, platform.server() as other:
        with other.client(key) as client:
            voices = {}
            for number in range(5):
                voice_id = registered(client, 100.0 + 20 * number)
                voices[voice_id] = speak(client, voice_id, "a")[0]
        stop = threading.Event()
        loads = {server.url: Load() for server in (doomed, other)}
        answers = {server.url: threading.Semaphore(0) for server in (doomed, other)}
        threads = [
            threading.Thread(
                target=work,
                args=(server, key, voices, loads[server.url], stop, answers[server.url]),
            )
            for server in (doomed, other)
            for work in (_keep_speaking, _keep_speaking, _keep_speaking, _keep_registering)
        ]
        for thread in threads:
            thread.start()
        for server in (doomed, other):
            for _ in range(30):
                assert answers[server.url].acquire(timeout=60)
        os.kill(doomed.process.pid, signal.SIGKILL)
        doomed.process.wait(10)
        for _ in range(60):
            assert answers[other.url].acquire(timeout=60)
        stop.set()
        for thread in threads:
            thread.join(60)

        with other.client(key) as client:
            _nothing_is_lost(client, voices, loads)
        with platform.server() as again, again.client(key) as client:
            _nothing_is_lost(client, voices, loads)
    hit, spared = loads[doomed.url], loads[other.url]
    assert hit.broken > 0
    assert hit.right > 0
    assert (spared.broken, spared.refused, spared.wrong) == (0, [], [])
    assert (hit.refused, hit.wrong) == ([], [])


_LETTERS = str.maketrans("0123456789", "bcdfghklmn")


def _keep_speaking(
    server: Server,
    key: str,
    voices: dict[str, bytes],
    load: Load,
    stop: threading.Event,
    answers: threading.Semaphore,
) -> None:
    number = 0
    with server.client(key) as client:
        while not stop.is_set() and not load.broken:
            number += 1
            voice_id = list(voices)[number % len(voices)]
            # In letters: figures would be put into words.
            text = f"{threading.get_ident()} {number}".translate(_LETTERS)
            try:
                heard = speak(client, voice_id, text)
            except httpx2.TransportError:
                load.broken += 1
                return
            if heard == (voices[voice_id], text):
                load.right += 1
            else:
                load.wrong.append(heard)
            answers.release()


def _keep_registering(
    server: Server,
    key: str,
    _voices: dict[str, bytes],
    load: Load,
    stop: threading.Event,
    answers: threading.Semaphore,
) -> None:
    hz = 90.0
    with server.client(key) as client:
        while not stop.is_set() and not load.broken:
            hz += 1.0
            try:
                answer = register(client, hz)
            except httpx2.TransportError:
                load.broken += 1
                return
            if answer.status_code == 201:
                load.registered[answer.json()["voice_id"]] = hz
                answers.release()
            elif answer.status_code != 429:
                load.refused.append(answer.status_code)


def _nothing_is_lost(
    client: httpx2.Client, voices: dict[str, bytes], loads: dict[str, Load]
) -> None:
    """Every voice that was answered with 201 is there, and all that are there can be spoken."""
    listed = {voice["voice_id"] for voice in _all(client)}
    acknowledged = {voice_id for load in loads.values() for voice_id in load.registered}
    assert acknowledged
    assert acknowledged | set(voices) <= listed
    for voice_id in listed:
        fingerprint, text = speak(client, voice_id, "are you there?")
        assert text == "are you there?"
        assert fingerprint == voices.get(voice_id, fingerprint)


def _all(client: httpx2.Client) -> Iterator[dict[str, object]]:
    cursor: str | None = ""
    while cursor is not None:
        page = client.get("/voices", params={"limit": 500, "cursor": cursor}).json()
        yield from page["items"]
        cursor = page["cursor"]
