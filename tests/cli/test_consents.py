"""The commands about consents, beside a server."""

import re
from pathlib import Path

import pytest

from tests.cli.conftest import Outcome, Run
from tests.conftest import recording
from tests.consents.speakers import says

WHO = ("--speaker", "Ann Smith", "--company", "Contoso", "--purpose", "Audio books.")


@pytest.fixture(autouse=True)
def _policy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody has to agree, and it is enough to say so."""
    monkeypatch.setenv("AUTH_MODE", "api_key")
    monkeypatch.setenv("CONSENT_POLICY", "attest")
    monkeypatch.setenv("CONSENT_ERASURE_DAYS", "0")


def attested(run: Run) -> str:
    outcome = run("consents", "add", *WHO, "--signed-by", "Bob Jones")
    assert outcome.status == 0, outcome.stderr
    assert "verified" in outcome.stderr
    return outcome.text.strip()


def cloned(run: Run, tmp_path: Path, *more: str) -> str:
    (tmp_path / "a.wav").write_bytes(recording())
    outcome = run("clone", str(tmp_path / "a.wav"), *more)
    assert outcome.status == 0, outcome.stderr
    return outcome.text.strip()


def said(run: Run, tmp_path: Path, voice: str) -> Outcome:
    return run("say", voice, "Hello.", "--output", str(tmp_path / "said.wav"))


def rows(run: Run, *more: str) -> list[list[str]]:
    return [line.split("\t") for line in run("consents", "list", *more).text.splitlines()]


def test_a_voice_speaks_under_a_consent_until_that_is_revoked(run: Run, tmp_path: Path) -> None:
    silent = cloned(run, tmp_path)
    said(run, tmp_path, silent).refused("no consent")
    consent = attested(run)

    assert run("consents", "bind", consent, silent).status == 0
    other = cloned(run, tmp_path, "--consent-id", consent)

    assert said(run, tmp_path, silent).status == said(run, tmp_path, other).status == 0
    assert rows(run) == [[consent, "Ann Smith", "Contoso", "en", "attested", "verified", "local"]]
    shown = run("consents", "show", consent).text
    assert "purpose\tAudio books." in shown
    assert "signed_by\tBob Jones" in shown
    assert run("consents", "revoke", consent).status == 0
    said(run, tmp_path, silent).refused("revoked")
    said(run, tmp_path, other).refused()


def test_a_sweep_erases_what_revoked_consents_have_left(run: Run, tmp_path: Path) -> None:
    consent = attested(run)
    voice = cloned(run, tmp_path, "--consent-id", consent)
    assert "consents" not in run("storage", "sweep").text
    assert run("consents", "revoke", consent).status == 0

    swept = run("storage", "sweep")

    assert "1 consents, with their voices" in swept.text
    run("voices", "show", voice).refused("There is no voice")
    run("consents", "show", consent).refused("There is no consent")


def test_deleting_erases_at_once(run: Run, tmp_path: Path) -> None:
    consent = attested(run)
    voice = cloned(run, tmp_path, "--consent-id", consent)

    assert run("consents", "delete", consent).status == 0

    run("voices", "show", voice).refused("There is no voice")
    run("consents", "delete", consent).refused("There is no consent")


def test_a_statement_is_read_and_its_recording_checked(run: Run, tmp_path: Path) -> None:
    outcome = run("consents", "statement", "--speaker", "Ann Smith", "--company", "Contoso")
    assert "Ann Smith" in outcome.text
    (statement,) = re.findall(r"statement ([0-9a-f-]{36})", outcome.stderr)
    (tmp_path / "read.wav").write_bytes(recording())  # which says something else

    kept = run(
        "consents", "add", *WHO, "--file", str(tmp_path / "read.wav"), "--statement-id", statement
    )

    assert kept.status == 1
    assert "the consent is rejected" in kept.stderr
    again = ("--file", str(tmp_path / "read.wav"), "--statement-id", statement)
    run("consents", "add", *WHO, *again).refused("no such statement")


def test_a_review_is_ended_once(run: Run, tmp_path: Path) -> None:
    outcome = run("consents", "statement")
    (statement,) = re.findall(r"statement ([0-9a-f-]{36})", outcome.stderr)
    (tmp_path / "read.wav").write_bytes(says(outcome.text.strip().replace("…", "mumble")))
    read = ("--file", str(tmp_path / "read.wav"), "--statement-id", statement)
    added = run("consents", "add", *WHO, *read)
    assert added.status == 0, added.stderr
    assert "the consent is needs-review" in added.stderr
    consent = added.text.strip()
    assert [row[0] for row in rows(run, "--reviews")] == [consent]

    decided = run("consents", "review", consent, "--reject", "--note", "Called her.")

    assert "the consent is rejected" in decided.stderr
    assert "Decided: Called her." in run("consents", "show", consent).text
    assert rows(run, "--reviews") == []
    run("consents", "review", consent, "--verify").refused("not under review")


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (("add", *WHO), "neither a recording nor anybody who signs"),
        (("add", *WHO, "--file", "nowhere.wav", "--statement-id", "x"), "nowhere.wav"),
        (("statement", "--language", "tlh"), "tlh"),
        (("show", "nothing"), "no consent"),
        (("revoke", "nothing"), "no consent"),
        (("review", "nothing", "--verify"), "no consent"),
        (("bind", "nothing", "nobody"), "no voice"),
    ],
)
def test_what_cannot_be_done_is_told(run: Run, args: tuple[str, ...], word: str) -> None:
    run("consents", *args).refused(word)
