"""What is heard where nothing is said."""

import numpy as np

from app.audio.types import SpeechChunk
from app.planning.plan import Worded


def pause(one: Worded, rate: int) -> SpeechChunk:
    """Of a piece of which nothing is said."""
    piece = one.piece
    return silence(piece.lead_s + piece.pause_s, rate, piece.start, piece.end)


def silence(seconds: float, rate: int, start: int, end: int) -> SpeechChunk:
    return SpeechChunk(np.zeros(max(1, round(seconds * rate)), np.float32), rate, start, end)
