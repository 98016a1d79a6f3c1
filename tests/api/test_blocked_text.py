"""Texts that the operator does not let be spoken, at every door that speaks."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.exceptions import ConfigurationError
from tests.api.lexicons import add, make
from tests.api.voices import settings_of, voice_server
from tests.conftest import registered
from tests.speaking import create_app

TERMS = "bomb\nkill yourself\nfifty percent\n"
TEXT = "Where is the bomb?"
PASSAGE = {"start": 13, "end": 17}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("data")
    (folder / "terms.txt").write_text(TERMS, encoding="utf-8")
    with voice_server(folder, blocked_terms_file=folder / "terms.txt") as client:
        yield client


@pytest.fixture(scope="module")
def voice(server: TestClient) -> str:
    return registered(server)


Door = Callable[[TestClient, str, str], Any]
DOORS: dict[str, Door] = {
    "legacy": lambda c, v, t: c.post(f"/voices/{v}/synthesize", json={"text": t}),
    "legacy, streamed": lambda c, v, t: c.post(
        f"/voices/{v}/synthesize", json={"text": t, "stream": True}
    ),
    "speak": lambda c, v, t: c.post("/api/v1/synthesis/speak", json={"text": t, "voice": v}),
    "stream": lambda c, v, t: c.post(
        "/api/v1/synthesis/speak/stream", json={"text": t, "voice": v}
    ),
    "preview": lambda c, v, t: c.post(f"/api/v1/voices/{v}/preview", json={"text": t}),
    "ssml": lambda c, v, t: c.post(
        "/api/v1/synthesis/speak", json={"ssml": f"<speak>{t}</speak>", "voice": v}
    ),
    "validate": lambda c, v, t: c.post(
        "/api/v1/lexicon/validate", json={"text": t, "voice": v, "audio": True}
    ),
    "validate without a voice": lambda c, v, t: c.post(
        "/api/v1/lexicon/validate", json={"text": t}
    ),
}


def blocked_events(client: TestClient) -> int:
    return len(client.get("/api/v1/audit", params={"action": "text.blocked"}).json()["items"])


@pytest.mark.parametrize("door", DOORS)
def test_a_blocked_text_is_refused_before_anything_is_said(
    server: TestClient, voice: str, door: str, capfd: pytest.CaptureFixture[str]
) -> None:
    before = blocked_events(server)

    answer = DOORS[door](server, voice, TEXT)

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (403, "text-blocked")
    assert (problem["matches"], problem["form"]) == ([PASSAGE], "written")
    assert "bomb" not in answer.text
    assert blocked_events(server) == before + 1
    assert "bomb" not in "".join(capfd.readouterr())
    assert DOORS[door](server, voice, "Where is the book?").status_code == 200


@pytest.mark.parametrize(
    ("ssml", "passage"),
    [
        ('Where is the <sub alias="bomb">flower</sub>?', (13, 19)),
        ("Only 50% of it.", (5, 8)),
        ('<s><sub alias="kill">Greet</sub></s><s><sub alias="yourself">me</sub></s>', (0, 8)),
    ],
)
def test_what_would_be_said_is_looked_at_as_well(
    server: TestClient, voice: str, ssml: str, passage: tuple[int, int]
) -> None:
    body = {"ssml": f"<speak>{ssml}</speak>", "voice": voice, "language": "en-US"}

    problem = server.post("/api/v1/synthesis/speak", json=body).json()

    assert problem["code"] == "text-blocked"
    assert problem["form"] == "spoken"
    assert problem["matches"] == [dict(zip(("start", "end"), passage, strict=True))]


def test_a_lexicon_smuggles_nothing_in(server: TestClient, voice: str) -> None:
    lexicon = make(server)["id"]
    add(server, "tulip", "bomb", lexicon_id=lexicon)
    body = {"text": "A red tulip.", "voice": voice, "lexicon_ids": [lexicon]}

    problem = server.post("/api/v1/synthesis/speak", json=body).json()

    assert (problem["code"], problem["form"]) == ("text-blocked", "spoken")
    assert problem["matches"] == [{"start": 6, "end": 11}]


def test_a_batch_names_the_items_that_are_blocked(server: TestClient, voice: str) -> None:
    items = [{"text": text, "voice": voice} for text in ("Fine.", TEXT, "Fine too.")]

    answer = server.post("/api/v1/synthesis/batch", json={"items": items})

    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert "text-blocked" in json.dumps(error)
    assert 1 in error["loc"]
    assert "bomb" not in answer.text


def test_it_is_counted(server: TestClient, voice: str) -> None:
    name = 'voice_cloning_abuse_events_total{kind="text-blocked"}'

    def count() -> float:
        lines = server.get("/metrics").text.splitlines()
        return next((float(one.split()[1]) for one in lines if one.startswith(name)), 0.0)

    before = count()
    DOORS["speak"](server, voice, TEXT)

    assert count() == before + 1


def test_a_list_that_cannot_be_used_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "terms.txt").write_text("fine\n/(a+)+b/\n", encoding="utf-8")
    app = create_app(settings_of(tmp_path, blocked_terms_file=tmp_path / "terms.txt"))

    with pytest.raises(ConfigurationError, match="line 2"), TestClient(app):
        pass
