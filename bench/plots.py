"""The curves as small pictures for the documentation; the same figures give the same bytes."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.voice_bars import Voices
from bench.voice_rows import ENCODERS, Kind, Phase, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FOLDER = Path(__file__).parents[1] / "docs" / "figures"
_FILES = {Phase.SECONDS: "similarity-seconds.svg", Phase.MINUTES: "similarity-minutes.svg"}
_LABELS = {
    Phase.SECONDS: "seconds of speech enrolled",
    Phase.MINUTES: "minutes of adaptation",
}
_STYLE = {
    "svg.hashsalt": "bench",
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def draw(phase: Phase, curves: Mapping[str, list[Row]], voices: Mapping[str, Voices]) -> Path:
    """Similarity by each encoder: thin lines are speakers, the thick one is their mean.

    Args:
        voices: their recordings and stock voices are the upper and the lower mark.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(6.4, 2.8), layout="constrained")
        panels = figure.subplots(1, len(ENCODERS), sharey=True)
        for panel, encoder in zip(panels, ENCODERS, strict=True):
            _panel(panel, encoder, curves)
            _marks(panel, encoder, voices)
            panel.set(title=encoder, xlabel=_LABELS[phase], ylim=(0.0, 1.0))
        panels[0].set_ylabel("cosine with other clips")
        _FOLDER.mkdir(exist_ok=True)
        path = _FOLDER / _FILES[phase]
        figure.savefig(path, metadata={"Date": None, "Creator": None})
    return path


def _panel(panel: "Axes", encoder: str, curves: Mapping[str, list[Row]]) -> None:
    for kind, color in ((Kind.INSTANT, "tab:blue"), (Kind.ADAPTED, "tab:orange")):
        lines = [[row for row in rows if row.kind is kind] for rows in curves.values()]
        lines = [line for line in lines if line]
        if not lines:
            continue
        at = [row.at for row in lines[0]]
        values = np.array(
            [[row.scores.similarity(encoder) for row in line] for line in lines], np.float64
        )
        panel.plot(at, values.T, color=color, linewidth=0.6, alpha=0.6)
        mean = values.mean(axis=0)
        panel.plot(at, mean, color=color, linewidth=2, marker="o", markersize=4, label=kind)
        panel.set_xticks(at)
    panel.legend(frameon=False, loc="upper left")


def _marks(panel: "Axes", encoder: str, voices: Mapping[str, Voices]) -> None:
    """Dotted: what a perfect clone would have, and what the nearest stock voice has."""
    for kind in (Kind.RECORDING, Kind.STOCK):
        rows = [rows[kind] for rows in voices.values() if kind in rows]
        values = np.array([row.scores.similarity(encoder) for row in rows], np.float64)
        if len(values):
            panel.axhline(values.mean(), color="gray", linewidth=0.8, linestyle=":")
            panel.annotate(
                kind, (1, values.mean()), xycoords=("axes fraction", "data"), color="gray",
                ha="right", va="bottom", fontsize=7,
            )  # fmt: skip
