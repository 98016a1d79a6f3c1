"""Runs the service through all it does, and looks for what must not be in its log."""

import json
import shutil
import sqlite3
from collections.abc import AsyncGenerator, Sequence
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
import uvicorn

from app.audio.types import Recording, SpeechChunk
from app.core.config import Settings
from app.core.exceptions import EngineFailed
from app.engines.base import SynthesisRequest, VoiceState
from app.engines.fake import FakeEngine
from app.main import create_app
from tests.conftest import make_app, recording, serving

NAME = "Zebedee Quillfeather"
FILENAME = "marmalade-orchestra.wav"
DESCRIPTION = "an umbrella of sassafras"
TEXT = "Seventeen walruses juggle porcelain. Nobody applauds the ninth."
PERSONAL = (
    "Zebedee",
    "Quillfeather",
    "marmalade",
    "sassafras",
    "walruses",
    "porcelain",
    "applauds",
)

API_KEY = "vc_4f9a1b_Zx81hQdT0s7LkQmW3"
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzb21lYm9keSJ9.c2lnbmF0dXJlLXNpZ25hdHVyZQ"  # noqa: S105
SIGNATURE = "aB3xYz0123456789%3D"
PASSWORD = "hunter2-hunter2"  # noqa: S105
SECRETS = (API_KEY, TOKEN, "c2lnbmF0dXJl", SIGNATURE, PASSWORD, "cookie-monster")


class Failing(FakeEngine):
    """Fails in ways that repeat what it was given."""

    enrolled = 0

    async def enroll(self, recordings: Sequence[Recording]) -> VoiceState:
        self.enrolled += 1
        if self.enrolled == 2:
            raise RuntimeError(f"cannot learn {NAME} of {FILENAME}")
        return await super().enroll(recordings)

    async def synthesize(self, request: SynthesisRequest) -> AsyncGenerator[SpeechChunk, None]:
        if "fail" in request.text:
            raise EngineFailed("The engine gave no speech.") from ValueError(request.text)
        if "crash" in request.text:
            raise RuntimeError(f"cannot say {request.text!r}")
        async for chunk in super().synthesize(request):
            yield chunk


def sent_headers() -> dict[str, str]:
    return {
        "X-API-Key": API_KEY,
        "Authorization": f"Bearer {TOKEN}",
        "Cookie": "session=cookie-monster",
        "Referer": f"https://blobs.example/a?sv=1&sig={SIGNATURE}",
        "X-Request-ID": API_KEY,
        "Connection": "close",  # the server closes it after an unexpected error anyway
    }


def register(client: httpx2.Client, **fields: str) -> httpx2.Response:
    file = (FILENAME, recording(), "audio/wav")
    form = {"name": NAME, "description": DESCRIPTION, **fields}
    return client.post("/voices", files={"file": file}, data=form, headers=sent_headers())


def speak(client: httpx2.Client, voice: str, **body: Any) -> int | None:
    """The status; None if the answer was broken off."""
    path = f"/voices/{quote(voice)}/synthesize"
    try:
        return client.post(path, json=body, headers=sent_headers()).status_code
    except httpx2.RemoteProtocolError:
        return None


def speak_v1(client: httpx2.Client, voice: str, path: str = "speak", **body: Any) -> int | None:
    """The same under /api/v1."""
    body = {"voice": voice} | body
    try:
        answer = client.post(f"/api/v1/synthesis/{path}", json=body, headers=sent_headers())
    except httpx2.RemoteProtocolError:
        return None
    return answer.status_code


def use_v1(client: httpx2.Client, voice: str) -> None:
    """Speak in all ways, and fail in most."""
    for text in (TEXT, f"{TEXT} fail", f"{TEXT} crash", f"crash {TEXT}"):
        for asked in ({"text": text}, {"ssml": f"<speak>{text}</speak>"}):
            assert speak_v1(client, voice, **asked) in (200, 500)
            for form in ("audio", "sse"):
                status = speak_v1(client, voice, "speak/stream", stream_format=form, **asked)
                assert status in (200, 500, None)
    assert speak_v1(client, voice, ssml=f"<speak><Zebedee a='{TEXT}'/></speak>") == 400
    assert speak_v1(client, voice, ssml=f"<speak>{TEXT}") == 400
    assert speak_v1(client, voice, text=TEXT, ssml=TEXT) == 400
    assert speak_v1(client, voice, text=TEXT, lexicon_ids=[NAME]) == 404
    assert speak_v1(client, NAME, text=TEXT) == 404


