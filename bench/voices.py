"""Registering: how long it takes, how alike the voice is, and whether it is understood."""

import re
import time
from io import BytesIO

import av
import numpy as np

from app.assets.store import AssetStore
from app.audio.dsp import resample
from app.audio.encode import encode_all
from app.audio.types import AudioFormat, Samples
from app.core.config import Settings
from app.engines.kokoro.model import SAMPLE_RATE, KokoroModel
from app.engines.kokoro.phonemes import Phonemizer
from app.engines.kokoro.voices import Blend, Styles, stock_voices
from app.speaker.encoder import SpeakerEncoder
from bench.data import SENTENCES, joined, read, speakers
from bench.server import Server, serving

ENROL_CLIPS = 3
MAX_S = 20.0


class Stock:
    """The stock voices, as a baseline that no enrolment went into."""

    def __init__(self, assets: AssetStore) -> None:
        self._voices = stock_voices()
        self._styles = Styles(assets.path("kokoro-voices"), [v.name for v in self._voices])
        self._model = KokoroModel(assets.path("kokoro-int8"), threads=2)
        self._phonemizer = Phonemizer()

    def nearest(self, embedding: np.ndarray) -> str:
        return max(self._voices, key=lambda voice: float(voice.embedding @ embedding)).name

    def say(self, name: str, text: str) -> Samples:
        tokens = self._phonemizer.tokens(self._phonemizer.phonemize(text, "en-US"))
        return self._model.run(tokens, self._styles.style(Blend({name: 1.0}), len(tokens)))


def main() -> None:
    """Enrol with the first clips of each speaker, up to 20 s; compare with the others."""
    assets = AssetStore(Settings().models)
    encoder = SpeakerEncoder(assets.path("wespeaker-resnet34-lm"), threads=2)
    stock, recogniser = Stock(assets), _recogniser(assets)
    print(
        _row("speaker", "seconds", "register", "nearest", "stock", "clone", "same", "shown", "WER")
    )
    rows = []
    with serving() as server:
        for name, clips in speakers().items():
            enrolment = joined(clips[:ENROL_CLIPS])
            samples = enrolment.samples[: int(MAX_S * enrolment.sample_rate)]
            rate = enrolment.sample_rate
            held = np.stack(
                [encoder.embed(c.samples, c.sample_rate) for c in map(read, clips[ENROL_CLIPS:])]
            )
            own = encoder.embed(samples, rate)
            start = time.perf_counter()
            file = encode_all(samples, AudioFormat.FLAC, input_rate=rate, output_rate=rate)
            voice = server.register(file, name)
            took = time.perf_counter() - start
            near = stock.nearest(own)
            said = [_speak(server, str(voice["voice_id"]), text) for text in SENTENCES]
            clone = _mean_similarity(encoder, said, held)
            base = _mean_similarity(encoder, [stock.say(near, text) for text in SENTENCES], held)
            ceiling = float((held @ own).mean())
            wer = _word_error_rate(recogniser, said)
            rows.append((took, base, clone, ceiling, wer))
            shown, seconds = f"{voice['similarity']:.3f}", f"{len(samples) / rate:.1f}"
            print(
                _row(
                    name,
                    seconds,
                    f"{took:.2f} s",
                    near,
                    *_scores(base, clone, ceiling),
                    shown,
                    f"{wer:.2%}",
                )
            )
    took, base, clone, ceiling, wer = np.mean(rows, axis=0)
    print(_row("mean", "", f"{took:.2f} s", "", *_scores(base, clone, ceiling), "", f"{wer:.2%}"))


def _row(*cells: str) -> str:
    return "".join(f"{cell:>{14 if n == 3 else 9}}" for n, cell in enumerate(cells))


def _scores(*scores: float) -> tuple[str, ...]:
    return tuple(f"{score:.3f}" for score in scores)


def _speak(server: Server, voice_id: str, text: str) -> Samples:
    response = server.client.post(
        f"/voices/{voice_id}/synthesize", json={"text": text, "format": "wav"}
    )
    response.raise_for_status()
    with av.open(BytesIO(response.content)) as container:
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
    return np.concatenate(frames, axis=1)[0].astype(np.float32) / 32768.0


def _mean_similarity(encoder: SpeakerEncoder, said: list[Samples], held: np.ndarray) -> float:
    """Mean cosine between each sentence and each clip that was not enrolled."""
    return float(np.mean([held @ encoder.embed(samples, SAMPLE_RATE) for samples in said]))


def _recogniser(assets: AssetStore):  # type: ignore[no-untyped-def] # noqa: ANN202 - the library has no types
    from faster_whisper import WhisperModel

    folder = assets.path("whisper-base-model").parent
    return WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=2)


def _word_error_rate(recogniser, said: list[Samples]) -> float:  # type: ignore[no-untyped-def] # noqa: ANN001
    import jiwer

    heard = []
    for samples in said:
        segments, _ = recogniser.transcribe(
            resample(samples, SAMPLE_RATE, 16_000), beam_size=5, language="en"
        )
        heard.append(_words(" ".join(segment.text for segment in segments)))
    return float(jiwer.wer([_words(text) for text in SENTENCES], heard))


def _words(text: str) -> str:
    return " ".join(re.sub(r"[^a-z' ]", " ", text.lower().replace("favourite", "favorite")).split())


if __name__ == "__main__":
    main()
