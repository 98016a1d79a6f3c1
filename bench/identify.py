"""Finding the request of a clip among ten thousand outputs: how surely, how fast, at what cost."""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from app.audio.decode import decode
from app.audio.types import AudioFormat, Recording, Samples
from app.context import AppContext, open_context
from app.core.config import Settings
from app.db.base import Heard
from app.fingerprint.landmarks import landmarks
from app.models.history import SpeechSource
from app.models.output import Output, OutputVoice
from app.models.speech import SpeechRequest
from app.models.voice import Voice
from app.services.voices import Upload
from bench.data import LIMITS, SENTENCES, calibration, flac, joined, read, speakers
from bench.degrade import RATE, by_ffmpeg, music, noisy, reverberant
from bench.outputs import STEP, WAYS, heard, said
from tests.servers.postgres import postgres

OUTPUTS: Final = 10_000
CLIPS: Final = 100
CLIP_S: Final = 3.0
STRANGERS: Final = 40  # clips of speakers of whom nothing is stored
_ALONE: Final = 100  # outputs that are added one by one, at the end
FASTER: Final = 1.05
_MB: Final = 1e6

Change = Callable[[Samples], bytes]
Asked = tuple[str | None, bytes]
"""Id of the output that a clip is of, None if it is of none; the file."""


def _flac(samples: Samples) -> bytes:
    return flac(Recording(samples * min(1.0, 0.9 / float(np.abs(samples).max())), RATE))


def _mp3(clip: Samples) -> bytes:
    return by_ffmpeg(clip, 24_000, "mp3", "libmp3lame", 64_000)


CHANGES: Final[dict[str, Change]] = {
    "mp3 64k": _mp3,
    "opus 24k": lambda clip: by_ffmpeg(clip, 48_000, "ogg", "libopus", 24_000),
    "aac 64k": lambda clip: by_ffmpeg(clip, 44_100, "adts", "aac", 64_000),
    "8 kHz, mu-law": lambda clip: by_ffmpeg(clip, 8_000, "wav", "pcm_mulaw", 64_000),
    "noise 20 dB": lambda clip: _flac(noisy(clip, snr_db=20)),
    "noise 10 dB": lambda clip: _flac(noisy(clip, snr_db=10)),
    "music 10 dB below": lambda clip: _flac(music(clip, snr_db=10)),
    "a room, 0.3 s": lambda clip: _flac(reverberant(clip, rt60_s=0.3)),
    "gain -20 dB": lambda clip: _flac(clip * np.float32(0.1)),
}


@dataclass(frozen=True, slots=True)
class Stored:
    """An output: a clip of real speech, said in one of `WAYS`."""

    id: str
    clip: Path
    way: tuple[int, int]


@dataclass(slots=True)
class Cost:
    """Of storing. Seconds, but for the landmarks."""

    audio_s: float = 0.0
    landmarks: int = 0
    together_s: list[float] = field(default_factory=list)
    alone_s: list[float] = field(default_factory=list)


def main(options: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="bench identify", description=__doc__)
    parser.add_argument("--postgresql", action="store_true", help="in a server of its own")
    parser.add_argument("--outputs", type=int, default=OUTPUTS)
    asked = parser.parse_args(options)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(postgres(durable=True)).create() if asked.postgresql else None
        settings = Settings(_env_file=None, data_dir=folder, database_url=url, consent_policy="off")
        models = {"model_dir": Settings().models}
        asyncio.run(_main(settings.model_copy(update=models), asked.outputs))


