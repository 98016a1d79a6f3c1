"""How good voices are: made of the first three clips of each speaker, judged against the others."""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from app.audio.types import Recording
from app.audio.vad import SpeechDetector
from app.engines.base import VoiceState
from app.engines.kokoro.engine import NAME as KOKORO
from app.engines.kokoro.voices import Blend, stock_voices
from app.models.voice import Voice
from bench import voice_report
from bench.adapt_once import adapted
from bench.data import ENROL_CLIPS, SENTENCES, joined, read, speakers
from bench.judges import Judges, encoders
from bench.people import People
from bench.studio import Studio, open_studio
from bench.voice_rows import (
    ADAPT_MINUTES,
    CURVE_SENTENCES,
    LONG_MINUTES,
    SECONDS,
    Kind,
    Phase,
    Results,
    Row,
)

_SPEED_SENTENCES = SENTENCES[:10]
_SPEED_REPEATS = 3
_SPEECH_MARGIN_S = 0.7  # in a piece the detector finds less than in the whole


def main(arguments: Sequence[str] = ()) -> None:
    """Enrol with the first clips of each speaker, compare with the others."""
    options = _options(arguments)
    folder = Path(options.cache or tempfile.mkdtemp(prefix="bench-voice-"))
    folder.mkdir(parents=True, exist_ok=True)
    print(f"Results are kept in {folder}: with `--cache {folder}` a run goes on.", flush=True)
    results = Results(folder)
    missing = [
        (phase, speaker)
        for phase in options.only
        for speaker in options.speakers
        if not results.has(phase, speaker)
    ]
    if missing:
        os.environ["ENROLMENT_REFINEMENT"] = "false"  # nothing runs beside what is measured
        asyncio.run(_measure(missing, results, full=options.full))
    voice_report.report(results)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m bench voice", description=__doc__)
    for name, known in (("--only", list(Phase)), ("--speakers", list(speakers()))):
        parser.add_argument(name, type=_some_of(known), default=known, help=",".join(known))
    parser.add_argument("--cache", metavar="DIR", help="folder of results; those are not redone")
    parser.add_argument(
        "--full",
        action="store_true",
        help="curves: adapt for a minute at each length, and for five minutes",
    )
    return parser.parse_args(arguments)


def _some_of(known: Sequence[str]) -> Callable[[str], list[str]]:
    def parse(text: str) -> list[str]:
        if unknown := set(text.split(",")) - set(known):
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(sorted(unknown))}")
        return [name for name in known if name in text.split(",")]

    return parse


