"""Writes the space that is shipped, and what it is."""

import json
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np

from app.engines.kokoro.eigenvoices import Eigenvoices
from tools.eigenvoices.material import load
from tools.eigenvoices.scoring import read_scores
from tools.eigenvoices.space import principal
from tools.eigenvoices.studio import Studio
from tools.eigenvoices.training import trained_space, training_record

_HALF = ("mean", "basis", "speakers", "places")  # as float16


def export(folder: Path, studio: Studio, out: Path) -> None:
    """Write OUT, and beside it the same name with `.json`."""
    scores = read_scores(folder)
    record = training_record(folder)
    if scores.minutes != record.minutes:
        raise SystemExit("The map was trained on since it was scored: run `score` again.")
    trained = [one.traits for one in load(folder) if not one.held_out]
    space = principal(trained_space(folder, studio), trained)
    arrays = {item.name: getattr(space, item.name) for item in fields(Eigenvoices)}
    halves = {name: arrays[name].astype(np.float16) for name in _HALF}
    np.savez_compressed(out, **(arrays | halves))
    about = {
        "origin": "tools/eigenvoices",
        "licence": "derived from Kokoro-82M (Apache-2.0), WeSpeaker ResNet34-LM (CC BY 4.0), "
        "Resemblyzer (Apache-2.0) and LibriSpeech train-clean-100 (CC BY 4.0)",
        "command": [
            f"python -m tools.eigenvoices {part}"
            for part in ("prepare", *record.runs, "invert", "score", "export")
        ],
        "speakers": len(trained),
        "components": len(space.basis),
        "scores": asdict(scores),
    }
    text = json.dumps(about, indent=1) + "\n"
    out.with_suffix(".json").write_text(text, encoding="utf-8")
    print(f"{out}: {len(space.basis)} components, {out.stat().st_size / 1e6:.1f} MB")
