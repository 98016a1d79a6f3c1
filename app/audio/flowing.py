"""What is done to a sentence while it is still being spoken: as `app.audio.finish` does to a whole
one, as far as that can be done without its end.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from math import isinf
from typing import Final

import numpy as np

from app.audio.dsp import SILENCE_LUFS, loudness_lufs, rounded_peaks
from app.audio.finish import KEEP_SILENCE_S, OUTPUT_LUFS, SILENCE_DB, Finish
from app.audio.types import Samples

_FADE_S: Final = 0.005
_FRAME_S: Final = 0.01
_PEAK: Final = 0.97
# Of 36 sentences of three voices, the first 85 ms are 2 +- 5 dB off the whole, 340 ms 3 +- 1.5 dB,
# the mean of other sentences in the voice 0.4 dB: so little is made of a short beginning.
_TRUSTED_S: Final = 0.34
_MOST_OFF_DB: Final = 6.0
_CREST: Final = 10.0  # dB from the loudness of speech to its loudest 10 ms
_MOST_GAIN_DB: Final = 30.0
MOST_VOLUME_DB: Final = 6.0
"""More than that is left to `finish`, which has a limiter that looks ahead."""
_MOST_REMEMBERED: Final = 4096


@dataclass(frozen=True, slots=True)
class Level:
    """How loud a voice speaks before anything is done to it.

    Attributes:
        lufs: loudness.
        loudest: RMS of the loudest 10 ms.
    """

    lufs: float = OUTPUT_LUFS
    loudest: float = 10.0 ** ((OUTPUT_LUFS + _CREST) / 20.0)


@dataclass(slots=True)
class Levels:
    """Remembers the level of voices, those that were heard last."""

    _known: OrderedDict[Hashable, Level] = field(default_factory=OrderedDict)

    def of(self, voice: Hashable) -> Level | None:
        return self._known.get(voice)

    def heard(self, voice: Hashable, level: Level) -> None:
        """A sentence was that loud."""
        before = self._known.pop(voice, level)
        self._known[voice] = Level(
            (before.lufs + level.lufs) / 2.0, (before.loudest + level.loudest) / 2.0
        )
        if len(self._known) > _MOST_REMEMBERED:
            self._known.popitem(last=False)


def can_flow(how: Finish) -> bool:
    """Whether a sentence can be finished before all of it is there."""
    return how.pitch == 0.0 and how.volume <= MOST_VOLUME_DB


class Flowing:
    """One sentence: feed it what comes, send what it gives, in the end what `end` gives.

    Silence at both ends is taken away and edges are faded as `finish` does it. The gain stays the
    same all through: from how loud the voice was before, else guessed from the beginning. Peaks
    over the knee are rounded off, sample by sample. Blocks, some ms in all for a sentence.

    Args:
        rate: in Hz.
        how: that `can_flow`.
        level: of the voice, if it is known.
    """

    def __init__(self, rate: int, how: Finish, level: Level | None) -> None:
        self._rate = rate
        self._how = how
        self._known = level
        self._level = level or Level()
        self._loudest = 0.0
        self._rest = np.zeros(0, np.float32)  # as it came, from somewhat before what is not sent
        self._scanned = 0  # of the rest: offset up to which it was looked at
        self._sent = 0  # of the rest
        self._loud_end: int | None = None  # of the rest: behind the last sound; None before any
        self._lead_sent = 0
        self._begun = False
        self._all: list[Samples] = []

    def feed(self, samples: Samples) -> Samples:
        """What can be sent when some more is there: float32 (m,), maybe none."""
        self._rest = np.concatenate([self._rest, samples])
        start = self._scan()
        if self._loud_end is None:
            return self._lead()
        if start is not None:
            self._start(start)
        fade, keep = self._count(_FADE_S), self._count(KEEP_SILENCE_S)
        return self._take(min(self._loud_end + keep, len(self._rest)) - fade)

    def end(self) -> Samples:
        """The rest with the pause behind it; at least one sample."""
        keep, pause = self._count(KEEP_SILENCE_S), self._count(self._how.pause_s)
        end = self._sent + self._lead_left() if self._loud_end is None else self._loud_end + keep
        tail = self._take(min(end, len(self._rest)))
        fade = min(self._count(_FADE_S), len(tail))
        tail[len(tail) - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
        return np.concatenate([tail, np.zeros(max(pause, 0 if len(tail) else 1), np.float32)])

    def heard(self) -> Level | None:
        """How loud it was before anything was done to it; None where nothing was heard."""
        if self._loud_end is None:
            return None
        lufs = loudness_lufs(np.concatenate(self._all), self._rate)
        return None if lufs <= SILENCE_LUFS else Level(lufs, self._loudest)

    def _scan(self) -> int | None:
        """Look for sound in what is new; the offset in the rest where it begins, the first time."""
        frame, first = self._count(_FRAME_S), None
        while self._scanned < len(self._rest):
            part = self._rest[self._scanned : self._scanned + frame]
            level = float(np.sqrt(np.mean(part**2)))
            self._loudest = max(self._loudest, level)
            reference = max(self._loudest, self._level.loudest)
            if level > reference * 10.0 ** (SILENCE_DB / 20.0):
                if self._loud_end is None:
                    first = self._scanned
                self._loud_end = self._scanned + len(part)
            if len(part) < frame:
                break  # it is looked at again with the rest of it
            self._scanned += frame
        return first

    def _lead(self) -> Samples:
        """While all is silent: as much as may stand before the sound, but for a last fade."""
        left = max(0, self._lead_left() - self._count(_FADE_S))
        left = min(left, len(self._rest) - self._sent)
        self._lead_sent += left
        return self._take(self._sent + left)

    def _lead_left(self) -> int:
        return self._count(KEEP_SILENCE_S) - self._lead_sent

    def _start(self, start: int) -> None:
        """The sound has begun there in the rest: leave out silence before it, set the gain."""
        cut = start - self._lead_left()
        if cut > self._sent:
            start -= cut
            fade = min(self._count(_FADE_S), self._lead_left()) if self._lead_sent else 0
            up = np.linspace(0.0, 1.0, fade, dtype=np.float32)
            before = self._rest[self._sent : self._sent + fade]
            after = self._rest[cut : cut + fade]
            joined = before * (1.0 - up) + after * up
            self._rest = np.concatenate([joined, self._rest[cut + fade :]])
            self._sent, self._scanned = 0, max(0, self._scanned - cut)
            self._loud_end = (self._loud_end or 0) - cut
        if self._known is None:
            self._level = self._guessed(self._rest[start:])

    def _guessed(self, samples: Samples) -> Level:
        # Near enough to its loudness, and at once.
        off = 10.0 * float(np.log10(np.mean(samples**2) + 1e-9)) - OUTPUT_LUFS
        trust = min(1.0, len(samples) / (_TRUSTED_S * self._rate))
        off = trust * min(max(off, -_MOST_OFF_DB), _MOST_OFF_DB)
        return Level(OUTPUT_LUFS + off, self._level.loudest)

    def _take(self, end: int) -> Samples:
        """The rest up to there, with all that is done to it."""
        part = self._rest[self._sent : max(end, self._sent)]
        self._all.append(part)
        self._sent += len(part)
        done = min(self._sent, self._scanned)
        self._rest = self._rest[done:]
        self._sent -= done
        self._scanned -= done
        if self._loud_end is not None:
            self._loud_end -= done
        return self._faded_in(rounded_peaks(part * np.float32(self._gain()), _PEAK))

    def _gain(self) -> float:
        if isinf(self._how.volume):
            return 0.0
        level_db = min(self._how.loudness - self._level.lufs, _MOST_GAIN_DB)
        return float(10.0 ** ((level_db + self._how.volume) / 20.0))

    def _faded_in(self, part: Samples) -> Samples:
        """With the silence before the sentence, if it is the first part."""
        if self._begun or not len(part):
            return part
        self._begun = True
        fade = min(self._count(_FADE_S), len(part))
        part[:fade] *= np.linspace(0.0, 1.0, fade, dtype=np.float32)
        return np.concatenate([np.zeros(self._count(self._how.lead_s), np.float32), part])

    def _count(self, seconds: float) -> int:
        return round(seconds * self._rate)
