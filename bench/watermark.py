"""The watermark: what it withstands, what it costs, and what it does to speech. 100 sentences of
the embedded engine in voices that were cloned, and human speech that was never marked.
"""

import argparse
import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from types import MappingProxyType
from typing import Final

import numpy as np

from app.assets.store import AssetStore
from app.audio.decode import decode
from app.audio.dsp import resample
from app.audio.finish import Finish, finish
from app.audio.types import Samples
from app.core.config import Settings
from app.engines.base import Engine, SynthesisRequest
from app.engines.controls import all_of
from app.engines.registry import EngineOptions, create_engine
from app.watermark.finding import PRESENT, find
from app.watermark.flowing import FlowingMark
from app.watermark.marking import Watermark
from app.watermark.perth import STRENGTH, Detector, Marker
from bench.data import ENROL_CLIPS, LIMITS, SENTENCES, calibration, joined, read, speakers
from bench.degrade import by_ffmpeg, noisy
from bench.judges import Naturalness, Recogniser
from bench.people import Encoder

_THREADS: Final = 2
_UNMARKED: Final = 80
_CROP_S: Final = 2.0
_NOISE_DB: Final = 20.0

Sound = tuple[Samples, int]
"""float32 (n,), and its rate in Hz."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One that was spoken, unmarked. `speaker`: whose clips the voice was made of."""

    speaker: str
    text: str
    samples: Samples
    took_s: float


def _coded(container: str, codec: str, bit_rate: int) -> Callable[[Samples, int], Sound]:
    def attack(samples: Samples, rate: int) -> Sound:
        heard = decode(by_ffmpeg(samples, rate, container, codec, bit_rate, source=rate), LIMITS)
        return heard.samples, heard.sample_rate

    return attack


def _resampled(*rates: int) -> Callable[[Samples, int], Sound]:
    def attack(samples: Samples, rate: int) -> Sound:
        for to in rates:
            samples, rate = resample(samples, rate, to), to
        return samples, rate

    return attack


