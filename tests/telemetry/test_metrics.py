import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from app.core.config import Settings
from app.core.exceptions import EngineFailed
from app.core.metrics import Metrics
from app.engines.base import SynthesisRequest
from app.engines.fake import FakeEngine
from app.main import create_app
from tests.conftest import make_app, recording, serving
from tests.telemetry.series import samples, scrape, value

Register = Callable[..., str]
SPEAK = "/voices/{voice_id}/synthesize"


def test_requests_are_counted_by_route_not_by_path(client: TestClient, register: Register) -> None:
    voice = register(name="Ada Lovelace")
    for _ in range(2):
        client.get(f"/voices/{voice}")
    client.get("/voices/unknown")
    client.get("/no/such/path")
    client.request("BREW", "/health")

    text = scrape(client)

    counted = {"method": "GET", "route": "/voices/{voice_id}"}
    assert value(text, "http_requests_total", status="200", **counted) == 2
    assert value(text, "http_requests_total", status="404", **counted) == 1
    assert value(text, "http_request_duration_seconds_count", **counted) == 3
    assert value(text, "http_first_byte_seconds_count", **counted) == 3
    assert value(text, "http_requests_total", route="other", status="404") == 1
    assert value(text, "http_requests_total", method="other", status="405") == 1
    assert value(text, "errors_total", code="voice-not-found") == 1
    assert value(text, "http_requests_in_flight") == 1  # this one
    assert voice not in text
    assert "Ada" not in text
    assert "BREW" not in text


def test_what_is_spoken_is_measured(client: TestClient, register: Register) -> None:
    voice = register()
    said = "Hello there. How are you?"
    seconds = 0.0
    for stream in (False, True):
        body = {"text": said, "format": "pcm", "stream": stream}
        answer = client.post(f"/voices/{voice}/synthesize", json=body)
        seconds += len(answer.content) / 48_000

    text = scrape(client)

    by = {"engine": "fake", "format": "pcm"}
    assert value(text, "speech_requests_total", outcome="ok", **by) == 2
    assert value(text, "speech_characters_total", **by) == 2 * len(said)
    assert value(text, "speech_audio_seconds_total", **by) == pytest.approx(seconds)
    assert value(text, "speech_first_audio_seconds_count", **by) == 2
    assert value(text, "speech_real_time_factor_count", **by) == 2
    assert value(text, "engine_loaded", engine="fake") == 1
    assert value(text, "registrations_total", engine="fake", outcome="ok") == 1
    assert value(text, "registration_duration_seconds_count") == 1
    assert "Hello" not in text


def test_a_recording_that_cannot_be_used_is_a_refused_registration(client: TestClient) -> None:
    for content in (b"no audio", recording(seconds=2.5)):
        client.post("/voices", files={"file": ("a.wav", content, "audio/wav")})

    text = scrape(client)

    assert value(text, "registrations_total", outcome="refused") == 2
    assert value(text, "errors_total", code="unreadable-audio") == 1
    assert value(text, "errors_total", code="recording-too-short") == 1


class Failing(FakeEngine):
    """Fails in the second sentence."""

    async def synthesize(self, request: SynthesisRequest):
        if "second" in request.text:
            raise EngineFailed("The engine gave no audio for the text.")
        async for chunk in super().synthesize(request):
            yield chunk


def test_a_stream_that_the_engine_breaks_off_is_told_from_a_whole_one(settings: Settings) -> None:
    with serving(make_app(settings, Failing())) as client:
        file = {"file": ("a.wav", recording(), "audio/wav")}
        voice = client.post("/voices", files=file).json()["voice_id"]
        body = {"text": "The first one. The second one.", "format": "pcm", "stream": True}
        with pytest.raises(Exception, match=r"incomplete|closed"):
            client.post(f"/voices/{voice}/synthesize", json=body)
        body["text"] = "A second one."
        assert client.post(f"/voices/{voice}/synthesize", json=body).status_code == 500

        text = scrape(client)

    assert value(text, "http_broken_answers_total", route=SPEAK, side="server") == 1
    assert value(text, "http_requests_total", route=SPEAK, status="200") == 1
    assert value(text, "http_requests_total", route=SPEAK, status="500") == 1
    assert value(text, "speech_requests_total", outcome="failed") == 2
    assert value(text, "errors_total", code="engine-failed") == 1


class Broken(FakeEngine):
    """Has a fault that nobody thought of."""

    async def synthesize(self, request: SynthesisRequest):
        raise RuntimeError(request.text)
        yield


def test_unexpected_errors_and_answers_of_middleware_are_counted_too(settings: Settings) -> None:
    small = settings.model_copy(update={"max_upload_bytes": 10**6})
    with TestClient(make_app(small, Broken()), raise_server_exceptions=False) as client:
        file = {"file": ("a.wav", recording(), "audio/wav")}
        voice = client.post("/voices", files=file).json()["voice_id"]
        path = f"/voices/{voice}/synthesize"
        assert client.post(path, json={"text": "Hello"}).status_code == 500
        assert client.post("/voices", content=b"0" * 2 * 10**6).status_code == 413

        text = scrape(client)

    assert value(text, "http_requests_total", route=SPEAK, status="500") == 1
    assert value(text, "http_requests_total", status="413") == 1
    assert value(text, "errors_total", code="internal-error") == 1
    assert value(text, "errors_total", code="upload-too-large") == 1
    assert value(text, "http_requests_in_flight") == 1


