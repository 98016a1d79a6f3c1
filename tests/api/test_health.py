import asyncio

import httpx2
import pytest
from fastapi.testclient import TestClient

from app.api import readiness
from app.core.config import Settings
from tests.speaking import create_app, engine_kind, engine_name


def test_health_is_as_documented(client: TestClient) -> None:
    response = client.get("/health")

    assert response.status_code == 200
    assert response.json() == {"status": "ok", "service": "voice-clone-api"}


def test_readiness_names_the_engine_and_each_part(client: TestClient) -> None:
    body = client.get("/health/ready").json()

    assert body == {
        "ready": True,
        "engine": engine_name(),
        "checks": {
            "database": "ok",
            "storage": "ok",
            "engine": "ok",
            "recordings": "ok",
            "watermark": "ok",
        },
        "c2pa": "test-engine",
        "works_on_jobs": False,
    }


def test_missing_model_files_are_said_in_readiness_and_in_the_error(settings: Settings) -> None:
    without = settings.model_copy(update={"voice_engine": "kokoro"})
    with TestClient(create_app(without)) as client:
        assert client.get("/health").status_code == 200
        ready = client.get("/health/ready")
        tried = client.post("/voices", files={"file": ("a.wav", b"RIFF", "audio/wav")})

    assert ready.status_code == 503
    assert "voice-cloning models pull" in ready.json()["checks"]["engine"]
    assert tried.status_code in (400, 503)


def test_outside_development_the_reasons_are_in_the_log_alone(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    production = {"voice_engine": "kokoro", "environment": "production", "auth_mode": ("api_key",)}
    with TestClient(create_app(settings.model_copy(update=production))) as client:
        checks = client.get("/health/ready").json()["checks"]

    assert checks == {
        "database": "ok",
        "storage": "ok",
        "engine": "unavailable",
        "recordings": "unavailable",
        "watermark": "unavailable",
    }
    told = [record.getMessage() for record in caplog.records if "not ready" in record.getMessage()]
    assert any("voice-cloning models pull" in line for line in told)


def test_engines_tells_what_can_be_done(client: TestClient) -> None:
    (engine,) = client.get("/api/v1/engines").json()["items"]

    told = ("name", "controls", "local", "trainable", "word_timings")
    assert (
        tuple(engine[name] for name in told)
        == {
            "fake": ("fake", ["seed", "speed"], True, True, True),
            "azure": ("azure", ["speed"], False, False, False),
        }[engine_name()]
    )


def test_liveness_asks_no_other_part(settings: Settings) -> None:
    app = create_app(settings)
    with TestClient(app) as client:
        asked: list[str] = []
        app.state.readiness = CountingReadiness(asked)
        assert client.get("/health/live").json() == {"status": "ok", "service": "voice-clone-api"}
        assert asked == []


class CountingReadiness:
    def __init__(self, asked: list[str]) -> None:
        self._asked = asked

    async def states(self) -> dict[str, str]:
        self._asked.append("states")
        return {}

    async def close(self) -> None: ...


class SlowEngine(engine_kind()):
    """Opens at once when the server starts, then never again."""

    def __init__(self) -> None:
        self.opened = 0

    async def open(self) -> None:
        self.opened += 1
        if self.opened > 1:
            await asyncio.Event().wait()


def test_a_part_that_hangs_is_told_in_time_and_asked_only_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "_TIMEOUT_S", 0.05)
    monkeypatch.setattr(readiness, "_KEPT_S", 0.0)
    engine = SlowEngine()
    with TestClient(create_app(settings, engine=engine)) as client:
        answers = [client.get("/health/ready") for _ in range(3)]

    for answer in answers:
        assert answer.status_code == 503
        assert answer.json()["checks"]["database"] == "ok"
        assert "Did not answer" in answer.json()["checks"]["engine"]
    assert engine.opened == 2  # by the start, and by the first answer


class CountingEngine(engine_kind()):
    def __init__(self) -> None:
        self.opened = 0

    async def open(self) -> None:
        self.opened += 1


def test_many_probes_ask_the_parts_once(settings: Settings) -> None:
    engine = CountingEngine()
    app = create_app(settings, engine=engine)

    async def ask() -> list[int]:
        async with app.router.lifespan_context(app):
            transport = httpx2.ASGITransport(app)
            async with httpx2.AsyncClient(transport=transport, base_url="http://x") as client:
                before = engine.opened
                answers = [client.get("/health/ready") for _ in range(50)]
                assert {r.status_code for r in await asyncio.gather(*answers)} == {200}
                return [before, engine.opened]

    before, after = asyncio.run(ask())
    assert after == before + 1
