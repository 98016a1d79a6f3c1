"""Entries of lexicons, over HTTP."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from app.core.config import Settings
from tests.api.access_table import bearer, guarded_settings, make_key
from tests.api.lexicons import ENTRIES, LEXICONS, add, graphemes, make, problem
from tests.api.voices import voice_server
from tests.speaking import create_app


def test_an_entry_is_made_shown_listed_replaced_and_deleted(client: TestClient) -> None:
    created = client.post(
        "/api/v1/lexicon/",
        json={"grapheme": "Worcester", "phonemes": "ˈwʊstɚ", "alphabet": "ipa", "note": "city"},
    )
    entry = created.json()
    url = f"/api/v1/lexicon/{entry['id']}"

    assert created.status_code == 201
    assert created.headers["Location"] == url
    shown = client.get(url)
    assert shown.json() == {key: entry[key] for key in shown.json()}
    assert client.get("/api/v1/lexicon/").json() == {"items": [shown.json()], "cursor": None}

    replaced = client.put(url, json={"grapheme": "Worcester", "alias": "wooster"})
    assert replaced.status_code == 200
    assert (replaced.json()["alias"], replaced.json()["phonemes"]) == ("wooster", None)
    assert replaced.json()["note"] is None
    assert replaced.json()["created_at"] == entry["created_at"]
    assert replaced.json()["updated_at"] > entry["updated_at"]
    assert client.get(url).json() == replaced.json()

    assert client.delete(url).status_code == 204
    assert problem(client.get(url)) == (404, "lexicon-entry-not-found")
    assert problem(client.delete(url)) == (404, "lexicon-entry-not-found")
    assert client.get("/api/v1/lexicon/").json() == {"items": [], "cursor": None}


def test_the_collection_is_there_with_and_without_the_slash(client: TestClient) -> None:
    for number, path in enumerate(("/api/v1/lexicon", "/api/v1/lexicon/"), start=1):
        answer = client.post(path, json={"grapheme": f"w{number}", "alias": "x"})
        assert answer.status_code == 201
        assert len(client.get(path).json()["items"]) == number


def test_an_entry_without_a_lexicon_goes_to_the_default_one_which_the_answer_says(
    client: TestClient,
) -> None:
    first, second = add(client, "one"), add(client, "two")

    assert first["lexicon_name"] == "default"
    assert (first["lexicon_created"], second["lexicon_created"]) == (True, False)
    assert first["lexicon_is_default"] is True
    (lexicon,) = client.get(LEXICONS).json()["items"]
    assert (lexicon["id"], lexicon["entries"]) == (second["lexicon_id"], 2)


def test_entries_can_go_to_any_lexicon_of_ones_own(client: TestClient) -> None:
    lexicon = make(client)
    entry = add(client, "Thames", lexicon_id=lexicon["id"])

    assert entry["lexicon_id"] == lexicon["id"]
    assert entry["id"].startswith(f"{lexicon['id']}.")
    body = {"grapheme": "a", "alias": "b", "lexicon_id": str(uuid4())}
    assert problem(client.post(ENTRIES, json=body)) == (404, "lexicon-not-found")


@pytest.mark.parametrize(
    ("fields", "there"),
    [
        ({"grapheme": "SQL"}, True),
        ({"grapheme": "sql"}, True),
        ({"grapheme": " sQl "}, True),
        ({"grapheme": "SQL", "language": "en-US"}, True),
        ({"grapheme": "SQL", "language": "en-us"}, True),
        ({"grapheme": "SQL", "case_sensitive": True}, False),
        ({"grapheme": "SQL", "language": "de"}, False),
        ({"grapheme": "SQL", "part_of_speech": "verb"}, False),
    ],
    ids=str,
)
def test_an_entry_for_the_same_is_refused_and_the_one_that_is_there_named(
    client: TestClient, fields: dict[str, Any], there: bool
) -> None:
    lexicon = make(client, language="en-US")["id"]
    first = add(client, "SQL", "sequel", lexicon_id=lexicon)
    other = add(client, "other", lexicon_id=lexicon)
    body = {"alias": "S Q L"} | fields
    again = client.post(ENTRIES, json=body | {"lexicon_id": lexicon})

    if not there:
        assert again.status_code == 201
        return
    assert problem(again) == (409, "lexicon-entry-exists")
    assert again.json()["entry_id"] == first["id"]
    changed = client.put(f"{ENTRIES}{other['id']}", json=body)
    assert problem(changed) == (409, "lexicon-entry-exists")
    assert client.put(f"{ENTRIES}{first['id']}", json=body).status_code == 200


def test_the_same_in_another_lexicon_is_another_entry(client: TestClient) -> None:
    add(client, "SQL", "sequel")

    assert add(client, "SQL", lexicon_id=make(client)["id"])["alias"] == "x"


def test_if_match_keeps_from_losing_the_change_of_another(client: TestClient) -> None:
    entry = add(client, "SQL")
    url = f"{ENTRIES}{entry['id']}"
    read = client.get(url).headers["ETag"]
    body = {"grapheme": "SQL", "alias": "sequel"}
    changed = client.put(url, json=body, headers={"If-Match": read})

    assert changed.status_code == 200
    late = {"If-Match": read}
    assert problem(client.put(url, json=body, headers=late)) == (409, "version-conflict")
    assert problem(client.delete(url, headers=late)) == (409, "version-conflict")
    assert problem(client.delete(url, headers={"If-Match": "*"})) == (400, "invalid-request")
    add(client, "another")  # changes the lexicon, not the entry
    assert client.delete(url, headers={"If-Match": changed.headers["ETag"]}).status_code == 204


def test_entries_are_listed_lexicon_by_lexicon_page_by_page(client: TestClient) -> None:
    one, two = make(client, "one")["id"], make(client, "two")["id"]
    make(client, "empty")
    for number in range(7):
        add(client, f"a{number}", lexicon_id=one)
        add(client, f"b{number}", lexicon_id=two)
    expected = [f"a{n}" for n in range(7)] + [f"b{n}" for n in range(7)]

    for limit in (1, 2, 3, 7, 13, 14, 500):
        assert graphemes(client, limit=limit) == expected
    assert graphemes(client, lexicon_id=two, limit=3) == expected[7:]


def test_what_is_added_or_deleted_between_two_pages_moves_nothing(client: TestClient) -> None:
    made = [add(client, f"w{number}") for number in range(6)]
    first = client.get(ENTRIES, params={"limit": 3}).json()
    client.delete(f"{ENTRIES}{made[2]['id']}")
    client.delete(f"{ENTRIES}{made[3]['id']}")
    add(client, "late")

    assert graphemes(client, cursor=first["cursor"], limit=2) == ["w4", "w5", "late"]


def test_a_lexicon_that_is_deleted_between_two_pages_is_passed_over(client: TestClient) -> None:
    lexicons = [make(client, name)["id"] for name in ("one", "two")]
    for lexicon in lexicons:
        for number in range(3):
            add(client, f"w{number}", lexicon_id=lexicon)
    page = client.get(ENTRIES, params={"limit": 2}).json()
    client.delete(f"{LEXICONS}/{lexicons[0]}")

    assert graphemes(client, cursor=page["cursor"]) == ["w0", "w1", "w2"]


@pytest.fixture(scope="module")
def german(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Of a server with some words."""
    with voice_server(tmp_path_factory.mktemp("german")) as client:
        lexicon = make(client, language="de")["id"]
        add(client, "Straße", lexicon_id=lexicon)
        add(client, "STRAND", lexicon_id=lexicon)
        add(client, "Ort", lexicon_id=lexicon, language="de-AT")
        add(client, "Stuhl", "a CHAIR")
        yield client


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["Straße", "STRAND", "Ort", "Stuhl"]),
        ({"prefix": "stra"}, ["Straße", "STRAND"]),
        ({"prefix": "strass"}, ["Straße"]),
        ({"prefix": ""}, ["Straße", "STRAND", "Ort", "Stuhl"]),
        ({"q": "RA"}, ["Straße", "STRAND"]),
        ({"q": "chair"}, ["Stuhl"]),
        ({"q": "%"}, []),
        ({"language": "de"}, ["Straße", "STRAND"]),
        ({"language": "DE-at"}, ["Ort"]),
        ({"language": "de", "prefix": "o"}, []),
    ],
    ids=str,
)
def test_the_list_is_filtered(
    german: TestClient, query: dict[str, str], expected: list[str]
) -> None:
    assert graphemes(german, **query) == expected
    assert graphemes(german, limit=1, **query) == expected


