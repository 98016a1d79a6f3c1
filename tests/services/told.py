"""Syntheses that have ended, as speaking tells of them, without speaking."""

from typing import Any
from uuid import uuid4

from app.audio.types import RecordingReport
from app.models.history import SpeechSource, SpeechStatus
from app.models.speech import SpeechRequest, Spoken
from app.models.voice import Voice

AUDIO = b"RIFF, or so"


def a_voice(owner: str = "local", **fields: Any) -> Voice:
    report = RecordingReport(
        duration_s=12.4,
        sample_rate=22050,
        channels=1,
        codec="pcm_s16le",
        speech_s=10.1,
        snr_db=None,
        clipped=0.0,
        loudness_lufs=-21.3,
        peak_dbfs=-3.1,
        bandwidth_hz=10500.0,
        speakers=1,
        warnings=[],
    )
    defaults: dict[str, Any] = {
        "name": "My Voice",
        "description": None,
        "filename": "sample.wav",
        "duration_s": 12.4,
        "sample_rate": 22050,
        "engine": "fake",
        "state_format": "fake/pitch.v1",
        "similarity": 0.6,
        "report": report,
    }
    return Voice(owner=owner, **(defaults | fields))


def told(voice: Voice, text: str = "Hello there.", **fields: Any) -> Spoken:
    """Fields of the request that differ from the usual ones are `request_<name>`."""
    asked = {
        name.removeprefix("request_"): fields.pop(name)
        for name in list(fields)
        if name.startswith("request_")
    }
    defaults: dict[str, Any] = {
        "id": str(uuid4()),
        "owner": voice.owner,
        "source": SpeechSource.SPEAK,
        "status": SpeechStatus.OK,
        "sample_rate": 24000,
        "duration_s": 1.5,
        "first_audio_s": 0.2,
        "total_s": 0.3,
        "content": AUDIO,
    }
    request = SpeechRequest(**({"text": text, "voice": voice.id} | asked))
    return Spoken(voice=voice, request=request, **(defaults | fields))
