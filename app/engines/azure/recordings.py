"""Recordings as Azure takes them: WAV, 5 to 90 s."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from app.audio.dsp import resample
from app.audio.encode import encode_all
from app.audio.types import AudioFormat, Recording, Samples
from app.core.exceptions import RecordingTooShort

RATE: Final = 24_000
SHORTEST_S: Final = 5.0
LONGEST_S: Final = 90.0


def prompts(recordings: Sequence[Recording]) -> list[bytes]:
    """Files of 5 s and more, 90 s together: so they fit whether Azure means each or all of them.
    Short recordings are put together, and what is too much is left out. Blocks.

    Raises:
        RecordingTooShort: there are not 5 s.
    """
    parts: list[Samples] = []
    part, room = np.zeros(0, np.float32), round(LONGEST_S * RATE)
    for recording in recordings:
        samples = resample(recording.samples, recording.sample_rate, RATE)[:room]
        room -= len(samples)
        part = np.concatenate([part, samples])
        if len(part) >= SHORTEST_S * RATE:
            parts.append(part)
            part = np.zeros(0, np.float32)
    if parts and len(part):
        parts[-1] = np.concatenate([parts[-1], part])
    if not parts:
        raise RecordingTooShort(
            f"There are {len(part) / RATE:.1f} s of speech in the recording; Azure needs "
            f"{SHORTEST_S:g} s.",
            "Send 5 to 90 seconds of clear speech.",
            measured=round(len(part) / RATE, 3),
            limit=SHORTEST_S,
        )
    return [wav(one) for one in parts]


def wav(samples: Samples) -> bytes:
    """A file of samples of 24 kHz."""
    return encode_all(samples, AudioFormat.WAV, input_rate=RATE, output_rate=RATE)
