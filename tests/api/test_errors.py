import pytest
from fastapi.testclient import TestClient

from app.core.config import Settings
from tests.conftest import make_app, recording
from tests.speaking import engine_kind


def test_every_error_is_a_problem_document_with_the_request_id(shared: TestClient) -> None:
    response = shared.get("/voices/none", headers={"X-Request-ID": "my-id-1"})

    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-request-id"] == "my-id-1"
    assert response.json() == {
        "type": "urn:voice-cloning:problem:voice-not-found",
        "title": "There is no such voice",
        "status": 404,
        "code": "voice-not-found",
        "detail": "There is no voice 'none'.",
        "suggestion": "List the voices: GET /voices, or `voice-cloning voices list`.",
        "instance": "urn:request:my-id-1",
    }


def test_an_unusable_request_id_is_replaced(shared: TestClient) -> None:
    given = "bad id\twith spaces" + "x" * 100

    assert shared.get("/health", headers={"X-Request-ID": given}).headers["x-request-id"] != given


def test_an_unknown_path_and_a_wrong_method_are_problems_too(shared: TestClient) -> None:
    assert shared.get("/nowhere").json()["code"] == "not-found"
    wrong = shared.put("/voices", json={})
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method-not-allowed")
    assert wrong.headers["allow"]


def test_a_path_that_ends_in_a_line_break_is_not_the_one_without(shared: TestClient) -> None:
    assert shared.get("/api/v1/synthesis/history/").status_code == 200
    broken = shared.get("/api/v1/synthesis/history/%0A")
    assert (broken.status_code, broken.json()["code"]) == (404, "history-not-found")


class BrokenEngine(engine_kind()):
    async def enroll(self, recordings: object) -> object:  # type: ignore[override]
        raise ZeroDivisionError("secret detail")


def test_our_own_fault_is_500_and_tells_nothing_but_the_request_id(settings: Settings) -> None:
    app = make_app(settings, BrokenEngine())  # type: ignore[arg-type]
    with TestClient(app, raise_server_exceptions=False) as client:
        file = ("a.wav", recording(), "audio/wav")
        response = client.post("/voices", files={"file": file}, headers={"X-Request-ID": "r1"})

    assert response.status_code == 500
    assert response.json()["code"] == "internal-error"
    assert response.headers["x-request-id"] == "r1"
    assert "secret" not in response.text


def test_a_traceback_is_shown_where_it_is_asked_for(settings: Settings) -> None:
    asked = settings.model_copy(update={"error_include_traceback": True})
    app = make_app(asked, BrokenEngine())  # type: ignore[arg-type]
    with TestClient(app, raise_server_exceptions=False) as client:
        file = ("a.wav", recording(), "audio/wav")
        problem = client.post("/voices", files={"file": file}).json()

    assert "ZeroDivisionError: secret detail\n" in problem["traceback"]


def test_a_refused_value_is_not_repeated(shared: TestClient) -> None:
    response = shared.post("/voices/x/synthesize", json={"text": {"private": "words"}})

    assert response.status_code == 400
    assert "words" not in response.text


@pytest.mark.parametrize("body", ["{", '{"text": "hello",}', "hello"])
def test_a_body_that_is_not_json_is_named_so(shared: TestClient, body: str) -> None:
    response = shared.post(
        "/voices/x/synthesize", content=body, headers={"Content-Type": "application/json"}
    )

    assert response.status_code == 400
    assert response.json()["detail"] == "The body is not JSON."


@pytest.mark.parametrize("form", [{"name": "x"}, {"file": "a.wav"}])
def test_a_registration_without_a_file_says_how_to_send_one(
    client: TestClient, form: dict[str, str]
) -> None:
    response = client.post("/voices", data=form)

    assert response.status_code == 400
    assert "curl -F 'file=@" in response.json()["suggestion"]
