"""Bad recordings and unusual voices: does the report on the recording say what comes of it?

Each speaker is registered with the same speech, spoiled in different ways. What is refused is
enrolled all the same, past the door, to see whether that was right.
"""

import argparse
import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.audio.decode import decode
from app.audio.quality import measure, prepare
from app.audio.types import RecordingReport, Samples
from app.audio.vad import SpeechDetector
from app.core.exceptions import UnsuitableRecording
from app.models.base import LOCAL_OWNER
from app.models.voice import Voice
from app.services.voices import Upload
from app.speaker.encoder import SpeakerEncoder
from app.speaker.similarity import describe
from bench.data import ENROL_CLIPS, LIMITS, SENTENCES, calibration, joined, read, speakers
from bench.degrade import CLEAN, CONDITIONS, OTHERS, RATE
from bench.judges import Judges
from bench.people import Embeddings, People
from bench.studio import THREADS, Studio, open_studio

_TEXTS = SENTENCES[5:9]
_MAX_ENROL_S = 20.0
# A voice is bad that lost more likeness than this against the one of clean speech, or says more
# words wrong than this and than that one.
_MAX_LOSS, _MAX_ERRORS = 0.15, 0.10

_WIDTHS = (8, 15, 20, 8, 6, 8, 10, 9, 10, 9, 9, 8, 8, 8)
_HEAD = ("speaker", "condition", "", "speech", "SNR", "band", "speakers", "clipped", "warnings",
         "reported", "real", "loss", "errors", "DNSMOS")  # fmt: skip
_VERDICT_WIDTHS = (15, 10, 8, 9, 10, 8, 8, 10, 8, 6, 10)
_VERDICT_HEAD = ("condition", "accepted", "warned", "refused", "reported", "real", "change",
                 "of clean", "errors", "bad", "")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """What was said of a recording, and what came of it.

    Attributes:
        refused: code of the refusal, None where it was accepted.
        reported: similarity that the service gives; where it refused, that of the engine.
        similarity: mean cosine by WeSpeaker of all pairs of a sentence of the clone and a clip
            that was not enrolled. word_errors: rate. dnsmos: 1 to 5.
    """

    speaker: str
    condition: str
    refused: str | None
    report: RecordingReport
    reported: float
    similarity: float
    word_errors: float
    dnsmos: float

    @property
    def prediction(self) -> str:
        if self.refused:
            return "refused"
        return "warned" if self.report.warnings else "accepted"

    def loss(self, clean: "Row") -> float:
        return clean.similarity - self.similarity

    def is_bad(self, clean: "Row") -> bool:
        errors = max(_MAX_ERRORS, clean.word_errors)
        return self.loss(clean) > _MAX_LOSS or self.word_errors > errors

    def is_wrong(self, clean: "Row") -> bool:
        """Was nothing said of a bad voice, or a good one refused?"""
        bad = self.is_bad(clean)
        return (self.prediction == "accepted" and bad) or (self.refused is not None and not bad)


class _Table:
    """Prints rows as they come; warnings by a number that is explained at the end."""

    def __init__(self) -> None:
        self._warnings: list[str] = []
        _print(_WIDTHS, _HEAD)

    def add(self, row: Row, clean: Row) -> None:
        report = row.report
        self._warnings += [text for text in report.warnings if text not in self._warnings]
        numbers = " ".join(str(self._warnings.index(text) + 1) for text in report.warnings)
        cells = (
            row.speaker, row.condition, row.refused or row.prediction, f"{report.speech_s:.1f} s",
            "-" if report.snr_db is None else f"{report.snr_db:.0f}", f"{report.bandwidth_hz:.0f}",
            str(report.speakers or "unsure"), f"{report.clipped:.1%}", numbers,
            f"{row.reported:.3f}", f"{row.similarity:.3f}", f"{row.loss(clean):+.3f}",
            f"{row.word_errors:.1%}", f"{row.dnsmos:.2f}",
        )  # fmt: skip
        _print(_WIDTHS, cells)

    def explain(self) -> None:
        print("\nWarnings:")
        for number, text in enumerate(self._warnings, 1):
            print(f"{number} {text}")


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser("python -m bench robustness", description=__doc__)
    for name, known in (("speakers", ",".join(speakers())), ("conditions", ",".join(CONDITIONS))):
        parser.add_argument(f"--{name}", default=known, help=known.replace("%", "%%"))
    options = parser.parse_args(arguments)
    names, chosen = options.speakers.split(","), {CLEAN, *options.conditions.split(",")}
    if unknown := chosen - {*CONDITIONS} | {*names} - {*speakers()}:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    table = _Table()
    conditions = [name for name in CONDITIONS if name in chosen]
    rows = asyncio.run(_measure(names, conditions, table))
    table.explain()
    _print_verdicts(rows)


async def _measure(names: Sequence[str], conditions: Sequence[str], table: _Table) -> list[Row]:
    """Each speaker under each condition; the first one is clean."""
    rows = []
    async with open_studio() as studio:
        bench = Bench(studio)
        for name in names:
            held = [read(path).samples for path in speakers()[name][ENROL_CLIPS:]]
            clean = bench.embeddings(held)
            for condition in conditions:
                disguise = CONDITIONS[condition].disguise
                clips = bench.embeddings([disguise(clip) for clip in held]) if disguise else clean
                rows.append(await bench.row(name, condition, clips))
                table.add(rows[-1], clean=next(row for row in rows if row.speaker == name))
    return rows


