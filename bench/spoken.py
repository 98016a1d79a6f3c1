"""Whether what is written is what is heard: 200 sentences through the front-end, the embedded
engine and Whisper base. Both sides are normalized by the same rules before they are compared.
"""

import argparse
import asyncio
from pathlib import Path
from typing import Final

import jiwer
import numpy as np

from app.assets.store import AssetStore
from app.audio.dsp import resample
from app.audio.finish import finish
from app.audio.types import Samples
from app.core.config import Settings
from app.engines.base import Engine
from app.engines.controls import all_of, asked_of, left_to_do
from app.engines.registry import EngineOptions, create_engine
from app.lexicons.shelf import Attached
from app.models.access import Party
from app.models.speech import Normalize, SpeechRequest
from app.planning.draft import Drafting, SynthesisLimits
from app.planning.plan import Plan
from app.text.lexicon import Matcher
from app.text.normalization import normalize
from app.text.spoken import spoken
from bench.judges import Recogniser, words_of

SENTENCES: Final = Path(__file__).with_name("spoken_sentences.txt")
_LANGUAGE: Final = "en-US"
_BAR: Final = 0.04
_RATE: Final = 16_000


def main(options: list[str]) -> None:
    """Print the word error rate, with and without the front-end, and the worst sentences."""
    parser = argparse.ArgumentParser(prog="python -m bench spoken", description=main.__doc__)
    parser.add_argument("--limit", type=int, default=200, help="sentences")
    parser.add_argument("--worst", type=int, default=10, help="sentences that are printed")
    asyncio.run(_run(parser.parse_args(options)))


async def _run(options: argparse.Namespace) -> None:
    assets = AssetStore(Settings().models)
    engine = create_engine("kokoro", EngineOptions(assets=assets, threads=2, concurrency=1))
    recogniser = Recogniser(assets)
    sentences = SENTENCES.read_text("utf-8").splitlines()[: options.limit]
    await engine.open()
    for how in (Normalize.AUTO, Normalize.OFF):
        wanted, heard = [], []
        for sentence in sentences:
            samples = await _said(engine, sentence, how)
            wanted.append(_plain(sentence))
            heard.append(_plain(recogniser.transcript(samples)))
        rate = jiwer.wer(wanted, heard)
        print(f"normalize={how.value}: word error rate {100 * rate:.2f} %", end="")
        print(f" of {len(sentences)} sentences (bar {100 * _BAR:.0f} %)")
        pairs = sorted(
            zip(wanted, heard, strict=True), key=lambda pair: -jiwer.wer(pair[0], pair[1] or "-")
        )
        for one, other in pairs[: options.worst]:
            if one != other:
                print(f"    wanted: {one}\n    heard:  {other}")
    await engine.close()


async def _said(engine: Engine, text: str, how: Normalize) -> Samples:
    """float32 (n,) at 16 kHz."""
    drafting = Drafting(engine.info, SynthesisLimits(1000, 1000))
    request = SpeechRequest(text=text, voice="-", language=_LANGUAGE, normalize=how)
    draft = drafting.draft(Party("local"), None, request, streaming=False)
    plan = Plan(draft, {}, Attached(Matcher(())), engine)
    sound = []
    for worded in plan.worded():
        for part in worded.wording.parts:
            asked = asked_of(
                engine.info,
                plan.asked(engine.sample_voice()),
                worded.piece,
                worded.wording.spoken,
                part,
            )
            chunks = await all_of(engine, asked)
            sound.append(finish(chunks, left_to_do(engine.info, worded.piece))[0])
    return resample(np.concatenate(sound), engine.info.sample_rate, _RATE)


def _plain(text: str) -> str:
    said = spoken(text, normalize(text, _LANGUAGE)).text
    return words_of(said.replace("-", " "))
