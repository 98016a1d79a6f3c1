"""What is in a bundle: a voice with all that belongs to it, to be taken elsewhere."""

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.audio.types import RecordingReport
from app.models.voice import VersionMetrics, VoiceMethod

FORMAT: Final = "voice-cloning/bundle.v1"
MANIFEST: Final = "manifest.json"
RECORDINGS: Final = "recordings/"
STATES: Final = "states/"

_Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Number = Annotated[int, Field(ge=1, le=2**31 - 1, strict=True)]
_Word = Annotated[str, Field(min_length=1, max_length=100)]
_Cosine = Annotated[float, Field(ge=-1.01, le=1.01)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class BundledVoice(_Part):
    """What is written about the voice, and where it comes from."""

    id: _Word
    name: str
    description: str | None = None
    language: str | None = None
    consent: str | None = None
    created_at: datetime
    engine: _Word
    active_version: _Number
    similarity: _Cosine | None = None
    adapted_at: datetime | None = None
    adapted_minutes: float | None = Field(None, ge=0, le=1e9)
    report: RecordingReport


class BundledFile(_Part):
    """A file of the bundle. `file`: its path in the zip file."""

    file: str
    sha256: _Digest
    bytes: int = Field(ge=0)


class BundledRecording(BundledFile):
    """A recording, as it was sent."""

    id: _Word
    filename: str
    report: RecordingReport | None = None
    refused: str | None = None


class BundledVersion(BundledFile):
    """A state of the voice that can be spoken by the engine that made it."""

    number: _Number
    method: VoiceMethod
    engine: _Word
    state_format: _Word
    similarity: _Cosine | None = None
    metrics: VersionMetrics | None = None
    compared_with: _Number | None = None
    created_at: datetime


class BundleManifest(_Part):
    """`manifest.json` of a bundle."""

    format: Literal["voice-cloning/bundle.v1"] = FORMAT
    voice: BundledVoice
    recordings: list[BundledRecording]
    versions: list[BundledVersion]
