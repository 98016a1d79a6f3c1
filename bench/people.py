"""Everybody whom a clone could be taken for: the speakers' clips that were never enrolled, and many
strangers.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.audio.types import Samples
from app.speaker.similarity import Embedding
from bench.data import ENROL_CLIPS, calibration, read, speakers

Embeddings = NDArray[np.float32]
"""float32 (n, size), each of length 1."""


class Encoder(Protocol):
    """Tells who speaks."""

    def embed(self, samples: Samples, sample_rate: int) -> Embedding: ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one encoder says of a voice that should be a speaker's. All are cosines.

    Attributes:
        similarity: mean over all pairs of a sentence of the voice and a clip of the speaker.
        own: between the mean embedding of the sentences and that of the speaker's clips.
        other: the same with whoever else is nearest. taken_for: who that is.
    """

    similarity: float
    own: float
    other: float
    taken_for: str

    @property
    def recognised(self) -> bool:
        """Is the voice nearer to the speaker than to anybody else?"""
        return self.own > self.other


class People:
    """Embeddings by each encoder.

    Args:
        cache: folder that keeps them: the strangers take minutes.
    """

    def __init__(self, encoders: Mapping[str, Encoder], cache: Path) -> None:
        held = {name: clips[ENROL_CLIPS:] for name, clips in speakers().items()}
        strangers = calibration()
        self._held: dict[str, dict[str, Embeddings]] = {}
        self._centres: dict[str, dict[str, Embeddings]] = {}
        for name, encoder in encoders.items():
            own = {who: _embeddings(name, encoder, clips, cache) for who, clips in held.items()}
            others = _embeddings(name, encoder, strangers, cache)
            self._held[name] = own
            self._centres[name] = {who: _unit(clips.mean(axis=0)) for who, clips in own.items()}
            self._centres[name] |= {
                path.stem: vector for path, vector in zip(strangers, others, strict=True)
            }

    def verdict(self, encoder: str, speaker: str, sentences: Embeddings) -> Verdict:
        """Compare the sentences of a voice with the speaker and with everybody else."""
        centre = _unit(sentences.mean(axis=0))
        near = {who: float(other @ centre) for who, other in self._centres[encoder].items()}
        own = near.pop(speaker)
        taken_for = max(near, key=near.__getitem__)
        return Verdict(
            similarity=float(np.mean(sentences @ self._held[encoder][speaker].T)),
            own=own,
            other=near[taken_for],
            taken_for=taken_for,
        )


def _embeddings(name: str, encoder: Encoder, clips: Sequence[Path], cache: Path) -> Embeddings:
    """float32 (clips, size), from the cache if it has them."""
    digest = hashlib.sha256("\n".join(path.name for path in clips).encode()).hexdigest()
    kept = cache / f"{name}-{digest[:16]}.npy"
    if not kept.exists():
        recordings = (read(path) for path in clips)
        vectors = np.stack([encoder.embed(r.samples, r.sample_rate) for r in recordings])
        np.save(kept, vectors)
    return np.asarray(np.load(kept), np.float32)


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vector / np.linalg.norm(vector), np.float32)
