"""Nothing of one request gets into another: 16 streams at once, 16 texts, 4 voices, on the real
engine. Each answer is heard: which words, and whose voice.
"""

import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from app.assets.store import AssetStore
from app.audio.dsp import resample
from app.audio.types import Samples
from app.core.config import Settings
from app.speaker.encoder import SpeakerEncoder
from app.speaker.similarity import Embedding
from bench.data import SENTENCES, flac, joined, speakers
from bench.server import Server, serving
from tests.audio.signals import read_pcm

VOICES, STREAMS = 4, 16
_RATE, _EARS_RATE = 24_000, 16_000


def main() -> None:
    """Print what was heard."""
    from faster_whisper import WhisperModel

    assets = AssetStore(Settings().models)
    encoder = SpeakerEncoder(assets.path("wespeaker-resnet34-lm"), threads=2)
    with serving() as server:
        voices = [
            str(server.register(flac(joined(clips[:3])), name)["voice_id"])
            for name, clips in list(speakers().items())[:VOICES]
        ]
        # Each voice alone, on a text that is in no stream: what it sounds like by itself.
        alone = [encoder.embed(_speak(server, voice, SENTENCES[-1]), _RATE) for voice in voices]
        texts = SENTENCES[:STREAMS]
        with ThreadPoolExecutor(STREAMS) as pool:
            asked = [(server, voices[n % VOICES], text) for n, text in enumerate(texts)]
            said = list(pool.map(lambda one: _speak(*one), asked))
    ears = WhisperModel(
        str(assets.path("whisper-base-model").parent), compute_type="int8", cpu_threads=2
    )
    right_words = right_voice = 0
    for number, samples in enumerate(said):
        segments, _ = ears.transcribe(resample(samples, _RATE, _EARS_RATE), language="en")
        heard = " ".join(segment.text for segment in segments)
        right_words += _nearest(heard, texts) == number
        right_voice += _whose(encoder.embed(samples, _RATE), alone) == number % VOICES
    print(f"{STREAMS} streams at once, {VOICES} voices, {len(texts)} texts")
    print(f"the words are those that were asked for, of all {STREAMS} texts: {right_words}")
    print(f"the voice is that which was asked for, of all {VOICES}: {right_voice}")


def _speak(server: Server, voice: str, text: str) -> Samples:
    body = {"text": text, "voice": voice, "format": "pcm", "store": False}
    with server.client.stream("POST", "/api/v1/synthesis/speak/stream", json=body) as response:
        response.raise_for_status()
        return np.asarray(read_pcm(b"".join(response.iter_bytes())), np.float32)


def _nearest(heard: str, texts: tuple[str, ...]) -> int:
    """Which of the texts shares most of its words with what was heard."""
    words = _words(heard)
    shares = [len(words & _words(text)) / len(words | _words(text)) for text in texts]
    return int(np.argmax(shares)) if max(shares) > 0.5 else -1


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))


def _whose(embedding: Embedding, alone: list[Embedding]) -> int:
    return int(np.argmax([embedding @ own for own in alone]))
