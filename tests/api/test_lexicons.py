"""Lexicons, their versions and files of them, over HTTP."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from app.core.config import Settings
from app.models.lexicon import Lexicon, LexiconContent
from tests.api.access_table import bearer, guarded_settings, make_key
from tests.api.lexicons import ENTRIES, LEXICONS, add, graphemes, make, problem, send
from tests.speaking import create_app


def test_a_lexicon_is_made_shown_listed_changed_and_deleted(client: TestClient) -> None:
    created = client.post(LEXICONS, json={"name": " Place  names ", "language": "EN-us"})
    lexicon = created.json()
    url = f"{LEXICONS}/{lexicon['id']}"

    assert created.status_code == 201
    assert created.headers["Location"] == url
    assert (lexicon["name"], lexicon["language"]) == ("Place names", "en-US")
    assert (lexicon["revision"], lexicon["entries"], lexicon["is_default"]) == (0, 0, False)
    assert client.get(url).json() == lexicon
    other = make(client, "Other")
    assert client.get(LEXICONS).json()["items"] == [other, lexicon]
    assert client.get(f"{LEXICONS}/").json()["items"] == [other, lexicon]
    page = client.get(LEXICONS, params={"limit": 1}).json()
    assert page["items"] == [other]
    assert client.get(LEXICONS, params={"cursor": page["cursor"]}).json()["items"] == [lexicon]

    changed = client.put(url, json={"description": "Towns.", "language": None, "is_default": True})
    assert changed.status_code == 200
    assert changed.json() | {"updated_at": "", "version": 0} == lexicon | {
        "description": "Towns.", "language": None, "is_default": True, "updated_at": "",
        "version": 0,
    }  # fmt: skip
    assert client.get(url).json() == changed.json()

    add(client, "a", lexicon_id=lexicon["id"])
    erased = client.delete(url)
    assert erased.json() == {"lexicon_id": lexicon["id"], "entries": 1, "voices": 0}
    for answer in (client.get(url), client.delete(url), client.put(url, json={})):
        assert problem(answer) == (404, "lexicon-not-found")
    assert client.get(LEXICONS).json()["items"] == [other]


def test_two_lexicons_cannot_have_one_name(client: TestClient) -> None:
    make(client, "Places")
    other = make(client, "Names")
    same = {"name": "Places"}

    assert problem(client.post(LEXICONS, json=same)) == (409, "lexicon-exists")
    renamed = client.put(f"{LEXICONS}/{other['id']}", json=same)
    assert problem(renamed) == (409, "lexicon-exists")
    assert client.put(f"{LEXICONS}/{other['id']}", json={"name": "Names"}).status_code == 200


def test_at_most_three_hold_by_default(client: TestClient) -> None:
    made = [make(client, f"l{number}", is_default=True) for number in range(3)]
    wanted = {"name": "l4", "is_default": True}

    assert problem(client.post(LEXICONS, json=wanted)) == (409, "too-many-lexicons")
    fourth = make(client, "l4")
    url = f"{LEXICONS}/{fourth['id']}"
    assert problem(client.put(url, json={"is_default": True})) == (409, "too-many-lexicons")
    assert client.put(f"{LEXICONS}/{made[0]['id']}", json={"is_default": True}).status_code == 200
    client.put(f"{LEXICONS}/{made[0]['id']}", json={"is_default": False})
    assert client.put(url, json={"is_default": True}).status_code == 200
    assert add(client, "word")["lexicon_is_default"] is False


def test_an_owner_has_no_more_lexicons_than_the_operator_allows(settings: Settings) -> None:
    few = settings.model_copy(update={"max_lexicons_per_owner": 2})
    with TestClient(create_app(few)) as client:
        make(client, "one")
        make(client, "two")
        for answer in (
            client.post(LEXICONS, json={"name": "three"}),
            client.post(ENTRIES, json={"grapheme": "a", "alias": "b"}),
            send(client, "grapheme,alias\na,b\n", lexicon_name="three"),
        ):
            assert problem(answer) == (409, "too-many-lexicons")


def test_if_match_keeps_from_losing_the_change_of_another(client: TestClient) -> None:
    lexicon = make(client)
    url = f"{LEXICONS}/{lexicon['id']}"
    tag = client.get(url).headers["ETag"]
    add(client, "a", lexicon_id=lexicon["id"])

    for late in ({"headers": {"If-Match": tag}}, {"json": {"version": lexicon["version"]}}):
        answer = client.put(url, **({"json": {"name": "New"}} | late))
        assert problem(answer) == (409, "version-conflict")
    tag = client.get(url).headers["ETag"]
    assert client.put(url, json={"name": "New"}, headers={"If-Match": tag}).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "  "},
        {"name": "x" * 201},
        {"name": "a\u0000b"},
        {"name": "a", "language": "english"},
        {"name": "a", "description": "x" * 2001},
        {"name": "a", "description": "a\u0007"},
        {"name": "a", "is_default": "yes"},
        {"name": "a", "entries": []},
    ],
    ids=lambda body: str(body)[:40],
)
def test_what_cannot_be_a_lexicon_is_refused(shared: TestClient, body: dict[str, Any]) -> None:
    assert problem(shared.post(LEXICONS, json=body)) == (400, "invalid-request")
    if body:
        lexicon = make(shared)
        changed = shared.put(f"{LEXICONS}/{lexicon['id']}", json=body)
        assert problem(changed) == (400, "invalid-request")
        shared.delete(f"{LEXICONS}/{lexicon['id']}")


def test_each_change_makes_a_version_that_can_be_brought_back(client: TestClient) -> None:
    lexicon = make(client)["id"]
    url = f"{LEXICONS}/{lexicon}"
    first = add(client, "a", lexicon_id=lexicon)
    add(client, "b", lexicon_id=lexicon)
    client.delete(f"{ENTRIES}{first['id']}")
    client.put(url, json={"name": "New"})  # no version: the entries are as they were

    versions = client.get(f"{url}/versions").json()
    assert [(v["number"], v["entries"], v["current"]) for v in versions["items"]] == [
        (3, 1, True), (2, 2, False), (1, 1, False),
    ]  # fmt: skip
    assert versions["items"][0]["comment"] == "entry deleted"

    restored = client.post(f"{url}/versions/2/restore")
    assert restored.status_code == 200
    assert (restored.json()["revision"], restored.json()["entries"]) == (4, 2)
    assert restored.json()["name"] == "New"
    assert graphemes(client, lexicon_id=lexicon) == ["a", "b"]
    assert client.get(f"{ENTRIES}{first['id']}").status_code == 200
    assert client.get(f"{url}/versions").json()["items"][0]["comment"] == "version 2 restored"
    assert add(client, "c", lexicon_id=lexicon)["id"] == f"{lexicon}.3"

    for number, code in (("9", 404), ("0", 400), ("x", 400)):
        assert client.post(f"{url}/versions/{number}/restore").status_code == code
    gone = client.post(f"{url}/versions/9/restore")
    assert problem(gone) == (404, "lexicon-version-not-found")


@pytest.mark.parametrize(
    ("form", "media_type", "beginning"),
    [
        ("csv", "text/csv", "grapheme,alias,"),
        ("json", "application/json", '{\n "lexicon"'),
        ("pls", "application/pls+xml", "<?xml"),
    ],
)
def test_a_lexicon_is_exported_and_can_be_uploaded_again(
    client: TestClient, form: str, media_type: str, beginning: str
) -> None:
    lexicon = make(client, language="en-US")["id"]
    add(client, "=SUM", "a <b> & c", lexicon_id=lexicon, note="one", part_of_speech="noun")
    body = {"grapheme": "Köln", "phonemes": "ˈkœln", "alphabet": "ipa", "case_sensitive": True}
    client.post(ENTRIES, json=body | {"lexicon_id": lexicon, "word_boundaries": False})
    file = client.get(f"{LEXICONS}/{lexicon}/export", params={"format": form})

    assert file.status_code == 200
    assert file.headers["Content-Type"].startswith(media_type)
    assert file.headers["Content-Disposition"] == f'attachment; filename="lexicon-2.{form}"'
    assert (file.headers["X-Parts"], file.headers["X-Entries-Left-Out"]) == ("1", "0")
    assert file.text.startswith(beginning)

    again = send(client, file.content, "words", lexicon_name="again", language="en-US", format=form)
    assert again.status_code == 200, again.text

    def entries(lexicon_id: str) -> list[dict[str, Any]]:
        listed = client.get(ENTRIES, params={"lexicon_id": lexicon_id}).json()["items"]
        own = ("id", "lexicon_id", "revision", "created_at", "updated_at")
        return [{key: value for key, value in item.items() if key not in own} for item in listed]

    assert entries(again.json()["lexicon_id"]) == entries(lexicon)


def test_an_earlier_version_is_exported(client: TestClient) -> None:
    lexicon = make(client)["id"]
    add(client, "a", lexicon_id=lexicon)
    add(client, "b", lexicon_id=lexicon)
    url = f"{LEXICONS}/{lexicon}/export"

    file = client.get(url, params={"format": "json", "version": 1}).json()
    assert [entry["grapheme"] for entry in file["entries"]] == ["a"]
    assert file["lexicon"]["revision"] == 1
    gone = client.get(url, params={"version": 3})
    assert problem(gone) == (404, "lexicon-version-not-found")
    assert client.get(f"{LEXICONS}/{make(client, 'empty')['id']}/export").text.startswith("graph")


def test_pls_of_several_languages_and_large_ones_for_azure_have_parts(client: TestClient) -> None:
    lexicon = make(client, language="en-US")["id"]
    rows = [{"grapheme": f"w{n}", "alias": "x" * 300} for n in range(500)]
    rows.append({"grapheme": "Köln", "alias": "Kölle", "language": "de-DE"})
    table = "grapheme,alias,language\n" + "".join(
        f"{row['grapheme']},{row['alias']},{row.get('language', '')}\n" for row in rows
    )
    assert send(client, table, lexicon_id=lexicon).status_code == 200
    url = f"{LEXICONS}/{lexicon}/export"

    w3c = client.get(url, params={"format": "pls", "part": 2})
    assert w3c.headers["X-Parts"] == "2"
    assert 'xml:lang="de-DE"' in w3c.text
    asked = {"format": "pls", "target": "azure"}
    first = client.get(url, params=asked)
    parts = int(first.headers["X-Parts"])
    files = [client.get(url, params=asked | {"part": n}) for n in range(1, parts + 1)]
    assert parts > 2
    assert all(len(file.content) <= 100_000 for file in files)
    assert sum(file.text.count("<lexeme>") for file in files) == 501
    assert files[1].headers["Content-Disposition"].endswith('-2.pls"')
    beyond = client.get(url, params=asked | {"part": parts + 1})
    assert problem(beyond) == (400, "invalid-request")


def test_azure_wants_a_language(client: TestClient) -> None:
    add(client, "a")
    lexicon = client.get(LEXICONS).json()["items"][0]["id"]
    url, asked = f"{LEXICONS}/{lexicon}/export", {"format": "pls", "target": "azure"}

    assert problem(client.get(url, params=asked)) == (400, "invalid-request")
    assert 'xml:lang="en-US"' in client.get(url, params=asked | {"language": "en-us"}).text
    assert problem(client.get(url, params=asked | {"language": "x"})) == (400, "invalid-request")


def change(client: TestClient, voice: str, **fields: Any) -> Any:
    url = f"/api/v1/voices/{voice}"
    version = client.get(url).json()["version"]
    return client.put(url, json={"version": version} | fields)


def test_a_voice_has_lexicons_until_they_are_deleted(
    client: TestClient, register: Callable[..., str]
) -> None:
    voice, other = register(), register(hz=200.0)
    ids = [make(client, f"l{number}")["id"] for number in range(4)]
    assert client.get(f"/api/v1/voices/{voice}").json()["lexicon_ids"] == []

    changed = change(client, voice, lexicon_ids=ids[2::-1])
    assert changed.status_code == 200
    assert changed.json()["lexicon_ids"] == ids[2::-1]
    change(client, other, lexicon_ids=[ids[0]])
    change(client, voice, name="New")
    assert client.get(f"/api/v1/voices/{voice}").json()["lexicon_ids"] == ids[2::-1]

    assert client.delete(f"{LEXICONS}/{ids[0]}").json()["voices"] == 2
    assert client.get(f"/api/v1/voices/{voice}").json()["lexicon_ids"] == [ids[2], ids[1]]
    assert client.get(f"/api/v1/voices/{other}").json()["lexicon_ids"] == []
    assert change(client, voice, lexicon_ids=None).json()["lexicon_ids"] == []

    gone = change(client, voice, lexicon_ids=[ids[1], ids[0]])
    assert problem(gone) == (404, "lexicon-not-found")
    for wrong in (ids, [ids[1], ids[1]], "x", [7]):
        assert problem(change(client, voice, lexicon_ids=wrong)) == (400, "invalid-request")


def test_another_owners_lexicons_are_not_there(tmp_path: Path) -> None:
    settings = guarded_settings(tmp_path)
    ann, ben = (
        bearer(asyncio.run(make_key(settings, owner, "creator"))) for owner in ("ann", "ben")
    )
    with TestClient(create_app(settings)) as client:
        lexicon = make(client, headers=ann)["id"]
        assert make(client, headers=ben)["id"] != lexicon  # of the same name
        url = f"{LEXICONS}/{lexicon}"

        assert [one["id"] for one in client.get(LEXICONS, headers=ann).json()["items"]] == [lexicon]
        for method, path, body in (
            ("GET", url, None),
            ("PUT", url, {"name": "Mine"}),
            ("DELETE", url, None),
            ("GET", f"{url}/versions", None),
            ("GET", f"{url}/export", None),
            ("POST", f"{url}/versions/1/restore", None),
        ):
            answer = client.request(method, path, json=body, headers=ben)
            assert problem(answer) == (404, "lexicon-not-found")
        assert client.get(url, headers=ann).json()["name"] == "Places"


def test_what_is_done_to_lexicons_is_in_the_audit_trail(client: TestClient) -> None:
    lexicon = make(client)["id"]
    add(client, "a", lexicon_id=lexicon)
    client.put(f"{LEXICONS}/{lexicon}", json={"name": "New"})
    client.delete(f"{LEXICONS}/{lexicon}")
    events = client.get("/api/v1/audit", params={"subject_id": lexicon}).json()["items"]

    assert [event["action"] for event in events] == [
        "lexicon.deleted", "lexicon.changed", "lexicon.changed", "lexicon.created",
    ]  # fmt: skip
    assert {event["subject_id"] for event in events} == {lexicon}


def test_an_unknown_lexicon_is_not_found(client: TestClient) -> None:
    for wanted in (str(uuid4()), "default", "..%2F", "x" * 200):
        assert client.get(f"{LEXICONS}/{wanted}").status_code == 404


def test_a_start_sweeps_what_a_killed_deletion_has_left(settings: Settings) -> None:
    with TestClient(create_app(settings)) as client:
        lexicon = add(client, "a")["lexicon_id"]
        app: Any = client.app
        assert client.portal is not None
        client.portal.call(app.state.context.database.collection(Lexicon).delete, lexicon)
    with TestClient(create_app(settings)) as client:
        contents = client.app.state.context.database.collection(LexiconContent)  # type: ignore[attr-defined]
        assert client.portal is not None
        assert client.portal.call(contents.list).items == []
