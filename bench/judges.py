"""What a clone is judged by: two speaker encoders, naturalness, words, clipping. The engine is
steered by WeSpeaker; it knows nothing of the others.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.assets.store import AssetStore
from app.audio.decode import DecodedAudio
from app.audio.dsp import resample
from app.audio.onnx import open_session, run
from app.audio.quality import measure
from app.audio.types import Samples
from app.speaker.encoder import SpeakerEncoder
from bench.people import Encoder, People, Verdict

_RATE = 16_000
_THREADS = 2


def encoders(assets: AssetStore) -> dict[str, Encoder]:
    """By name. Without PyTorch, which no lock file holds, there is no ECAPA."""
    found: dict[str, Encoder] = {
        "WeSpeaker": SpeakerEncoder(assets.path("wespeaker-resnet34-lm"), threads=_THREADS)
    }
    if find_spec("torch"):
        from bench.ecapa import EcapaEncoder

        found["ECAPA"] = EcapaEncoder(assets.path("ecapa-tdnn"))
    return found


@dataclass(frozen=True, slots=True)
class Scores:
    """What the judges found of some sentences or clips of one voice.

    Attributes:
        verdicts: by encoder.
        dnsmos: naturalness, 1 to 5. word_errors: rate, None where the text is not known.
        clipped: share of the samples that are cut off. seconds: mean length of a sentence.
    """

    verdicts: dict[str, Verdict]
    dnsmos: float
    word_errors: float | None
    clipped: float
    seconds: float

    def similarity(self, encoder: str) -> float | None:
        """Of all pairs of a sentence and a clip of the speaker, None without that encoder."""
        verdict = self.verdicts.get(encoder)
        return verdict.similarity if verdict else None


class Judges:
    """All of them, loaded."""

    def __init__(self, assets: AssetStore, people: People, by: dict[str, Encoder]) -> None:
        self._people = people
        self._encoders = by
        self._naturalness = Naturalness()
        self._recogniser = Recogniser(assets)

    def scores(
        self, speaker: str, said: list[Samples], rate: int, texts: Sequence[str] | None
    ) -> Scores:
        """Judge a voice that should be the speaker's.

        Args:
            said: float32 (n,) each, mono. rate: of them, in Hz.
            texts: what was to be said, one for each, or None.
        """
        verdicts = {
            name: self._people.verdict(
                name, speaker, np.stack([encoder.embed(samples, rate) for samples in said])
            )
            for name, encoder in self._encoders.items()
        }
        return Scores(
            verdicts,
            dnsmos=float(np.mean([self._naturalness.overall(samples, rate) for samples in said])),
            word_errors=None if texts is None else self._recogniser.errors(said, rate, texts),
            clipped=float(np.mean([_clipped(samples, rate) for samples in said])),
            seconds=float(np.mean([len(samples) / rate for samples in said])),
        )


class Naturalness:
    """DNSMOS P.835 (Reddy et al. 2022, https://arxiv.org/abs/2110.01763), overall quality.

    The network and its calibration are those of the package `speechmos` (MIT), whose own code
    would bring librosa for a figure that is not used here.
    """

    _WINDOW_S = 9.01
    _CALIBRATION = np.poly1d([-0.06766283, 1.11546468, 0.04602535])

    def __init__(self) -> None:
        network = files("speechmos") / "dnsmos_models" / "sig_bak_ovr.onnx"
        self._session = open_session(Path(str(network)), threads=_THREADS)

    def overall(self, samples: Samples, rate: int) -> float:
        """1 to 5: the mean over windows that begin each second; what is short is repeated."""
        speech = np.clip(resample(samples, rate, _RATE), -1.0, 1.0)
        size = int(self._WINDOW_S * _RATE)
        while len(speech) < size:
            speech = np.tile(speech, 2)
        windows = int(len(speech) // _RATE - self._WINDOW_S) + 1
        values = [self._value(speech[n * _RATE :][:size]) for n in range(windows)]
        return float(np.mean(self._CALIBRATION(values)))

    def _value(self, window: Samples) -> float:
        (values,) = run(self._session, {"input_1": window[None]})
        return float(values[0, 2])  # signal, background, overall


class Recogniser:
    """Whisper base by faster-whisper."""

    def __init__(self, assets: AssetStore) -> None:
        from faster_whisper import WhisperModel

        folder = assets.path("whisper-base-model").parent
        self._model = WhisperModel(
            str(folder), device="cpu", compute_type="int8", cpu_threads=_THREADS
        )

    def errors(self, said: list[Samples], rate: int, texts: Sequence[str]) -> float:
        """Word error rate over all the sentences together."""
        import jiwer

        heard = [words_of(self.transcript(resample(samples, rate, _RATE))) for samples in said]
        return float(jiwer.wer([words_of(text) for text in texts], heard))

    def transcript(self, speech: NDArray[np.float32]) -> str:
        segments, _ = self._model.transcribe(speech, beam_size=5, language="en")
        return " ".join(segment.text for segment in segments)


def words_of(text: str) -> str:
    """Lower case, without punctuation."""
    return " ".join(re.sub(r"[^a-z' ]", " ", text.lower().replace("favourite", "favorite")).split())


def _clipped(samples: Samples, rate: int) -> float:
    seconds = len(samples) / rate
    return measure(DecodedAudio(samples, rate, 1, "", cut_off=False), [(0.0, seconds)]).clipped
