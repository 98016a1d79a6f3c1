"""What stands against misuse costs: looking for blocked terms, comparing speakers."""

import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from app.abuse.speakers import Sighting, packed
from app.abuse.terms import BlockedTerms, words_of
from app.context import open_context
from app.core.config import Settings
from app.models.speaker import VoiceSpeaker

_REPEATS = 50
_TERMS = 10_000
_SYLLABLES = ("ka", "lo", "mi", "ren", "sta", "tor", "ul", "ven", "wy", "zen", "bri", "qua", "é")


def main() -> None:
    print(f"{'what':64}{'figure':>12}  bar")
    for name, figure, bar in [*terms(), *asyncio.run(speakers())]:
        print(f"{name:64}{figure:>12}  {bar}")


def terms() -> list[tuple[str, str, str]]:
    """What was measured, the figure, the bar."""
    rng = random.Random(7)  # noqa: S311
    words = sorted({_word(rng) for _ in range(3 * _TERMS)})
    rng.shuffle(words)
    kinds = {
        "words": words[:_TERMS],
        "phrases of three": [" ".join(rng.sample(words, 3)) for _ in range(_TERMS)],
        "with a * behind": [f"{word}*" for word in words[:_TERMS]],
        "with a * at both ends": [f"*{word}*" for word in words[:_TERMS]],
    }
    plain = _sentence(rng, words[_TERMS:])
    rows = []
    for kind, listed in kinds.items():
        began = time.perf_counter()
        found = BlockedTerms(dict(enumerate(map(words_of, listed))))
        built_s = time.perf_counter() - began
        rows.append((f"{_TERMS} terms, {kind}: to read", f"{built_s:.2f} s", ""))
        for name, text in (("", plain.replace("é", "e")), (", not ASCII", plain)):
            took = _median_s(lambda text=text, found=found: found.find(text))  # type: ignore[misc]
            title = f"{_TERMS} terms, {kind}: sentence of {len(text)} characters{name}"
            rows.append((title, f"{1000 * took:.3f} ms", "<= 1 ms"))
    hostile = BlockedTerms(dict(enumerate(words_of(f"*{'a' * n}b*") for n in range(1, 97))))
    took = _median_s(lambda: hostile.find("a" * 100_000), repeats=3)
    rows.append(("96 terms *a…ab*: a word of 100,000 letters", f"{took:.2f} s", ""))
    return rows


async def speakers() -> list[tuple[str, str, str]]:
    """A registration compared with the speakers of other owners' voices, on SQLite."""
    rng = np.random.default_rng(7)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(_env_file=None, data_dir=Path(folder), voice_engine="fake")
        async with open_context(settings) as context:
            kept = context.database.collection(VoiceSpeaker)
            for _ in range(_TERMS // 500):
                some = rng.standard_normal((500, 256)).astype(np.float32)
                some /= np.linalg.norm(some, axis=1, keepdims=True)
                await kept.add_all([VoiceSpeaker(owner="a", embedding=packed(v)) for v in some])
            new: Any = VoiceSpeaker(owner="b", embedding=b"")
            took = []
            for _ in range(5):
                began = time.perf_counter()
                await context.guards.watch.tell(new, Sighting(some[0]))
                took.append(time.perf_counter() - began)
    figure = f"{1000 * statistics.median(took):.0f} ms"
    rows.append((f"a new voice beside {_TERMS} of other owners", figure, ""))
    return rows


def _median_s(work: Callable[[], object], *, repeats: int = _REPEATS) -> float:
    took = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def _word(rng: random.Random) -> str:
    return "".join(rng.choices(_SYLLABLES, k=rng.randint(2, 5)))


def _sentence(rng: random.Random, words: list[str]) -> str:
    text = ""
    while len(text) < 290:
        text += f"{rng.choice(words)} "
    return text + "."


if __name__ == "__main__":
    main()
