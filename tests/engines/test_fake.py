"""The fake engine's speech can be read back, so that other tests can tell who said what."""

import numpy as np
import pytest

from app.audio.types import Recording, Samples, WordTiming
from app.engines.base import SynthesisRequest, TrainingOptions, VoiceState
from app.engines.fake import SAMPLE_RATE, FakeEngine, read_back
from tests.audio.signals import tone

pytestmark = pytest.mark.anyio


async def spoken(text: str, voice: VoiceState) -> Samples:
    chunks = [
        chunk.samples async for chunk in FakeEngine().synthesize(SynthesisRequest(text, voice))
    ]
    return np.concatenate(chunks)


@pytest.mark.parametrize(
    "text",
    [
        "I",
        "Hello, this is a test.",
        "Zoë 🎤 Ωmega 中文",
        "<b>&amp;</b>",
        "".join(map(chr, range(256))),
    ],
    ids=["letter", "sentence", "unicode", "markup", "every character"],
)
async def test_every_text_is_read_back_exactly(text):
    voice = FakeEngine().sample_voice()

    assert read_back(await spoken(text, voice)) == [(voice.payload, text)]


async def test_a_pause_parts_pieces_of_different_voices():
    engine = FakeEngine()
    one, two = [await engine.enroll([Recording(tone(5.0, hz=hz), 24000)]) for hz in (200, 300)]
    pause = np.zeros(SAMPLE_RATE // 4, np.float32)

    pieces = read_back(np.concatenate([await spoken("Yes.", one), pause, await spoken("No.", two)]))

    assert one.payload != two.payload
    assert pieces == [(one.payload, "Yes."), (two.payload, "No.")]


@pytest.mark.parametrize("gain", [0.02, 0.5, 2.0])
async def test_the_level_does_not_matter(gain):
    samples = gain * await spoken("Loud or quiet.", FakeEngine().sample_voice())

    assert read_back(samples)[0][1] == "Loud or quiet."


async def test_what_of_another_text_gets_in_is_seen():
    voice = FakeEngine().sample_voice()
    mixed = await spoken("Mine.", voice) + await spoken("Yours", voice)

    assert read_back(mixed) != [(voice.payload, "Mine.")]


def test_in_silence_nobody_speaks():
    assert read_back(np.zeros(SAMPLE_RATE, np.float32)) == []


@pytest.mark.parametrize("speed", [0.5, 1.0, 2.0])
async def test_words_are_timed_to_the_byte(speed):
    request = SynthesisRequest("“Zoë” — 42.", FakeEngine().sample_voice(), speed=speed)

    chunks = [chunk async for chunk in FakeEngine().synthesize(request)]

    # Two blocks of the voice, then one a byte: a quotation mark has three, "ë" two, a dash three.
    blocks = [("Zoë", 5, 9, (1, 4)), ("42", 17, 19, (8, 10))]
    assert [word for chunk in chunks for word in chunk.words] == [
        WordTiming(
            word, pytest.approx(first * 0.04 / speed), pytest.approx(last * 0.04 / speed), *at
        )
        for word, first, last, at in blocks
    ]


async def test_training_makes_another_voice_that_the_seed_decides():
    engine, heard = FakeEngine(), Recording(tone(5.0, hz=200), 24000)
    start = await engine.enroll([heard])

    async def trained(seed: int) -> VoiceState:
        options = TrainingOptions(1.0, seed)
        *_, last = [event async for event in engine.train([heard], start, options=options)]
        return last.state

    one, again, other = await trained(1), await trained(1), await trained(2)

    assert one == again
    assert len({start.payload, one.payload, other.payload}) == 3
    assert read_back(await spoken("Yes.", one)) == [(one.payload, "Yes.")]
