"""What the voices have to reach."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from bench.voice_rows import Kind, Row

Voices = Mapping[Kind, Row]
"""Of one speaker. What was not measured is a KeyError."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure with a limit.

    Attributes:
        of: the figure of one speaker, None where it could not be had. over: that of all of them.
        limit: the least it may be, or the most. aim: where it should go.
    """

    name: str
    of: Callable[[Voices], float | None]
    over: Callable[[Sequence[float]], float]
    form: str
    limit: float
    at_most: bool = False
    aim: float | None = None

    def cells(self, speakers: Sequence[Voices]) -> tuple[str, ...]:
        """Name, figure, limit, verdict, number of speakers."""
        values: list[float] = []
        for voices in speakers:
            with suppress(KeyError):
                value = self.of(voices)
                values += [] if value is None else [value]
        aim = "" if self.aim is None else f" (aim {self.form.format(self.aim)})"
        wanted = f"{'<=' if self.at_most else '>='} {self.form.format(self.limit)}{aim}"
        if not values:
            return self.name, "-", wanted, "not measured", "0"
        total = float(self.over(values))
        met = total <= self.limit if self.at_most else total >= self.limit
        verdict = "met" if met else "MISSED"
        return self.name, self.form.format(total), wanted, verdict, str(len(values))


def _similarity(kind: Kind, encoder: str) -> Callable[[Voices], float]:
    return lambda voices: voices[kind].scores.verdicts[encoder].similarity


def _gain(voices: Voices) -> float:
    instant, stock = (_similarity(kind, "WeSpeaker") for kind in (Kind.INSTANT, Kind.STOCK))
    return instant(voices) - stock(voices)


def _sound(kind: Kind) -> Callable[[Voices], float]:
    return lambda voices: voices[kind].scores.dnsmos - voices[Kind.STOCK].scores.dnsmos


def _errors(kind: Kind) -> Callable[[Voices], float | None]:
    return lambda voices: voices[kind].scores.word_errors


def _field(kind: Kind, name: str) -> Callable[[Voices], float | None]:
    return lambda voices: getattr(voices[kind], name)


def _memory_gb(voices: Voices) -> float | None:
    peak = voices[Kind.ADAPTED].peak_bytes
    return None if peak is None else peak / 1e9


_I, _A = Kind.INSTANT, Kind.ADAPTED
BARS = (
    Bar("instant: WeSpeaker, mean", _similarity(_I, "WeSpeaker"), np.mean, "{:.3f}", 0.40, aim=0.6),
    Bar("instant: gain over the stock voice, least", _gain, min, "{:.3f}", 0.10),
    Bar("instant: DNSMOS, change from stock", _sound(_I), np.mean, "{:+.2f}", -0.3),
    Bar("instant: word errors", _errors(_I), np.mean, "{:.2%}", 0.03, at_most=True),
    Bar("instant: registration, longest", _field(_I, "took_s"), max, "{:.2f} s", 6, at_most=True),
    Bar("adapted: WeSpeaker, mean", _similarity(_A, "WeSpeaker"), np.mean, "{:.3f}", 0.62, aim=.72),
    Bar("adapted: ECAPA, mean", _similarity(_A, "ECAPA"), np.mean, "{:.3f}", 0.52, aim=0.65),
    Bar("adapted: WeSpeaker, least", _similarity(_A, "WeSpeaker"), min, "{:.3f}", 0.50),
    Bar("adapted: ECAPA, least", _similarity(_A, "ECAPA"), min, "{:.3f}", 0.42),
    Bar("adapted: DNSMOS, change from stock", _sound(_A), np.mean, "{:+.2f}", -0.3),
    Bar("adapted: word errors", _errors(_A), np.mean, "{:.2%}", 0.03, at_most=True),
    Bar(
        "adapted: real-time factor over stock",
        _field(_A, "slowdown"), np.median, "{:.3f}", 1.02, at_most=True,
    ),
    Bar(
        "adapted: size of the voice, largest",
        _field(_A, "state_bytes"), max, "{:,.0f} B", 200_000, at_most=True,
    ),
    Bar(
        "adapted: memory (RSS), most",
        _memory_gb, max, "{:.2f} GB", 3, at_most=True,
    ),
)  # fmt: skip
