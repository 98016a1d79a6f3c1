"""How alike two voices are, in numbers and in words."""

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Embedding = NDArray[np.float32]
"""float32 (256,), of length 1."""


Verdict = Literal["same", "uncertain", "different"]

# Lowest similarity of each word, from 31,375 pairs of different speakers (251 of LibriSpeech
# train-clean-100): `python -m bench thresholds` prints the table. Above 0.55 lie 0.04 % of such
# pairs, above 0.41 1 %, above 0.31 5 %; two clips of one speaker had at least 0.51 in 99 % of 225
# pairs.
VERY_LIKELY: Final = 0.55
LIKELY: Final = 0.41
UNCERTAIN: Final = 0.31
_WORDS = (
    (VERY_LIKELY, "same speaker very likely"),
    (LIKELY, "same speaker likely"),
    (UNCERTAIN, "same speaker uncertain"),
)
_BELOW = "same speaker unlikely"


def describe(similarity: float) -> str:
    """A cosine similarity in words."""
    return next((word for lowest, word in _WORDS if similarity >= lowest), _BELOW)


def verdict(similarity: float) -> Verdict:
    """Whether two recordings are of one speaker, as far as their similarity tells."""
    if similarity >= LIKELY:
        return "same"
    return "uncertain" if similarity >= UNCERTAIN else "different"


def centre(embeddings: NDArray[np.float32]) -> Embedding:
    """What (n, 256) embeddings of one speaker have in common."""
    mean = embeddings.mean(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), np.float32)


def to_the_majority(embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
    """How alike each of (n, 256) embeddings is to the speaker of most of them: (n,) cosines. Of
    equally many, the first one's speaker counts.
    """
    alike = embeddings @ embeddings.T
    most_like = alike[int(np.argmax(alike.sum(axis=1).round(4)))]
    return np.asarray(embeddings @ centre(embeddings[most_like >= LIKELY]), np.float32)