class Bench:
    """Registers spoiled recordings and has the voices judged."""

    def __init__(self, studio: Studio) -> None:
        assets = studio.context.assets
        self._studio = studio
        self._encoder = SpeakerEncoder(assets.path("wespeaker-resnet34-lm"), threads=THREADS)
        self._detector = SpeechDetector(assets.path("silero-vad"))
        # Without encoders: they would compare with hundreds of strangers.
        self._judges = Judges(assets, People({}, Path()), {})

    def embeddings(self, clips: Sequence[Samples]) -> Embeddings:
        """Of clips at `RATE`: float32 (clips, 256)."""
        return np.stack([self._encoder.embed(clip, RATE) for clip in clips])

    async def row(self, speaker: str, condition: str, clips: Embeddings) -> Row:
        """Register a speaker's first clips, spoiled; compare the voice with other clips."""
        content = CONDITIONS[condition].upload(*_speech(speaker))
        try:
            upload = Upload(content, condition)
            voice = await self._studio.context.voices.register(LOCAL_OWNER, upload)
            refused = None
        except UnsuitableRecording as error:
            voice, refused = await self._past_the_door(content), error.code
        said = await self._studio.say(voice, _TEXTS)
        scores = self._judges.scores(speaker, said, self._studio.rate, _TEXTS)
        own = np.stack([self._encoder.embed(samples, self._studio.rate) for samples in said])
        return Row(
            speaker, condition, refused, voice.report,
            reported=voice.similarity or 0.0, similarity=float(np.mean(own @ clips.T)),
            word_errors=scores.word_errors or 0.0, dnsmos=scores.dnsmos,
        )  # fmt: skip

    async def _past_the_door(self, content: bytes) -> Voice:
        """A voice of a recording that was refused."""
        decoded = decode(content, LIMITS)
        spans = self._detector.spans(decoded.samples, decoded.sample_rate)
        report = measure(decoded, spans, embed=lambda speech: self._encoder.embed(speech, RATE))
        state = await self._studio.context.engine.enroll([prepare(decoded, spans)])
        voice = Voice(
            owner=LOCAL_OWNER, name="refused", description=None, filename="refused",
            duration_s=report.duration_s, sample_rate=report.sample_rate, engine=state.engine,
            state_format=state.format, similarity=state.similarity, report=report,
        )  # fmt: skip
        await self._studio.context.stores.states.put(voice.state_blob, state.payload)
        return voice


def _speech(speaker: str) -> tuple[Samples, list[Samples]]:
    """What a speaker is enrolled with, and as much of others: not the same for each speaker."""
    samples = joined(speakers()[speaker][:ENROL_CLIPS]).samples[: int(_MAX_ENROL_S * RATE)]
    strangers = calibration()[list(speakers()).index(speaker) :: len(speakers())][:OTHERS]
    return samples, [np.resize(read(path).samples, len(samples)) for path in strangers]


def _print_verdicts(rows: Sequence[Row]) -> None:
    """For each condition: what the service said of it, what came of it, and whether that fits."""
    print()
    _print(_VERDICT_WIDTHS, _VERDICT_HEAD)
    cleans = {row.speaker: row for row in rows if row.condition == CLEAN}
    for condition in dict.fromkeys(row.condition for row in rows):
        alike = [row for row in rows if row.condition == condition]
        said = [row.prediction for row in alike]
        real = np.mean([row.similarity for row in alike])
        whole = np.mean([cleans[row.speaker].similarity for row in alike])
        bad = sum(row.is_bad(cleans[row.speaker]) for row in alike)
        wrong = sum(row.is_wrong(cleans[row.speaker]) for row in alike)
        cells = (
            condition, *(str(said.count(kind)) for kind in ("accepted", "warned", "refused")),
            f"{np.mean([row.reported for row in alike]):.3f}", f"{real:.3f}",
            f"{real - whole:+.3f}", f"{real / whole:.0%}",
            f"{np.mean([row.word_errors for row in alike]):.1%}", str(bad),
            f"WRONG {wrong}" if wrong else "agrees",
        )  # fmt: skip
        _print(_VERDICT_WIDTHS, cells)
    print(
        f"\nBad: {_MAX_LOSS} less alike than the voice of clean speech, or over {_MAX_ERRORS:.0%} "
        "word errors and more than that one.\n"
        "Wrong: accepted without a warning though bad, or refused though not bad."
    )
    for row in rows:
        if row.is_wrong(clean := cleans[row.speaker]):
            print(
                f"{row.speaker} {row.condition}: {row.refused or row.prediction}, similarity "
                f"{row.similarity:.3f} ({-row.loss(clean):+.3f}), reported {row.reported:.3f} "
                f"({describe(row.reported)}), word errors {row.word_errors:.1%}"
            )


def _print(widths: Sequence[int], cells: Sequence[str]) -> None:
    print(
        "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True)), flush=True
    )
