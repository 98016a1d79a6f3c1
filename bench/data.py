"""The speech that benchmarks use: LibriSpeech-like folders, one for each speaker."""

import os
from pathlib import Path

import numpy as np

from app.audio.decode import DecodeLimits, decode
from app.audio.encode import encode_all
from app.audio.types import AudioFormat, Recording

LIMITS = DecodeLimits(max_bytes=100_000_000, max_seconds=600)
ENROL_CLIPS = 3  # of each speaker; a voice made of them is compared with the others

SENTENCES = (
    "The train to the coast leaves at seven in the morning.",
    "Nobody expected the committee to reach a decision before Thursday.",
    "She opened the window and listened to the rain on the roof.",
    "A small boat was waiting for them at the end of the pier.",
    "The museum is closed on Mondays, but the garden stays open.",
    "He wrote a long letter and never sent it.",
    "Fresh bread and warm soup are all we need tonight.",
    "The teacher asked every student to bring a favorite book.",
    "Two old friends met again after twenty years.",
    "The river was high and the bridge had been washed away.",
    "Please turn off the lights before you leave the office.",
    "The dog ran across the field to meet the children.",
    "It was the quietest street in the whole city.",
    "My sister plays the piano better than anyone I know.",
    "They walked slowly up the hill and looked back at the village.",
    "The new law will protect the forests in the north.",
    "Could you tell me where the nearest station is?",
    "We planted apple trees along the wall last spring.",
    "The captain promised that the storm would pass by morning.",
    "Good ideas often come when you are thinking of something else.",
)
LONG_TEXT = (
    "The weather forecast says it will rain all afternoon. So take an umbrella, and leave a "
    "little earlier than usual. The old road by the lake may be under water, as it was last year. "
    "If it is, follow the signs to the upper bridge and turn left at the church. We will wait for "
    "you at the house with the green door."
)


def data_dir() -> Path:
    return Path(os.environ.get("SPEECH_DATA_DIR", "../shared/data")) / "speech"


def speakers() -> dict[str, list[Path]]:
    """Speaker -> clips, in order. At least four clips each: three to enrol with, the others to
    compare.
    """
    found = {
        folder.name: sorted(folder.glob("*.flac"))
        for folder in sorted((data_dir() / "speakers").glob("*"))
        if folder.is_dir()
    }
    if not found:
        raise SystemExit(
            f"No speech in {data_dir()}: set SPEECH_DATA_DIR to a folder with speech/speakers."
        )
    return found


def calibration() -> list[Path]:
    """One clip of each of many other speakers."""
    found = sorted((data_dir() / "calibration").glob("*.flac"))
    if not found:
        raise SystemExit(f"No calibration speech in {data_dir()}: set SPEECH_DATA_DIR.")
    return found


def read(path: Path) -> Recording:
    decoded = decode(path.read_bytes(), LIMITS)
    return Recording(decoded.samples, decoded.sample_rate)


def joined(paths: list[Path]) -> Recording:
    """Clips of one speaker, one after the other."""
    clips = [read(path) for path in paths]
    return Recording(np.concatenate([clip.samples for clip in clips]), clips[0].sample_rate)


def flac(recording: Recording) -> bytes:
    """A recording as a file that can be registered."""
    rate = recording.sample_rate
    return encode_all(recording.samples, AudioFormat.FLAC, input_rate=rate, output_rate=rate)
