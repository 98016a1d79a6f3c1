"""The commands about API keys: they work beside a server, and the server knows at once."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from app.models.api_key import is_key
from tests.api.access_table import bearer, guarded_settings
from tests.cli.conftest import Run


def make(run: Run, *args: str) -> str:
    outcome = run("keys", "create", "--name", "web shop", "--scope", "speaker", *args)
    assert outcome.status == 0, outcome.stderr
    return outcome.text.rstrip("\n")


def listed(run: Run, *args: str) -> list[list[str]]:
    return [line.split("\t") for line in run("keys", "list", *args).text.splitlines()]


def test_create_prints_nothing_but_the_key(run: Run) -> None:
    outcome = run(
        "keys", "create", "--name", "web shop", "--scope", "speaker", "--scope", "reader",
        "--owner", "ann", "--expires-days", "30",
    )  # fmt: skip

    assert outcome.status == 0, outcome.stderr
    key = outcome.text.rstrip("\n")
    assert is_key(key)
    assert key not in outcome.stderr
    for word in ("speaker", "reader", "ann", "not shown again"):
        assert word in outcome.stderr


def test_the_list_shows_all_but_the_key(run: Run) -> None:
    first, second = make(run, "--owner", "ann"), make(run)

    rows = listed(run)

    assert [row[4] for row in rows] == ["local", "ann"]
    assert [row[1] for row in rows] == [second[:10], first[:10]]
    assert first[12:] not in str(rows)
    assert rows[0][6:] == ["never", "valid"]
    assert [row[4] for row in listed(run, "--owner", "ann")] == ["ann"]


def test_a_running_server_knows_new_and_revoked_keys_at_once(run: Run, tmp_path: Path) -> None:
    with TestClient(create_app(guarded_settings(tmp_path / "data"))) as client:
        key = make(run, "--owner", "ann")
        assert client.get("/voices", headers=bearer(key)).status_code == 200
        outcome = run("keys", "revoke", listed(run)[0][0])
        assert outcome.status == 0, outcome.stderr
        assert client.get("/voices", headers=bearer(key)).status_code == 401
    assert listed(run)[0][-1] == "revoked"


def test_the_default_owner_has_the_voices_of_the_command_line(
    run: Run, clone, tmp_path: Path
) -> None:
    voice = clone()
    keys = make(run), make(run, "--owner", "ann")

    with TestClient(create_app(guarded_settings(tmp_path / "data"))) as client:
        statuses = [client.get(f"/voices/{voice}", headers=bearer(key)).status_code for key in keys]

    assert statuses == [200, 404]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--owner", "a b"], ["owner"]),
        (["--expires-days", "0"], ["expires_days"]),
        (["--name", "\x1b[31m"], ["name"]),
    ],
)
def test_a_key_that_makes_no_sense_is_refused_in_words(
    run: Run, args: list[str], words: list[str]
) -> None:
    run("keys", "create", "--name", "web shop", "--scope", "speaker", *args).refused(*words)
    assert listed(run) == []


@pytest.mark.parametrize("scope", [[], ["--scope", "boss"]])
def test_scopes_are_roles_and_needed(run: Run, scope: list[str]) -> None:
    outcome = run("keys", "create", "--name", "web shop", *scope)

    assert outcome.status == 2
    assert "scope" in outcome.stderr


def test_a_key_that_is_not_there_cannot_be_revoked(run: Run) -> None:
    run("keys", "revoke", "550e8400-e29b-41d4-a716-446655440000").refused("keys list")


def test_on_a_terminal_a_name_is_shown_as_it_is(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "[/shop] :key:"
    assert run("keys", "create", "--name", name, "--scope", "speaker").status == 0
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "400")

    outcome = run("keys", "list")

    assert outcome.status == 0, outcome.stderr
    assert all(part in outcome.text for part in name.split())  # it may be wrapped
