from collections.abc import Callable
from pathlib import Path

from tests.cli.conftest import Run


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
