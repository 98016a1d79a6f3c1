"""What the text front-end costs before the first sentence can be spoken, and for each sentence."""

import statistics
import time
from collections.abc import Callable
from typing import Final

from app.engines.fake import FakeEngine
from app.engines.kokoro.phonemes import Phonemizer
from app.lexicons.shelf import Attached
from app.models.access import Party
from app.models.speech import SpeechRequest
from app.planning.draft import Drafting, SynthesisLimits
from app.planning.plan import Plan
from app.text.lexicon import Matcher, Rule

_REPEATS: Final = 21
_BAR_MS: Final = 15.0
_PLAIN = "The committee met again in the old town hall, and nobody had much to say about it. "
_DENSE = (
    "On 3/4/2024 at 3:30 pm Dr. A. Smith-Jones (CEO of ACME Inc.) paid $1,250.75, i.e. 12.5% of "
    "£9,000, for 42 kg of H2O at 20 °C; see https://example.com/a?b=c or mail info@example.org! "
)
_UNICODE = "Zoë’s naïve café – “déjà vu” – cost €12… and the façade ≈ 3½ m². "


class _Checking(FakeEngine):
    """Refuses what the embedded engine would, and needs no model files."""

    def __init__(self, phonemizer: Phonemizer) -> None:
        self._phonemizer = phonemizer

    def check(self, text: str, language: str | None) -> None:
        self._phonemizer.check(text, language or "en-US")


def main() -> None:
    """Print a table: median milliseconds until the words of the first sentence are there."""
    lexicon = Matcher([[_rule(i) for i in range(10_000)]])
    texts = {
        "one sentence": _PLAIN,
        "one sentence, dense": _DENSE,
        "10,000 characters": _PLAIN * 120,
        "100,000 characters": _times(_PLAIN, 100_000),
        "100,000 characters, dense": _times(_DENSE, 100_000),
        "100,000 characters, Unicode": _times(_UNICODE, 100_000),
        "100,000 letters, no space": "a" * 100_000,
        "100,000 of `a. `": _times("a. ", 100_000),
    }
    phonemizer = Phonemizer()
    phonemizer.load("en-US")
    engine = _Checking(phonemizer)
    print(f"{'text':32}{'first sentence':>16}{'with 10,000 entries':>21}{'its phonemes':>14}")
    for name, text in texts.items():
        spoken = next(_plan(text, None, engine).worded()).wording.spoken.text
        row = (
            _ms(lambda text=text: _first(text, None, engine)),
            _ms(lambda text=text: _first(text, lexicon, engine)),
            _ms(lambda spoken=spoken: phonemizer.phonemize(spoken[:300], "en-US")),
        )
        print(f"{name:32}{row[0]:13.2f} ms{row[1]:18.2f} ms{row[2]:11.2f} ms")
    print(f"\nbar for the first sentence: {_BAR_MS} ms; for 10,000 entries: 2 ms a sentence")
    print(
        f"all sentences of 100,000 characters, dense: {_whole(texts['100,000 characters, dense'])}"
    )


def _first(text: str, matcher: Matcher | None, engine: FakeEngine) -> None:
    plan = _plan(text, matcher, engine)
    plan.check()
    next(plan.worded())


def _plan(text: str, matcher: Matcher | None, engine: FakeEngine) -> Plan:
    drafting = Drafting(engine.info, SynthesisLimits(100_000, 100_000))
    draft = drafting.draft(
        Party("local"), None, SpeechRequest(text=text, voice="-"), streaming=True
    )
    return Plan(draft, {}, _attached(matcher), engine)


def _attached(matcher: Matcher | None) -> Attached:
    return Attached(matcher, (("bench", 1),)) if matcher else Attached(Matcher(()))


def _whole(text: str) -> str:
    start = time.perf_counter()
    count = sum(1 for _ in _plan(text, None, FakeEngine()).worded())
    took = time.perf_counter() - start
    return f"{took:.2f} s for {count} pieces, {1000 * took / count:.2f} ms each"


def _times(text: str, length: int) -> str:
    return (text * (length // len(text) + 1))[:length]


def _ms(work: Callable[[], object]) -> float:
    work()
    took = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return 1000 * statistics.median(took)


def _rule(number: int) -> Rule:
    return Rule(
        id=str(number),
        lexicon="bench",
        grapheme=f"term{number:x} of the {number:o}",
        alias="something",
        phonemes=None,
        language=None,
        case_sensitive=False,
        word_boundaries=True,
        part_of_speech=None,
    )
