"""Limits as a caller meets them. Time stands still unless a test moves it."""

import asyncio
import re
import threading
from collections.abc import AsyncGenerator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from app.audio.types import SpeechChunk
from app.context import AppContext
from app.core.config import Settings
from app.core.exceptions import CredentialsMissing, KeyUnknown
from app.engines.base import Engine, SynthesisRequest
from app.models.access import Permission, Principal
from tests.clock import StoppedClock
from tests.conftest import recording
from tests.servers import free_port
from tests.servers.redis import redis_server
from tests.speaking import create_app, engine_kind

BODY = {"text": "Hello.", "format": "pcm"}


class ByName:
    """Knows a caller by the key that it sends, which is its name; not one that is called wrong."""

    asked = 0

    async def authenticate(self, headers: Mapping[str, str], *_: Any, **__: Any) -> Principal:
        self.asked += 1
        name = headers.get("X-API-Key")
        if name is None:
            raise CredentialsMissing("No key.", "Send one.")
        if name == "wrong":
            raise KeyUnknown("Unknown.", "Send another.")
        allowed = frozenset(Permission) - {Permission.OWNERS_ANY}
        return Principal(subject=f"key:{name}", owner=name, kind="api_key", permissions=allowed)


class Server:
    """The service with limits, on a clock of the test's own."""

    def __init__(self, client: TestClient, clock: StoppedClock) -> None:
        self.client = client
        self.clock = clock
        self.context: AppContext = client.app.state.context

    def register(self, **headers: str) -> str:
        file = ("a.wav", recording(), "audio/wav")
        response = self.client.post("/voices", files={"file": file}, headers=headers)
        assert response.status_code == 201, response.text
        voice: str = response.json()["voice_id"]
        return voice

    def speak(self, voice: str, *, key: str | None = None, **body: object) -> httpx2.Response:
        headers = {"X-API-Key": key} if key else {}
        path = f"/voices/{voice}/synthesize"
        return self.client.post(path, json=BODY | body, headers=headers)

    def list(self, *, key: str | None = None) -> httpx2.Response:
        return self.client.get("/voices", headers={"X-API-Key": key} if key else {})


@contextmanager
def serving(
    settings: Settings, *, engine: Engine | None = None, access: Any = None, **changes: object
) -> Iterator[Server]:
    clock = StoppedClock()
    # However slow the machine of the tests is, a Redis that is there answers in time.
    limited = {"rate_limiting_enabled": True, "redis_timeout_s": 60.0}
    settings = settings.model_copy(update=limited | changes)
    app = create_app(settings, engine=engine, clock=clock)
    with TestClient(app, raise_server_exceptions=False) as client:
        if access is not None:
            app.state.context = replace(app.state.context, access=access)
        yield Server(client, clock)


def rates(response: httpx2.Response) -> tuple[dict[str, tuple[int, int]], dict[str, tuple]]:
    """Quota and window, and rest and seconds, of each limit."""

    def read(name: str, form: str) -> dict[str, tuple[int, int]]:
        items = [item for item in response.headers.get(name, "").split(", ") if item]
        matches = [re.fullmatch(r'"(\w+)";' + form, item) for item in items]
        assert all(matches), response.headers[name]
        return {match[1]: (int(match[2]), int(match[3])) for match in matches if match}

    return read("RateLimit-Policy", r"q=(\d+);w=(\d+)"), read("RateLimit", r"r=(\d+);t=(\d+)")


@pytest.mark.services
def test_the_fifty_first_synthesis_of_a_minute_is_refused_and_told_when_to_come_back(settings):
    with serving(settings) as server:
        voice = server.register()
        spoken = [server.speak(voice) for _ in range(50)]
        refused = server.speak(voice)
        server.clock.advance(int(refused.headers["Retry-After"]))
        later = server.speak(voice)
        too_soon = server.speak(voice)

    assert {response.status_code for response in spoken} == {200}
    left = [rates(response)[1]["synthesis"][0] for response in spoken]
    assert left == list(range(49, -1, -1))
    assert refused.status_code == 429
    assert refused.headers["content-type"] == "application/problem+json"
    problem = refused.json()
    assert problem["code"] == "rate-limited"
    assert (problem["limit"], problem["window_s"], problem["rate"]) == (50, 60, "synthesis")
    assert problem["suggestion"]
    assert refused.headers["Retry-After"] == "2"
    assert rates(refused) == ({"synthesis": (50, 60)}, {"synthesis": (0, 60)})
    assert (later.status_code, too_soon.status_code) == (200, 429)


def test_what_one_caller_does_is_not_counted_for_another(settings):
    with serving(settings, access=ByName(), rate_limit_synthesis=2) as server:
        voices = {name: server.register(**{"X-API-Key": name}) for name in ("ann", "bob")}
        ann = [server.speak(voices["ann"], key="ann").status_code for _ in range(3)]
        bob = server.speak(voices["bob"], key="bob")

    assert ann == [200, 200, 429]
    assert bob.status_code == 200
    assert rates(bob)[1]["synthesis"][0] == 1


