"""What the checks of a recorded consent come to."""

from collections.abc import Iterator
from typing import Final

from app.models.consent import ConsentScores, ConsentStatus
from app.watermark.finding import PRESENT

WORDS_SURE: Final = 0.8
"""Share of the statement's words with which nobody needs to listen again."""
WORDS_LEAST: Final = 0.6
NAME_SURE: Final = 0.5
"""Likeness of a name: recognition writes names as it likes."""
LEAST_SPEECH_S: Final = 3.0


def judge(scores: ConsentScores) -> tuple[ConsentStatus, tuple[str, ...]]:
    """The outcome, and why it is not `verified`."""
    if wrong := tuple(_wrong(scores)):
        return ConsentStatus.REJECTED, wrong
    if doubts := tuple(_doubts(scores)):
        return ConsentStatus.NEEDS_REVIEW, doubts
    return ConsentStatus.VERIFIED, ()


def _wrong(scores: ConsentScores) -> Iterator[str]:
    if scores.watermark is not None and scores.watermark >= PRESENT:
        yield "The recording has our own watermark: it was spoken by a machine."
    if scores.speech_s < LEAST_SPEECH_S:
        yield f"There are only {scores.speech_s:.1f} s of speech in it."
    if scores.speakers is not None and scores.speakers > 1:
        yield "More than one person speaks in it."
    if scores.words is not None and scores.words < WORDS_LEAST:
        yield f"Only {scores.words:.0%} of the statement's words were heard."
    if scores.code is False:
        yield "The code was not heard, or is another one."


def _doubts(scores: ConsentScores) -> Iterator[str]:
    if scores.words is None:
        yield "Nothing here recognises words: somebody must listen to it."
        return
    if scores.words < WORDS_SURE:
        yield f"{scores.words:.0%} of the statement's words were heard."
    for name, score in (("speaker", scores.speaker), ("company", scores.company)):
        if score is not None and score < NAME_SURE:
            yield f"The name of the {name} was not understood."
