"""Instant cloning: the stock voice, or the mixture of some, that comes closest to a speaker.

The recording's embedding says which stock voices are near; a few candidates are spoken, with the
speaker's pitch and tempo, and the one that the speaker encoder finds most alike is kept.
Candidates of another pitch register are not tried: they would have to be shifted so far that they
sound unnatural.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.audio.dsp import median_pitch_hz
from app.audio.types import Recording, Samples
from app.core.exceptions import RecordingTooShort
from app.engines.kokoro.model import SAMPLE_RATE
from app.engines.kokoro.voices import Blend, StockVoice
from app.speaker.encoder import SpeakerEncoder
from app.speaker.similarity import Embedding
from app.speaker.tempo import syllable_rate

# Candidates are compared on the first text; the similarity that a voice carries is measured on the
# second.
TRIAL_TEXT = "She had your dark suit in greasy wash water all year."
SCORE_TEXT = "A rainbow is a division of white light into many beautiful colors."

_REGISTER_OCTAVES = 0.5
_BLEND_OF = 6
_MIN_SHARE = 0.05
_TEMPO_RANGE = (0.85, 1.18)
_MAX_REFERENCE_S = 60.0
_NNLS_STEPS, _NNLS_RATE = 2000, 0.05


@dataclass(frozen=True, slots=True)
class Target:
    """Who is to be cloned.

    Attributes:
        embedding: float32 (256,), length 1.
        pitch_hz: median fundamental frequency; None for a whisper.
        syllables_s: syllables a second; None if they cannot be told.
    """

    embedding: Embedding
    pitch_hz: float | None
    syllables_s: float | None

    @classmethod
    def of(cls, recordings: Sequence[Recording], encoder: SpeakerEncoder) -> "Target":
        """Listen to recordings of one speaker, to a minute of each."""
        heard = [
            (r.samples[: int(_MAX_REFERENCE_S * r.sample_rate)], r.sample_rate) for r in recordings
        ]
        if not heard:
            raise RecordingTooShort("There is no recording.", "Send at least one.")
        embedding = np.mean([encoder.embed(samples, rate) for samples, rate in heard], axis=0)
        pitches = [p for samples, rate in heard if (p := median_pitch_hz(samples, rate))]
        tempos = [t for samples, rate in heard if (t := syllable_rate(samples, rate))]
        return cls(
            (embedding / np.linalg.norm(embedding)).astype(np.float32),
            float(np.median(pitches)) if pitches else None,
            float(np.median(tempos)) if tempos else None,
        )


Speak = Callable[[str, Blend], Samples]
"""Speaks a text in a voice: float32 (n,) at 24 kHz."""


def find_blend(
    target: Target, stock: Sequence[StockVoice], encoder: SpeakerEncoder, speak: Speak
) -> tuple[Blend, float]:
    """The best of a few candidates, and its similarity on a text that was not used to choose it."""

    def similarity(blend: Blend, text: str) -> float:
        return float(encoder.embed(speak(text, blend), SAMPLE_RATE) @ target.embedding)

    tried = [(similarity(blend, TRIAL_TEXT), blend) for blend in candidates(target, stock)]
    best = max(tried, key=lambda pair: pair[0])[1]
    paced = _match_tempo(best, target, speak(SCORE_TEXT, best))
    return paced, similarity(paced, SCORE_TEXT)


def candidates(target: Target, stock: Sequence[StockVoice]) -> list[Blend]:
    """What is worth trying: single voices near the speaker, and a mixture."""
    nearest = sorted(stock, key=lambda voice: -float(voice.embedding @ target.embedding))
    usable = [voice for voice in nearest if _in_register(voice, target)] or nearest
    mixture = usable[:_BLEND_OF]
    shares = _shares(np.stack([voice.embedding for voice in mixture]), target.embedding)
    weights = {
        voice.name: round(float(share), 4)
        for voice, share in zip(mixture, shares, strict=True)
        if share >= _MIN_SHARE
    }
    total = sum(weights.values())
    singles = [Blend({voice.name: 1.0}) for voice in usable[:3]]
    mixed = Blend({name: share / total for name, share in weights.items()})
    pitched = [_match_pitch(blend, target, stock) for blend in (mixed, *singles)]
    return [*singles[:1], *pitched]


def _in_register(voice: StockVoice, target: Target) -> bool:
    if target.pitch_hz is None:
        return True
    return abs(math.log2(voice.pitch_hz / target.pitch_hz)) <= _REGISTER_OCTAVES


def _shares(embeddings: NDArray[np.float32], target: Embedding) -> NDArray[np.float32]:
    """Non-negative weights of sum 1 whose mixture of embeddings (n, 256) is nearest the target:
    projected gradient descent.
    """
    gram, aim = embeddings @ embeddings.T, embeddings @ target
    weights = np.full(len(aim), 1.0 / len(aim), np.float32)
    for _ in range(_NNLS_STEPS):
        weights = np.maximum(weights - _NNLS_RATE * (gram @ weights - aim), 0.0)
    if not weights.any():
        weights[0] = 1.0
    return np.asarray(weights / weights.sum(), np.float32)


def _match_pitch(blend: Blend, target: Target, stock: Sequence[StockVoice]) -> Blend:
    if target.pitch_hz is None:
        return blend
    pitches = {voice.name: voice.pitch_hz for voice in stock}
    own = np.exp(sum(share * np.log(pitches[name]) for name, share in blend.weights.items()))
    return replace(blend, pitch=round(float(target.pitch_hz / own), 4))


def _match_tempo(blend: Blend, target: Target, spoken: Samples) -> Blend:
    own = syllable_rate(spoken, SAMPLE_RATE)
    if own is None or target.syllables_s is None:
        return blend
    return replace(blend, speed=round(float(np.clip(target.syllables_s / own, *_TEMPO_RANGE)), 3))