def test_each_kind_of_work_has_its_own_limit(settings):
    with serving(settings, rate_limit_training=1, rate_limit_synthesis=1) as server:
        voice = server.register()
        again = server.client.post("/voices", files={"file": ("a.wav", b"")})
        spoken = [server.speak(voice).status_code for _ in range(2)]
        listed = [server.list() for _ in range(101)]

    assert (again.status_code, rates(again)[0]) == (429, {"training": (1, 60)})
    assert spoken == [200, 429]
    assert [response.status_code for response in listed] == [200] * 100 + [429]
    assert rates(listed[0]) == ({"default": (100, 60)}, {"default": (99, 1)})


def test_characters_are_counted_and_too_many_are_not_spoken(settings):
    with serving(settings, rate_limit_characters=100, max_text_chars=100) as server:
        voice = server.register()
        first = server.speak(voice, text="a" * 60)
        refused = {
            stream: server.speak(voice, text="b" * 60, stream=stream) for stream in (False, True)
        }
        short = server.speak(voice, text="c" * 40)
        server.clock.advance(int(refused[False].headers["Retry-After"]))
        later = server.speak(voice, text="b" * 12)

    assert first.status_code == 200
    assert rates(first)[1]["characters"] == (40, 36)
    for response in refused.values():
        assert (response.status_code, response.json()["rate"]) == (429, "characters")
        assert response.headers["Retry-After"] == "12"
        assert rates(response)[0] == {"synthesis": (50, 60), "characters": (100, 60)}
    assert short.status_code == 200  # the refused ones paid no characters
    assert later.status_code == 200


def test_what_is_not_spoken_costs_no_characters(settings):
    with serving(settings, rate_limit_characters=100_000) as server:
        voice = server.register()
        answers = [
            server.speak("no-such-voice", text="a" * 500),
            server.speak(voice, text="?!"),
            server.speak(voice, text="a" * 500, format="opus", sample_rate=22050),
            server.speak(voice, text="a" * 100),
        ]

    assert [answer.status_code for answer in answers] == [404, 400, 400, 200]
    assert [rates(answer)[1].get("characters", (None,))[0] for answer in answers] == [
        None, None, None, 99_900,
    ]  # fmt: skip


class Failing(engine_kind()):
    async def synthesize(self, request: SynthesisRequest) -> AsyncGenerator[SpeechChunk, None]:
        raise ZeroDivisionError
        yield


def test_every_answer_of_a_limited_route_tells_its_limits(settings):
    with serving(settings) as server:
        voice = server.register()
        answers = {
            "stream": server.speak(voice, stream=True),
            "404": server.speak("none"),
            "form": server.client.post(f"/voices/{voice}/synthesize", content=b"{"),
            "deleted": server.client.delete(f"/voices/{voice}"),
        }
        health = server.client.get("/health")
        unknown = server.client.get("/nowhere")
    with serving(settings, engine=Failing()) as server:
        answers["500"] = server.speak(server.register())

    statuses = {name: response.status_code for name, response in answers.items()}
    assert statuses == {"stream": 200, "404": 404, "form": 400, "deleted": 200, "500": 500}
    for name, response in answers.items():
        kind = "default" if name == "deleted" else "synthesis"
        policies, states = rates(response)
        assert policies[kind][1] == 60, name
        assert states[kind][0] == policies[kind][0] - 1 - (name == "404") - 2 * (name == "form")
    assert rates(health) == rates(unknown) == ({}, {})


