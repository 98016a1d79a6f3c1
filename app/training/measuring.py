"""Is a voice better than another? Both say the same sentences, which no engine learns with."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from app.audio.types import Recording
from app.core.tasks import in_thread
from app.core.turns import Turns
from app.engines.base import Engine, SynthesisRequest, VoiceState
from app.engines.controls import all_of
from app.speaker.judge import Judge
from app.text.languages import primary

# Of the Harvard sentences (IEEE 1969), as everybody takes them for this.
SENTENCES: Final = (
    "The birch canoe slid on the smooth planks.",
    "It is easy to tell the depth of a well.",
    "The juice of lemons makes fine punch.",
    "A large size in stockings is hard to sell.",
    "The ship was torn apart on the sharp reef.",
    "Wipe the grease off his dirty face.",
)
_LANGUAGE: Final = "en"
_GAIN: Final = 0.005  # a smaller one is chance
_MORE_ERRORS, _FEW_ERRORS = 0.05, 0.05  # word error rates


@dataclass(frozen=True, slots=True)
class Measured:
    """How a voice is. None: nothing here can measure it."""

    likeness: float | None = None
    word_errors: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the second of two voices is better, and why, in words."""

    better: bool
    reason: str


class Measuring:
    """Has voices speak, and judges them.

    Args:
        judge: loads it; gives None where there is none, for engines that only pretend to speak.
    """

    def __init__(self, engine: Engine, turns: Turns, judge: Callable[[], Judge | None]) -> None:
        self._engine = engine
        self._turns = turns
        self._judge = judge
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="judge")

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def measure(self, voice: VoiceState, speaker: Sequence[Recording]) -> Measured:
        """Compare a voice with recordings of its speaker.

        Raises:
            EngineError: it cannot speak. AssetError: nor can it be judged.
        """
        language = next((tag for tag in self._engine.info.languages if _is_english(tag)), None)
        if language is None:
            return Measured()
        judge = await in_thread(self._threads, self._judge)
        if judge is None:
            return Measured()
        said = [await self._say(text, voice, language) for text in SENTENCES]
        likeness = await in_thread(self._threads, judge.likeness, said, speaker)
        errors = await in_thread(self._threads, judge.word_errors, said, SENTENCES, _LANGUAGE)
        return Measured(round(likeness, 4), None if errors is None else round(errors, 4))

    async def _say(self, text: str, voice: VoiceState, language: str) -> Recording:
        request = SynthesisRequest(text, voice, language=language, background=True)
        return await self._turns.in_background(partial(self._speak, request))

    async def _speak(self, request: SynthesisRequest) -> Recording:
        chunks = await all_of(self._engine, request)
        samples = np.concatenate([chunk.samples for chunk in chunks])
        return Recording(samples, self._engine.info.sample_rate)


def compare(before: Measured, after: Measured, *, held_out: int) -> Verdict:
    """Whether a voice is better than the one before it.

    Args:
        held_out: recordings that it was compared with and did not learn from.
    """
    if before.likeness is None or after.likeness is None:
        return Verdict(True, "Taken as it is: nothing here can judge voices of this engine.")
    what = (
        f"{held_out} recording{'s' * (held_out > 1)} that it did not learn from"
        if held_out
        else "the recordings that it learnt from, as there are too few to hold one out"
    )
    change = f"{before.likeness:.3f} before, {after.likeness:.3f} now, compared with {what}"
    if after.likeness <= before.likeness + _GAIN:
        return Verdict(False, f"Not more like the speaker: {change}.")
    if after.word_errors is None or before.word_errors is None:
        return Verdict(
            True, f"More like the speaker: {change}. Whether it is understood was not measured."
        )
    errors = f"{before.word_errors:.1%} before, {after.word_errors:.1%} now"
    if after.word_errors > max(before.word_errors + _MORE_ERRORS, _FEW_ERRORS):
        return Verdict(False, f"More like the speaker, but words are misheard: {errors}; {change}.")
    return Verdict(True, f"More like the speaker: {change}. Misheard words: {errors}.")


def _is_english(tag: str) -> bool:
    return primary(tag) == _LANGUAGE
