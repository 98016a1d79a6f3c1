"""The figures of `bench.voice`, kept as JSON: one file for each phase and speaker."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import TypeAdapter

from bench.data import SENTENCES
from bench.judges import Scores

ENCODERS = ("WeSpeaker", "ECAPA")
CURVE_SENTENCES = SENTENCES[:4]
SECONDS = (3, 6, 12, 24)
ADAPT_MINUTES, LONG_MINUTES = 3, 5


class Phase(StrEnum):
    INSTANT = "instant"
    ADAPTED = "adapted"
    SECONDS = "seconds"
    MINUTES = "minutes"


class Kind(StrEnum):
    """Whose speech was judged."""

    RECORDING = "recording"
    """The clips that voices are made of: what a perfect clone would have."""
    STOCK = "stock"
    """The stock voice that is nearest the recording, as it is."""
    INSTANT = "instant"
    ADAPTED = "adapted"


@dataclass(frozen=True, slots=True)
class Row:
    """One voice, judged.

    Attributes:
        name: what the table calls it.
        at: seconds of speech or minutes of adaptation, on a curve. speech_s: seconds of speech
            in the recording.
        took_s: seconds to make the voice. state_bytes: size of its state. peak_bytes: memory of
            the adaptation.
        slowdown: time for a second of speech, over that of the stock voice.
    """

    kind: Kind
    name: str
    scores: Scores
    at: float = 0.0
    speech_s: float | None = None
    took_s: float | None = None
    state_bytes: int | None = None
    peak_bytes: int | None = None
    slowdown: float | None = None


_ROWS = TypeAdapter(list[Row])


class Results:
    """A folder of results."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def has(self, phase: Phase, speaker: str) -> bool:
        return self._file(phase, speaker).exists()

    def get(self, phase: Phase, speaker: str) -> list[Row]:
        """The rows, none if that was not measured."""
        file = self._file(phase, speaker)
        return _ROWS.validate_json(file.read_bytes()) if file.exists() else []

    def put(self, phase: Phase, speaker: str, rows: list[Row]) -> None:
        file = self._file(phase, speaker)
        unfinished = file.with_suffix(".tmp")
        unfinished.write_bytes(_ROWS.dump_json(rows, indent=1))
        unfinished.replace(file)

    def _file(self, phase: Phase, speaker: str) -> Path:
        return self.folder / f"{phase}-{speaker}.json"
