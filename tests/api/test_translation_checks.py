"""What is looked at before a text is translated, and what after."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.exceptions import UnspeakableText
from tests.api.voices import settings_of
from tests.conftest import registered
from tests.speaking import create_app, engine_kind

pytestmark = pytest.mark.services


class Latin(engine_kind()):
    """Speaks no other letters."""

    def check(self, text: str, language: str | None) -> None:
        super().check(text, language)
        if not text.isascii():
            raise UnspeakableText("It has foreign letters.")


def test_letters_of_the_text_need_not_be_those_of_the_language_that_is_spoken(
    tmp_path: Path,
) -> None:
    app = create_app(settings_of(tmp_path, translator="fake"), engine=Latin())
    with TestClient(app) as client:
        body: dict[str, Any] = {"voice": registered(client), "translate_to": "en"}
        batch = {"items": [body | {"text": "Привет"}]}

        assert client.post("/api/v1/synthesis/batch", json=batch).status_code == 202
        # The fake translator leaves the letters as they are.
        spoken = client.post("/api/v1/synthesis/speak", json=body | {"text": "Привет"})
        assert spoken.json()["code"] == "text-unspeakable"


def test_terms_that_may_not_be_spoken_are_found_before_and_after(tmp_path: Path) -> None:
    terms = tmp_path / "terms.txt"
    terms.write_text("walrus\nthe oyster\n")
    settings = settings_of(tmp_path / "data", translator="fake", blocked_terms_file=terms)
    with TestClient(create_app(settings)) as client:
        body: dict[str, Any] = {"voice": registered(client), "translate_to": "en"}

        def code(**fields: Any) -> str:
            answer = client.post("/api/v1/synthesis/speak", json=body | fields)
            return str(answer.json()["code"])

        assert code(text="Ein Walrus.") == "text-blocked"
        pair = {"term": "Auster", "translation": "the oyster"}
        assert code(text="Die Auster.", glossary=[pair]) == "text-blocked"
        batch = {"items": [body | {"text": "Ein Walrus."}]}
        assert client.post("/api/v1/synthesis/batch", json=batch).status_code == 400
