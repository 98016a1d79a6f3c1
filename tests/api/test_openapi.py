from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api.voices import voice_server


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with voice_server(tmp_path_factory.mktemp("document")) as client:
        body: dict[str, Any] = client.get("/openapi.json").json()
    return body


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]


def test_every_operation_is_described(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        assert operation["operationId"], name
        assert operation["description"], name
        assert operation["tags"], name


def test_errors_are_declared_as_problems(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        assert "422" not in operation["responses"], name
        for status, response in operation["responses"].items():
            if status >= "400" and "/health" not in name:
                assert list(response["content"]) == ["application/problem+json"], name


def test_the_headers_of_limits_are_declared_where_there_are_limits(
    document: dict[str, Any],
) -> None:
    for name, operation in operations(document):
        limited = operation["x-permission"] != "public"
        for status, response in operation["responses"].items():
            declared = set(response.get("headers", {}))
            assert ({"RateLimit", "RateLimit-Policy"} <= declared) == limited, name
            assert ("Retry-After" in declared) == (limited and status in ("429", "503")), name


def test_what_credentials_may_do_is_declared(document: dict[str, Any]) -> None:
    of_the_request = {"Idempotency-Key", "If-Match", "Last-Event-ID"}
    of_no_owner = {
        "/api/v1/engines", "/api/v1/languages", "/api/v1/audit", "/api/v1/watermark/detect",
        "/api/v1/translation/languages",
        "/api/v1/consents/reviews", "/api/v1/consents/reviews/{consent_id}",
        "/api/v1/consents/reviews/{consent_id}/audio",
        "/metrics", "/api/v1/audit/export", "/api/v1/audit/verify", "/api/v1/suspensions",
        "/api/v1/suspensions/{suspension_id}", "/api/v1/flags", "/api/v1/flags/{flag_id}/close",
        "/api/v1/reports", "/api/v1/denied-speakers",
        "/api/v1/denied-speakers/{denied_speaker_id}",
    }  # fmt: skip
    for name, operation in operations(document):
        headers = {
            part["name"] for part in operation.get("parameters", []) if "header" in part["in"]
        }
        public = operation["x-permission"] == "public"
        owned = not public and name.split()[1] not in of_no_owner
        assert headers - of_the_request == ({"X-Owner"} if owned else set()), name
        for status, response in operation["responses"].items():
            told = "WWW-Authenticate" in response.get("headers", {})
            assert told == (status in ("401", "403")), name


def test_every_reference_is_defined(document: dict[str, Any]) -> None:
    defined = {
        f"#/components/{kind}/{name}"
        for kind in ("schemas", "headers")
        for name in document["components"][kind]
    }

    def references(node: Any) -> set[str]:
        if isinstance(node, dict):
            own = {node["$ref"]} if "$ref" in node else set()
            return own.union(*(references(value) for value in node.values()))
        if isinstance(node, list):
            return set().union(*(references(value) for value in node))
        return set()

    assert references(document) <= defined


def test_a_form_for_a_batch_has_the_fields_of_its_body(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    upload = document["paths"]["/api/v1/synthesis/batch/upload"]["post"]
    of_form = upload["requestBody"]["content"]["multipart/form-data"]["schema"]["$ref"]
    of_json = {"items", "glossary", "prepare"}

    form = set(schemas[of_form.rsplit("/", 1)[1]]["properties"])

    assert form == {*schemas["BatchRequest"]["properties"], "file"} - of_json


def test_examples_are_given(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name in (
        "SpeakRequest",
        "SpeechRequest",
        "StreamRequest",
        "VoiceCreated",
        "VoiceDetails",
        "VersionDetails",
        "VoiceProfile",
        "VoiceTraining",
        "VoiceChange",
        "SampleDetails",
        "Verification",
        "VoiceImported",
        "HistoryDetails",
        "UsageReport",
        "BatchRequest",
        "BatchDetails",
        "ItemDetails",
        "NewEntry",
        "EntryFields",
        "EntryDetails",
        "EntryCreated",
        "NewLexicon",
        "LexiconChange",
        "LexiconDetails",
        "LexiconVersions",
        "LexiconErased",
        "UploadReport",
        "TranslateRequest",
        "TranslateResponse",
        "Problem",
    ):
        assert schemas[name]["examples"], name


def test_the_documentation_pages_are_there(client: TestClient) -> None:
    assert client.get("/docs").status_code == 200
    assert client.get("/redoc").status_code == 200