def test_limits_can_be_switched_off(settings):
    off = {"rate_limiting_enabled": False, "rate_limit_default": 1}
    with serving(settings, **off) as server:
        answers = [server.list() for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert rates(answers[0]) == ({}, {})


def test_an_address_that_guesses_keys_is_stopped_before_they_are_looked_up(settings):
    access = ByName()
    with serving(settings, access=access, rate_limit_default=5) as server:
        guesses = [server.list(key="wrong") for _ in range(7)]
        asked = access.asked
        right = server.list(key="ann")
        server.clock.advance(int(right.headers["Retry-After"]))
        later = server.list(key="ann")

    assert [guess.status_code for guess in guesses] == [401] * 5 + [429] * 2
    assert "Retry-After" in guesses[-1].headers
    assert guesses[-1].json()["rate"] == "authentication"
    assert asked == 5
    assert right.status_code == 429  # the address is stopped, whoever calls from it
    assert later.status_code == 200
    assert rates(later)[0] == {"default": (5, 60)}


def test_who_makes_up_addresses_has_the_attempts_of_one(settings):
    with serving(settings, access=ByName(), rate_limit_default=5) as server:
        made_up = [TestClient(server.client.app, client=(f"no-{n}", 1)) for n in range(7)]
        guesses = [one.get("/voices", headers={"X-API-Key": "wrong"}) for one in made_up]
        honest = TestClient(server.client.app, client=("198.51.100.7", 1))
        right = honest.get("/voices", headers={"X-API-Key": "wrong"})

    assert [guess.status_code for guess in guesses] == [401] * 5 + [429] * 2
    assert right.status_code == 401


@pytest.mark.parametrize(
    ("other", "status"),
    [("::ffff:198.51.100.7", 429), ("2001:db8::2", 401), ("198.51.100.8", 401)],
)
def test_an_address_has_the_same_attempts_however_it_is_written(settings, other, status):
    with serving(settings, access=ByName(), rate_limit_default=2) as server:
        asking = [TestClient(server.client.app, client=(h, 1)) for h in ("198.51.100.7", other)]
        for _ in range(2):
            asking[0].get("/voices", headers={"X-API-Key": "wrong"})
        again = asking[1].get("/voices", headers={"X-API-Key": "wrong"})

    assert again.status_code == status


class Gated(engine_kind()):
    """One at a time, and only when the test says so."""

    def __init__(self) -> None:
        self.info = replace(engine_kind().info, concurrency=1)
        self.gate = threading.Event()
        self.gate.set()
        self.at_work = self.most_at_work = 0

    async def synthesize(self, request: SynthesisRequest) -> AsyncGenerator[SpeechChunk, None]:
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            await asyncio.to_thread(self.gate.wait, 20)
            async for chunk in super().synthesize(request):
                yield chunk
        finally:
            self.at_work -= 1


def crowd(server: Server, engine: Gated, voice: str, *, seconds: float) -> list[int]:
    """Two requests, the second of which waits so long for the engine."""
    engine.gate.clear()
    with ThreadPoolExecutor(2) as pool:
        speaking = [pool.submit(server.speak, voice) for _ in range(2)]
        for _ in range(2000):
            if server.context.turns.depth == 1:
                break
            threading.Event().wait(0.005)
        assert server.context.turns.depth == 1
        server.clock.advance(seconds)
        engine.gate.set()
        return [request.result().status_code for request in speaking]


def test_the_limit_of_speaking_tightens_while_the_engine_is_crowded_and_recovers(settings):
    engine = Gated()
    with serving(settings, engine=engine, rate_limit_target_wait_s=2.0) as server:
        voice = server.register()
        server.clock.advance(60)
        quiet = rates(server.speak(voice))[0]["synthesis"][0]
        statuses = crowd(server, engine, voice, seconds=10.0)
        crowded = rates(server.speak(voice))
        others = rates(server.list())[0]
        server.clock.advance(4)
        better = rates(server.speak(voice))[0]["synthesis"][0]
        server.clock.advance(60)
        well = rates(server.speak(voice))[0]["synthesis"][0]

    assert statuses == [200, 200]
    assert engine.most_at_work == 1
    assert (quiet, crowded[0]["synthesis"][0]) == (50, 35)
    assert crowded[1]["synthesis"][0] == 34
    assert others == {"default": (100, 60)}
    assert 35 < better < 50
    assert well == 50


def test_the_limit_of_speaking_stays_where_it_shall_not_adapt(settings):
    engine = Gated()
    with serving(settings, engine=engine, rate_limit_adaptive=False) as server:
        voice = server.register()
        crowd(server, engine, voice, seconds=60.0)
        after = server.speak(voice)

    assert rates(after)[0]["synthesis"] == (50, 60)


def test_more_requests_than_may_wait_are_sent_away_and_pay_no_characters(settings):
    engine = Gated()
    few = {"max_concurrent_requests": 1, "rate_limit_characters": 200_000}
    with serving(settings, engine=engine, **few) as server, ThreadPoolExecutor(1) as pool:
        voice = server.register()
        engine.gate.clear()
        first = pool.submit(server.speak, voice)
        for _ in range(2000):
            if engine.at_work:
                break
            threading.Event().wait(0.005)
        refused = server.speak(voice, text="a" * 5000)
        engine.gate.set()
        assert first.result().status_code == 200
        after = server.speak(voice)

    assert (refused.status_code, refused.json()["code"]) == (503, "engine-busy")
    assert int(refused.headers["Retry-After"]) >= 1
    assert "characters" not in rates(refused)[0]
    assert rates(after)[1]["characters"][0] == 200_000 - 2 * len(BODY["text"])


def test_when_redis_is_killed_everybody_passes_and_the_answers_promise_nothing(settings):
    port = free_port()
    url = SecretStr(f"redis://127.0.0.1:{port}/0")
    with serving(settings, redis_url=url, rate_limit_default=2) as server:
        with redis_server(port):
            before = [server.list() for _ in range(3)]
        gone = [server.list() for _ in range(3)]
        failures = server.context.limiter.failures
        with redis_server(port):
            server.clock.advance(5)
            back = [server.list() for _ in range(3)]

    assert [response.status_code for response in before] == [200, 200, 429]
    assert [response.status_code for response in gone] == [200, 200, 200]
    assert rates(gone[0]) == ({"default": (2, 60)}, {})
    assert failures == 3
    assert [response.status_code for response in back] == [200, 200, 429]


def test_two_servers_with_one_redis_share_the_limits(settings, redis_url):
    shared = {"redis_url": SecretStr(redis_url), "access": ByName(), "rate_limit_default": 3}
    with serving(settings, **shared) as one, serving(settings, **shared) as other:
        answers = [server.list(key="shared").status_code for server in (one, other) * 2]

    assert answers == [200, 200, 200, 429]
