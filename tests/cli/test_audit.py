import json
import re
from collections.abc import Callable
from pathlib import Path
from shutil import copyfile

import pytest

from app.models.audit_chain import Line
from tests.cli.conftest import Run
from tests.db.trails import VOICE, at, by_hand, events, fill


def rows(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines()]


def test_the_trail_tells_what_the_command_line_did(
    run: Run, clone: Callable[..., str], tmp_path: Path
) -> None:
    voice = clone("--name", "Zebedee")
    run("say", voice, "Hello there.", "--output", str(tmp_path / "a.wav"))
    run("voices", "delete", voice)

    listed = run("audit", "list")

    assert listed.status == 0, listed.stderr
    told = [
        (actor, action, subject, outcome)
        for _, actor, action, subject, _, outcome, *_ in rows(listed.text)
    ]
    assert told == [
        ("local", f"voice.{action}", voice, "ok") for action in ("deleted", "used", "created")
    ]
    assert "Zebedee" not in listed.text


def test_training_is_told(run: Run, clone: Callable[..., str]) -> None:
    voice = clone()
    assert run("adapt", voice, "--minutes", "0.1").status == 0

    listed = run("audit", "list", "--subject", voice, "--action", "voice.trained")

    assert [row[2] for row in rows(listed.text)] == ["voice.trained"]


def test_the_trail_is_filtered_and_paged(run: Run, clone: Callable[..., str]) -> None:
    voice = clone()

    assert len(rows(run("audit", "list", "--since", "2026-01-01").text)) == 1
    assert rows(run("audit", "list", "--until", "2026-01-01T12:00:00").text) == []
    assert rows(run("audit", "list", "--actor", "nobody").text) == []
    run("voices", "delete", voice)
    first = run("audit", "list", "--limit", "1")
    assert len(rows(first.text)) == 1
    cursor = first.stderr.split("--cursor ")[1].strip()
    assert (
        rows(run("audit", "list", "--limit", "1", "--cursor", cursor).text)[0][2] == "voice.created"
    )


@pytest.fixture(scope="module")
def trail(new_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with three events."""
    file = Path(copyfile(new_database, tmp_path_factory.mktemp("trail") / "voices.db"))
    at(f"sqlite:///{file}", lambda database: fill(database, 3))
    return file


@pytest.fixture
def stored(trail: Path, tmp_path: Path) -> Path:
    """That the commands work on."""
    (tmp_path / "data").mkdir(mode=0o700, exist_ok=True)
    return Path(copyfile(trail, tmp_path / "data" / "voices.db"))


@pytest.fixture
def export(run: Run, stored: Path, tmp_path: Path) -> Path:
    file = tmp_path / "audit.jsonl"
    written = run("audit", "export", "--output", str(file))
    assert written.status == 0, written.stderr
    assert "3 events" in written.stderr
    return file


@pytest.fixture(scope="module")
def lines(trail: Path) -> list[str]:
    """Of an export."""
    told = at(f"sqlite:///{trail}", events)
    return [Line.of(event).text() for event in told]


def test_an_export_is_verified_like_the_trail_and_is_not_overwritten(
    run: Run, export: Path
) -> None:
    trail, file = run("audit", "verify"), run("audit", "verify", "--file", str(export))

    assert (trail.status, file.status) == (0, 0)
    assert trail.text == file.text
    noted = trail.text.splitlines()[-1]
    assert re.fullmatch(r"3:[0-9a-f]{64}", noted)
    assert run("audit", "verify", "--expect", noted).status == 0
    assert run("audit", "verify", "--file", str(export), "--expect", noted).status == 0
    assert export.stat().st_mode & 0o077 == 0
    assert run("audit", "export", "--output", "-").stdout == export.read_bytes()
    run("audit", "export", "--output", str(export)).refused("there is a file of that name")
    assert sorted(path.name for path in export.parent.glob("*audit*")) == ["audit.jsonl"]


def test_what_was_done_to_a_trail_by_hand_is_status_1_and_named(run: Run, stored: Path) -> None:
    noted = run("audit", "verify").text.splitlines()[-1]
    by_hand(
        stored,
        "UPDATE audit_events SET outcome = 'engine-failed' WHERE number = 1",
        "DELETE FROM audit_events WHERE number > 1",
    )

    found = run("audit", "verify", "--expect", noted)

    assert found.status == 1
    assert [row[:2] for row in rows(found.text)[:2]] == [["changed", "1"], ["cut", "3"]]


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda lines: [lines[0], lines[2]], "missing\t2"),
        (lambda lines: [lines[1], lines[0], lines[2]], "reordered\t1"),
        (
            lambda lines: [lines[0], lines[0].replace("voice.used", "voice.deleted"), *lines[1:]],
            "changed\t1",
        ),
        (lambda lines: lines[:2], "cut\t3"),
        (lambda lines: [*lines, "x" * 200_000], "unreadable\t4"),
        (lambda lines: [*lines, "[" * 20_000], "unreadable\t4"),
        (lambda lines: [*lines, '{"number": 4}', "[]"], "unreadable\t5"),
        (lambda lines: [*lines, lines[2].replace('"number":3', '"number":3e9')], "unreadable\t4"),
        (lambda lines: [*lines, lines[2].replace(":3,", f":{'9' * 50},", 1)], "unreadable\t4"),
        (lambda lines: [*lines[:2], lines[2].replace('"ok"', '"\\ud800"')], "changed\t3"),
    ],
    ids=["hole", "order", "action", "end", "long", "deep", "fields", "kind", "large", "surrogate"],
)
def test_a_spoilt_export_is_status_1(
    run: Run,
    lines: list[str],
    tmp_path: Path,
    spoil: Callable[[list[str]], list[str]],
    fault: str,
) -> None:
    file = tmp_path / "spoilt.jsonl"
    file.write_text("".join(f"{line}\n" for line in spoil(lines)))
    noted = f"3:{json.loads(lines[2])['digest']}"

    found = run("audit", "verify", "--file", str(file), "--expect", noted)

    assert found.status == 1, found.stderr
    assert fault in found.text


def test_a_part_of_the_trail_is_exported_and_verified(run: Run, export: Path) -> None:
    part = export.with_name("part.jsonl")
    times = [json.loads(line)["at"] for line in export.read_text().splitlines()]
    later = times[1].replace("+00:00", "")[:19]  # the CLI takes whole seconds

    assert run("audit", "export", "--since", later, "--output", str(part)).status == 0
    assert run("audit", "verify", "--file", str(part)).status == 0
    part.unlink()
    assert run("audit", "export", "--until", "2026-01-01", "--output", str(part)).status == 0
    assert part.read_bytes() == b""


def test_bad_input_is_told_of(run: Run, tmp_path: Path) -> None:
    run("audit", "verify", "--expect", "3").refused("NUMBER:DIGEST")
    run("audit", "verify", "--file", str(tmp_path / "none")).refused("cannot be read")
    run("audit", "export", "--output", str(tmp_path / "none" / "a")).refused("cannot be written")
    run("audit", "erase", "local").refused("nothing to erase")


def test_an_erased_voice_is_in_no_event_and_the_trail_verifies(run: Run, stored: Path) -> None:
    erased = run("audit", "erase", VOICE)

    assert erased.text == "erased from 3 events\n"
    listed = run("audit", "list").text
    assert VOICE not in listed
    assert [row[2:4] for row in rows(listed)] == [
        ["audit.erased", "-"],
        *[["voice.used", "erased"]] * 3,
    ]
    assert run("audit", "verify").status == 0
