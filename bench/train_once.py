"""One training in a process of its own: `python -m bench.train_once FOLDER SPEAKER MINUTES` makes a
voice of the first clips of a speaker, each a recording, trains it, and leaves both in FOLDER.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.context import AppContext
from app.engines.base import TrainingOptions, VoiceState
from app.models.base import LOCAL_OWNER
from app.models.voice import Voice, VoiceSample
from bench.data import ENROL_CLIPS, speakers
from bench.studio import THREADS, open_studio

_SEED = 0
_RESULT = "training.json"
_NOT_WITHOUT_TRAINING = ("torch", "faster_whisper")  # what the extra `train` brings


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished training.

    Attributes:
        instant_s, took_s: seconds to make the voice, and to train it.
        formats: of the states before and after.
        verdict: what was said of it.
    """

    engine: str
    formats: tuple[str, str]
    instant_s: float
    took_s: float
    verdict: str

    def states(self, folder: Path) -> tuple[VoiceState, VoiceState]:
        """The instant clone and the trained voice."""
        before, after = (
            VoiceState(self.engine, form, (folder / f"{at}.state").read_bytes())
            for at, form in zip(("before", "after"), self.formats, strict=True)
        )
        return before, after


def trained(folder: Path, speaker: str, minutes: float, *, search: bool) -> Trained:
    """Train, unless the folder holds that training already."""
    result = folder / _RESULT
    if not result.exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "bench.train_once", str(folder), speaker, str(minutes)]
        command += ["--search"] if search else []
        environment = os.environ | {"OMP_NUM_THREADS": str(THREADS)}
        if subprocess.run(command, env=environment).returncode != 0:
            raise SystemExit(f"The training in {folder} failed.")
    found = json.loads(result.read_text())
    return Trained(**found | {"formats": tuple(found["formats"])})


async def train(folder: Path, speaker: str, minutes: float) -> None:
    """Enrol with all clips, train as a job does, and keep what came of it."""
    async with open_studio() as studio:
        began = time.perf_counter()
        voice, before = await _enrolled(studio.context, speakers()[speaker][:ENROL_CLIPS])
        instant_s = time.perf_counter() - began
        began = time.perf_counter()
        options = TrainingOptions(minutes=minutes, seed=_SEED)
        async with aclosing(
            studio.context.training.adapt(LOCAL_OWNER, voice.id, options)
        ) as events:
            after, said = before, ""
            async for event in events:
                after, said = event.state or after, event.message
        took_s = time.perf_counter() - began
    for at, state in (("before", before), ("after", after)):
        (folder / f"{at}.state").write_bytes(state.payload)
    found = Trained(before.engine, (before.format, after.format), instant_s, took_s, said)
    unfinished = folder / "unfinished"
    unfinished.write_text(json.dumps(asdict(found)))
    unfinished.replace(folder / _RESULT)


async def _enrolled(context: AppContext, clips: Sequence[Path]) -> tuple[Voice, VoiceState]:
    """A voice with these recordings, as the service stores it, and its state."""
    heard = [await context.ears.listen(clip.read_bytes(), alone=False) for clip in clips]
    state = await context.engine.enroll([recording for recording, _ in heard])
    report = heard[0][1]
    voice = Voice(
        owner=LOCAL_OWNER, name=clips[0].stem, description=None, filename=clips[0].name,
        duration_s=report.duration_s, sample_rate=report.sample_rate, engine=state.engine,
        state_format=state.format, similarity=state.similarity, report=report,
    )  # fmt: skip
    samples = context.database.collection(VoiceSample)
    for clip, (_, its_report) in zip(clips, heard, strict=True):
        sample = VoiceSample(
            owner=LOCAL_OWNER, voice_id=voice.id, blob=f"{voice.id}/{clip.stem}",
            filename=clip.name, duration_s=its_report.duration_s, report=its_report,
        )  # fmt: skip
        await context.stores.recordings.put(sample.blob, clip.read_bytes())
        await samples.add(sample)
    await context.stores.states.put(voice.state_blob, state.payload)
    await context.database.collection(Voice).add(voice)
    return voice, state


class _Without:
    """A finder of modules that does not find some."""

    def __init__(self, finder: Any) -> None:
        self._finder = finder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._finder, name)

    def find_spec(self, name: str, *more: Any) -> Any:
        if name.partition(".")[0] in _NOT_WITHOUT_TRAINING:
            return None
        return self._finder.find_spec(name, *more)


if __name__ == "__main__":
    if "--search" in sys.argv:
        sys.meta_path[:] = [_Without(finder) for finder in sys.meta_path]
    asyncio.run(train(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
