"""Bulk upload of entries, over HTTP."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.config import Settings
from tests.api.lexicons import ENTRIES, LEXICONS, add, graphemes, make, problem, send
from tests.lexicons.samples import lexeme, pls, some_words
from tests.speaking import create_app

TABLE = "grapheme,alias,language\nWorcester,wooster,en-US\nThames,tems,\n"
FILES: dict[str, bytes] = {
    "words.csv": TABLE.encode(),
    "words.json": json.dumps(
        [
            {"grapheme": "Worcester", "alias": "wooster", "language": "en-US"},
            {"grapheme": "Thames", "alias": "tems"},
        ]
    ).encode(),
    "words.pls": pls(
        lexeme("<grapheme>Worcester</grapheme><alias>wooster</alias>"),
        lexeme("<grapheme>Thames</grapheme><alias>tems</alias>"),
    ),
}


def counts(report: dict[str, Any]) -> dict[str, int]:
    """Without zeros."""
    return {name: count for name, count in report["counts"].items() if count}


def statuses(report: dict[str, Any]) -> list[str]:
    return [result["status"] for result in report["results"]]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("auto", [True, False])
def test_a_file_is_taken_in_each_form(client: TestClient, name: str, auto: bool) -> None:
    filename = name if auto else "words.bin"
    fields = {} if auto else {"format": name.partition(".")[2]}
    answer = send(client, FILES[name], filename, lexicon_name="Places", **fields)
    report = answer.json()

    assert answer.status_code == 200, answer.text
    assert (report["applied"], report["lexicon_created"], report["revision"]) == (True, True, 1)
    assert (report["lexicon_name"], report["entries"]) == ("Places", 2)
    assert report["format"] == name.partition(".")[2]
    assert counts(report) == {"rows": 2, "created": 2}
    items = client.get(ENTRIES, params={"lexicon_id": report["lexicon_id"]}).json()["items"]
    assert [(item["grapheme"], item["alias"]) for item in items] == [
        ("Worcester", "wooster"), ("Thames", "tems"),
    ]  # fmt: skip


def test_entries_go_to_the_lexicon_of_the_id_or_name_or_to_the_default_one(
    client: TestClient,
) -> None:
    places = make(client, "Places")["id"]

    assert send(client, TABLE, lexicon_id=places).json()["lexicon_id"] == places
    named = send(client, "grapheme,alias\na,b\n", lexicon_name=" Places ").json()
    assert (named["lexicon_id"], named["revision"]) == (places, 2)
    usual = send(client, TABLE).json()
    assert (usual["lexicon_name"], usual["lexicon_created"]) == ("default", True)
    assert client.get(f"{LEXICONS}/{usual['lexicon_id']}").json()["is_default"] is True
    both = send(client, TABLE, lexicon_id=places, lexicon_name="Places")
    assert problem(both) == (400, "invalid-request")
    missing = send(client, TABLE, lexicon_id="550e8400-e29b-41d4-a716-446655440000")
    assert problem(missing) == (404, "lexicon-not-found")


def test_the_language_is_that_of_the_row_the_form_the_file(client: TestClient) -> None:
    made = send(client, TABLE, lexicon_name="new", language="en-us").json()["lexicon_id"]
    assert client.get(f"{LEXICONS}/{made}").json()["language"] == "en-US"
    in_german = make(client, "german", language="de-DE")["id"]
    send(client, FILES["words.pls"], "words.pls", lexicon_id=in_german)
    send(client, "grapheme,alias\na,b\n", lexicon_id=in_german)

    def languages(lexicon_id: str) -> list[str | None]:
        items = client.get(ENTRIES, params={"lexicon_id": lexicon_id}).json()["items"]
        return [item["language"] for item in items]

    assert languages(made) == [None, None]  # as the lexicon says
    assert languages(in_german) == ["en-US", "en-US", None]
    wrong = send(client, TABLE, language="english")
    assert problem(wrong) == (400, "invalid-request")


BAD = "grapheme,alias,phonemes,alphabet\na,b,,\nc,,,\nd,,wʊ9,ipa\na,x,,\ne,,s,sapi\nf,g,,\n"


def test_a_file_with_wrong_rows_is_refused_whole_and_each_row_told(client: TestClient) -> None:
    answer = send(client, BAD)
    report = answer.json()["report"]

    assert problem(answer) == (400, "lexicon-upload-refused")
    assert report["applied"] is False
    assert counts(report) == {"rows": 6, "created": 2, "invalid": 3, "duplicate": 1}
    told = [(r["row"], r["line"], r["grapheme"], r["code"]) for r in report["results"]]
    assert told == [
        (2, 2, "a", None),
        (3, 3, "c", "alias-missing"),
        (4, 4, "d", "phonemes-invalid"),
        (5, 5, "a", "duplicate"),
        (6, 6, "e", "alphabet-unknown"),
        (7, 7, "f", None),
    ]
    assert report["results"][3]["same_as_row"] == 2
    assert all(r["message"] for r in report["results"] if r["code"])
    assert client.get(LEXICONS).json()["items"] == []


def test_the_good_rows_are_kept_if_that_is_asked_for(client: TestClient) -> None:
    answer = send(client, BAD, mode="keep-good")
    report = answer.json()

    assert answer.status_code == 200
    assert report["applied"] is True
    assert counts(report) == {"rows": 6, "created": 2, "invalid": 3, "duplicate": 1}
    assert graphemes(client) == ["a", "f"]


def test_a_file_of_nothing_good_makes_no_lexicon(client: TestClient) -> None:
    report = send(client, "grapheme,alias\na,\n", mode="keep-good").json()

    assert (report["applied"], report["lexicon_id"]) == (False, None)
    assert client.get(LEXICONS).json()["items"] == []


@pytest.mark.parametrize("mode", ["all-or-nothing", "keep-good"])
@pytest.mark.parametrize("there", [True, False])
def test_a_dry_run_says_the_same_and_changes_nothing(
    client: TestClient, mode: str, there: bool
) -> None:
    fields = {"lexicon_name": "Places", "mode": mode}
    if there:
        make(client, "Places")
    before = client.get(LEXICONS).json()
    tried = send(client, BAD, dry_run="true", **fields)
    assert client.get(LEXICONS).json() == before
    done = send(client, BAD, **fields)

    assert tried.status_code == done.status_code
    first, second = tried.json(), done.json()
    first, second = first.get("report", first), second.get("report", second)
    assert first["counts"] == second["counts"]
    assert first["results"] == second["results"]
    assert (first["dry_run"], first["applied"]) == (True, False)


@pytest.mark.parametrize(
    ("duplicates", "status", "expected"),
    [
        ("report", "duplicate", "sequel"),
        ("skip", "skipped", "sequel"),
        ("replace", "replaced", "ess"),
    ],
)
def test_duplicates_are_reported_skipped_or_replaced(
    client: TestClient, duplicates: str, status: str, expected: str
) -> None:
    entry = add(client, "SQL", "sequel")
    table = "grapheme,alias\nsql,ess\nGIF,jif\n"
    answer = send(client, table, duplicates=duplicates, mode="keep-good")
    first, second = answer.json()["results"]

    assert (first["status"], second["status"]) == (status, "created")
    assert first["entry_id"] == entry["id"]
    assert second["entry_id"] is None
    shown = client.get(f"{ENTRIES}{entry['id']}").json()
    assert shown["alias"] == expected
    assert shown["created_at"] == entry["created_at"]
    strict = send(client, "grapheme,alias\nSQL,x\n", duplicates=duplicates)
    assert strict.status_code == (400 if duplicates == "report" else 200)


def test_of_two_rows_for_the_same_the_last_one_replaces(client: TestClient) -> None:
    report = send(client, "grapheme,alias\na,1\nA,2\n", duplicates="replace").json()

    assert statuses(report) == ["created", "replaced"]
    assert report["results"][1]["same_as_row"] == 2
    assert client.get(ENTRIES).json()["items"][0]["alias"] == "2"
    assert report["entries"] == 1


def test_an_upload_that_changes_nothing_makes_no_version(client: TestClient) -> None:
    first = send(client, TABLE).json()
    second = send(client, TABLE, duplicates="skip").json()

    assert statuses(second) == ["skipped", "skipped"]
    assert (second["applied"], second["revision"]) == (False, first["revision"])


def test_ten_thousand_entries_are_taken_and_the_report_stays_short(client: TestClient) -> None:
    words = some_words(10_001)
    table = "grapheme,alias\n" + "".join(f"{word},say {word}\n" for word in words)
    report = send(client, table).json()

    assert counts(report) == {"rows": 10_001, "created": 10_001}
    assert (len(report["results"]), report["more_results"]) == (1000, 9001)

    bad = "grapheme,alias\n" + "".join(f"{word}2,\n" for word in words[:300])
    good = "".join(f"{word}3,x\n" for word in words[:2000])
    mixed = send(client, bad + good + "last,\n", mode="keep-good").json()
    assert counts(mixed) == {"rows": 2301, "created": 2000, "invalid": 301}
    assert statuses(mixed).count("invalid") == 301
    assert len(mixed["results"]) == 1000
    assert [result["row"] for result in mixed["results"]] == sorted(
        result["row"] for result in mixed["results"]
    )


def test_more_entries_than_a_lexicon_may_have_are_refused(settings: Settings) -> None:
    small = settings.model_copy(update={"max_lexicon_entries": 3})
    with TestClient(create_app(small)) as client:
        add(client, "there")
        four = send(client, "grapheme,alias\na,1\nb,2\nc,3\nd,4\n")
        assert problem(four) == (400, "lexicon-file-invalid")
        assert four.json()["limit"] == 3
        three = send(client, "grapheme,alias\na,1\nb,2\nc,3\n", mode="keep-good").json()
        assert [r["code"] for r in three["results"]] == [None, None, "lexicon-full"]
        assert graphemes(client) == ["there", "a", "b"]


def test_a_file_that_is_too_long_is_refused(settings: Settings) -> None:
    small = settings.model_copy(update={"max_lexicon_upload_bytes": 1000})
    with TestClient(create_app(small)) as client:
        assert send(client, "grapheme,alias\n" + "a,b\n" * 100).status_code != 413
        long = send(client, "grapheme,alias\n" + "a,b\n" * 300)
        assert problem(long) == (413, "upload-too-large")
        assert long.json()["limit"] == 1000


@pytest.mark.parametrize(
    ("content", "filename"),
    [
        (b"", "a.csv"),
        (b"", "a.json"),
        (b"", "a.pls"),
        (b"grapheme,alias\n", "a.csv"),
        (b"[]", "a.json"),
        (pls(), "a.pls"),
        (b"\xff\xfe\xff\xff", "a.csv"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", ""),
        (b"grapheme,alias\n\xc3\x28,b\n", "a.csv"),
        (b'{"entries": [', "a.json"),
        (b"<!DOCTYPE lexicon [<!ENTITY a 'b'>]><lexicon>&a;</lexicon>", "a.pls"),
        (b"<lexicon><metadata>" + b"<a>" * 5000, "a.pls"),
        (pls(lexeme("<grapheme>a</grapheme>"), head='xml:lang="english"'), "a.pls"),
        (b'{"lexicon": {"language": "english"}, "entries": [{"grapheme": "a"}]}', "a.json"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_no_file_of_entries_is_refused(
    shared: TestClient, content: bytes, filename: str
) -> None:
    answer = send(shared, content, filename or "words")

    assert problem(answer) == (400, "lexicon-file-invalid")
    assert answer.json()["suggestion"]
    assert shared.get(LEXICONS).json()["items"] == []


def test_half_of_a_surrogate_pair_is_told_as_any_other_mistake(client: TestClient) -> None:
    answer = send(client, b'[{"grapheme": "a\\ud800", "alias": "b"}]', "a.json")

    (result,) = answer.json()["report"]["results"]
    assert (result["grapheme"], result["code"]) == ("a?", "characters-forbidden")


@pytest.mark.parametrize(
    "fields",
    [{"format": "xlsx"}, {"mode": "some"}, {"duplicates": "merge"}, {"dry_run": "2"}, {"x": "1"}],
    ids=str,
)
def test_wrong_fields_of_the_form_are_told(client: TestClient, fields: dict[str, str]) -> None:
    answer = send(client, TABLE, **fields)

    assert problem(answer) == (400, "invalid-request")
    assert answer.json()["errors"][0]["loc"][-1] == next(iter(fields))


def test_a_request_without_a_file_is_refused(client: TestClient) -> None:
    answer = client.post("/api/v1/lexicon/bulk-upload", data={"mode": "keep-good"})

    assert problem(answer) == (400, "invalid-request")


def test_uploads_at_once_lose_nothing(client: TestClient) -> None:
    lexicon = make(client)["id"]

    def upload(number: int) -> int:
        table = "grapheme,alias\n" + "".join(f"w{number}x{n},y\n" for n in range(50))
        status: int = send(client, table, lexicon_id=lexicon).status_code
        return status

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(upload, range(12))) == {200}

    expected = {f"w{number}x{n}" for number in range(12) for n in range(50)}
    assert set(graphemes(client, limit=500)) == expected
