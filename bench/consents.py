"""The check of consents: what is accepted and what is refused. There is no human reading of the
statements, so stock voices of the engine stand for people; who speaks is judged on people too.
"""

import argparse
import asyncio
import itertools
import logging
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app import machine
from app.assets.store import AssetStore
from app.audio.ears import Ears
from app.audio.finish import Finish, finish
from app.audio.types import Recording, Samples
from app.consents.desk import SAME_SPEAKER
from app.consents.judging import judge
from app.consents.listening import Agreement, ConsentListener, Named
from app.consents.statements import new_code, statement
from app.core.clock import utc_now
from app.core.config import Settings
from app.engines.base import Engine, SynthesisRequest, VoiceState
from app.engines.controls import all_of
from app.engines.kokoro.engine import NAME
from app.engines.kokoro.voices import Blend, stock_voices
from app.engines.registry import EngineOptions, create_engine
from app.models.consent import ConsentChallenge
from app.speaker.similarity import Embedding
from app.watermark.marking import Watermark
from bench.data import ENROL_CLIPS, SENTENCES, calibration, flac, joined, read, speakers

_THREADS: Final = 2
_RATE: Final = 24_000
_NAMES: Final = (
    Named("Jane Smith", "Contoso"), Named("Robert Miller", "Fabrikam"),
    Named("Mary Johnson", "Northwind Traders"), Named("David Clark", "Litware"),
    Named("Susan Baker", "Adventure Works"),
)  # fmt: skip
_WRONG: Final = (
    "The weather was fine on the last day of our journey, and nobody wanted to go home. "
    "My code is {code}."
)


@dataclass(frozen=True)
class Bench:
    """What a consent is checked with."""

    engine: Engine
    ears: Ears
    watermark: Watermark
    listener: ConsentListener

    async def said(self, voice: VoiceState, text: str, *, marked: bool = False) -> Samples:
        chunks = await all_of(self.engine, SynthesisRequest(text, voice, language="en-US"))
        samples, _ = finish(chunks, Finish())
        return self.watermark.mark(samples, _RATE) if marked else samples

    async def heard(self, samples: Samples, code: str, named: Named) -> Agreement:
        asked = ConsentChallenge(
            owner="bench",
            language="en",
            speaker=named.speaker,
            company=named.company,
            code=code,
            expires_at=utc_now() + timedelta(minutes=1),
        )
        return await self.listener.listen(_file(samples), asked, named)

    async def embedding(self, content: bytes) -> Embedding:
        sound = await self.ears.decode(content)
        found = await self.ears.embed(Recording(sound.samples, sound.sample_rate))
        if found is None:
            raise SystemExit("There is no speaker encoder.")
        return found


def main(options: list[str]) -> None:
    """Print counts of what comes of right and wrong readings, and of right and wrong speakers."""
    parser = argparse.ArgumentParser(prog="python -m bench consents", description=main.__doc__)
    parser.add_argument("--voices", type=int, default=28, help="stock voices that read")
    logging.getLogger("faster_whisper").setLevel(logging.WARNING)
    asyncio.run(_run(parser.parse_args(options).voices))


async def _run(count: int) -> None:
    settings, assets = Settings(), AssetStore(Settings().models)
    engine = create_engine("kokoro", EngineOptions(assets=assets, threads=_THREADS, concurrency=1))
    await engine.open()
    ears = machine.ears(settings, machine.listener(engine.info, assets))
    watermark = machine.watermark(settings, engine.info, assets)
    hear = machine.consent_recogniser(engine.info, assets)
    bench = Bench(engine, ears, watermark, ConsentListener(ears, watermark, hear))
    names = [voice.name for voice in stock_voices() if voice.name[0] in "ab"][:count]
    voices = [Blend({name: 1.0}).to_state(NAME, similarity=None) for name in names]
    own = await _readings(bench, voices)
    await _synthetic_speakers(bench, voices, own)
    await _human_speakers(bench)
    await _clones(bench)
    await ears.close()
    await engine.close()


