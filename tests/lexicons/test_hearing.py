"""An entry that changes a word is told from one that does not."""

import csv
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest

from app.assets.store import AssetStore
from app.audio.types import Samples
from app.engines.base import Pronunciation, SynthesisRequest
from app.engines.kokoro.engine import KokoroEngine
from app.engines.kokoro.ipa import to_ipa as to_ipa_of_model
from app.engines.kokoro.ipa import to_symbols
from app.lexicons.hearing import compare, distance
from app.text.alphabets import to_ipa
from app.text.lexicon import Matcher, Rule
from app.text.spoken import Edit, spoken
from tests.audio.signals import model_file, tone, vowel

RATE = 24_000


def word(*hz: float) -> Samples:
    """A made-up word: between two equal sounds, others."""
    return np.concatenate([vowel(0.3), *(tone(0.15, hz=pitch) for pitch in hz), vowel(0.3)])


def test_the_same_samples_are_no_change():
    verdict = compare(word(500), word(500), RATE, hear=lambda samples, rate: f"{len(samples)}")

    assert not verdict.changed
    assert (verdict.distance, verdict.reason) == (0.0, "identical")
    assert verdict.heard_before == verdict.heard_after == str(len(word(500)))


def test_level_and_length_are_no_change_but_another_sound_is():
    other = word(500)
    louder = (0.5 * other).astype(np.float32)
    longer = np.concatenate([vowel(0.4), tone(0.18, hz=500), vowel(0.33)])

    assert compare(other, louder, RATE).reason == "alike"
    assert compare(other, longer, RATE).reason == "alike"
    changed = compare(other, word(2500), RATE)
    assert changed.changed
    assert changed.reason == "different"
    assert changed.heard_before is changed.heard_after is None
    assert distance(other, word(2500), RATE) == pytest.approx(distance(word(2500), other, RATE))


def test_a_sound_more_or_less_is_a_change():
    assert compare(word(500), word(500, 2500), RATE).changed
    assert compare(word(500, 2500), word(500), RATE).changed


def in_doubt() -> tuple[Samples, Samples]:
    """Two words between alike and different."""
    before = word(1000)
    for hz in np.arange(1010, 2500, 10):
        if 8.5 < distance(before, word(hz), RATE) < 12.0:
            return before, word(hz)
    raise AssertionError("none found")


def test_what_is_in_doubt_is_settled_by_what_is_heard():
    before, after = in_doubt()
    names = {before.tobytes(): "One.", after.tobytes(): "Two."}

    assert not compare(before, after, RATE).changed
    assert not compare(before, after, RATE, hear=lambda *_: "one").changed
    verdict = compare(before, after, RATE, hear=lambda samples, _: names[samples.tobytes()])
    assert verdict.changed
    assert verdict.reason == "heard-differently"
    assert (verdict.heard_before, verdict.heard_after) == ("One.", "Two.")


@pytest.mark.parametrize("size", [1, 100, 25 * RATE])
def test_any_length_can_be_compared(size):
    noise = np.random.default_rng(0).normal(0, 0.1, size).astype(np.float32)

    assert not compare(noise, noise * np.float32(0.9), RATE).changed
    assert compare(noise, np.zeros(3, np.float32), RATE).distance >= 0


TABLE = Path(__file__).parents[1] / "text/lexicon_entries.csv"
ROWS = tuple(csv.DictReader(TABLE.read_text("utf-8").splitlines()))


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[KokoroEngine]:
    folder = model_file("kokoro-int8.onnx").parent
    engine = KokoroEngine(AssetStore(folder), threads=2, concurrency=1)
    await engine.open()
    yield engine
    await engine.close()


def entry(row: dict[str, str]) -> Edit:
    """Where it is in its sentence, and what is said there."""
    ipa = to_ipa(row["phonemes"], row["alphabet"]) if row["phonemes"] else None
    rule = Rule("id", "lexicon", row["grapheme"], row["alias"] or None, ipa)
    (edit,) = Matcher([[rule]]).match(row["sentence"], language="en-US").edits
    return edit


def said(sentence: str, edit: Edit) -> tuple[str, tuple[Pronunciation, ...]]:
    if edit.phonemes is not None:
        return sentence, (Pronunciation(edit.start, edit.end, edit.phonemes),)
    return spoken(sentence, [edit]).text, ()


async def speak(engine: KokoroEngine, text: str, given: tuple[Pronunciation, ...]) -> Samples:
    request = SynthesisRequest(text, engine.sample_voice(), pronunciations=given)
    async with aclosing(engine.synthesize(request)) as chunks:
        return np.concatenate([chunk.samples async for chunk in chunks])


@pytest.mark.models
@pytest.mark.timeout(900)
@pytest.mark.anyio
async def test_the_entries_change_what_is_said_and_heard_as_asked(engine):
    """Measured: 30 of the 30 that change a word are heard, 0 of the 30 that do not."""
    heard = {True: 0, False: 0}
    for row in ROWS:
        changes = row["kind"] != "same"
        sentence, edit = row["sentence"], entry(row)
        text, given = said(sentence, edit)
        read = [
            " ".join(word.phonemes for word in engine.read(*what))
            for what in ((sentence, "en-US"), (text, "en-US", given))
        ]
        if edit.phonemes is not None:
            asked = to_ipa_of_model(to_symbols(edit.phonemes, "en-US")[0])
        else:
            alone = engine.read(edit.spoken, "en-US")
            asked = " ".join(word.phonemes for word in alone)
        if changes:
            assert read[0] != read[1], row["grapheme"]
            assert plain(asked) in plain(read[1]), row["grapheme"]
        samples = await speak(engine, sentence, ()), await speak(engine, text, given)
        heard[changes] += compare(*samples, engine.info.sample_rate).changed

    assert len(ROWS) == 60
    assert heard[True] >= 25
    assert heard[False] <= 3


def plain(ipa: str) -> str:
    """Without stress, and with what the reader does to a t between vowels."""
    return ipa.translate(str.maketrans("ɾᵊ", "tə", "ˈˌ"))