async def _main(settings: Settings, count: int) -> None:
    clips = calibration()[STRANGERS:] + [clip for own in speakers().values() for clip in own]
    strangers = [read(clip).samples for clip in calibration()[:STRANGERS]]
    async with open_context(settings) as context:
        before = _size(settings)
        stored, cost = await _fill(context, clips, count)
        size = _size(settings) - before
        print(
            f"| clips of {CLIP_S:g} s | found | false | votes: median, least | look-up p50, p95 |"
        )
        print("|---|---|---|---|---|")
        for name, change in CHANGES.items():
            await _row(context, name, _cuts(stored, change))
        for seconds in (2.0, 5.0):
            await _row(context, f"mp3 64k, {seconds:g} s", _cuts(stored, _mp3, seconds=seconds))
        pieces = _pieces(strangers, CLIPS)
        await _row(context, "mp3 64k, of nothing stored", ((None, _mp3(one)) for one in pieces))
        minutes = (np.concatenate(_pieces(strangers, 19, seed=seed)) for seed in range(10))
        await _row(context, "the same, a minute each", ((None, _mp3(one)) for one in minutes))
        for power in (0.2, 0.5):
            more = f"{STEP**power - 1:.1%}"
            await _row(context, f"mp3 64k, {more} faster", _cuts(stored, _mp3, tempo=power))
            await _row(context, f"mp3 64k, {more} higher", _cuts(stored, _mp3, pitch=power))
        spoken = await _spoken(context)
        await _row(context, "of this service's own speech, mp3 64k", _own(spoken))
        _costs(cost, size, len(stored))
        _share(context.engine.info.name, spoken)


