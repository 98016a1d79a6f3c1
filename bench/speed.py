"""How fast: generation, what the service adds to it, first byte, memory, import."""

import statistics
import subprocess
import sys
import time

from app.assets.store import AssetStore
from app.core.config import Settings
from app.engines.base import VoiceState
from app.engines.kokoro import parameters
from app.engines.kokoro.model import KokoroModel
from app.engines.kokoro.parameters import Parameters
from app.engines.kokoro.phonemes import Phonemizer
from app.text.split import split
from bench.data import LONG_TEXT, SENTENCES, flac, joined, speakers
from bench.server import Server, serving

REPEATS = 5


def main() -> None:
    clips = next(iter(speakers().values()))
    with serving() as server:
        loaded = server.rss_mb()
        voice = str(server.register(flac(joined(clips[:2])), "speed")["voice_id"])
        rows = [("memory, engine loaded", f"{loaded:.0f} MB", "<= 900 MB")]
        rows += _generation(server, voice)
        rows += _first_byte(server, voice)
        rows.append(("memory after these requests", f"{server.rss_mb():.0f} MB", "<= 900 MB"))
    rows.append(("import app.main", f"{_import_s():.2f} s", "<= 1 s"))
    for name, value, bar in rows:
        print(f"{name:58}{value:>14}   {bar}")


def _generation(server: Server, voice: str) -> list[tuple[str, str, str]]:
    """The same tokens in the same voice through HTTP and through bare onnxruntime, in turn, so
    that noise hits both.
    """
    assets = AssetStore(Settings().models)
    model = KokoroModel(assets.path("kokoro-int8"), threads=2)
    state = (server.folder / "embeddings" / voice / "state").read_bytes()
    own = Parameters.from_state(VoiceState("kokoro", parameters.FORMAT, state))
    biases = parameters.split(own.biases)
    phonemizer = Phonemizer()
    ratios, shares, encoding = [], [], []
    for text in SENTENCES[:REPEATS]:
        tokens = phonemizer.tokens(phonemizer.phonemize(text, "en-US"))
        raw, pcm, mp3 = [], [], []
        for _ in range(REPEATS):
            start = time.perf_counter()
            model.run(tokens, own.style, biases=biases, speed=own.speed, pitch=own.pitch)
            raw.append(time.perf_counter() - start)
            took, seconds = _request(server, voice, text, "pcm")
            pcm.append(took)
            mp3.append(_request(server, voice, text, "mp3")[0])
        ratios.append(statistics.median(pcm) / seconds)
        shares.append(min(pcm) / min(raw) - 1)
        encoding.append(min(mp3) / min(pcm) - 1)
    return [
        ("real-time factor, one request, two threads", f"{statistics.mean(ratios):.3f}", "<= 0.55"),
        ("our own cost over bare onnxruntime", f"{statistics.mean(shares):+.1%}", "<= 5 %"),
        ("MP3 encoding on top of that", f"{statistics.mean(encoding):+.1%}", ""),
    ]


def _first_byte(server: Server, voice: str) -> list[tuple[str, str, str]]:
    sentence = split(LONG_TEXT, max_chars=300)[0].text
    whole, first = [], []
    for _ in range(REPEATS):
        whole.append(_request(server, voice, sentence, "pcm")[0])
        first.append(_time_to_first_byte(server, voice, LONG_TEXT))
    extra = statistics.median(first) - statistics.median(whole)
    words = len(LONG_TEXT.split())
    return [
        (
            f"first byte of a text of {words} words, streamed",
            f"{statistics.median(first):.2f} s",
            "",
        ),
        ("over the time of its first sentence alone", f"{1000 * extra:+.0f} ms", "<= 60 ms"),
    ]


def _request(server: Server, voice: str, text: str, fmt: str) -> tuple[float, float]:
    """Seconds that the request took, and seconds of audio."""
    start = time.perf_counter()
    response = server.client.post(f"/voices/{voice}/synthesize", json={"text": text, "format": fmt})
    took = time.perf_counter() - start
    response.raise_for_status()
    return took, float(response.headers["x-audio-duration"])


def _time_to_first_byte(server: Server, voice: str, text: str) -> float:
    body = {"text": text, "format": "pcm", "stream": True}
    start = time.perf_counter()
    with server.client.stream("POST", f"/voices/{voice}/synthesize", json=body) as response:
        pieces = response.iter_bytes()
        next(pieces)
        took = time.perf_counter() - start
        for _ in pieces:  # so that it does not run into the next measurement
            pass
    return took


def _import_s() -> float:
    code = "import time; t = time.perf_counter(); import app.main; print(time.perf_counter() - t)"
    times = [
        float(
            subprocess.run(
                [sys.executable, "-c", code], check=True, capture_output=True, text=True
            ).stdout
        )
        for _ in range(3)
    ]
    return min(times)


if __name__ == "__main__":
    main()
