"""Tables of the results of `bench.voice`: of all that is there."""

from collections.abc import Iterable, Mapping

import numpy as np

from bench.data import SENTENCES, speakers
from bench.plots import draw
from bench.voice_bars import BARS, Voices
from bench.voice_rows import CURVE_SENTENCES, ENCODERS, Kind, Phase, Results, Row

_HEAD = ("made in", *ENCODERS, "DNSMOS", "errors", "clipped", "sentence")
_WIDTHS = (8, 14, 9, 11, 8, 8, 8, 9, 10)


def report(results: Results) -> None:
    """Print what there is, and draw the curves."""
    names = list(speakers())
    voices = {
        name: {
            row.kind: row
            for phase in (Phase.INSTANT, Phase.ADAPTED)
            for row in results.get(phase, name)
        }
        for name in names
    }
    voices = {name: rows for name, rows in voices.items() if rows}
    if voices:
        _voices(voices)
        _recognised(voices)
        _bars(voices)
    for phase in (Phase.SECONDS, Phase.MINUTES):
        curves = {name: rows for name in names if (rows := results.get(phase, name))}
        if curves:
            _curve(phase, curves)
            print(f"\ndrawn: {draw(phase, curves, voices)}")


def _voices(voices: Mapping[str, Voices]) -> None:
    print(f"\n{len(SENTENCES)} sentences of each voice; mean cosines with clips not enrolled\n")
    _print(_WIDTHS, ("speaker", "voice", *_HEAD))
    for name, rows in voices.items():
        for row in rows.values():
            _print(_WIDTHS, (name, row.name, *_figures([row])))
    for kind in Kind:
        if alike := [rows[kind] for rows in voices.values() if kind in rows]:
            _print(_WIDTHS, ("mean", kind, *_figures(alike)))


def _figures(rows: list[Row]) -> list[str]:
    """Means, in the order of `_HEAD`."""
    scores = [row.scores for row in rows]
    return [
        _mean((row.took_s for row in rows), "{:.1f} s"),
        *(_mean((score.similarity(name) for score in scores), "{:.3f}") for name in ENCODERS),
        _mean((score.dnsmos for score in scores), "{:.2f}"),
        _mean((score.word_errors for score in scores), "{:.1%}"),
        _mean((score.clipped for score in scores), "{:.2%}"),
        _mean((score.seconds for score in scores), "{:.2f} s"),
    ]


def _mean(values: Iterable[float | None], form: str) -> str:
    there = [value for value in values if value is not None]
    return form.format(np.mean(there)) if there else "-"


def _recognised(voices: Mapping[str, Voices]) -> None:
    """Whose clips is the mean of a voice's sentences nearest to?"""
    print("\nMean embedding: nearer to the speaker than to the other speakers and the strangers?\n")
    widths = (8, 14, 11, 8, 8, 18, 6)
    _print(widths, ("speaker", "voice", "encoder", "own", "next", "who", ""))
    for name, rows in voices.items():
        for row in rows.values():
            for encoder, verdict in row.scores.verdicts.items():
                mark = "yes" if verdict.recognised else "NO"
                cosines = (f"{verdict.own:.3f}", f"{verdict.other:.3f}")
                _print(widths, (name, row.name, encoder, *cosines, verdict.taken_for, mark))


def _bars(voices: Mapping[str, Voices]) -> None:
    print()
    widths = (42, 16, 24, 14, 10)
    _print(widths, ("bar", "measured", "wanted", "", "speakers"))
    for bar in BARS:
        _print(widths, bar.cells(list(voices.values())))


def _curve(phase: Phase, curves: Mapping[str, list[Row]]) -> None:
    """Mean of the speakers, then each of them by WeSpeaker / ECAPA."""
    what = "seconds of speech" if phase is Phase.SECONDS else "minutes of adaptation"
    print(f"\nSimilarity against {what}: {len(CURVE_SENTENCES)} sentences of each voice\n")
    widths = (8, 10, 9, 11, 8, 8, 8, 9, 10, *(15 for _ in curves))
    _print(widths, (what.split()[0], "voice", *_HEAD, *curves))
    rows = [row for curve in curves.values() for row in curve]
    for at, kind in dict.fromkeys((row.at, row.kind) for row in rows):
        those = [row for row in rows if (row.at, row.kind) == (at, kind)]
        each = [
            "/".join(_mean((row.scores.similarity(name),), "{:.2f}") for name in ENCODERS)
            + (f" {row.speech_s:.0f} s" if phase is Phase.SECONDS else "")
            for row in those
        ]
        _print(widths, (f"{at:g}", kind, *_figures(those), *each))


def _print(widths: Iterable[int], cells: Iterable[str]) -> None:
    print("".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=False)))
