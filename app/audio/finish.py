"""What is done to a sentence when an engine has spoken it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from app.audio.dsp import fade_edges, set_loudness, sound_span
from app.audio.effects import change_volume, shift_pitch
from app.audio.types import Samples, SpeechChunk, WordTiming

# The loudness of broadcast speech would be -23; assistants and audio books lie around -20.
OUTPUT_LUFS: Final = -20.0
SILENCE_DB: Final = -50.0
"""Of the loudest 10 ms: what is softer at the ends is silence."""
KEEP_SILENCE_S: Final = 0.03
"""Of silence, at each end."""


@dataclass(frozen=True, slots=True)
class Finish:
    """What is to be done.

    Attributes:
        lead_s, pause_s: silence before and behind.
        pitch: semitones that the engine has not done.
        volume: dB that the engine has not done.
        loudness: in LUFS, before the volume.
    """

    lead_s: float = 0.0
    pause_s: float = 0.0
    pitch: float = 0.0
    volume: float = 0.0
    loudness: float = OUTPUT_LUFS


def finish(chunks: Sequence[SpeechChunk], how: Finish) -> tuple[Samples, tuple[WordTiming, ...]]:
    """Even loudness, no clicks at the edges, pitch and volume, the pauses around.

    Args:
        chunks: one after the other, at least one.
        how: see there.

    Returns:
        float32 (n,), and the words in seconds from its start.
    """
    rate = chunks[0].sample_rate
    samples = np.concatenate([chunk.samples for chunk in chunks])
    span = sound_span(samples, rate, threshold_db=SILENCE_DB, keep_s=KEEP_SILENCE_S)
    speech = shift_pitch(samples[span], rate, semitones=how.pitch)
    speech = set_loudness(speech, rate, target_lufs=how.loudness)
    speech = fade_edges(change_volume(speech, rate, db=how.volume), rate)
    lead = np.zeros(round(how.lead_s * rate), np.float32)
    pause = np.zeros(round(how.pause_s * rate), np.float32)
    words = tuple(
        _moved(word, (len(lead) - span.start) / rate, len(lead) / rate, len(speech) / rate)
        for word in _words(chunks)
    )
    return np.concatenate([lead, speech, pause]), words


def _words(chunks: Sequence[SpeechChunk]) -> Iterator[WordTiming]:
    """In seconds from the start of the first chunk."""
    before_s = 0.0
    for chunk in chunks:
        for word in chunk.words:
            yield replace(word, start_s=word.start_s + before_s, end_s=word.end_s + before_s)
        before_s += chunk.duration_s


def _moved(word: WordTiming, by_s: float, start_s: float, length_s: float) -> WordTiming:
    """Later by so much, within the speech."""
    start, end = (
        min(max(at + by_s, start_s), start_s + length_s) for at in (word.start_s, word.end_s)
    )
    return replace(word, start_s=start, end_s=end)
