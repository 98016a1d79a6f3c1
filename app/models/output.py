"""What was spoken, so that a piece of it can be told again: outputs, and the answer to a clip."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from app.audio.types import Samples
from app.models.base import Record
from app.models.history import SpeechSource


class OutputVoice(BaseModel):
    """A voice that speaks in an output, and the consent it had then."""

    model_config = ConfigDict(frozen=True)

    voice_id: str
    consent_id: str | None = None


class Output(Record):
    """Audio that was made. Its id is that of its entry in the history. Nothing of what was said.

    Attributes:
        actor: subject of who had it made.
        voices: all that speak in it, in the order in which they begin.
        duration_s: of what was sent, so far as it came before somebody broke it off.
    """

    actor: str
    request_id: str
    source: SpeechSource
    batch_id: str | None = None
    voices: Sequence[OutputVoice] = ()
    duration_s: float = 0.0


class OutputTrace(Protocol):
    """Listens to one output. Does not wait, and does not raise."""

    def hear(self, samples: Samples, sample_rate: int, voice: OutputVoice | None) -> None:
        """What comes next.

        Args:
            samples: float32 (n,); nobody changes them later.
            voice: that speaks; None for a mere pause.
        """
        ...

    def end(self) -> None:
        """There is no more, for whatever reason."""
        ...


class OutputTracer(Protocol):
    """Remembers how outputs sound."""

    def begin(self, output: Output) -> OutputTrace: ...


_MATCH: dict[str, Any] = {
    "output_id": "9f1c1a52-6d0b-4f53-8a83-0f3a52d1c7ab",
    "request_id": "0f3c1f2e9a7b4c55",
    "created_at": "2026-01-15T10:30:00Z",
    "owner": "team-a",
    "actor": "key:3f2a9c1e",
    "source": "speak",
    "batch_id": None,
    "voices": [
        {
            "voice_id": "550e8400-e29b-41d4-a716-446655440000",
            "consent_id": "7d9f7f5e-2f0b-4f7c-9d51-0c8d3f1f6a52",
        }
    ],
    "duration_s": 8.4,
    "clip_start_s": 0.1,
    "clip_end_s": 2.9,
    "output_start_s": 3.6,
    "output_end_s": 6.4,
    "votes": 58,
    "confidence": 0.99,
}


class OutputMatch(BaseModel):
    """An output of which a piece is in the clip."""

    model_config = ConfigDict(json_schema_extra={"examples": [_MATCH]})

    output_id: str = Field(description="Also the id of its entry in the history, if one is kept.")
    request_id: str = Field(description="Of the request that made it; `-` outside one.")
    created_at: datetime = Field(description="When it ended.")
    owner: str = Field(description="For whom it was made.")
    actor: str = Field(description="Subject of who had it made.")
    source: SpeechSource = Field(description="By which way it was asked for.")
    batch_id: str | None
    voices: list[OutputVoice] = Field(description="All that speak in the whole output.")
    duration_s: float = Field(description="Of the whole output.")
    clip_start_s: float = Field(description="Where in the clip it begins to be recognised.")
    clip_end_s: float
    output_start_s: float = Field(description="The same place in the output.")
    output_end_s: float
    votes: int = Field(description="Landmarks of the clip that agree on this place.")
    confidence: float = Field(
        description="From 0.5, where a match is barely told from chance, to 1."
    )


class Identification(BaseModel):
    """Answer to a clip: the outputs that it has pieces of, the surest first; empty if none is."""

    matches: list[OutputMatch]
    clip_s: float = Field(description="Length of the clip.")
    landmarks: int = Field(
        description="How many the clip has: with few of them nothing can be found."
    )
