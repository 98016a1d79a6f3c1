"""The audio types that pass between layers. Inside, audio is always float32 mono."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

Samples = NDArray[np.float32]
"""float32, shape (n,), mono, [-1, 1]."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A piece of somebody's speech.

    Attributes:
        samples: float32 (n,), mono, [-1, 1].
        sample_rate: in Hz.
        transcript: what is said, if known.
        language: BCP-47 tag, if known.
    """

    samples: Samples
    sample_rate: int
    transcript: str | None = None
    language: str | None = None

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.sample_rate


@dataclass(frozen=True, slots=True)
class WordTiming:
    """When a word is spoken, in seconds from the start of its chunk.

    `word` is as in the text, without the punctuation around it; see `app.text.words`. `text_start`
    and `text_end` are its offsets in the text.
    """

    word: str
    start_s: float
    end_s: float
    text_start: int
    text_end: int


@dataclass(frozen=True, slots=True)
class SpeechChunk:
    """A piece of synthesized speech.

    Attributes:
        samples: float32 (n,), n >= 1, mono, [-1, 1].
        sample_rate: in Hz, the same for all chunks of an engine.
        text_start: offset of the first character spoken, in the text of the request.
        text_end: offset behind the last character spoken; that of the start where a chunk goes on
            with what the one before it has begun.
        words: all words of the text, in order; empty where the engine has no timings.
    """

    samples: Samples
    sample_rate: int
    text_start: int
    text_end: int
    words: tuple[WordTiming, ...] = ()

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.sample_rate


class AudioFormat(StrEnum):
    """What audio can be returned as."""

    WAV = "wav"
    MP3 = "mp3"
    FLAC = "flac"
    OPUS = "opus"
    AAC = "aac"
    PCM = "pcm"
    MULAW = "mulaw"


class RecordingReport(BaseModel):
    """What was measured in an uploaded recording, before anything was done to it."""

    model_config = ConfigDict(frozen=True)

    duration_s: float = Field(description="Length of the recording in seconds.")
    sample_rate: int = Field(description="Sample rate of the file in Hz.")
    channels: int = Field(description="Channels of the file; they are mixed to one.")
    codec: str = Field(description="Codec of the file, e.g. `pcm_s16le`.")
    speech_s: float = Field(description="Seconds in which somebody speaks.")
    snr_db: float | None = Field(
        description="Level of the speech over the level between it, in dB; null if never silent."
    )
    clipped: float = Field(description="Share of the speech samples that are clipped, 0 to 1.")
    loudness_lufs: float = Field(description="Integrated loudness (ITU-R BS.1770) in LUFS.")
    peak_dbfs: float = Field(description="Highest sample in dBFS.")
    bandwidth_hz: float = Field(description="Frequency up to which there is speech energy, in Hz.")
    speakers: int | None = Field(
        description="Number of different speakers found: 1, or 2 for two or more; null if unsure."
    )
    warnings: list[str] = Field(
        default_factory=list, description="What would make the voice better, in plain words."
    )
