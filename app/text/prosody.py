"""How a passage is spoken, and how SSML says so."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf, log2, log10

SPEEDS = {
    "x-slow": 0.5, "slow": 0.64, "medium": 1.0, "fast": 1.55, "x-fast": 2.0, "default": 1.0,
}  # fmt: skip
"""What the words of `rate` multiply the speed of the request by."""
PITCHES = {
    "x-low": -6.0, "low": -3.0, "medium": 0.0, "high": 3.0, "x-high": 6.0, "default": 0.0,
}  # fmt: skip
"""In semitones, on top of the pitch of the request."""
VOLUMES = {
    "silent": -inf, "x-soft": -12.0, "soft": -6.0, "medium": 0.0, "loud": 6.0, "x-loud": 12.0,
    "default": 0.0,
}  # fmt: skip
"""In dB, on top of the volume of the request."""

EMPHASES = {
    "strong": (0.85, 1.5, 3.0), "moderate": (0.92, 1.0, 1.5), "none": (1.0, 0.0, 0.0),
    "reduced": (1.1, -1.0, -2.0),
}  # fmt: skip
"""What they multiply the speed by, and add in semitones and dB."""

SPEED_RANGE = (0.5, 2.0)
PITCH_RANGE = (-12.0, 12.0)
VOLUME_RANGE = (-40.0, 20.0)

_NUMBER = r"\d{1,6}(?:\.\d{0,6})?|\.\d{1,6}"
_SIGNED_PERCENT = re.compile(rf"([+-](?:{_NUMBER}))%")
_UNSIGNED = re.compile(rf"({_NUMBER})(%?)")
_SEMITONES = re.compile(rf"([+-](?:{_NUMBER}))st")
_DECIBELS = re.compile(rf"([+-](?:{_NUMBER}))dB")


@dataclass(frozen=True, slots=True)
class Prosody:
    """How a passage is spoken.

    Attributes:
        speed: 1.0 is the voice's own.
        pitch: semitones above the voice's own.
        volume: dB above the service's level; minus infinity is silence.
    """

    speed: float = 1.0
    pitch: float = 0.0
    volume: float = 0.0

    def emphasized(self, level: str) -> "Prosody":
        """With an `<emphasis>`. Raises `ValueError` for an unknown level."""
        if level not in EMPHASES:
            raise ValueError(f"Use one of: {_words(EMPHASES)}.")
        rate, pitch, volume = EMPHASES[level]
        return Prosody(
            _bounded(self.speed * rate, SPEED_RANGE),
            _bounded(self.pitch + pitch, PITCH_RANGE),
            self.volume if self.volume == -inf else _bounded(self.volume + volume, VOLUME_RANGE),
        )

    def changed(self, attribute: str, value: str, own: "Prosody") -> "Prosody":
        """With an attribute of `<prosody>`.

        Args:
            attribute: `rate`, `pitch` or `volume`.
            value: a word or an unsigned number changes `own`, a signed one changes this.
            own: of the request.

        Raises:
            ValueError: telling what the value may be, or that the result is out of range.
        """
        speed, pitch, volume = self.speed, self.pitch, self.volume
        if attribute == "rate":
            speed = _rate(value, self.speed, own.speed)
            _check(speed, SPEED_RANGE, "The speed would be {:g}; it can be {:g} to {:g}.")
        elif attribute == "pitch":
            pitch = _pitch(value, self.pitch, own.pitch)
            _check(pitch, PITCH_RANGE, "The pitch would be {:+g} semitones; {:g} to {:g} can be.")
        else:
            volume = _volume(value, self.volume, own.volume)
            if volume != -inf:
                _check(volume, VOLUME_RANGE, "The volume would be {:+g} dB; {:g} to {:g} can be.")
        return Prosody(speed, pitch, volume)


def _rate(value: str, current: float, own: float) -> float:
    if value in SPEEDS:
        return own * SPEEDS[value]
    if found := _SIGNED_PERCENT.fullmatch(value):
        return current * (1 + float(found[1]) / 100)
    if found := _UNSIGNED.fullmatch(value):
        return own * float(found[1]) / (100 if found[2] else 1)
    raise ValueError(f"`rate` is one of {_words(SPEEDS)}, or as in 80%, 1.2, +20%, -20%.")


def _pitch(value: str, current: float, own: float) -> float:
    if value in PITCHES:
        return own + PITCHES[value]
    if found := _SEMITONES.fullmatch(value):
        return current + float(found[1])
    if found := _SIGNED_PERCENT.fullmatch(value):
        ratio = 1 + float(found[1]) / 100
        return current + (12 * log2(ratio) if ratio > 0 else -inf)
    raise ValueError(
        f"`pitch` is one of {_words(PITCHES)}, or as in +2st, -2st, +10%, -10%; Hz are not "
        "supported."
    )


def _volume(value: str, current: float, own: float) -> float:
    if value in VOLUMES:
        return own + VOLUMES[value]
    if found := _DECIBELS.fullmatch(value):
        return current + float(found[1])
    if found := _SIGNED_PERCENT.fullmatch(value):
        ratio = 1 + float(found[1]) / 100
        if ratio > 0:
            return current + 20 * log10(ratio)
    raise ValueError(
        f"`volume` is one of {_words(VOLUMES)}, or as in +6dB, -6dB, +50%, -50%; numbers without a "
        "sign are not supported."
    )


def _check(value: float, allowed: tuple[float, float], text: str) -> None:
    low, high = allowed
    if not low - 1e-6 <= value <= high + 1e-6:
        raise ValueError(text.format(value, low, high))


def _bounded(value: float, allowed: tuple[float, float]) -> float:
    return min(max(value, allowed[0]), allowed[1])


def _words(table: Iterable[str]) -> str:
    return ", ".join(table)
