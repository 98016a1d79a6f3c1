"""`voice-cloning adapt`, as a shell sees it."""

import ctypes
import json
import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.engines.fake import read_back
from tests.audio.signals import read_pcm
from tests.engines.test_registry import install

pytestmark = pytest.mark.services

# The fake engine, but its trainings never come to their end.
_TGKILL = 234  # number of the system call on x86_64

ENDLESS = """
import asyncio
from dataclasses import replace
from app.engines.fake import FakeEngine

class Endless(FakeEngine):
    info = replace(FakeEngine.info, name="endless")

    async def train(self, recordings, start, *, options):
        async for event in super().train(recordings, start, options=options):
            if event.progress == 1.0:
                await asyncio.Event().wait()
            yield event

def create(options):
    return Endless()
"""

STILL = """
from dataclasses import replace
from app.engines.fake import FakeEngine
class Still(FakeEngine):
    info = replace(FakeEngine.info, name="still", trainable=False)

def create(options):
    return Still()
"""


def heard(run, voice: str) -> bytes:
    said = run("say", voice, "Yes.", "-o", "-", "--format", "pcm")
    return read_back(read_pcm(said.stdout))[0][0]


def test_an_adapted_voice_sounds_otherwise_and_the_likeness_is_told(run, clone):
    voice = clone("--name", "Anna [x]")
    before = heard(run, voice)

    first = run("adapt", "Anna [x]", "--minutes", "0.5")
    second = run("adapt", voice)

    assert (first.status, first.stdout) == (0, b"")
    assert heard(run, voice) != before
    assert "adapted 'Anna [x]': similarity 0.95 (same speaker very likely)" in first.stderr
    assert "before not measured" in first.stderr
    assert "before 0.95 (same speaker very likely)" in second.stderr
    shown = json.loads(run("voices", "show", voice).text)
    assert shown["adapted_minutes"] == 3.5
    assert shown["similarity"] > 0.95


def test_progress_is_told_in_plain_lines_when_piped(run, clone):
    lines = run("adapt", clone(), "--minutes", "1").stderr.splitlines()

    assert [line.split()[0] for line in lines[:-1]] == ["0%", "25%", "50%", "75%", "100%"]
    assert lines[0] == "0% listening to the recording"
    assert lines[1] == "25% step 1 of 4, similarity 0.60"


def test_the_seed_decides(run, clone):
    voices = [clone() for _ in range(3)]
    for voice, seed in zip(voices, ("1", "1", "2"), strict=True):
        assert run("adapt", voice, "--seed", seed).status == 0

    one, again, other = [heard(run, voice) for voice in voices]

    assert one == again != other


def test_an_unknown_voice_is_refused(run):
    run("adapt", "nobody").refused("There is no voice 'nobody'")


@pytest.mark.parametrize("minutes", ["0", "0.05", "61", "nan", "-3", "many"])
def test_minutes_out_of_range_are_refused(run, clone, minutes):
    voice = clone()
    outcome = run("adapt", voice, "--minutes", minutes)

    assert outcome.status in (1, 2)
    assert outcome.stdout == b""
    assert "minutes" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert json.loads(run("voices", "show", voice).text)["adapted_at"] is None


def test_an_engine_that_cannot_do_it_says_so(run, clone, tmp_path, monkeypatch):
    install(tmp_path, "still_engine", STILL, engine="still")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("VOICE_ENGINE", "still")

    run("adapt", clone()).refused("'still' cannot adapt voices", "VOICE_ENGINE")


def _stays(task: Path) -> bool:
    """Whether it is a thread of the runtime that reads and writes files."""
    try:
        return (task / "comm").read_text().startswith("tokio")
    except (FileNotFoundError, ProcessLookupError):
        return False


def _interrupt(pid: int) -> None:
    """Ctrl-C, handed to a thread that is not the main one, while that waits, where we can."""
    tasks = Path(f"/proc/{pid}/task")
    # One that stays: what is sent to a thread that is about to end is lost.
    others = [task.name for task in tasks.glob("*") if _stays(task)] if tasks.exists() else []
    if platform.machine() != "x86_64" or not others:
        os.kill(pid, signal.SIGINT)
        return
    waits = (") S " in (tasks / str(pid) / "stat").read_text() for _ in range(100_000))
    assert any(waits), "the main thread never waits"
    assert ctypes.CDLL(None).syscall(_TGKILL, pid, int(others[0]), signal.SIGINT) == 0


@pytest.mark.services
@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell's Ctrl-C")
def test_ctrl_c_leaves_the_voice_as_it_was_and_says_so(run, clone, tmp_path, monkeypatch):
    install(tmp_path, "endless_engine", ENDLESS, engine="endless")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("VOICE_ENGINE", "endless")
    voice = clone("--name", "Anna")
    before = run("voices", "show", voice).text

    with subprocess.Popen(
        [sys.executable, "-m", "app.cli", "adapt", "Anna"],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while not (line := process.stderr.readline()).startswith("75%"):
            assert line, "it ended"
        _interrupt(process.pid)
        printed, told = process.communicate(timeout=30)

    assert process.returncode == 130
    assert printed == ""
    assert told.splitlines() == ["stopped: 'Anna' is as it was"]
    assert run("voices", "show", voice).text == before
    files = [path for path in (tmp_path / "data" / "embeddings").rglob("*") if path.is_file()]
    assert len(files) == 1