def _cropped(samples: Samples, rate: int) -> Sound:
    """Out of the middle."""
    size = round(_CROP_S * rate)
    start = max(0, (len(samples) - size) // 2)
    return samples[start : start + size], rate


ATTACKS: Final[Mapping[str, Callable[[Samples, int], Sound]]] = MappingProxyType(
    {
        "none": lambda samples, rate: (samples, rate),
        "MP3, 64 kbit/s": _coded("mp3", "libmp3lame", 64_000),
        "Opus, 24 kbit/s": _coded("ogg", "libopus", 24_000),
        "AAC, 64 kbit/s": _coded("adts", "aac", 64_000),
        "8 kHz": _resampled(8_000),
        "44.1 kHz, then 16 kHz": _resampled(44_100, 16_000),
        "gain of -12 dB": lambda samples, rate: (samples * 0.25, rate),
        "gain of +6 dB, cut off": lambda samples, rate: (np.clip(samples * 2.0, -1.0, 1.0), rate),
        "white noise at 20 dB SNR": lambda samples, rate: (noisy(samples, snr_db=_NOISE_DB), rate),
        "2 s out of the middle": _cropped,
        "3 % faster (pitch with it)": lambda samples, rate: (samples, round(rate * 1.03)),
    }
)


def main(options: list[str]) -> None:
    """Print how often the mark is found after what, its cost, and what it does to speech."""
    parser = argparse.ArgumentParser(prog="python -m bench watermark", description=main.__doc__)
    parser.add_argument("--sentences", type=int, default=len(SENTENCES), help="of each voice")
    parser.add_argument("--strength", type=float, default=STRENGTH, help="of the mark")
    parser.add_argument(
        "--pieces-ms",
        type=int,
        default=0,
        help="as it comes in, in such pieces; 0: whole sentences",
    )
    asked = parser.parse_args(options)
    assets = AssetStore(Settings().models)
    engine = create_engine("kokoro", EngineOptions(assets=assets, threads=_THREADS, concurrency=1))
    said = asyncio.run(_said(engine, asked.sentences))
    rate = engine.info.sample_rate
    checkpoint = assets.path("perth-implicit")
    marker = Marker(checkpoint, strength=asked.strength)
    detector = Detector(checkpoint, threads=_THREADS)
    marker.mark(said[0].samples, rate)  # the first one takes longer
    start = time.perf_counter()
    marked = [_marked(marker, one.samples, rate, asked.pieces_ms) for one in said]
    took_s = time.perf_counter() - start
    print(f"{len(said)} sentences, strength {asked.strength:g}, found from {PRESENT:g} on\n")
    _robustness(detector, marked, rate)
    _false_alarms(detector)
    seconds = sum(len(one.samples) for one in said) / rate
    synthesis_s = sum(one.took_s for one in said)
    print(
        f"\nmarking, one thread: {took_s / synthesis_s:.1%} of the time of synthesis on two ",
        end="",
    )
    print(f"({1000 * took_s / seconds:.1f} ms for each second of sound; bar 3 %)\n")
    _quality(said, marked, rate, assets)


def _marked(marker: Marker, samples: Samples, rate: int, pieces_ms: int) -> Samples:
    if not pieces_ms:
        return marker.mark(samples, rate)
    flowing = FlowingMark(Watermark(lambda: marker), rate)
    size = rate * pieces_ms // 1000
    fed = [flowing.feed(samples[at : at + size]) for at in range(0, len(samples), size)]
    return np.concatenate([*fed, flowing.end()])


async def _said(engine: Engine, sentences: int) -> list[Sentence]:
    await engine.open()
    said = []
    for speaker, clips in speakers().items():
        voice = await engine.enroll([joined(clips[:ENROL_CLIPS])])
        for text in SENTENCES[:sentences]:
            start = time.perf_counter()
            chunks = await all_of(engine, SynthesisRequest(text, voice, language="en-US"))
            took_s = time.perf_counter() - start
            said.append(Sentence(speaker, text, finish(chunks, Finish())[0], took_s))
    await engine.close()
    return said


def _robustness(detector: Detector, marked: list[Samples], rate: int) -> None:
    print(f"{'after':30}{'found':>8}{'lowest':>9}{'5 %':>7}{'median':>9}")
    for name, attack in ATTACKS.items():
        scores = [find(detector, *attack(samples, rate)).score for samples in marked]
        share = np.mean([score >= PRESENT for score in scores])
        low, some, middle = np.quantile(scores, (0.0, 0.05, 0.5))
        print(f"{name:30}{share:8.0%}{low:9.2f}{some:7.2f}{middle:9.2f}")


def _false_alarms(detector: Detector) -> None:
    clips = [read(path) for path in calibration()]
    for title, some in ((f"{_UNMARKED} clips", clips[:_UNMARKED]), ("all clips", clips)):
        found = [find(detector, clip.samples, clip.sample_rate) for clip in some]
        count = sum(one.present for one in found)
        highest = max(one.score for one in found)
        print(f"never marked, {title}: {count} of {len(some)} found, highest score {highest:.2f}")


def _quality(said: list[Sentence], marked: list[Samples], rate: int, assets: AssetStore) -> None:
    from bench.judges import encoders

    judges = encoders(assets)
    plain = [one.samples for one in said]
    names, texts = [one.speaker for one in said], [one.text for one in said]
    ratios = [_ratio_db(a, b) for a, b in zip(plain, marked, strict=True)]
    print(f"{'':44}{'plain':>8}{'marked':>9}{'change':>9}")
    print(f"{'loudness of the mark to the speech, median':44}{'':17}{-np.median(ratios):6.1f} dB")
    for name, encoder in judges.items():
        _row(f"similarity to the speaker, {name}", *(
            _similarity(encoder, names, sounds, rate) for sounds in (plain, marked)
        ))  # fmt: skip
    recogniser, naturalness = Recogniser(assets), Naturalness()
    _row("word error rate, Whisper base", *(
        recogniser.errors(sounds, rate, texts) for sounds in (plain, marked)
    ))  # fmt: skip
    _row("DNSMOS, overall", *(
        float(np.mean([naturalness.overall(one, rate) for one in sounds]))
        for sounds in (plain, marked)
    ))  # fmt: skip
    _pesq(plain, marked, rate)


def _pesq(plain: list[Samples], marked: list[Samples], rate: int) -> None:
    if not find_spec("pesq"):
        print("PESQ: not measured, `pip install pesq` brings what is needed")
        return
    from pesq import pesq

    scores = [
        pesq(16_000, resample(a, rate, 16_000), resample(b, rate, 16_000), "wb")
        for a, b in zip(plain, marked, strict=True)
    ]
    print(f"PESQ (wide band) of the marked to the plain: mean {np.mean(scores):.2f}, ", end="")
    print(f"lowest {min(scores):.2f}")


def _row(title: str, plain: float, marked: float) -> None:
    print(f"{title:44}{plain:8.4f}{marked:9.4f}{marked - plain:+9.4f}")


def _ratio_db(plain: Samples, marked: Samples) -> float:
    """Power of the speech over that of what was added."""
    added = np.sum((marked - plain).astype(np.float64) ** 2)
    return float(10.0 * np.log10(np.sum(plain.astype(np.float64) ** 2) / added))


def _similarity(encoder: Encoder, names: list[str], sounds: list[Samples], rate: int) -> float:
    """Mean cosine to the clips of the speaker that no voice was made of."""
    centres = {}
    for speaker, clips in speakers().items():
        held = [
            encoder.embed(one.samples, one.sample_rate) for one in map(read, clips[ENROL_CLIPS:])
        ]
        centres[speaker] = np.stack(held)
    return float(
        np.mean(
            [
                centres[name] @ encoder.embed(sound, rate)
                for name, sound in zip(names, sounds, strict=True)
            ]
        )
    )
