"""Calls about lexicons, for tests."""

from typing import Any

from fastapi.testclient import TestClient

ENTRIES = "/api/v1/lexicon/"
LEXICONS = "/api/v1/lexicons"
UPLOAD = "/api/v1/lexicon/bulk-upload"


def add(client: TestClient, grapheme: str, alias: str = "x", **fields: Any) -> dict[str, Any]:
    """A new entry."""
    body = {"grapheme": grapheme, "alias": alias} | fields
    headers = fields.pop("headers", None)
    body.pop("headers", None)
    answer = client.post(ENTRIES, json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def make(client: TestClient, name: str = "Places", **fields: Any) -> dict[str, Any]:
    """A new lexicon."""
    headers = fields.pop("headers", None)
    answer = client.post(LEXICONS, json={"name": name} | fields, headers=headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def problem(answer: Any) -> tuple[int, str]:
    """Status and code of an answer that is one."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["code"]


def send(
    client: TestClient, content: bytes | str, filename: str = "words.csv", **fields: Any
) -> Any:
    """Upload a file of entries."""
    raw = content.encode() if isinstance(content, str) else content
    return client.post(UPLOAD, files={"file": (filename, raw)}, data=fields)


def graphemes(client: TestClient, **query: Any) -> list[str]:
    """Of all entries that fit, over all pages."""
    found: list[str] = []
    while True:
        answer = client.get(ENTRIES, params=query)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["items"]) <= query.get("limit", 50)
        found += [item["grapheme"] for item in page["items"]]
        if page["cursor"] is None:
            return found
        query["cursor"] = page["cursor"]
