"""The plainer way, to compare with: speak random styles, measure the speech, and regress back from
what is measured to the style. No recording is learned from, and the biases stay the network's own.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from app.audio.types import Recording
from app.engines.kokoro.eigenvoices import Eigenvoices, Traits
from app.engines.kokoro.enrolment import Target
from app.engines.kokoro.model import SAMPLE_RATE
from app.engines.kokoro.parameters import BIASES_SIZE, STYLE_SIZE, Parameters
from tools.eigenvoices.space import features, measuring, regress
from tools.eigenvoices.studio import Studio

_TEXT = "We also need a small plastic snake and a big toy frog."
_POWER = 0.8  # mean square of a whitened style: somewhat nearer to the middle than stock voices
_HALVES = {"timbre": np.s_[: STYLE_SIZE // 2], "prosody": np.s_[STYLE_SIZE // 2 :]}
_SEED = 0
_SAVE_EVERY = 20
_FILE = "random_styles.npz"

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Spoken:
    """Styles, whitened (n, 256), and what was measured of the speech of each."""

    styles: Floats
    traits: list[Traits]


def speak_random_styles(folder: Path, studio: Studio, count: int) -> None:
    """Speak as many random styles in all; those that are there are not spoken again."""
    spoken = _load(folder)
    traits = list(spoken.traits)
    styles = list(spoken.styles)
    for at in range(len(traits), count):
        rng = np.random.default_rng([_SEED, at])
        style = (np.sqrt(_POWER) * rng.standard_normal(STYLE_SIZE)).astype(np.float32)
        numbers = studio.whitening.style(torch.from_numpy(style))[0].numpy()
        speech = studio.speak(_TEXT, Parameters(numbers, studio.biases))
        traits.append(Target.of([Recording(speech, SAMPLE_RATE)], studio.encoder).traits)
        styles.append(style)
        if len(traits) % _SAVE_EVERY == 0 or len(traits) == count:
            _save(folder, Spoken(np.stack(styles), traits))
            print(f"{len(traits)} of {count} styles", flush=True)


def report(folder: Path) -> None:
    """How much of a style can be told from its speech."""
    spoken = _load(folder)
    measured = features(measuring(spoken.traits), spoken.traits)
    for name, part in _HALVES.items():
        _, ridge, explained = regress(measured, spoken.styles[:, part])
        print(
            f"{len(measured)} random styles, {name}: ridge {ridge:.3g}, explained {explained:.1%} "
            "of the variance of styles that were left out"
        )


def inverse_space(folder: Path, studio: Studio) -> Eigenvoices:
    """The regression as a space whose coefficients are a whitened style."""
    spoken = _load(folder)
    if not spoken.traits:
        raise SystemExit(f"There are no random styles in {folder}: run `invert` first.")
    space = measuring(spoken.traits)
    measured = features(space, spoken.traits)
    halves = [regress(measured, spoken.styles[:, part])[0] for part in _HALVES.values()]
    middle = studio.whitening.style(torch.zeros(STYLE_SIZE))[0]
    styles = studio.whitening.style(torch.eye(STYLE_SIZE))[0] - middle
    return replace(
        space,
        mean=np.concatenate([middle.numpy(), studio.biases]),
        basis=np.pad(styles.numpy(), ((0, 0), (0, BIASES_SIZE))),
        regression=np.hstack(halves),
    )


def _load(folder: Path) -> Spoken:
    path = folder / _FILE
    if not path.exists():
        return Spoken(np.zeros((0, STYLE_SIZE), np.float32), [])
    with np.load(path, allow_pickle=False) as file:
        pitches = [None if np.isnan(hz) else float(hz) for hz in file["pitch_hz"]]
        rows = zip(file["embedding"], pitches, file["envelope"], strict=True)
        return Spoken(file["styles"], [Traits(*row) for row in rows])


def _save(folder: Path, spoken: Spoken) -> None:
    fresh = folder / f"part-{_FILE}"
    np.savez(
        fresh,
        styles=spoken.styles,
        embedding=np.stack([one.embedding for one in spoken.traits]),
        pitch_hz=np.array([one.pitch_hz or np.nan for one in spoken.traits]),
        envelope=np.stack([one.envelope for one in spoken.traits]),
    )
    fresh.replace(folder / _FILE)
