import json
import logging.config
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
import uvicorn
from fastapi.testclient import TestClient

from app.audio.types import SpeechChunk
from app.core.config import Settings
from app.core.exceptions import EngineFailed
from app.engines.base import SynthesisRequest
from tests.conftest import make_app, registered, serving
from tests.speaking import create_app, engine_kind

Lines = Callable[..., list[dict[str, Any]]]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    """The lines since the last call that tell of this event; all of them without one."""

    def read(event: str = "") -> list[dict[str, Any]]:
        told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
        return [line for line in told if event in ("", line["event"])]

    return read


def configured(settings: Settings, **switches: Any) -> Settings:
    return settings.model_copy(update={"log_format": "json", **switches})


def test_an_answer_is_logged_by_its_route_with_caller_status_and_duration(
    settings: Settings, lines: Lines
) -> None:
    with TestClient(create_app(configured(settings))) as client:
        sent = {"X-Request-ID": "r-1", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
        answer = client.get("/voices/550e8400-e29b-41d4-a716-446655440000", headers=sent)

    told = {line["event"]: line for line in lines()}
    for line in (told["request"], told["response"]):
        assert line["request_id"] == answer.headers["X-Request-ID"] == "r-1"
        assert line["trace_id"] == TRACE
        assert (line["method"], line["route"]) == ("GET", "/voices/{voice_id}")
        assert line["principal"] == "local"
    assert told["response"]["status"] == 404
    assert told["response"]["duration_ms"] > 0
    assert told["response"]["bytes"] == len(answer.content)
    assert "550e8400" not in json.dumps(told)


def test_head_is_logged_by_its_route_too(settings: Settings, lines: Lines) -> None:
    with TestClient(create_app(configured(settings))) as client:
        client.head("/voices/550e8400-e29b-41d4-a716-446655440000")

    [line] = lines("response")
    assert (line["method"], line["route"], line["status"]) == ("HEAD", "/voices/{voice_id}", 404)


def test_a_path_that_is_no_route_is_not_repeated(settings: Settings, lines: Lines) -> None:
    with TestClient(create_app(configured(settings))) as client:
        client.get("/voices-of/marmalade?text=marmalade")

    (line,) = lines("response")
    assert (line["status"], line["route"], line["principal"]) == (404, None, "-")


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
def test_probes_are_told_only_at_debug(settings: Settings, lines: Lines, path: str) -> None:
    with TestClient(create_app(configured(settings))) as client:
        client.get(path)
    assert lines("response") == []

    with TestClient(create_app(configured(settings, log_level="debug"))) as client:
        client.get(path)
    assert [line["route"] for line in lines("response")] == [path]


def test_each_kind_of_line_can_be_switched_off(settings: Settings, lines: Lines) -> None:
    with TestClient(create_app(configured(settings, log_requests=False))) as client:
        client.get("/voices")
    told = [line["event"] for line in lines() if line["logger"] == "app.api.middleware.request_log"]
    assert told == ["response"]

    with TestClient(create_app(configured(settings, log_responses=False))) as client:
        client.get("/voices")
    told = [line["event"] for line in lines() if line["logger"] == "app.api.middleware.request_log"]
    assert told == ["request"]


def test_bodies_and_headers_are_told_when_asked_for_and_never_audio(
    settings: Settings, lines: Lines
) -> None:
    switches = {"log_request_body": True, "log_response_body": True, "log_headers": True}
    with TestClient(create_app(configured(settings, **switches))) as client:
        voice = registered(client)
        body = {"text": "Tell it.", "format": "pcm"}
        client.post(f"/voices/{voice}/synthesize?seed=5", json=body)

    told = lines()
    bodies = [line["body"] for line in told if line["event"] == "request body"]
    assert [json.loads(body) for body in bodies] == [body]  # nothing of the upload
    answers = [line for line in told if line["event"] == "response body"]
    assert [line["route"] for line in answers] == ["/voices"]  # nothing of the speech
    assert json.loads(answers[0]["body"])["voice_id"] == voice
    request = [line for line in told if line["event"] == "request"][-1]
    assert request["headers"]["content-type"] == "application/json"
    assert request["query"] == {"seed": "5"}


def test_a_long_body_is_cut(settings: Settings, lines: Lines) -> None:
    with TestClient(create_app(configured(settings, log_request_body=True))) as client:
        client.post("/voices/x/synthesize", json={"text": "word " * 4000})

    (line,) = lines("request body")
    assert line["body"].startswith('{"text":')
    assert line["body"].endswith("bytes)")
    assert len(line["body"]) < 4200


class Breaking(engine_kind()):
    """Fails behind the first sentence."""

    async def synthesize(self, request: SynthesisRequest) -> AsyncGenerator[SpeechChunk, None]:
        if "break" in request.text:
            raise EngineFailed("The engine gave up.")
        if "crash" in request.text:
            raise RuntimeError
        async for chunk in super().synthesize(request):
            yield chunk


def test_the_line_of_a_stream_comes_at_its_end_and_tells_whether_it_was_broken_off(
    settings: Settings, lines: Lines
) -> None:
    app = make_app(configured(settings), Breaking())
    with TestClient(app, raise_server_exceptions=False) as client:
        voice = registered(client)
        lines()
        body = {"text": "It is whole. To the end.", "format": "pcm", "stream": True}
        whole = client.post(f"/voices/{voice}/synthesize", json=body)
        (line,) = lines("response")
        assert (line["bytes"], line["broken_off"]) == (len(whole.content), False)

        client.post(f"/voices/{voice}/synthesize", json=body | {"text": "It will end. Then break."})

    told = lines()
    response = told[[line["event"] for line in told].index("response")]
    assert (response["status"], response["broken_off"]) == (200, True)
    assert response["bytes"] > 0
    spoke = [line["outcome"] for line in told if line["event"] == "spoke"]
    assert spoke == ["failed"]


def test_the_server_adds_no_lines_of_its_own_form_and_none_twice(
    settings: Settings, lines: Lines
) -> None:
    logging.config.dictConfig(uvicorn.config.LOGGING_CONFIG)  # as the command `uvicorn` does
    app = make_app(configured(settings), Breaking())
    with serving(app) as client:
        voice = registered(client)
        client.get("/voices")
        client.post(f"/voices/{voice}/synthesize", json={"text": "crash", "stream": True})

    told = lines()  # all of them JSON
    assert "Application startup complete." in [line["event"] for line in told]
    assert not [line for line in told if line["logger"] == "uvicorn.access"]
    answers = [(line["route"], line["status"]) for line in told if line["event"] == "response"]
    assert answers == [("/voices", 201), ("/voices", 200), ("/voices/{voice_id}/synthesize", 500)]
    assert len([line for line in told if "exception" in line]) == 1


def test_a_secret_sent_as_request_id_is_replaced(client: TestClient) -> None:
    sent = "vc_4f9a1b_Zx81hQdT0s7LkQm"

    assert client.get("/health", headers={"X-Request-ID": sent}).headers["X-Request-ID"] != sent
