"""How good trained voices are: of the first three clips of each speaker, each a recording of its
own, judged against the others.
"""

import argparse
import asyncio
import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from bench.data import speakers
from bench.studio import open_studio
from bench.train_once import trained
from bench.voice import Bench
from bench.voice_rows import Kind, Row

_WIDTHS = (8, 10, 10, 11, 8, 8, 9)
_ROWS = TypeAdapter(list[Row])
_GRADIENT, _SEARCH = "gradient", "search"
_LEAST_MEAN = {_GRADIENT: 0.62, _SEARCH: 0.45}


def main(arguments: Sequence[str] = ()) -> None:
    """Train the voices that were not trained yet, judge them, tell."""
    options = _options(arguments)
    method = _SEARCH if options.search else _GRADIENT
    folder = Path(options.cache or tempfile.mkdtemp(prefix="bench-training-"))
    folder.mkdir(parents=True, exist_ok=True)
    print(f"Results are kept in {folder}: with `--cache {folder}` a run goes on.", flush=True)
    os.environ["ENROLMENT_REFINEMENT"] = "false"  # nothing runs beside what is measured
    rows = {
        speaker: _rows(folder, speaker, method, options.minutes) for speaker in options.speakers
    }
    print(f"\nBy {method}, {options.minutes:g} minutes; mean cosines with clips not trained on\n")
    _table(rows)
    _bars(list(rows.values()), _LEAST_MEAN[method])


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m bench training", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--search", action="store_true", help="as without PyTorch")
    parser.add_argument("--cache", metavar="DIR", help="folder of results; those are not redone")
    known = list(speakers())
    parser.add_argument("--speakers", type=lambda text: text.split(","), default=known)
    options = parser.parse_args(arguments)
    if unknown := set(options.speakers) - set(known):
        parser.error(f"unknown speakers: {', '.join(sorted(unknown))}")
    return options


def _rows(folder: Path, speaker: str, method: str, minutes: float) -> list[Row]:
    name = f"{method}-{minutes:g}-{speaker}"
    file = folder / f"{name}.json"
    if not file.exists():
        training = trained(folder / name, speaker, minutes, search=method == _SEARCH)
        print(f"{name}: {training.took_s:.0f} s, {training.verdict}", flush=True)
        rows = asyncio.run(_judged(folder, folder / name, speaker))
        unfinished = file.with_suffix(".tmp")
        unfinished.write_bytes(_ROWS.dump_json(rows, indent=1))
        unfinished.replace(file)
    return _ROWS.validate_json(file.read_bytes())


async def _judged(cache: Path, folder: Path, speaker: str) -> list[Row]:
    """The nearest stock voice, the instant clone and the trained voice."""
    training = trained(folder, speaker, 0.0, search=False)  # it is there
    instant, best = training.states(folder)
    async with open_studio() as studio:
        bench = Bench(studio, cache)
        one = await bench.enrol(speaker)
        name, stock = bench.nearest_stock(one.recording)
        return [
            await bench.row(Kind.STOCK, name, one, stock),
            await bench.row(Kind.INSTANT, "instant", one, instant, took_s=training.instant_s),
            await bench.row(Kind.ADAPTED, "trained", one, best, took_s=training.took_s),
        ]


def _table(rows: dict[str, list[Row]]) -> None:
    _print(("speaker", "voice", "made in", "WeSpeaker", "ECAPA", "DNSMOS", "errors"))
    for speaker, those in rows.items():
        for row in those:
            _print((speaker, row.name, *_figures([row])))
    for kind in (Kind.STOCK, Kind.INSTANT, Kind.ADAPTED):
        alike = [row for those in rows.values() for row in those if row.kind is kind]
        _print(("mean", kind.value, *_figures(alike)))


def _figures(rows: Sequence[Row]) -> list[str]:
    scores = [row.scores for row in rows]
    return [
        _mean((row.took_s for row in rows), "{:.1f} s"),
        _mean((score.similarity("WeSpeaker") for score in scores), "{:.3f}"),
        _mean((score.similarity("ECAPA") for score in scores), "{:.3f}"),
        _mean((score.dnsmos for score in scores), "{:.2f}"),
        _mean((score.word_errors for score in scores), "{:.1%}"),
    ]


def _mean(values: Iterable[float | None], form: str) -> str:
    there = [value for value in values if value is not None]
    return form.format(np.mean(there)) if there else "-"


def _bars(people: Sequence[Sequence[Row]], least_mean: float) -> None:
    def each(figure: Callable[[Row], float], kind: Kind) -> list[float]:
        return [figure(row) for those in people for row in those if row.kind is kind]

    def likeness(row: Row) -> float:
        return row.scores.similarity("WeSpeaker") or 0.0

    def errors(row: Row) -> float:
        return row.scores.word_errors or 0.0

    after = each(likeness, Kind.ADAPTED)
    gains = np.subtract(after, each(likeness, Kind.INSTANT))
    sound = np.subtract(
        each(lambda row: row.scores.dnsmos, Kind.ADAPTED),
        each(lambda row: row.scores.dnsmos, Kind.STOCK),
    )
    wrong, slowest = (
        float(np.mean(each(errors, Kind.ADAPTED))),
        max(each(lambda row: row.took_s or 0.0, Kind.ADAPTED)),
    )
    print()
    _bar("WeSpeaker, mean", np.mean(after), f">= {least_mean}", np.mean(after) >= least_mean)
    _bar("WeSpeaker, least", min(after), ">= 0.50 by gradient", min(after) >= 0.5)
    _bar("gain over the instant clone, least", min(gains), "> 0", min(gains) > 0)
    _bar("word errors, mean", wrong, "<= 0.05", wrong <= 0.05)
    _bar("DNSMOS, change from stock, mean", np.mean(sound), ">= -0.3", np.mean(sound) >= -0.3)
    _bar("seconds, longest", slowest, "<= minutes asked for and measuring", None)


def _bar(name: str, value: float | np.floating, wanted: str, met: bool | np.bool | None) -> None:
    verdict = "" if met is None else "met" if met else "MISSED"
    print(f"{name:<38}{value:>9.3f}   {wanted:<36}{verdict}")


def _print(cells: Iterable[str]) -> None:
    print("".join(f"{cell:>{width}}" for cell, width in zip(cells, _WIDTHS, strict=True)))
