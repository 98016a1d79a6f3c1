"""Many outputs that are all different, made of a few hundred clips of real speech.

Ten thousand texts take an engine a day. So every clip is said in some forty ways: at tempos and
pitches that lie five percent apart, which is harder than other texts would be, as every output has
forty others with the same words.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.filter import Graph

from app.audio.dsp import resample
from app.audio.types import Samples
from app.fingerprint.landmarks import Landmarks, landmarks
from bench.data import read
from bench.degrade import RATE

LONGEST_S: Final = 10.0
STEP: Final = 1.05
WAYS: Final = tuple(product(range(-3, 4), range(-3, 3)))
"""Powers of `STEP`: of pitch, of tempo."""


def said(clip: Path, pitch: float, tempo: float) -> Samples:
    """A clip, as high and as fast as these powers of `STEP` say."""
    return said_so(read(clip).samples, STEP**pitch, STEP**tempo)


def said_so(speech: Samples, pitch: float, tempo: float) -> Samples:
    """Pitch (with formants) and tempo times these: a tape at another speed, then FFmpeg's WSOLA."""
    tape = resample(speech, round(RATE * pitch), RATE)
    graph = Graph()
    source = graph.add_abuffer(sample_rate=RATE, format="flt", layout="mono")
    sink = graph.add("abuffersink")
    graph.link_nodes(source, graph.add("atempo", f"{tempo / pitch:.5f}"), sink).configure()
    frame = av.AudioFrame.from_ndarray(tape[None], "flt", "mono")
    frame.sample_rate = RATE
    source.push(frame)
    source.push(None)
    pieces = []
    while True:
        try:
            pieces.append(sink.pull().to_ndarray()[0])
        except av.EOFError:
            return np.concatenate(pieces)[: int(LONGEST_S * RATE)]


def heard(clips: Sequence[Path]) -> Iterator[tuple[list[Landmarks], float]]:
    """The landmarks of each clip in all ways, and how many seconds they are in all."""
    with ProcessPoolExecutor() as pool:
        yield from pool.map(_heard, clips)


def _heard(clip: Path) -> tuple[list[Landmarks], float]:
    sounds = [said(clip, *way) for way in WAYS]
    return [landmarks(sound, RATE) for sound in sounds], sum(map(len, sounds)) / RATE
