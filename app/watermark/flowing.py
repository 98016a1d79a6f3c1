"""Marking a sound while it comes in."""

from typing import Final

import numpy as np

from app.audio.types import Samples
from app.watermark.marking import Watermark

# The network looks 0.15 s to both sides and a frame is 64 ms; `docs/watermark.md` tells what came
# of other lengths. Blocks are 80 ms, and shorter only at first, when little is there.
_BLOCK_S: Final = 0.08
_CONTEXT_S: Final = 0.25
_BLEND_S: Final = 0.01


class FlowingMark:
    """Marks one sound block by block, each with what came before it, and blends what is added at
    the seams. The first block goes out as soon as it is there, the others 10 ms later than they
    could. Blocks, some 5 ms each; one thread at a time.

    Args:
        watermark: what marks, or nothing.
        rate: in Hz.
    """

    def __init__(self, watermark: Watermark, rate: int) -> None:
        self._watermark = watermark
        self._rate = rate
        self._blend = round(_BLEND_S * rate)
        self._samples = np.zeros(0, np.float32)  # what came, from `_CONTEXT_S` before the unsent on
        self._unsent = 0  # offset in it
        self._sent = 0  # in all
        self._fading = np.zeros(0, np.float32)  # what the last block would have added from there on

    def feed(self, samples: Samples) -> Samples:
        """What is marked by now: float32 (m,), maybe none.

        Raises:
            as `Watermark.mark`
        """
        self._samples = np.concatenate([self._samples, samples])
        if not self._watermark.marks:
            return self._take(len(self._samples), np.zeros(0, np.float32))
        ready = len(self._samples) - self._unsent
        if not self._sent:
            return self._marked(len(self._samples), ends=True) if ready else self._samples
        if ready - self._blend < min(self._sent, round(_BLOCK_S * self._rate)):
            return np.zeros(0, np.float32)
        return self._marked(len(self._samples) - self._blend, ends=False)

    def end(self) -> Samples:
        """The rest.

        Raises:
            as `Watermark.mark`
        """
        if self._unsent == len(self._samples):
            return np.zeros(0, np.float32)
        return self._marked(len(self._samples), ends=False)

    def _marked(self, end: int, *, ends: bool) -> Samples:
        """Up to there. `ends`: what is added ends there as well, as nothing is known beyond."""
        plain = self._samples
        added = (self._watermark.mark(plain, self._rate) - plain)[self._unsent :]
        blend = min(self._blend, len(added))
        up = np.linspace(0.0, 1.0, blend, dtype=np.float32)
        before = np.pad(self._fading, (0, max(0, blend - len(self._fading))))[:blend]
        added[:blend] = added[:blend] * up + before * (1.0 - up)
        if ends:
            added[len(added) - blend :] *= up[::-1]
        count = end - self._unsent
        self._fading = added[count : count + self._blend]
        return self._take(end, added[:count])

    def _take(self, end: int, added: Samples) -> Samples:
        part = self._samples[self._unsent : end]
        if len(added):
            part = np.asarray(np.clip(part + added, -1.0, 1.0), np.float32)
        self._sent += len(part)
        start = max(0, end - round(_CONTEXT_S * self._rate))
        self._samples, self._unsent = self._samples[start:], end - start
        return part
