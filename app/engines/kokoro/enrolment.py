"""Instant cloning: where a speaker lies in the space of voices, heard and corrected.

What is measured of the recording says where the speaker lies among the eigenvoices. Three places
are spoken: one a little beyond, since a regression stays too near to the middle; that of a speaker
with a lower pitch, since pitch leads some astray; and one amid the most similar speakers. The most
alike is kept, and set to the pitch and tempo of the speaker.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.audio.dsp import median_pitch_hz, resample
from app.audio.types import Recording, Samples
from app.core.exceptions import RecordingTooShort
from app.engines.kokoro.eigenvoices import Eigenvoices, Floats, Traits
from app.engines.kokoro.model import SAMPLE_RATE
from app.engines.kokoro.parameters import Parameters
from app.speaker import fbank
from app.speaker.encoder import SpeakerEncoder
from app.speaker.tempo import syllable_rate

# Candidates are compared on the first; the similarity that a voice carries is measured on the
# other. They are short: speaking them is nearly all the time that enrolment takes.
TRIAL_TEXT = "Please call Stella and ask her to wait."
SCORE_TEXT = "The rainbow is made of white light."

TEMPO_RANGE = (0.85, 1.18)
PITCH_RANGE = (0.75, 1.35)
_REACH = 1.3
_LOWER = 1.3
_MAX_REFERENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Target:
    """Who is to be cloned.

    Attributes:
        traits: what is measured of the speaker.
        syllables_s: syllables a second; None if they cannot be told.
    """

    traits: Traits
    syllables_s: float | None

    @classmethod
    def of(cls, recordings: Sequence[Recording], encoder: SpeakerEncoder) -> "Target":
        """Listen to recordings of one speaker, to a minute of each."""
        heard = [
            resample(r.samples[: int(_MAX_REFERENCE_S * r.sample_rate)], r.sample_rate, _RATE)
            for r in recordings
        ]
        if not heard:
            raise RecordingTooShort("There is no recording.", "Send at least one.")
        embedding = np.mean([encoder.embed(samples, _RATE) for samples in heard], axis=0)
        pitches = [p for samples in heard if (p := median_pitch_hz(samples, _RATE))]
        tempos = [t for samples in heard if (t := syllable_rate(samples, _RATE))]
        traits = Traits(
            (embedding / np.linalg.norm(embedding)).astype(np.float32),
            float(np.median(pitches)) if pitches else None,
            np.mean([fbank.envelope(samples) for samples in heard], axis=0),
        )
        return cls(traits, float(np.median(tempos)) if tempos else None)


_RATE = fbank.SAMPLE_RATE

Speak = Callable[[str, Parameters], Samples]
"""Speaks a text in a voice: float32 (n,) at 24 kHz."""


def find_voice(
    target: Target, space: Eigenvoices, encoder: SpeakerEncoder, speak: Speak
) -> tuple[Parameters, float]:
    """The best of a few candidates, and its similarity on a text that was not used to choose it."""
    tried = []
    for place in candidates(target, space):
        voice = space.voice(place)
        spoken = speak(TRIAL_TEXT, voice)
        tried.append((similarity(target, encoder, spoken), voice, spoken))
    _, best, spoken = max(tried, key=lambda trial: trial[0])
    voice = matched(best, target, spoken)
    return voice, similarity(target, encoder, speak(SCORE_TEXT, voice))


def candidates(target: Target, space: Eigenvoices) -> list[Floats]:
    """Where in the space the speaker may lie."""
    traits = target.traits
    places = [np.asarray(_REACH * space.place(traits), np.float32), space.place_among(traits)]
    if traits.pitch_hz is not None:
        places.append(space.place(replace(traits, pitch_hz=traits.pitch_hz / _LOWER)))
    return places


def similarity(target: Target, encoder: SpeakerEncoder, spoken: Samples) -> float:
    """Cosine between speech at 24 kHz and the speaker."""
    return float(encoder.embed(spoken, SAMPLE_RATE) @ target.traits.embedding)


def matched(voice: Parameters, target: Target, spoken: Samples) -> Parameters:
    """The voice at the speaker's tempo and pitch; `spoken` is a trial of it."""
    own_tempo = syllable_rate(spoken, SAMPLE_RATE)
    own_pitch = median_pitch_hz(spoken, SAMPLE_RATE)
    speed, pitch = voice.speed, voice.pitch
    if own_tempo and target.syllables_s:
        speed = round(float(np.clip(speed * target.syllables_s / own_tempo, *TEMPO_RANGE)), 3)
    if own_pitch and target.traits.pitch_hz:
        pitch = round(float(np.clip(pitch * target.traits.pitch_hz / own_pitch, *PITCH_RANGE)), 4)
    return replace(voice, speed=speed, pitch=pitch)