async def _fill(
    context: AppContext, clips: Sequence[Path], count: int
) -> tuple[list[Stored], Cost]:
    store, stored, cost = context.database.outputs(), list[Stored](), Cost()
    for clip, (sounds, lasted_s) in zip(
        clips, heard(clips[: -(-count // len(WAYS))]), strict=False
    ):
        outputs = [Heard(_output(), sound) for sound in sounds[: count - len(stored)]]
        stored += [
            Stored(one.output.id, clip, way) for one, way in zip(outputs, WAYS, strict=False)
        ]
        cost.audio_s += lasted_s * len(outputs) / len(WAYS)
        cost.landmarks += sum(len(one.landmarks.keys) for one in outputs)
        alone = len(stored) > count - _ALONE
        for group in [[one] for one in outputs] if alone else [outputs]:
            start = time.perf_counter()
            await store.add(group)
            (cost.alone_s if alone else cost.together_s).append(time.perf_counter() - start)
    return stored, cost


def _output() -> Output:
    voice = OutputVoice(voice_id="550e8400-e29b-41d4-a716-446655440000")
    return Output(
        owner="bench", actor="bench", request_id="-", source=SpeechSource.SPEAK, voices=[voice]
    )


def _cuts(
    stored: Sequence[Stored],
    change: Change,
    *,
    seconds: float = CLIP_S,
    pitch: float = 0.0,
    tempo: float = 0.0,
) -> Iterator[Asked]:
    """Pieces of outputs that are taken by chance, always the same; higher or faster by powers of
    `STEP`.
    """
    rng = np.random.default_rng(1)
    size, made = int(seconds * RATE), 0
    for number in rng.permutation(len(stored)):
        one = stored[number]
        whole = said(one.clip, one.way[0] + pitch, one.way[1] + tempo)
        if len(whole) > size and made < CLIPS:
            made += 1
            at = int(rng.integers(len(whole) - size))
            yield one.id, change(whole[at : at + size])
        if made == CLIPS:
            return


def _pieces(sounds: Sequence[Samples], count: int, *, seed: int = 0) -> list[Samples]:
    rng = np.random.default_rng(seed)
    size = int(CLIP_S * RATE)
    long = [sound for sound in sounds if len(sound) > size]
    chosen = [long[int(number)] for number in rng.integers(len(long), size=count)]
    starts = [int(rng.integers(len(sound) - size)) for sound in chosen]
    return [sound[at : at + size] for sound, at in zip(chosen, starts, strict=True)]


async def _row(context: AppContext, name: str, asked: Iterable[Asked]) -> None:
    """Ask for each, and print what came of it."""
    found, false, count, votes, took = 0, 0, 0, [], []
    for right, content in asked:
        start = time.perf_counter()
        answer = await context.identify.identify(lambda content=content: content, owner=None)
        took.append(1000 * (time.perf_counter() - start))
        count += 1
        own = [match.votes for match in answer.matches if match.output_id == right]
        false += len(answer.matches) - len(own)
        if own and answer.matches[0].output_id == right:
            found += 1
        votes += own
    least = f"{statistics.median(votes):.0f}, {min(votes)}" if votes else ""
    times = f"{np.quantile(took, 0.5):.0f}, {np.quantile(took, 0.95):.0f} ms"
    print(f"| {name} | {found} of {count} | {false} | {least} | {times} |", flush=True)


@dataclass(frozen=True, slots=True)
class Spoken:
    """What the engine said.

    Attributes:
        audio: float32 (n,) at `RATE`.
        took_s: to make it.
        heard_s: to find its landmarks.
    """

    id: str
    audio: Samples
    took_s: float
    heard_s: float


async def _spoken(context: AppContext) -> list[Spoken]:
    """Sentences in two voices, as the service speaks and remembers them; each a second time a
    little faster, so that there is another output with the same words in the same voice.
    """
    spoken = []
    for clips in list(speakers().values())[:2]:
        upload = Upload(flac(joined(clips[:2])), "a.flac")
        voice = await context.voices.register("local", upload)
        for first, second in zip(SENTENCES[:10], SENTENCES[10:], strict=True):
            text = f"{first} {second}"
            spoken += [await _said(context, voice, text, speed) for speed in (1.0, FASTER)]
    return spoken


async def _said(context: AppContext, voice: Voice, text: str, speed: float) -> Spoken:
    request = SpeechRequest(
        text=text, voice=voice.id, format=AudioFormat.FLAC, sample_rate=RATE, speed=speed
    )
    start = time.perf_counter()
    speech = await context.synthesis.speak(voice, request)
    content = b"".join([part async for part in speech.encoded()])
    took_s = time.perf_counter() - start
    audio = decode(content, LIMITS).samples
    start = time.perf_counter()
    landmarks(audio, RATE)
    return Spoken(speech.id, audio, took_s, time.perf_counter() - start)


def _own(spoken: Sequence[Spoken]) -> Iterator[Asked]:
    """Three clips of each."""
    rng = np.random.default_rng(2)
    size = int(CLIP_S * RATE)
    for one in spoken:
        for at in rng.integers(len(one.audio) - size, size=3):
            yield one.id, _mp3(one.audio[at : at + size])


def _costs(cost: Cost, size: int, count: int) -> None:
    hours = cost.audio_s / 3600
    together_ms = 1000 * sum(cost.together_s) / (count - len(cost.alone_s))
    print(
        f"\n{count} outputs, {hours:.1f} h: {cost.landmarks / _MB:.1f} million landmarks "
        f"({cost.landmarks / cost.audio_s:.0f} for each second), {size / _MB:.0f} MB "
        f"({size / _MB / hours:.1f} MB for each hour).\n"
        f"To add an output of {cost.audio_s / count:.1f} s takes {together_ms:.1f} ms among many, "
        f"{1000 * statistics.median(cost.alone_s):.0f} ms alone."
    )


def _share(engine: str, spoken: Sequence[Spoken]) -> None:
    audio_s = sum(len(one.audio) for one in spoken) / RATE
    heard_s = sum(one.heard_s for one in spoken)
    share = heard_s / sum(one.took_s for one in spoken)
    print(
        f"To find landmarks takes {1000 * heard_s / audio_s:.1f} ms for each second of sound: "
        f"{share:.2%} of what the engine {engine!r} takes to speak it."
    )


def _size(settings: Settings) -> int:
    """Bytes of the two tables, or of the whole file."""
    if settings.database_url is None:
        return sum(path.stat().st_size for path in settings.data_dir.glob("voices.db*"))
    import psycopg

    with psycopg.connect(settings.database_url.get_secret_value()) as connection:
        query = "SELECT pg_total_relation_size('outputs') + pg_total_relation_size('landmarks')"
        (size,) = connection.execute(query).fetchone() or (0,)
        return int(size)
