"""One adaptation in a process of its own, so that the peak of its memory is its own:
`python -m bench.adapt_once FOLDER MINUTES` adapts to FOLDER/recording.flac and leaves its
checkpoints there.
"""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import aclosing, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

import psutil

from app.audio.decode import decode
from app.audio.quality import prepare
from app.audio.types import Recording
from app.audio.vad import SpeechDetector
from app.engines.base import TrainingOptions, VoiceState, trainer
from bench.data import LIMITS, flac
from bench.studio import THREADS, open_studio

_SEED = 0
_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A voice on the way.

    Attributes:
        at_s: seconds since the adaptation began, by the clock of this benchmark.
        file: of its payload. format, engine: of its state.
    """

    at_s: float
    file: str
    format: str
    engine: str

    def state(self, folder: Path) -> VoiceState:
        return VoiceState(self.engine, self.format, (folder / self.file).read_bytes())


@dataclass(frozen=True, slots=True)
class Run:
    """A finished adaptation.

    Attributes:
        folder: of the files. peak_bytes: of memory (RSS), of the whole process; None where the
            system does not keep count.
        checkpoints: in order; the first is the instant voice, the last the adapted one.
    """

    folder: Path
    peak_bytes: int | None
    checkpoints: list[Checkpoint]

    def before(self, minutes: float) -> VoiceState:
        """The last checkpoint that was there after so many minutes."""
        there = [point for point in self.checkpoints if point.at_s <= 60.0 * minutes]
        return there[-1].state(self.folder)

    def final(self) -> VoiceState:
        return self.checkpoints[-1].state(self.folder)

    @property
    def took_s(self) -> float:
        return self.checkpoints[-1].at_s


def adapted(folder: Path, recording: Recording, minutes: float) -> Run:
    """Adapt to a recording, unless the folder holds that run already."""
    finished = folder / "run.json"
    if not finished.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "recording.flac").write_bytes(flac(recording))
        command = [sys.executable, "-m", "bench.adapt_once", str(folder), str(minutes)]
        environment = os.environ | {"OMP_NUM_THREADS": str(THREADS)}
        process = subprocess.Popen(command, env=environment)
        peak = _peak_bytes(process)
        if process.returncode != 0:
            raise SystemExit(f"The adaptation in {folder} failed.")
        finished.write_text(json.dumps({"peak_bytes": peak}))
    lines = (folder / "checkpoints.jsonl").read_text().splitlines()
    checkpoints = [Checkpoint(**json.loads(line)) for line in lines]
    return Run(folder, json.loads(finished.read_text())["peak_bytes"], checkpoints)


def _peak_bytes(process: subprocess.Popen[bytes]) -> int | None:
    """Wait for the end; the sum of the peaks of the process and of those that it started."""
    peaks: dict[int, int] = {}
    while process.poll() is None:
        with suppress(psutil.NoSuchProcess, OSError):
            parent = psutil.Process(process.pid)
            for one in (parent, *parent.children(recursive=True)):
                peaks |= _high_water(one.pid)
        time.sleep(_POLL_S)
    return sum(peaks.values()) or None


def _high_water(pid: int) -> dict[int, int]:
    """The most memory (RSS) that a process has held, in bytes, by its id. Linux keeps count of it
    as long as the process runs: nothing for one that has just ended.
    """
    found = re.search(r"^VmHWM:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.M)
    return {pid: 1024 * int(found[1])} if found else {}


async def adapt(folder: Path, minutes: float) -> None:
    """Enrol, adapt, and write each checkpoint as it comes."""
    async with open_studio() as studio:
        engine = studio.context.engine
        detector = SpeechDetector(studio.context.assets.path("silero-vad"))
        decoded = decode((folder / "recording.flac").read_bytes(), LIMITS)
        spans = detector.spans(decoded.samples, decoded.sample_rate)
        recordings = [prepare(decoded, spans)]
        start = await engine.enroll(recordings)
        with (folder / "checkpoints.jsonl").open("w") as log:
            _keep(start, 0.0, folder, log)
            began = time.perf_counter()
            options = TrainingOptions(minutes=minutes, seed=_SEED)
            async with aclosing(
                trainer(engine).train(recordings, start, options=options)
            ) as events:
                async for event in events:
                    if event.state is not None:
                        _keep(event.state, time.perf_counter() - began, folder, log)


def _keep(state: VoiceState, at_s: float, folder: Path, log: TextIO) -> None:
    file = f"state-{at_s:06.1f}.bin"
    (folder / file).write_bytes(state.payload)
    log.write(json.dumps(asdict(Checkpoint(at_s, file, state.format, state.engine))) + "\n")
    log.flush()


if __name__ == "__main__":
    asyncio.run(adapt(Path(sys.argv[1]), float(sys.argv[2])))
