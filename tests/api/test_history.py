"""The history, over HTTP."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from app.core.config import Settings
from app.models.history import SpeechSource, SpeechStatus
from app.models.voice import Voice
from tests.api.access_table import bearer, guarded_settings, make_key
from tests.services.told import AUDIO, a_voice, told
from tests.speaking import create_app

URL = "/api/v1/synthesis/history"


def call(client: TestClient, work: Any, *args: Any) -> Any:
    assert client.portal is not None
    return client.portal.call(work, *args)


def context(client: TestClient) -> Any:
    app: Any = client.app
    return app.state.context


def add_voice(client: TestClient, owner: str = "local") -> Voice:
    voice: Voice = call(client, context(client).database.collection(Voice).add, a_voice(owner))
    return voice


def note(client: TestClient, voice: Voice, text: str = "Hello there.", **fields: Any) -> str:
    """Tell of a synthesis; the id of its entry."""
    spoken = told(voice, text, **fields)
    call(client, context(client).history_log.spoken, spoken)
    return spoken.id


def texts(client: TestClient, **query: Any) -> list[str]:
    answer = client.get(URL, params=query)
    assert answer.status_code == 200, answer.text
    return [item["text"] for item in answer.json()["items"]]


@pytest.fixture
def voice(client: TestClient) -> Voice:
    return add_voice(client)


def test_what_was_spoken_is_listed_at_once_newest_first(client: TestClient, voice: Voice) -> None:
    note(client, voice, "one")
    note(client, voice, "two", status=SpeechStatus.CANCELLED)

    items = client.get(URL).json()["items"]

    assert [item["text"] for item in items] == ["two", "one"]
    assert [item["status"] for item in items] == ["cancelled", "ok"]
    assert items[0]["audio_kept"] is True
    assert "audio" not in items[0]
    assert client.get(f"{URL}/").json()["items"] == items
    assert client.get(f"{URL}/{items[1]['id']}").json() == items[1]


def test_the_list_is_filtered(client: TestClient, voice: Voice) -> None:
    other = add_voice(client)
    note(client, voice, "one")
    note(client, other, "two", source=SpeechSource.LEGACY)
    note(client, voice, "three", status=SpeechStatus.FAILED, error="engine-failed")
    note(client, voice, "four", source=SpeechSource.BATCH, batch_id="b-1")
    items = client.get(URL).json()["items"]
    middle = items[1]["created_at"]

    assert texts(client, voice=other.id) == ["two"]
    assert texts(client, voice=voice.id, status="ok") == ["four", "one"]
    assert texts(client, status="failed") == ["three"]
    assert texts(client, source="synthesize") == ["two"]
    assert texts(client, batch_id="b-1") == ["four"]
    assert texts(client, since=middle) == ["four", "three"]
    assert texts(client, until=middle) == ["two", "one"]
    assert texts(client, voice=str(uuid4())) == []
    assert texts(client, voice="") == []


def test_texts_are_searched_as_they_are_written(client: TestClient, voice: Voice) -> None:
    for text in ("A WALRUS", "50% off", "snake_case", "and/or", "back\\slash", "Émile et Zoë"):
        note(client, voice, text)
    note(client, voice, "声音 🎤")

    for q, found in {
        "walrus": ["A WALRUS"],
        "WALRUS": ["A WALRUS"],
        "50%": ["50% off"],
        "%": ["50% off"],
        "_": ["snake_case"],
        "/": ["and/or"],
        "\\": ["back\\slash"],
        "Émile": ["Émile et Zoë"],
        "zoë": ["Émile et Zoë"],
        "声音": ["声音 🎤"],
        "🎤": ["声音 🎤"],
        "' OR 1=1 --": [],
        " ": ["声音 🎤", "Émile et Zoë", "50% off", "A WALRUS"],
    }.items():
        assert texts(client, q=q) == found, q


def test_where_texts_are_not_kept_a_search_is_refused(settings: Settings) -> None:
    silent = settings.model_copy(update={"history_keep_text": False})
    with TestClient(create_app(silent)) as client:
        note(client, add_voice(client), "walrus")

        assert texts(client) == [None]
        for path in ("", "/export"):
            answer = client.get(f"{URL}{path}", params={"q": "walrus"})
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid-request")
            assert "keeps no texts" in answer.json()["detail"]
        assert client.delete(URL, params={"q": "walrus"}).status_code == 400
        assert len(texts(client)) == 1


def test_pages_follow_one_another_under_the_same_filter(client: TestClient, voice: Voice) -> None:
    for n in range(5):
        note(client, voice, f"number {n}")
    wanted = {"q": "number", "limit": 3}

    first = client.get(URL, params=wanted).json()
    second = client.get(URL, params=wanted | {"cursor": first["cursor"]}).json()

    listed = [item["text"] for item in first["items"] + second["items"]]
    assert listed == [f"number {n}" for n in (4, 3, 2, 1, 0)]
    assert second["cursor"] is None
    assert client.get(URL, params={"cursor": first["cursor"]}).status_code == 400
    assert client.get(URL, params={"cursor": first["cursor"], "q": "numbe"}).status_code == 400


NONSENSE = (
    "since=yesterday",
    "since=1700000000",
    "since=2026-01-01T00:00:00",
    "since=0001-01-01T00:00:00+14:00",
    "until=9999-12-31T23:59:59-14:00",
    "status=sung",
    "source=choir",
    "limit=0",
    "limit=501",
    "cursor=%00",
    "q=",
    "q=" + "x" * 201,
    "voice=" + "x" * 101,
    "voice_id=x",
)


def test_a_filter_that_means_nothing_is_400_and_deletes_nothing(
    client: TestClient, voice: Voice
) -> None:
    note(client, voice)

    for query in NONSENSE:
        for method, path in (("GET", ""), ("GET", "/export"), ("DELETE", "")):
            answer = client.request(method, f"{URL}{path}?{quote(query, safe='=%')}")
            answered = (answer.status_code, answer.json()["code"])
            assert answered == (400, "invalid-request"), (method, path, query)
    assert len(texts(client)) == 1


def test_a_search_for_what_is_no_text_finds_nothing_or_is_refused(
    client: TestClient, voice: Voice
) -> None:
    note(client, voice)

    for q in ("%00", "a%00b", "%ed%a0%80", "%ff"):
        answer = client.get(f"{URL}?q={q}")
        assert answer.status_code == 400 or answer.json()["items"] == [], q


def test_the_audio_comes_as_it_was_sent(client: TestClient, voice: Voice) -> None:
    for form, rate, mime, ending in (
        ("wav", 24000, "audio/wav", "wav"),
        ("mp3", 24000, "audio/mpeg", "mp3"),
        ("opus", 24000, "audio/ogg", "ogg"),
        ("pcm", 16000, "audio/pcm;rate=16000;channels=1;encoding=s16le", "pcm"),
        ("mulaw", 8000, "audio/basic", "ulaw"),
    ):
        entry = note(client, voice, request_format=form, sample_rate=rate)

        answer = client.get(f"{URL}/{entry}/audio")

        assert (answer.status_code, answer.content) == (200, AUDIO)
        assert answer.headers["Content-Type"].startswith(mime)
        assert answer.headers["Content-Length"] == str(len(AUDIO))
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{entry}.{ending}"'


def test_audio_that_was_not_kept_or_is_gone_is_404(
    client: TestClient, voice: Voice, settings: Settings
) -> None:
    kept, never = note(client, voice), note(client, voice, content=None)
    assert client.get(f"{URL}/{kept}/audio").status_code == 200

    assert client.delete(f"/voices/{voice.id}").json()["outputs"]["files"] == 1

    assert len(texts(client)) == 2  # what was said stays listed
    for entry, what in ((kept, "audio"), (never, "audio"), (never, "link")):
        answer = client.get(f"{URL}/{entry}/{what}")
        assert (answer.status_code, answer.json()["code"]) == (404, "audio-not-kept")
    assert not [path for path in settings.outputs.rglob("*") if path.is_file()]


def test_a_folder_gives_no_links(client: TestClient, voice: Voice) -> None:
    entry = note(client, voice)

    answer = client.get(f"{URL}/{entry}/link")

    assert (answer.status_code, answer.json()["code"]) == (501, "links-unsupported")
    for seconds in (0, 59, 7 * 24 * 3600 + 1, "soon"):
        refused = client.get(f"{URL}/{entry}/link", params={"seconds": seconds})
        assert refused.status_code == 400


def test_an_entry_that_does_not_exist_is_404(client: TestClient) -> None:
    for entry in (str(uuid4()), "x", "%00", "%2e%2e%2fvoices", "é", "x" * 2000):
        for method, path in (("GET", ""), ("GET", "/audio"), ("GET", "/link"), ("DELETE", "")):
            assert client.request(method, f"{URL}/{entry}{path}").status_code == 404, entry


# Erasing


def test_an_entry_is_erased_with_its_audio(
    client: TestClient, voice: Voice, settings: Settings
) -> None:
    entry, other = note(client, voice, "one"), note(client, voice, "two")

    answer = client.delete(f"{URL}/{entry}")

    erased = {"entries": 1, "files": 1, "bytes": len(AUDIO), "left": 0}
    assert (answer.status_code, answer.json()) == (200, erased)
    assert client.get(f"{URL}/{entry}").status_code == 404
    assert client.delete(f"{URL}/{entry}").status_code == 404
    assert texts(client) == ["two"]
    files = [path.name for path in settings.outputs.rglob("*") if path.is_file()]
    assert files == [f"history-{other}"]


def test_entries_are_erased_by_the_filters_of_the_list(client: TestClient, voice: Voice) -> None:
    other = add_voice(client)
    note(client, voice, "one")
    note(client, other, "two")
    note(client, voice, "three", status=SpeechStatus.FAILED, content=None)

    assert client.delete(URL, params={"voice": voice.id, "q": "thr"}).json()["entries"] == 1
    assert texts(client) == ["two", "one"]
    assert client.delete(URL, params={"since": "2999-01-01T00:00:00Z"}).json()["entries"] == 0
    assert client.delete(f"{URL}/", params={"voice": ""}).json()["entries"] == 0
    everything = client.delete(URL, params={"all": "true"}).json()
    assert everything == {"entries": 2, "files": 2, "bytes": 2 * len(AUDIO), "left": 0}
    assert texts(client) == []
    usage = client.get("/api/v1/usage").json()
    assert usage["totals"]["requests"] == 3


def test_all_is_erased_only_if_asked_for_by_name(client: TestClient, voice: Voice) -> None:
    note(client, voice)

    for query in ("", "?all=false", "?all=true&status=ok"):
        assert client.delete(f"{URL}{query}").status_code == 400
    assert len(texts(client)) == 1


@pytest.mark.sql
def test_what_was_erased_is_in_no_file_when_the_server_has_stopped(settings: Settings) -> None:
    with TestClient(create_app(settings)) as client:
        voice = add_voice(client)
        note(client, voice, "Seventeen walruses.")
        note(client, voice, "An umbrella.")
        assert client.delete(URL, params={"q": "walrus"}).json()["entries"] == 1

    assert files_with("walrus", settings.data_dir) == []
    assert files_with("umbrella", settings.data_dir) != []


def files_with(word: str, folder: Path) -> list[str]:
    return [
        path.name
        for path in folder.rglob("*")
        if path.is_file() and word.encode() in path.read_bytes()
    ]


# Export


def exported(client: TestClient, **query: Any) -> list[dict[str, str]]:
    answer = client.get(f"{URL}/export", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("text/csv; charset=utf-8")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="history.csv"'
    assert answer.content.count(b"\n") >= answer.content.count(b"\r\n") > 0
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))


def test_the_export_has_a_line_for_each_entry(client: TestClient, voice: Voice) -> None:
    note(client, voice, 'She said: "no", twice.\r\nThen, 声音.')
    note(client, voice, "two", status=SpeechStatus.FAILED, error="engine-failed")

    lines = exported(client)

    listed = client.get(URL).json()["items"]
    assert [line["id"] for line in lines] == [item["id"] for item in listed]
    assert list(lines[0]) == list(listed[0])
    assert lines[1]["text"] == 'She said: "no", twice.\r\nThen, 声音.'
    assert lines[0]["error"] == "engine-failed"
    assert lines[0]["batch_id"] == ""
    assert [line["text"] for line in exported(client, status="failed")] == ["two"]
    assert exported(client, voice=str(uuid4())) == []


def test_no_cell_of_the_export_is_a_formula(client: TestClient, voice: Voice) -> None:
    sent = [f"{first}HYPERLINK(1)" for first in "=+-@\t\r\n"]
    for text in sent:
        note(client, voice, text, request_language=text)

    lines = exported(client)

    assert [line["text"] for line in lines] == [f"'{text}" for text in reversed(sent)]
    assert [line["language"] for line in lines] == [f"'{text}" for text in reversed(sent)]


def test_a_long_history_is_exported_to_its_end(client: TestClient, voice: Voice) -> None:
    for n in range(1003):
        note(client, voice, f"number {n}", content=None)

    assert [line["text"] for line in exported(client)] == [
        f"number {n}" for n in reversed(range(1003))
    ]


# Owners


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[TestClient, dict[str, Any]]]:
    """A server, and headers by owner; `reader` is Ann, who may only read."""
    settings = guarded_settings(tmp_path)
    with TestClient(create_app(settings)) as client:
        keys = {
            name: bearer(call(client, make_key, settings, owner, role))
            for name, owner, role in (
                ("ann", "ann", "speaker"),
                ("reader", "ann", "reader"),
                ("ben", "ben", "speaker"),
                ("admin", "chief", "admin"),
            )
        }
        yield client, keys


def test_another_owners_entries_are_as_if_they_were_not_there(
    two: tuple[TestClient, dict[str, Any]],
) -> None:
    client, keys = two
    entry = note(client, add_voice(client, "ann"), "of Ann")

    for who in ("ben", "admin"):
        for method, path in (("GET", ""), ("GET", "/audio"), ("DELETE", "")):
            answer = client.request(method, f"{URL}/{entry}{path}", headers=keys[who])
            assert (answer.status_code, answer.json()["code"]) == (404, "history-not-found")
        assert client.get(URL, headers=keys[who]).json()["items"] == []
        assert client.get(f"{URL}/export", headers=keys[who]).text.count("\r\n") == 1
        assert client.delete(f"{URL}?all=true", headers=keys[who]).json()["entries"] == 0

    for_ann = keys["admin"] | {"X-Owner": "ann"}
    for headers in (keys["ann"], keys["reader"], for_ann):
        assert [e["text"] for e in client.get(URL, headers=headers).json()["items"]] == ["of Ann"]


def test_a_cursor_of_another_owners_list_shows_nothing(
    two: tuple[TestClient, dict[str, Any]],
) -> None:
    client, keys = two
    for owner in ("ann", "ann", "ben", "ben"):
        note(client, add_voice(client, owner))
    cursor = client.get(f"{URL}?limit=1", headers=keys["ann"]).json()["cursor"]

    answer = client.get(URL, params={"cursor": cursor}, headers=keys["ben"])

    assert answer.status_code == 400


def test_who_may_only_read_erases_nothing(two: tuple[TestClient, dict[str, Any]]) -> None:
    client, keys = two
    entry = note(client, add_voice(client, "ann"))

    for path in (f"/{entry}", "?all=true"):
        answer = client.delete(f"{URL}{path}", headers=keys["reader"])
        assert (answer.status_code, answer.json()["permission"]) == (403, "history:write")
    assert client.delete(f"{URL}/{entry}", headers=keys["ann"]).status_code == 200