def use(client: httpx2.Client, settings: Settings) -> None:
    """Everything that can be done, and most that can go wrong."""
    voice = register(client).json()["voice_id"]
    assert register(client).status_code == 500
    assert register(client, name=NAME + "\0").status_code == 400
    for stream in (False, True):
        assert speak(client, voice, text=TEXT, stream=stream, format="mp3") == 200
        assert speak(client, voice, text=f"{TEXT} fail", stream=stream) in (500, None)
        assert speak(client, voice, text=f"{TEXT} crash", stream=stream) in (500, None)
        assert speak(client, voice, text=f"crash {TEXT}", stream=stream) == 500
    assert speak(client, voice, text={"private": TEXT}, password=PASSWORD, token=TOKEN) == 400
    assert speak(client, voice, text=TEXT, format=TEXT, language=NAME) == 400
    assert speak(client, NAME, text=TEXT) == 404
    use_v1(client, voice)
    broken = client.post(f"/voices/{voice}/synthesize", content=f'{{"text": "{TEXT}')
    assert broken.status_code == 400
    client.get(f"/{NAME}/{FILENAME}", params={"name": NAME, "sig": SIGNATURE})
    client.get("/voices", params={"cursor": NAME, "token": TOKEN})
    client.put(f"/voices/{NAME}")
    use_history(client)
    use_lexicons(client)
    with sqlite3.connect(settings.data_dir / "voices.db") as database:
        database.execute("ALTER TABLE voices RENAME COLUMN description TO gone")
    database.close()
    assert register(client).json()["code"] == "database-unavailable"
    assert client.delete(f"/voices/{voice}").status_code == 503
    shutil.rmtree(settings.embeddings)
    settings.embeddings.write_text("in the way")
    assert register(client).json()["code"] == "storage-unavailable"


def use_history(client: httpx2.Client) -> None:
    history = "/api/v1/synthesis/history"
    query = {"q": "walruses"}
    assert len(client.get(history, params=query).json()["items"]) > 5
    assert "walruses" in client.get(f"{history}/export", params=query).text
    assert client.get(f"{history}/{NAME}/audio").status_code == 404
    assert client.get(history, params={"voice": NAME, "since": TEXT}).status_code == 400
    assert client.delete(history, params=query).json()["entries"] > 5


def use_lexicons(client: httpx2.Client) -> None:
    """Names and words in all that can be sent, and mistakes in most."""
    entries, lexicons = "/api/v1/lexicon/", "/api/v1/lexicons"
    entry = {"grapheme": "Quillfeather", "alias": DESCRIPTION, "note": NAME}
    made = client.post(entries, json=entry).json()
    assert client.post(entries, json=entry).status_code == 409
    wrong = {"grapheme": "walruses", "phonemes": "porcelain 9", "alphabet": "ipa"}
    assert client.post(entries, json=wrong).status_code == 400
    assert client.get(entries, params={"q": "sassafras", "prefix": "Quill"}).json()["items"]
    assert client.put(f"{entries}{NAME}", json=entry).status_code == 404
    assert client.post(lexicons, json={"name": NAME, "description": DESCRIPTION}).status_code == 201
    for content in ("grapheme,alias\nwalruses,porcelain\nQuillfeather,\n", "<porcelain/>"):
        for mode, expected in (("keep-good", 200), ("all-or-nothing", 400)):
            answer = client.post(
                f"{entries}bulk-upload",
                files={"file": (FILENAME, content.encode())},
                data={"mode": mode, "lexicon_name": NAME, "duplicates": "skip"},
            )
            assert answer.status_code == (400 if content.startswith("<") else expected)
    assert client.get(f"{lexicons}/{made['lexicon_id']}/export").status_code == 200
    assert client.delete(f"{lexicons}/{made['lexicon_id']}").status_code == 200


def log_of_a_run(settings: Settings, capsys: pytest.CaptureFixture[str], **switches: Any) -> str:
    settings = settings.model_copy(
        update={"log_level": "debug", "log_format": "json", "log_headers": True, **switches}
    )
    with serving(make_app(settings, Failing())) as client:
        use(client, settings)
    return capsys.readouterr().err


@pytest.mark.parametrize("form", ["json", pytest.param("pretty", marks=pytest.mark.services)])
def test_the_log_of_a_full_run_tells_nothing_personal_and_no_secret(
    settings: Settings, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    log = log_of_a_run(settings, capsys, log_format=form)

    assert len(log.splitlines()) > 50
    for word in ("spoke", "RuntimeError", "database-unavailable", "storage-unavailable"):
        assert word in log
    assert [word for word in (*PERSONAL, *SECRETS) if word.lower() in log.lower()] == []


@pytest.mark.services
def test_with_the_bodies_on_the_texts_are_told_and_still_no_secret(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    log = log_of_a_run(settings, capsys, log_request_body=True, log_response_body=True)

    for word in ("Zebedee", "marmalade", "walruses"):
        assert word in log
    assert [word for word in SECRETS if word in log] == []


def test_a_database_that_cannot_be_reached_is_told_without_its_password(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"postgresql+psycopg://voice:{PASSWORD}@127.0.0.1:1/voices"
    values = {"database_url": url, "log_format": "json", "log_level": "debug"}
    app = create_app(Settings(_env_file=None, voice_engine="fake", **values))

    with pytest.raises(SystemExit):
        uvicorn.Server(uvicorn.Config(app, port=0, log_config=None)).run()

    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert "DatabaseError" in json.dumps(told)
    assert PASSWORD not in json.dumps(told)
