"""Instant cloning: the stock voice, or the mixture of some, that comes closest to a speaker.

The recording's embedding says which stock voices are near; a few candidates are spoken with the
speaker's pitch, and the one that the speaker encoder finds most alike is kept and set to the
speaker's tempo. Voices of another pitch register are left out, or tried with a limited shift: a
man is not given a woman's voice whose numbers happen to be near.
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

# Candidates are compared on these texts; the similarity that a voice carries is measured on
# another. They are short: speaking them is nearly all the time that enrolment takes.
TRIAL_TEXTS = ("Please call Stella and ask her to wait.", "My brother found five thick slabs.")
SCORE_TEXT = "The rainbow is made of white light."

_REGISTER_OCTAVES = 0.5
_MAX_SHIFT_OCTAVES = 0.75
_BLEND_OF = 6
_MIN_SHARE = 0.05
TEMPO_RANGE = (0.85, 1.18)
_MAX_REFERENCE_S = 60.0
_NNLS_STEPS, _NNLS_RATE = 2000, 0.05
# A lead of so much on one text is no accident.
_CLEAR_LEAD = 0.05
# The nearest stock voice as it is was chosen over all others before: a change has to beat it by
# more than what the choice of text makes.
_TRUST = 0.05


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

    def score(blend: Blend, spoken: Samples) -> float:
        trust = _TRUST if _is_stock(blend) else 0.0
        return trust + float(encoder.embed(spoken, SAMPLE_RATE) @ target.embedding)

    tried = [(blend, speak(TRIAL_TEXTS[0], blend)) for blend in candidates(target, stock)]
    ranked = sorted(((score(*trial), *trial) for trial in tried), key=lambda entry: -entry[0])
    # A second trial where it is between the nearest voice as it is and a change of it.
    close = len(ranked) > 1 and ranked[0][0] - ranked[1][0] < _CLEAR_LEAD
    if close and any(_is_stock(blend) for _, blend, _ in ranked[:2]):
        finals = [(first + score(b, speak(TRIAL_TEXTS[1], b)), b, x) for first, b, x in ranked[:2]]
        ranked = sorted(finals, key=lambda entry: -entry[0])
    _, best, spoken = ranked[0]
    voice = _match_tempo(best, target, spoken)
    own = encoder.embed(speak(SCORE_TEXT, voice), SAMPLE_RATE)
    return voice, float(own @ target.embedding)


def candidates(target: Target, stock: Sequence[StockVoice]) -> list[Blend]:
    """What is worth trying, at most three: voices near the speaker, and a mixture.

    A voice of another register is tried only with its pitch shifted, and only if that is not far.
    """
    nearest = sorted(stock, key=lambda voice: -float(voice.embedding @ target.embedding))
    usable = [voice for voice in nearest if _distance(voice, target) <= _REGISTER_OCTAVES]
    usable = usable or sorted(stock, key=lambda voice: _distance(voice, target))[:_BLEND_OF]
    first, *others = usable
    if nearest[0] is not first and _distance(nearest[0], target) <= _MAX_SHIFT_OCTAVES:
        others = [nearest[0]]
    singles = [Blend({voice.name: 1.0}) for voice in (first, *others[:1])]
    shifted = [_match_pitch(blend, target, stock) for blend in (*singles, _mixture(usable, target))]
    return [singles[0], *shifted[1:]] if nearest[0] is first else shifted


def _is_stock(blend: Blend) -> bool:
    return len(blend.weights) == 1 and blend.pitch == 1.0


def _mixture(usable: Sequence[StockVoice], target: Target) -> Blend:
    mixed = usable[:_BLEND_OF]
    shares = _shares(np.stack([voice.embedding for voice in mixed]), target.embedding)
    kept = {v.name: float(s) for v, s in zip(mixed, shares, strict=True) if s >= _MIN_SHARE}
    total = sum(kept.values())
    return Blend({name: round(share / total, 4) for name, share in kept.items()})


def _distance(voice: StockVoice, target: Target) -> float:
    """Octaves between the pitch of a stock voice and the speaker's; 0 for a whisper."""
    if target.pitch_hz is None:
        return 0.0
    return abs(math.log2(voice.pitch_hz / target.pitch_hz))


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
    """The blend at the speaker's tempo; `spoken` is a trial of it."""
    own = syllable_rate(spoken, SAMPLE_RATE)
    if own is None or target.syllables_s is None:
        return blend
    ratio = target.syllables_s / own
    return replace(blend, speed=round(float(np.clip(ratio, *TEMPO_RANGE)), 3))
