"""How much speech a batch makes, against the bare engine, and what it costs those who wait."""

import itertools
import statistics
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from app.assets.store import AssetStore
from app.core.config import Settings
from app.engines.base import VoiceState
from app.engines.kokoro import parameters
from app.engines.kokoro.model import KokoroModel
from app.engines.kokoro.parameters import Parameters
from app.engines.kokoro.phonemes import Phonemizer
from bench.data import LONG_TEXT, SENTENCES, flac, joined, speakers
from bench.server import Server, serving

ITEMS = 100
FULL = 400  # of the batch beside which somebody waits
ROUNDS = 3
REQUESTS = 12
_LAYOUTS = {"2 threads, one at a time": (2, 1), "1 thread, two at a time": (1, 2)}
_NOW_AND_THEN_S = 2.0
_SPEAK = "/api/v1/synthesis/speak/stream"


def main() -> None:
    """Print both tables."""
    clips = next(iter(speakers().values()))
    with serving() as server:
        voice = str(server.register(flac(joined(clips[:3])), "batches")["voice_id"])
        texts = list(itertools.islice(itertools.cycle(SENTENCES), ITEMS))
        _throughput(server, voice, texts)
        _waiting(server, voice)


def _throughput(server: Server, voice: str, texts: list[str]) -> None:
    raw = _Raw((server.folder / "embeddings" / voice / "state").read_bytes(), texts)
    batches, bare = [], {name: list[float]() for name in _LAYOUTS}
    _batch(server, voice, texts[:8])  # the second session is loaded with the first batch
    for _ in range(ROUNDS):  # in turn, so that noise hits all
        for name, layout in _LAYOUTS.items():
            bare[name].append(raw.seconds_for_all(*layout))
        batches.append(_batch(server, voice, texts))
    best = min(bare, key=lambda name: min(bare[name]))
    for name, times in bare.items():
        print(f"bare engine, {name:<28}{raw.audio_s / min(times):>7.2f} s of audio a second")
    took = min(seconds for seconds, _ in batches)
    print(
        f"batch of {len(texts)} items, the same audio{'':<9}{raw.audio_s / took:>7.2f} s a second"
    )
    ratio = min(bare[best]) / took
    each = ", ".join(f"{b / s:.3f}" for b, (s, _) in zip(bare[best], batches, strict=True))
    print(f"ratio to the bare engine, {best}: {ratio:.3f} (rounds {each}); wanted >= 0.9")


def _waiting(server: Server, voice: str) -> None:
    idle = _first_audios(server, voice)
    texts = list(itertools.islice(itertools.cycle(SENTENCES), FULL))
    job = _submit(server, voice, texts)
    _until(server, job, lambda details: details["status"] == "running")
    time.sleep(3)  # in full swing
    busy = _first_audios(server, voice)
    still = server.client.get(f"/api/v1/jobs/{job}").json()["status"]
    server.client.post(f"/api/v1/jobs/{job}/cancel")
    asked = time.perf_counter()
    _until(server, job, lambda details: details["status"] == "cancelled")
    for name, times in (("idle", idle), ("beside a batch", busy)):
        print(
            f"first audio, {name:<16}median {statistics.median(times):.2f} s, "
            f"{min(times):.2f} to {max(times):.2f} s"
        )
    ratio = statistics.median(busy) / statistics.median(idle)
    print(f"ratio of the medians: {ratio:.2f}; wanted <= 1.5 (batch {still} then)")
    print(f"a cancelled batch had stopped after {time.perf_counter() - asked:.2f} s")


class _Raw:
    """The network alone, on the tokens of the texts."""

    def __init__(self, state: bytes, texts: list[str]) -> None:
        path = AssetStore(Settings().models).path("kokoro-int8")
        self._own = Parameters.from_state(VoiceState("kokoro", parameters.FORMAT, state))
        self._biases = parameters.split(self._own.biases)
        phonemizer = Phonemizer()
        self._tokens = [phonemizer.tokens(phonemizer.phonemize(text, "en-US")) for text in texts]
        self._models = {n: KokoroModel(path, threads=n) for n in (1, 2)}
        self.audio_s = 0.0

    def seconds_for_all(self, threads: int, at_once: int) -> float:
        """To speak all texts; `audio_s` is what comes of it."""
        waiting, lock, audio = iter(self._tokens), threading.Lock(), [0.0] * at_once

        def work(number: int) -> None:
            while True:
                with lock:
                    tokens = next(waiting, None)
                if tokens is None:
                    return
                audio[number] += self._spoken(threads, tokens)

        workers = [threading.Thread(target=work, args=(n,)) for n in range(at_once)]
        start = time.perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        self.audio_s = sum(audio)
        return time.perf_counter() - start

    def _spoken(self, threads: int, tokens: list[int]) -> float:
        own = self._own
        run: Any = self._models[threads].run(
            tokens, own.style, biases=self._biases, speed=own.speed, pitch=own.pitch
        )
        return len(getattr(run, "samples", run)) / 24_000


def _batch(server: Server, voice: str, texts: list[str]) -> tuple[float, str]:
    """Seconds from begin to end of a batch, by the server's clock, and its status."""
    job = _submit(server, voice, texts)
    details = _until(server, job, lambda found: found["ended_at"] is not None)
    assert details["status"] == "succeeded", details  # noqa: S101
    began, ended = (datetime.fromisoformat(details[at]) for at in ("started_at", "ended_at"))
    return (ended - began).total_seconds(), details["status"]


def _submit(server: Server, voice: str, texts: list[str]) -> str:
    body = {"voice": voice, "format": "wav", "items": [{"text": text} for text in texts]}
    answer = server.client.post("/api/v1/synthesis/batch", json=body)
    answer.raise_for_status()
    return str(answer.json()["job"]["job_id"])


def _until(server: Server, job: str, there: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    while True:
        details: dict[str, Any] = server.client.get(f"/api/v1/jobs/{job}").json()
        if there(details):
            return details
        time.sleep(0.5)


def _first_audios(server: Server, voice: str) -> list[float]:
    """Somebody comes now and then; the batch goes on meanwhile."""
    times = []
    for _ in range(REQUESTS):
        times.append(_first_audio(server, voice))
        time.sleep(_NOW_AND_THEN_S)
    return times


def _first_audio(server: Server, voice: str) -> float:
    body = {"text": LONG_TEXT, "voice": voice, "format": "pcm", "store": False}
    start = time.perf_counter()
    with server.client.stream("POST", _SPEAK, json=body) as response:
        response.raise_for_status()
        next(response.iter_bytes())
        return time.perf_counter() - start
