"""Listening to a recording in which somebody agrees: what it says, who speaks, and what speaks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from app.audio.ears import Ears
from app.audio.types import RecordingReport, Samples
from app.consents.wording import compare
from app.core.exceptions import RecordingTooLong
from app.core.tasks import in_thread
from app.models.consent import ConsentChallenge, ConsentScores
from app.speaker.judge import Recognise
from app.watermark.marking import Watermark

LONGEST_S: Final = 60.0
"""Of a recording: the statement takes some 12 s."""
_MOST_CHARS: Final = 2000  # of a transcript that are compared


@dataclass(frozen=True, slots=True)
class Named:
    """Whom a statement names."""

    speaker: str
    company: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """What was heard. `embedding`: of the speaker, None if nothing here tells speakers apart."""

    scores: ConsentScores
    embedding: tuple[float, ...] | None


class ConsentListener:
    """Listens.

    Args:
        recogniser: loads what recognises words, for each use anew; gives None where there is none.
    """

    def __init__(
        self, ears: Ears, watermark: Watermark, recogniser: Callable[[], Recognise | None]
    ) -> None:
        self._ears = ears
        self._watermark = watermark
        self._recogniser = recogniser

    async def listen(self, content: bytes, asked: ConsentChallenge, named: Named) -> Agreement:
        """Measure a recording of a statement.

        Raises:
            UnreadableAudio, UnsuitableRecording, UploadTooLarge: nothing can be told from the file.
            AssetError, EngineUnavailable, EngineFailed: a model is missing or failed.
        """
        sound = await self._ears.decode(content)
        if sound.duration_s > LONGEST_S:
            raise RecordingTooLong(
                f"The recording takes {sound.duration_s:.0f} s.",
                "Read the statement, and nothing else.",
                measured=round(sound.duration_s, 3),
                limit=LONGEST_S,
            )
        recording, report = await self._ears.judge(sound)
        embedding = await self._ears.embed(recording)
        marked = None
        if self._watermark.detector is not None:
            found = await in_thread(None, self._watermark.find, sound.samples, sound.sample_rate)
            marked = found.score
        said = await in_thread(None, self._words, sound.samples, sound.sample_rate, asked.language)
        scores = _scores(said, asked, named, report=report, marked=marked)
        vector = None if embedding is None else tuple(float(value) for value in embedding)
        return Agreement(scores, vector)

    def _words(self, samples: Samples, sample_rate: int, language: str) -> str | None:
        recognise = self._recogniser()
        return None if recognise is None else recognise(samples, sample_rate, language=language)


def _scores(
    said: str | None,
    asked: ConsentChallenge,
    named: Named,
    *,
    report: RecordingReport,
    marked: float | None,
) -> ConsentScores:
    heard = said and compare(
        said[:_MOST_CHARS],
        language=asked.language,
        speaker=named.speaker,
        company=named.company,
        code=asked.code,
    )
    return ConsentScores(
        words=round(heard.words, 3) if heard else None if said is None else 0.0,
        speaker=round(heard.speaker, 3) if heard else None,
        company=round(heard.company, 3) if heard else None,
        code=heard.code if heard else None if said is None else False,
        speech_s=report.speech_s,
        speakers=report.speakers,
        watermark=None if marked is None else round(marked, 3),
    )
