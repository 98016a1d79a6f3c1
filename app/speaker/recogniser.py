"""What is said in a recording, and when: Whisper base through faster-whisper."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.audio.dsp import resample
from app.audio.types import Recording, Samples

RATE = 16_000
_LEAST_PROBABLE = 0.5
_PAUSE_S, _SHORT_S, _LONG_S, _LEAST_S = 0.12, 2.0, 5.0, 1.2
_MARGIN_S = 0.08


@dataclass(frozen=True, slots=True)
class Utterance:
    """A few words of a recording. `samples`: float32 (n,) at 16 kHz."""

    samples: Samples
    text: str


class Recogniser:
    """Whisper base, 8 bit.

    Args:
        folder: with its files in the layout of CTranslate2.
    """

    def __init__(self, folder: Path, *, threads: int) -> None:
        from faster_whisper import WhisperModel

        self._model = WhisperModel(
            str(folder), device="cpu", compute_type="int8", cpu_threads=threads
        )

    def language(self, recording: Recording) -> str:
        """Two letters."""
        speech = resample(recording.samples, recording.sample_rate, RATE)
        found, _, _ = self._model.detect_language(speech[: 30 * RATE])
        return str(found)

    def transcript(self, recording: Recording, language: str) -> str:
        speech = resample(recording.samples, recording.sample_rate, RATE)
        segments, _ = self._model.transcribe(speech, beam_size=1, language=language)
        return " ".join(segment.text for segment in segments)

    def utterances(self, recording: Recording, language: str) -> list[Utterance]:
        """The recording cut at pauses into pieces of 1.2 to some 6 s; what was not understood well
        is left out.
        """
        speech = resample(recording.samples, recording.sample_rate, RATE)
        segments, _ = self._model.transcribe(
            speech, beam_size=1, language=language, word_timestamps=True,
            condition_on_previous_text=False,
        )  # fmt: skip
        words = [word for segment in segments for word in segment.words or ()]
        found, current = [], []
        for at, word in enumerate(words):
            current.append(word)
            last = at + 1 == len(words)
            pause = 1e9 if last else words[at + 1].start - word.end
            length = word.end - current[0].start
            if last or length > _LONG_S or (length > _SHORT_S and pause > _PAUSE_S):
                found.append(_cut(speech, current))
                current = []
        return [utterance for utterance in found if utterance is not None]


def _cut(speech: Samples, words: list[Any]) -> Utterance | None:
    start, end = words[0].start, words[-1].end
    probability = sum(word.probability for word in words) / len(words)
    if end - start < _LEAST_S or probability < _LEAST_PROBABLE:
        return None
    piece = speech[max(0, round((start - _MARGIN_S) * RATE)) : round((end + _MARGIN_S) * RATE)]
    return Utterance(piece, "".join(word.word for word in words).strip())