async def _measure(missing: Sequence[tuple[Phase, str]], results: Results, *, full: bool) -> None:
    async with open_studio() as studio:
        bench = Bench(studio, results.folder)
        for phase, speaker in missing:
            start = time.perf_counter()
            match phase:
                case Phase.INSTANT:
                    rows = await bench.instant(speaker)
                case Phase.ADAPTED:
                    rows = await bench.adapted(speaker)
                case Phase.SECONDS:
                    rows = await bench.seconds(speaker, full=full)
                case Phase.MINUTES:
                    rows = await bench.minutes(speaker, full=full)
            results.put(phase, speaker, rows)
            print(f"{phase} {speaker}: {time.perf_counter() - start:.0f} s", flush=True)


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A speaker whose recording was registered; `took_s` is how long that took."""

    speaker: str
    recording: Recording
    voice: Voice
    took_s: float

    @property
    def speech_s(self) -> float:
        return self.voice.report.speech_s


class Bench:
    """Makes voices of a speaker and has them judged.

    Args:
        folder: keeps the adaptations and what else is worth it.
    """

    def __init__(self, studio: Studio, folder: Path) -> None:
        assets = studio.context.assets
        self._studio = studio
        self._folder = folder
        self._encoders = encoders(assets)
        self._judges = Judges(assets, People(self._encoders, folder), self._encoders)
        self._detector = SpeechDetector(assets.path("silero-vad"))

    async def instant(self, speaker: str) -> list[Row]:
        """The recording itself, the nearest stock voice, the instant clone."""
        one = await self.enrol(speaker)
        clips = [read(path) for path in speakers()[speaker][:ENROL_CLIPS]]
        scores = self._judges.scores(
            speaker, [clip.samples for clip in clips], clips[0].sample_rate, None
        )
        name, stock = self.nearest_stock(one.recording)
        clone = await self._studio.state(one.voice)
        return [
            Row(Kind.RECORDING, Kind.RECORDING, scores, speech_s=one.speech_s),
            await self.row(Kind.STOCK, name, one, stock),
            await self.row(Kind.INSTANT, Kind.INSTANT, one, clone, took_s=one.took_s),
        ]

    async def adapted(self, speaker: str) -> list[Row]:
        """The clone after a run of three minutes, with its size, memory and speed."""
        one = await self.enrol(speaker)
        run = adapted(self._folder / f"adapted-{speaker}", one.recording, ADAPT_MINUTES)
        clone = run.final()
        slowdown = await self._slowdown(one, clone)
        row = await self.row(Kind.ADAPTED, Kind.ADAPTED, one, clone, took_s=run.took_s)
        return [replace(row, peak_bytes=run.peak_bytes, slowdown=slowdown)]

    async def seconds(self, speaker: str, *, full: bool) -> list[Row]:
        """Voices of ever more speech; with `full` also adapted for a minute."""
        rows = []
        for seconds in SECONDS:
            one = await self.enrol(speaker, seconds)
            clones = {Kind.INSTANT: await self._studio.state(one.voice)}
            if full:
                folder = self._folder / f"seconds-{speaker}-{seconds}"
                clones[Kind.ADAPTED] = adapted(folder, one.recording, 1).final()
            for kind, state in clones.items():
                row = await self.row(kind, f"{seconds} s", one, state, CURVE_SENTENCES)
                rows.append(replace(row, at=seconds))
        return rows

    async def minutes(self, speaker: str, *, full: bool) -> list[Row]:
        """Checkpoints of the run of three minutes; with `full` also the end of one of five."""
        one = await self.enrol(speaker)
        run = adapted(self._folder / f"adapted-{speaker}", one.recording, ADAPT_MINUTES)
        clones = {minutes: run.before(minutes) for minutes in range(ADAPT_MINUTES)}
        clones[ADAPT_MINUTES] = run.final()
        if full:
            folder = self._folder / f"minutes-{speaker}"
            clones[LONG_MINUTES] = adapted(folder, one.recording, LONG_MINUTES).final()
        rows = []
        for minutes, state in clones.items():
            row = await self.row(Kind.ADAPTED, f"{minutes} min", one, state, CURVE_SENTENCES)
            rows.append(replace(row, at=minutes))
        return rows

    async def enrol(self, speaker: str, seconds: float | None = None) -> Enrolled:
        """Register the first clips, or only the beginning with so many seconds of speech."""
        recording = joined(speakers()[speaker][:ENROL_CLIPS])
        if seconds is not None:
            recording = self._beginning(recording, seconds + _SPEECH_MARGIN_S)
        voice, took_s = await self._studio.register(recording, speaker)
        return Enrolled(speaker, recording, voice, took_s)

    def _beginning(self, recording: Recording, seconds: float) -> Recording:
        """So much of a recording that it has these seconds of speech, or all of it."""
        for start, end in self._detector.spans(recording.samples, recording.sample_rate):
            if end - start >= seconds:
                samples = recording.samples[: round((start + seconds) * recording.sample_rate)]
                return Recording(samples, recording.sample_rate)
            seconds -= end - start
        return recording

    def nearest_stock(self, recording: Recording) -> tuple[str, VoiceState]:
        """The stock voice that is most alike, and its name."""
        own = self._encoders["WeSpeaker"].embed(recording.samples, recording.sample_rate)
        nearest = max(stock_voices(), key=lambda voice: float(voice.embedding @ own)).name
        return nearest, Blend({nearest: 1.0}).to_state(KOKORO, similarity=None)

    async def row(
        self,
        kind: Kind,
        name: str,
        one: Enrolled,
        state: VoiceState,
        texts: Sequence[str] = SENTENCES,
        took_s: float | None = None,
    ) -> Row:
        """Speak the texts in a voice and have them judged."""
        voice = await self._studio.voice(one.voice, state)
        said = await self._studio.say(voice, texts)
        scores = self._judges.scores(one.speaker, said, self._studio.rate, texts)
        return Row(
            kind, name, scores,
            speech_s=one.speech_s, took_s=took_s, state_bytes=len(state.payload),
        )  # fmt: skip

    async def _slowdown(self, one: Enrolled, state: VoiceState) -> float:
        """Median over sentences of the ratio of the best real-time factors, the nearest stock
        voice and this one taking turns. The stock voice speaks as slowly as this one: each token
        costs time as well as each second.
        """
        _, stock = self.nearest_stock(one.recording)
        voices = [await self._studio.voice(one.voice, each) for each in (stock, state)]
        ratios = []
        for text in _SPEED_SENTENCES:
            lengths = [len((await self._studio.say(voice, [text]))[0]) for voice in voices]
            speeds = (float(np.clip(lengths[0] / lengths[1], 0.5, 2.0)), 1.0)
            turns = list(zip(voices, speeds, strict=True))
            factors = np.array(
                [
                    [await self._real_time_factor(voice, text, speed) for voice, speed in turns]
                    for _ in range(_SPEED_REPEATS)
                ]
            )
            best = factors.min(axis=0)
            ratios.append(best[1] / best[0])
        return float(np.median(ratios))

    async def _real_time_factor(self, voice: Voice, text: str, speed: float) -> float:
        start = time.perf_counter()
        (samples,) = await self._studio.say(voice, [text], speed=speed)
        return (time.perf_counter() - start) * self._studio.rate / len(samples)
