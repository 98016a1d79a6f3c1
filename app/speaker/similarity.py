"""How alike two voices are, in numbers and in words."""

import numpy as np
from numpy.typing import NDArray

Embedding = NDArray[np.float32]
"""float32 (256,), of length 1."""


# Lowest similarity of each word, from 31,375 pairs of different speakers (251 of LibriSpeech
# train-clean-100): `python -m bench thresholds` prints the table. Above 0.55 lie 0.04 % of such
# pairs, above 0.41 1 %, above 0.31 5 %; two clips of one speaker had at least 0.51 in 99 % of 225
# pairs.
_WORDS = (
    (0.55, "same speaker very likely"),
    (0.41, "same speaker likely"),
    (0.31, "same speaker uncertain"),
)
_BELOW = "same speaker unlikely"


def describe(similarity: float) -> str:
    """A cosine similarity in words."""
    return next((word for lowest, word in _WORDS if similarity >= lowest), _BELOW)
