from fastapi.testclient import TestClient

from app.core.config import Settings
from app.main import create_app


def test_health_is_as_documented(client: TestClient) -> None:
    response = client.get("/health")

    assert response.status_code == 200
    assert response.json() == {"status": "ok", "service": "voice-clone-api"}


def test_readiness_names_the_engine_and_each_part(client: TestClient) -> None:
    body = client.get("/health/ready").json()

    assert body == {
        "ready": True,
        "engine": "fake",
        "checks": {"database": "ok", "storage": "ok", "engine": "ok", "recordings": "ok"},
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


def test_engines_tells_what_can_be_done(client: TestClient) -> None:
    (engine,) = client.get("/api/v1/engines").json()["items"]

    assert engine["name"] == "fake"
    assert engine["controls"] == ["seed", "speed"]
    assert engine["local"] is True
    assert engine["trainable"] is True
