import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from app.cli import main
from tests.conftest import recording
from tests.schema import schema_in


@dataclass(frozen=True)
class Outcome:
    status: int
    stdout: bytes
    stderr: str

    @property
    def text(self) -> str:
        return self.stdout.decode()

    def refused(self, *words: str) -> None:
        """Status 1, told on standard error in plain words, nothing printed."""
        assert self.status == 1, self.stderr
        assert self.stdout == b""
        assert "Traceback" not in self.stderr
        for word in words:
            assert word in self.stderr


Run = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def _schema(tmp_path: Path) -> None:
    """A database that is there is opened sooner than one that is made."""
    schema_in(tmp_path / "data")


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Iterator[Run]:
    """Runs a command in this process."""
    handlers, level = logging.root.handlers[:], logging.root.level

    def call(*args: str, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "argv", ["voice-cloning", *args])
        monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(stdin), "utf-8"))
        status = 0
        try:
            main()
        except SystemExit as ended:
            status = int(ended.code or 0)
        finally:
            logging.root.handlers, logging.root.level = handlers, level
        printed = capfdbinary.readouterr()
        return Outcome(status, printed.out, printed.err.decode())

    yield call
    logging.root.handlers, logging.root.level = handlers, level


@pytest.fixture
def clone(run: Run, tmp_path: Path) -> Callable[..., str]:
    """Registers a voice; returns its id."""

    def call(*args: str, hz: float = 120.0) -> str:
        file = tmp_path / "sample.wav"
        file.write_bytes(recording(hz=hz))
        outcome = run("clone", str(file), *args)
        assert outcome.status == 0, outcome.stderr
        return outcome.text.strip()

    return call
