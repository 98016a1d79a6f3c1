"""One training in a process of its own: `python -m bench.train_once FOLDER SPEAKER MINUTES` makes a
voice of the first clips of a speaker, each a recording, trains it, and leaves both in FOLDER.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from contextlib import aclosing
from dataclasses import asdict, dataclass
from pathlib import Path

from app.engines.base import TrainingOptions, VoiceState, trainer
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
    """Enrol, train, and keep what came of it."""
    async with open_studio() as studio:
        engine, ears = studio.context.engine, studio.context.ears
        clips = speakers()[speaker][:ENROL_CLIPS]
        recordings = [(await ears.listen(clip.read_bytes(), alone=False))[0] for clip in clips]
        began = time.perf_counter()
        before = await engine.enroll(recordings)
        instant_s = time.perf_counter() - began
        began, after, said = time.perf_counter(), before, ""
        options = TrainingOptions(minutes=minutes, seed=_SEED)
        async with aclosing(trainer(engine).train(recordings, before, options=options)) as events:
            async for event in events:
                after, said = event.state or after, event.message
        took_s = time.perf_counter() - began
    for at, state in (("before", before), ("after", after)):
        (folder / f"{at}.state").write_bytes(state.payload)
    found = Trained(before.engine, (before.format, after.format), instant_s, took_s, said)
    unfinished = folder / "unfinished"
    unfinished.write_text(json.dumps(asdict(found)))
    unfinished.replace(folder / _RESULT)


if __name__ == "__main__":
    if "--search" in sys.argv:
        for name in _NOT_WITHOUT_TRAINING:
            sys.modules[name] = None  # type: ignore[assignment] - importing it fails
    asyncio.run(train(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
