"""What lexicons cost: compiling them, and finding their words in a sentence."""

import random
import statistics
import time
from collections.abc import Sequence

from app.text.lexicon import Matcher, Rule

_REPEATS = 50
_SYLLABLES = ("ka", "lo", "mi", "ren", "sta", "tor", "ul", "ven", "wy", "zen", "bri", "qua", "é")


def matching() -> list[tuple[str, str, str]]:
    """What was measured, the figure, the bar: of a sentence of 300 characters, the median."""
    rows = []
    for count in (10_000, 20_000):
        rng = random.Random(count)  # noqa: S311
        words = sorted({_word(rng) for _ in range(2 * count)})[:count]
        rng.shuffle(words)
        sentence = _sentence(rng, words)
        rows += _measured(f"{count} entries", words, sentence)
        rows += _measured(f"{count} entries inside of words", words, sentence, bounded=False)
    alike = [f"{'a' * 190}{n:05d}" for n in range(20_000)]
    rows += _measured("20,000 of 195 characters, alike", alike, f"{'a' * 299}b")
    nested = ["a" * n for n in range(1, 201)]
    rows += _measured("200, each the beginning of the next", nested, "a" * 300)
    rows += _measured("the same inside of words", nested, "a" * 300, bounded=False)
    return rows


def _measured(
    name: str, words: Sequence[str], sentence: str, *, bounded: bool = True
) -> list[tuple[str, str, str]]:
    rules = [Rule(str(i), "bench", w, "x", word_boundaries=bounded) for i, w in enumerate(words)]
    began = time.perf_counter()
    matcher = Matcher([rules])
    compiled_s = time.perf_counter() - began
    took = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        found = matcher.match(sentence, language="en-US")
        took.append(time.perf_counter() - began)
    number = len(found.edits)
    return [
        (f"lexicon, {name}: compile", f"{compiled_s:.2f} s", "<= 1 s"),
        (
            f"lexicon, {name}: sentence of {len(sentence)} ({number} found)",
            f"{1000 * statistics.median(took):.2f} ms",
            "<= 2 ms",
        ),
    ]


def _word(rng: random.Random) -> str:
    return "".join(rng.choice(_SYLLABLES) for _ in range(rng.randint(2, 5)))


def _sentence(rng: random.Random, words: Sequence[str]) -> str:
    """300 characters, every other word of them in the lexicon."""
    text = ""
    while len(text) < 300:
        text += f"{rng.choice(words)} {_word(rng)}x "
    return text[:300]


if __name__ == "__main__":
    for row in matching():
        print(f"{row[0]:75}{row[1]:>10}   {row[2]}")