def test_a_listener_who_leaves_is_a_cancelled_synthesis(settings: Settings) -> None:
    with serving(make_app(settings, FakeEngine())) as client:
        file = {"file": ("a.wav", recording(), "audio/wav")}
        voice = client.post("/voices", files=file).json()["voice_id"]
        host, port = client.base_url.host, client.base_url.port
        body = b'{"stream": true, "format": "pcm", "text": "%s"}' % (b"Many words follow. " * 2000)
        with socket.create_connection((host, port or 80)) as connection:
            head = f"POST /voices/{voice}/synthesize HTTP/1.1\r\nHost: {host}\r\n"
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)
            assert connection.recv(12) == b"HTTP/1.1 200"
        while value(text := scrape(client), "http_requests_in_flight") > 1:
            pass  # until the server has noticed

    assert value(text, "http_broken_answers_total", route=SPEAK, side="client") == 1
    assert value(text, "speech_requests_total", outcome="cancelled") == 1


def test_a_training_is_counted_while_it_runs_and_when_it_ends(tmp_path: Path) -> None:
    import anyio

    from app.context import open_context
    from app.engines.base import TrainingOptions
    from app.services.voices import Upload

    async def main() -> tuple[str, str]:
        settings = Settings(_env_file=None, data_dir=tmp_path, voice_engine="fake")
        async with open_context(settings) as context:
            voice = await context.voices.register("local", Upload(recording(), "a.wav"))
            events = context.training.adapt("local", voice.id, TrainingOptions(minutes=1))
            await anext(events)
            during = context.metrics.exposition()[0].decode()
            async for _ in events:
                pass
            return during, context.metrics.exposition()[0].decode()

    during, after = anyio.run(main)

    assert value(during, "training_jobs", state="adapting") == 1
    assert value(after, "training_jobs", state="adapting") == 0
    assert value(after, "training_jobs_ended_total", state="adapting", outcome="ok") == 1


def test_without_authentication_anybody_reads_them_in_the_format_they_like(
    client: TestClient,
) -> None:
    plain = client.get("/metrics")
    openmetrics = client.get("/metrics", headers={"Accept": "application/openmetrics-text"})

    assert plain.headers["content-type"].startswith("text/plain; version=")
    assert "voice_cloning_build_info{" in plain.text
    assert list(text_string_to_metric_families(openmetrics.text))
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")


def test_a_version_of_the_format_that_nobody_knows_gets_plain_text(client: TestClient) -> None:
    answer = client.get("/metrics", headers={"Accept": "application/openmetrics-text;version=new"})

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")


def test_with_authentication_the_token_of_the_metrics_opens_them_and_nothing_else(
    tmp_path: Path,
) -> None:
    settings = Settings(
        _env_file=None,
        data_dir=tmp_path,
        voice_engine="fake",
        auth_mode="api_key",
        metrics_token="a-long-and-random-token",  # noqa: S106
    )
    right = {"Authorization": "Bearer a-long-and-random-token"}
    with TestClient(create_app(settings)) as client:
        assert client.get("/metrics", headers=right).status_code == 200
        for wrong in ({}, {"Authorization": "Bearer another"}, {"Authorization": "Basic a"}):
            assert client.get("/metrics", headers=wrong).status_code == 401
        foreign = {"Authorization": "Bearer é".encode("latin-1")}
        assert client.get("/metrics", headers=foreign).status_code == 401
        assert client.get("/voices", headers=right).status_code == 403


def test_no_label_can_take_values_without_end(client: TestClient, register: Register) -> None:
    for n in range(3):
        voice = register(hz=100.0 + n)
        client.post(f"/voices/{voice}/synthesize", json={"text": f"Number {n}"})
        client.delete(f"/voices/{voice}")
        client.get(f"/made/up/{n}")
    before = len(samples(scrape(client)))
    for n in range(3, 6):
        voice = register(hz=100.0 + n)
        client.post(f"/voices/{voice}/synthesize", json={"text": f"Number {n}"})
        client.delete(f"/voices/{voice}")
        client.get(f"/made/up/{n}")

    # The first scrape itself is new in the second.
    added = len(samples(scrape(client))) - before
    assert added == len([s for s in samples(scrape(client)) if s.labels.get("route") == "/metrics"])


def test_turns_and_refused_callers_are_counted(settings: Settings) -> None:
    narrow = settings.model_copy(update={"rate_limiting_enabled": True, "rate_limit_synthesis": 2})
    with TestClient(create_app(narrow)) as client:
        file = {"file": ("a.wav", recording(), "audio/wav")}
        voice = client.post("/voices", files=file).json()["voice_id"]
        body = {"text": "One. Two. Three."}
        path = f"/voices/{voice}/synthesize"
        codes = [client.post(path, json=body).status_code for _ in range(8)]

        text = scrape(client)

    spoken, refused = codes.count(200), codes.count(429)
    assert spoken
    assert refused
    assert value(text, "queue_wait_seconds_count") == 3 * spoken  # one turn for each sentence
    assert value(text, "queue_depth") == 0
    assert value(text, "rate_limit_refusals_total", **{"class": "synthesis"}) == refused
    assert value(text, "errors_total", code="rate-limited") == refused


def test_waits_and_refusals_are_counted_where_they_are_told() -> None:
    metrics = Metrics()
    metrics.on_depth(3)
    metrics.on_wait(0.7)
    metrics.limits.refused("synthesis")
    metrics.limits.failed()
    metrics.asset_fetched(1000)
    metrics.assets_failed(2)

    text = metrics.exposition()[0].decode()

    assert value(text, "queue_depth") == 3
    assert value(text, "queue_wait_seconds_sum") == pytest.approx(0.7)
    assert value(text, "rate_limit_refusals_total", **{"class": "synthesis"}) == 1
    assert value(text, "rate_limiter_failures_total") == 1
    assert value(text, "asset_downloads_total", outcome="failed") == 2
    assert value(text, "asset_download_bytes_total") == 1000
