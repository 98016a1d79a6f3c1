"""`POST /api/v1/lexicon/validate`: how a text would be said."""

from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api.test_front_end import lexicon
from tests.api.test_synthesize import decoded
from tests.api.voices import settings_of
from tests.audio.signals import model_file
from tests.conftest import registered
from tests.speaking import create_app

VALIDATE = "/api/v1/lexicon/validate"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with TestClient(create_app(settings_of(tmp_path_factory.mktemp("data")))) as running:
        yield running


def validated(client: TestClient, text: str, **fields: Any) -> Any:
    response = client.post(VALIDATE, json={"text": text} | fields)
    assert response.status_code == 200, response.text
    return response.json()


def test_it_tells_each_change_where_it_is_and_why(client: TestClient) -> None:
    named = lexicon(
        client,
        "changes",
        {"grapheme": "Nguyen", "alias": "Win"},
        {"grapheme": "Nguyen Street", "alias": "Win Street", "case_sensitive": True},
    )
    text = "Dr. Nguyen paid $5.\n\nOn nguyen street."

    told = validated(client, text, lexicon_ids=[named])

    assert told["spoken"] == "Doctor Win paid five dollars. On Win street."
    assert told["text"] == text
    assert (told["language"], told["normalized"]) == ("en-US", True)
    assert told["lexicons"] == [f"{named}@2"]
    changes = [change for one in told["sentences"] for change in one["changes"]]
    assert [text[c["start"] : c["end"]] for c in changes] == [c["text"] for c in changes]
    assert [(c["text"], c["spoken"], c["entry_id"] is not None) for c in changes] == [
        ("Dr.", "Doctor", False),
        ("Nguyen", "Win", True),
        ("$5", "five dollars", False),
        ("nguyen", "Win", True),
    ]
    (unapplied,) = [one for sentence in told["sentences"] for one in sentence["unapplied"]]
    assert (unapplied["text"], unapplied["reason"]) == ("nguyen street", "case")
    assert told["entries"] == []


def test_it_speaks_each_word_that_an_entry_changes_before_and_after(client: TestClient) -> None:
    named = lexicon(client, "heard", {"grapheme": "SQL", "alias": "sequel and more of it"})

    told = validated(client, "SQL is SQL.", lexicon_ids=[named], audio=True)

    (entry,) = told["entries"]
    assert entry["text"] == "SQL"
    assert entry["changed"] is None
    before, after = (decoded(b64decode(entry[f"audio_{when}"])) for when in ("before", "after"))
    assert before[:2] == after[:2] == ("pcm_s16le", 24000)
    assert after[2] > before[2]


def test_it_says_whether_an_entry_changes_what_is_heard(client: TestClient) -> None:
    named = lexicon(
        client,
        "verified",
        {"grapheme": "data", "alias": "something wholly different"},
        {"grapheme": "house", "alias": "house"},
    )

    told = validated(client, "The data of the house.", lexicon_ids=[named], verify=True)

    assert [(entry["text"], entry["changed"]) for entry in told["entries"]] == [
        ("data", True),
        ("house", False),
    ]
    assert all(entry["audio_before"] is None and entry["reason"] for entry in told["entries"])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"text": ""}, "text-unspeakable"),
        ({"text": "..."}, "text-unspeakable"),
        ({"text": "a" * 5001}, "invalid-request"),
        ({"text": 5}, "invalid-request"),
        ({}, "invalid-request"),
        ({"text": "Hi.", "lexicon_ids": ["nobody"]}, "lexicon-not-found"),
        ({"text": "Hi.", "voice": "nobody"}, "voice-not-found"),
        ({"text": "Hi.", "language": "tlh"}, "language-unsupported"),
        ({"text": "Hi.", "other": 1}, "invalid-request"),
        ({"text": "Hi\x00."}, "invalid-request"),
    ],
)
def test_what_cannot_be_validated_is_refused(
    client: TestClient, body: dict[str, Any], code: str
) -> None:
    response = client.post(VALIDATE, json=body)

    assert response.json()["code"] == code
    assert response.status_code in (400, 404)


def test_the_lexicons_of_a_voice_apply(tmp_path: Path) -> None:
    with TestClient(create_app(settings_of(tmp_path))) as client:
        voice = registered(client)
        own = lexicon(client, "of the voice", {"grapheme": "data", "alias": "dahta"})
        change = {"version": 1, "lexicon_ids": [own]}
        assert client.put(f"/api/v1/voices/{voice}", json=change).status_code == 200

        assert validated(client, "Data.", voice=voice)["spoken"] == "dahta."
        assert validated(client, "Data.")["spoken"] == "Data."


@pytest.mark.models
def test_the_embedded_engine_tells_phonemes_and_what_it_does_not_know(tmp_path: Path) -> None:
    models = model_file("kokoro-int8.onnx").parent
    settings = settings_of(tmp_path, voice_engine="kokoro", model_dir=models)
    with TestClient(create_app(settings)) as client:
        named = lexicon(
            client,
            "phonemes",
            {"grapheme": "Siobhan", "phonemes": "ʃɪˈvɔːn", "alphabet": "ipa"},
            {"grapheme": "click", "phonemes": "ǃa", "alphabet": "ipa"},
        )

        told = validated(
            client, "Siobhan likes a click and Qwyxl.", lexicon_ids=[named], verify=True
        )

    (sentence,) = told["sentences"]
    words = {word["text"]: word for word in sentence["words"]}
    phonemes = [word["phonemes"] for word in sentence["words"]]
    assert phonemes[0].replace("ˈ", "").startswith("ʃɪv")
    assert words["likes"]["known"] is True
    assert "Qwyxl" in told["unknown_words"]
    assert told["takes_phonemes"] is True
    assert told["missing_phonemes"] == ["ǃ"]
    (unapplied,) = sentence["unapplied"]
    assert (unapplied["text"], unapplied["reason"]) == ("click", "phonemes-unsupported")
    (entry,) = told["entries"]
    assert (entry["text"], entry["changed"]) == ("Siobhan", True)
