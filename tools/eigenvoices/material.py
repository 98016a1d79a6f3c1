"""What is learned from: the calibration speakers, measured and aligned."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from app.audio.dsp import resample
from app.audio.types import Recording
from app.core.exceptions import UnspeakableText
from app.engines.kokoro.adaptation.listeners import Ge2e
from app.engines.kokoro.adaptation.material import Piece, make_piece
from app.engines.kokoro.adaptation.network import Network, fastest_dtype
from app.engines.kokoro.adaptation.objective import WINDOW, Person
from app.engines.kokoro.eigenvoices import Traits
from app.engines.kokoro.enrolment import Target
from app.engines.kokoro.voices import Blend
from app.speaker.recogniser import RATE, Recogniser
from bench.data import calibration, read
from tools.eigenvoices.studio import Studio

DEFAULT_PITCH_HZ = 150.0
_HELD_OUT_EVERY, _HELD_OUT_FIRST = 10, 5
_WORST_COST = 6.5  # of an alignment; above it other words were said
_OCTAVES_OFF, _OFF_WEIGHT = 0.3, 3.0


@dataclass(frozen=True, slots=True)
class Speaker:
    """One clip of a speaker of LibriSpeech train-clean-100 (CC BY 4.0).

    Attributes:
        ge2e: (256,), length 1.
        pieces: aligned speech, each of at least a window; those aligned badly are left out.
        held_out: nothing is trained on this speaker.
    """

    name: str
    target: Target
    ge2e: Tensor
    pieces: list[Piece]
    held_out: bool

    @property
    def traits(self) -> Traits:
        return self.target.traits

    @property
    def pitch_hz(self) -> float:
        return self.traits.pitch_hz or DEFAULT_PITCH_HZ

    @property
    def person(self) -> Person:
        return Person(torch.from_numpy(self.traits.embedding), self.ge2e)


def load(folder: Path) -> list[Speaker]:
    """Those that are prepared, in the order of their files. The pieces stay on the disk until they
    are used.
    """
    found = [_load(path) for path in sorted((folder / "speakers").glob("*.pt"))]
    if not found:
        raise SystemExit(f"There are no speakers in {folder}: run `prepare` first.")
    return found


def save(folder: Path, speaker: Speaker) -> None:
    """Keep a speaker: plain values and tensors, which are read without running code."""
    traits = speaker.traits
    put(
        folder / "speakers" / f"{speaker.name}.pt",
        {
            "embedding": torch.from_numpy(traits.embedding),
            "pitch_hz": _plain(traits.pitch_hz),
            "envelope": torch.from_numpy(traits.envelope),
            "syllables_s": _plain(speaker.target.syllables_s),
            "ge2e": speaker.ge2e,
            "pieces": [asdict(piece) for piece in speaker.pieces],
            "held_out": speaker.held_out,
        },
    )


def _plain(value: float | None) -> float | None:
    """Not numpy's: those cannot be read without running code."""
    return None if value is None else float(value)


def put(path: Path, state: dict[str, Any]) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(exist_ok=True)
    fresh = path.with_suffix(".part")
    torch.save(state, fresh)
    fresh.replace(path)


def _load(path: Path) -> Speaker:
    state = torch.load(path, weights_only=True, mmap=True)
    traits = Traits(state["embedding"].numpy(), state["pitch_hz"], state["envelope"].numpy())
    return Speaker(
        path.stem,
        Target(traits, state["syllables_s"]),
        state["ge2e"],
        [Piece(**piece) for piece in state["pieces"]],
        state["held_out"],
    )


def is_held_out(at: int) -> bool:
    """Of the place among the calibration clips: every tenth is kept for checking."""
    return at % _HELD_OUT_EVERY == _HELD_OUT_FIRST


def prepare(folder: Path, studio: Studio) -> None:
    """Measure and align every calibration clip that is not there yet."""
    clips = {path.stem.partition("-")[0]: path for path in calibration()}
    missing = [
        (at, name)
        for at, name in enumerate(clips)
        if not (folder / "speakers" / f"{name}.pt").exists()
    ]
    if not missing:
        return
    aligner = _Aligner(studio)
    for at, name in missing:
        recording = read(clips[name])
        target = Target.of([recording], studio.encoder)
        pieces = list(aligner.pieces(recording, target.traits))
        ge2e = aligner.ge2e(recording)
        save(folder, Speaker(name, target, ge2e, pieces, is_held_out(at)))
        print(f"{name}: {len(pieces)} pieces", flush=True)


class _Aligner:
    """Cuts recordings into pieces that are aligned with the network's reading of them."""

    def __init__(self, studio: Studio) -> None:
        path = studio.assets.path
        self._studio = studio
        self._ge2e = Ge2e(path("ge2e-speaker"))
        self._recogniser = Recogniser(path("whisper-base-model").parent, threads=studio.threads)
        self._network = Network(path("kokoro-int8"), threads=studio.threads, dtype=fastest_dtype())

    def ge2e(self, recording: Recording) -> Tensor:
        speech = resample(recording.samples, recording.sample_rate, RATE)
        with torch.no_grad():
            return self._ge2e(torch.from_numpy(speech))

    def pieces(self, recording: Recording, traits: Traits) -> Iterator[Piece]:
        pitch = traits.pitch_hz or DEFAULT_PITCH_HZ
        reader = Blend({self._reader(traits, pitch): 1.0})
        for utterance in self._recogniser.utterances(recording, "en"):
            try:
                tokens = self._studio.tokens(utterance.text)
            except UnspeakableText:
                continue
            style = torch.from_numpy(self._studio.styles.style(reader, len(tokens)))[None]
            piece = make_piece(self._network, utterance, tokens=tokens, style=style, pitch_hz=pitch)
            if piece and piece.frames >= WINDOW and piece.cost < _WORST_COST:
                yield piece

    def _reader(self, traits: Traits, pitch_hz: float) -> str:
        """The stock voice that reads in the speaker's place: alike, and in the same register."""
        scores = {}
        for voice in self._studio.english_voices():
            octaves = abs(float(np.log2(voice.pitch_hz / pitch_hz)))
            off = max(0.0, octaves - _OCTAVES_OFF)
            scores[voice.name] = float(voice.embedding @ traits.embedding) - _OFF_WEIGHT * off
        return max(scores, key=scores.__getitem__)