async def _readings(bench: Bench, voices: list[VoiceState]) -> list[Agreement]:
    """Who reads what; the right readings."""
    outcomes: dict[str, Counter[str]] = {
        title: Counter()
        for title in ("right words", "wrong words, right code", "old code", "our own mark")
    }
    right, reasons = [], Counter[str]()
    for number, voice in enumerate(voices):
        named, code = _NAMES[number % len(_NAMES)], new_code()
        names = {"speaker": named.speaker, "company": named.company}
        text = statement("en", code=code, **names)
        old = statement("en", code=new_code(), **names)
        wrong = _WRONG.format(code=" ".join(code))
        for title, said, marked in zip(
            outcomes, (text, wrong, old, text), (False, False, False, True), strict=True
        ):
            found = await bench.heard(await bench.said(voice, said, marked=marked), code, named)
            status, why = judge(found.scores)
            outcomes[title][status.value] += 1
            if title == "right words":
                right.append(found)
                reasons.update(why)
    print(f"{len(voices)} stock voices read the English statement (Whisper base)\n")
    print(f"{'':28}{'verified':>10}{'needs-review':>14}{'rejected':>10}")
    for title, counts in outcomes.items():
        print(
            f"{title:28}{counts['verified']:10}{counts['needs-review']:14}{counts['rejected']:10}"
        )
    for reason, times in reasons.most_common():
        print(f"    {times} x {reason}")
    return right


async def _synthetic_speakers(
    bench: Bench, voices: list[VoiceState], right: list[Agreement]
) -> None:
    """The consent of each stock voice beside recordings of each stock voice."""
    agreed = np.array([found.embedding for found in right], np.float32)
    samples = [
        await bench.embedding(_file(await bench.said(voice, " ".join(SENTENCES[:4]))))
        for voice in voices
    ]
    scores = agreed @ np.stack(samples).T
    same, other = np.diag(scores), scores[~np.eye(len(voices), dtype=bool)]
    print(f"\nspeakers, accepted from {SAME_SPEAKER:g} on\n")
    _accepted("stock voice, own consent", same)
    _accepted("stock voice, consent of another", other)


async def _human_speakers(bench: Bench) -> None:
    own = {
        who: np.stack([await bench.embedding(path.read_bytes()) for path in clips])
        for who, clips in speakers().items()
    }
    strangers = np.stack([await bench.embedding(path.read_bytes()) for path in calibration()])
    same = [
        float(clips[a] @ clips[b])
        for clips in own.values()
        for a, b in itertools.combinations(range(len(clips)), 2)
    ]
    upper = np.triu_indices(len(strangers), 1)
    different = [(strangers @ strangers.T)[upper]]
    different += [(clips @ strangers.T).ravel() for clips in own.values()]
    _accepted("human, another clip of the same", np.array(same))
    _accepted("human, clips of others", np.concatenate(different))


async def _clones(bench: Bench) -> None:
    """A clone of each human speaker reads the statement for the human."""
    spoken, marked, refused = [], [], 0
    for who, clips in speakers().items():
        voice = await bench.engine.enroll([joined(clips[:ENROL_CLIPS])])
        own = [await bench.embedding(flac(read(clip))) for clip in clips[ENROL_CLIPS:]]
        code, named = new_code(), Named(f"Speaker {who}", "Contoso")
        text = statement("en", code=code, speaker=named.speaker, company=named.company)
        for with_mark, into in ((False, spoken), (True, marked)):
            found = await bench.heard(await bench.said(voice, text, marked=with_mark), code, named)
            embedding = np.array(found.embedding, np.float32)
            into += [float(embedding @ one) for one in own]
            refused += with_mark and judge(found.scores)[0].value == "rejected"
    _accepted("clone of a human, unmarked", np.array(spoken))
    _accepted("clone of a human, marked", np.array(marked))
    print(f"marked readings of clones that were rejected: {refused} of {len(speakers())}")


def _accepted(title: str, scores: NDArray[np.float32]) -> None:
    count = int(np.sum(scores >= SAME_SPEAKER))
    low, high = np.quantile(scores, (0.01, 0.99))
    print(f"{title:34}{count:7} of {len(scores):6} ({count / len(scores):6.2%})", end="")
    print(f"   1 % {low:.2f}   99 % {high:.2f}")


def _file(samples: Samples) -> bytes:
    return flac(Recording(samples, _RATE))