@pytest.mark.parametrize(
    "query",
    [
        {"cursor": "nonsense"},
        {"cursor": "bnVsbA"},
        {"cursor": "WzEsMiwzLDRd"},
        {"cursor": "é"},
        {"limit": 0},
        {"limit": 501},
        {"word": "a"},
        {"q": ""},
    ],
    ids=str,
)
def test_a_list_that_makes_no_sense_is_refused(client: TestClient, query: dict[str, Any]) -> None:
    assert problem(client.get(ENTRIES, params=query)) == (400, "invalid-request")


def test_a_cursor_of_another_filter_is_refused(client: TestClient) -> None:
    add(client, "a1")
    add(client, "a2")
    cursor = client.get(ENTRIES, params={"limit": 1, "prefix": "a"}).json()["cursor"]

    answer = client.get(ENTRIES, params={"limit": 1, "prefix": "b", "cursor": cursor})
    assert problem(answer) == (400, "invalid-request")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"alias": "x", "phonemes": "a", "alphabet": "ipa"}, "lexicon-entry-invalid"),
        ({}, "lexicon-entry-invalid"),
        ({"alias": " "}, "lexicon-entry-invalid"),
        ({"alias": "a\u0000"}, "lexicon-entry-invalid"),
        ({"phonemes": "wʊ9", "alphabet": "ipa"}, "lexicon-entry-invalid"),
        ({"phonemes": "wʊ"}, "lexicon-entry-invalid"),
        ({"grapheme": "\u200b", "alias": "x"}, "lexicon-entry-invalid"),
        ({"alias": "x", "language": "english"}, "lexicon-entry-invalid"),
        ({"phonemes": "wʊ", "alphabet": "sapi"}, "invalid-request"),
        ({"grapheme": "", "alias": "x"}, "invalid-request"),
        ({"grapheme": "x" * 201, "alias": "x"}, "invalid-request"),
        ({"alias": "x" * 1001}, "invalid-request"),
        ({"alias": "x", "case_sensitive": "yes"}, "invalid-request"),
        ({"alias": "x", "id": "mine"}, "invalid-request"),
        ({"alias": 7}, "invalid-request"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_what_cannot_be_an_entry_is_refused_and_nothing_is_made(
    shared: TestClient, fields: dict[str, Any], code: str
) -> None:
    answer = shared.post(ENTRIES, json={"grapheme": "word"} | fields)

    assert problem(answer) == (400, code)
    assert answer.json()["suggestion"]
    assert shared.get(LEXICONS).json()["items"] == []


def test_a_lone_surrogate_is_refused(shared: TestClient) -> None:
    body = b'{"grapheme": "a\\ud800", "alias": "x"}'
    answer = shared.post(ENTRIES, content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 400


@pytest.mark.parametrize("grapheme", ["🤖", "東京", "<break/>", "C++", "naïve", "a.b", "l'été"])
def test_any_grapheme_is_kept_as_it_is(client: TestClient, grapheme: str) -> None:
    entry = add(client, grapheme, f"say {grapheme}")

    shown = client.get(f"{ENTRIES}{entry['id']}").json()
    assert (shown["grapheme"], shown["alias"]) == (grapheme, f"say {grapheme}")


@pytest.mark.parametrize(
    "form",
    [
        "x",
        "{id}",
        "{id}.",
        "{id}.x",
        "{id}.2",
        "{id}.99999999999",
        "{id}.1.1",
        "{id}.²",
        "..",
        "{id}.-1",
    ],
)
def test_what_is_no_id_of_an_entry_is_not_found(german: TestClient, form: str) -> None:
    lexicon = german.get(LEXICONS).json()["items"][0]["id"]
    url = ENTRIES + form.format(id=lexicon)

    assert german.get(url).status_code == 404
    assert german.put(url, json={"grapheme": "a", "alias": "b"}).status_code == 404


def test_a_full_lexicon_takes_no_more(settings: Settings) -> None:
    small = settings.model_copy(update={"max_lexicon_entries": 2})
    with TestClient(create_app(small)) as client:
        first = add(client, "a")
        add(client, "b")
        answer = client.post(ENTRIES, json={"grapheme": "c", "alias": "x"})
        assert problem(answer) == (409, "lexicon-full")
        assert answer.json()["limit"] == 2
        client.delete(f"{ENTRIES}{first['id']}")
        assert add(client, "c")["id"].endswith(".3")


def test_many_who_add_at_once_lose_nothing(client: TestClient) -> None:
    with ThreadPoolExecutor(12) as pool:
        made = list(pool.map(lambda n: add(client, f"w{n}"), range(36)))

    assert len({entry["id"] for entry in made}) == 36
    assert sum(entry["lexicon_created"] for entry in made) == 1
    assert sorted(graphemes(client)) == sorted(f"w{n}" for n in range(36))


def test_another_owners_entries_are_not_there(tmp_path: Path) -> None:
    settings = guarded_settings(tmp_path)
    ann, ben = (
        bearer(asyncio.run(make_key(settings, owner, "creator"))) for owner in ("ann", "ben")
    )
    reader = bearer(asyncio.run(make_key(settings, "ann", "reader")))
    with TestClient(create_app(settings)) as client:
        entry = add(client, "Ann's", headers=ann)
        url = f"{ENTRIES}{entry['id']}"
        body = {"grapheme": "a", "alias": "b"}
        in_hers = body | {"lexicon_id": entry["lexicon_id"]}

        assert client.get(ENTRIES, headers=ben).json()["items"] == []
        for answer in (
            client.get(url, headers=ben),
            client.put(url, json=body, headers=ben),
            client.delete(url, headers=ben),
        ):
            assert problem(answer) == (404, "lexicon-entry-not-found")
        for answer in (
            client.post(ENTRIES, json=in_hers, headers=ben),
            client.get(ENTRIES, params={"lexicon_id": entry["lexicon_id"]}, headers=ben),
        ):
            assert problem(answer) == (404, "lexicon-not-found")

        assert client.get(url, headers=reader).status_code == 200
        assert problem(client.delete(url, headers=reader)) == (403, "permission-missing")
        assert client.get(url, headers=ann).json()["grapheme"] == "Ann's"
