"""What every engine must do. A new engine is one more entry in `ENGINES`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, aclosing
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from app.assets.store import AssetStore
from app.audio.types import Recording, Samples, SpeechChunk
from app.core.exceptions import UnsuitableRecording, UnsupportedControl, UnsupportedLanguage
from app.engines.azure.engine import make_engine
from app.engines.azure.options import AzureOptions
from app.engines.base import (
    Agreement,
    AgreementBound,
    Engine,
    Phonetic,
    Pronunciation,
    SynthesisRequest,
    Trainable,
    TrainingEvent,
    TrainingOptions,
    VoiceState,
    trainer,
)
from app.engines.fake import FakeEngine, read_back
from app.engines.registry import EngineOptions, create_engine
from app.text.words import written_words
from tests.audio.signals import model_file
from tests.azure_fake.speech import SpeechFake, speech_service
from tests.consents.speakers import wav

pytestmark = pytest.mark.anyio

TEXT = "The rain has stopped, so we can go out."


def make_kokoro() -> Engine:
    folders = {
        model_file(name).parent
        for name in ("kokoro-int8.onnx", "kokoro-voices.bin", "wespeaker-resnet34-lm.onnx")
    }
    return create_engine("kokoro", EngineOptions(AssetStore(folders.pop()), 1, 2))


ENGINES: dict[str, Callable[[], Engine]] = {"fake": FakeEngine, "kokoro": make_kokoro}
NAMES = ["fake", "azure", pytest.param("kokoro", marks=pytest.mark.models)]


def over(service: SpeechFake) -> Engine:
    """The engine `azure` over a fake of its service."""
    key = service.account.key
    return make_engine(AzureOptions(key=lambda: key, endpoint=service.url, poll_s=0.001))


@pytest.fixture(scope="module")
def make() -> Iterator[Callable[[str], Engine]]:
    """Makes engines by name, over the same fake of a service."""
    with ExitStack() as running:

        @cache
        def service() -> SpeechFake:
            return running.enter_context(speech_service())

        yield lambda name: over(service()) if name == "azure" else ENGINES[name]()


@pytest.fixture(scope="module", params=NAMES)
async def engine(
    request: pytest.FixtureRequest, make: Callable[[str], Engine]
) -> AsyncIterator[Engine]:
    engine = make(request.param)
    await engine.open()
    yield engine
    await engine.close()


@pytest.fixture(scope="module")
async def recording(engine: Engine) -> Recording:
    """The engine's own speech, an octave lower than it was: another speaker."""
    texts = (TEXT, "A second sentence follows the first.", "And a third one ends it.")
    said = np.concatenate([await speech(engine, text, engine.sample_voice()) for text in texts])
    low = np.interp(np.arange(0, len(said), 0.7), np.arange(len(said)), said)
    return Recording(low.astype(np.float32), engine.info.sample_rate)


@pytest.fixture(scope="module")
async def voice(engine: Engine, recording: Recording) -> VoiceState:
    if isinstance(engine, AgreementBound):
        said = Agreement(
            "Jane Smith",
            "Contoso",
            "en-US",
            recording=wav(recording.samples, recording.sample_rate),
            filename="statement.wav",
            consent_id="550e8400-e29b-41d4-a716-446655440000",
        )
        return await engine.enroll_under([recording], said)
    return await engine.enroll([recording])


async def chunks_of(
    engine: Engine, text: str, voice: VoiceState, *, speed: float = 1.0, seed: int | None = None
) -> list[SpeechChunk]:
    request = SynthesisRequest(text, voice, speed=speed, seed=seed)
    async with aclosing(engine.synthesize(request)) as chunks:
        return [chunk async for chunk in chunks]


async def speech(
    engine: Engine, text: str, voice: VoiceState, *, speed: float = 1.0, seed: int | None = None
) -> Samples:
    chunks = await chunks_of(engine, text, voice, speed=speed, seed=seed)
    return np.concatenate([chunk.samples for chunk in chunks])


@pytest.mark.parametrize("name", NAMES)
async def test_what_an_engine_is_can_be_read_before_it_is_open(name, make):
    engine = make(name)
    info = engine.info
    await engine.close()

    assert info.name == name
    assert info.title
    assert info.version
    assert info.sample_rate >= 8000
    assert info.languages
    assert info.max_chars >= 100
    assert info.concurrency >= 1
    assert info.reference_s is None or 0 < info.reference_s[0] < info.reference_s[1]


async def test_an_open_engine_may_be_opened_again_while_it_speaks(engine):
    before = await speech(engine, "Yes.", engine.sample_voice())

    _, _, meanwhile = await asyncio.gather(
        engine.open(), engine.open(), speech(engine, "Yes.", engine.sample_voice())
    )

    np.testing.assert_array_equal(before, meanwhile)


async def test_the_voice_for_trying_out_speaks(engine):
    samples = await speech(engine, TEXT, engine.sample_voice())

    assert len(samples) > engine.info.sample_rate / 2
    assert np.abs(samples).max() > 0.05


@pytest.mark.parametrize("text", ["I", "In 1987, 12 came.", TEXT], ids=len)
async def test_chunks_are_audio_of_one_kind_that_cover_the_text_in_order(engine, voice, text):
    chunks = await chunks_of(engine, text, voice)

    assert chunks
    end = 0
    for chunk in chunks:
        assert chunk.samples.dtype == np.float32
        assert chunk.samples.ndim == 1
        assert len(chunk.samples) >= 1
        assert np.isfinite(chunk.samples).all()
        assert np.abs(chunk.samples).max() <= 1.0
        assert chunk.sample_rate == engine.info.sample_rate
        assert end <= chunk.text_start <= chunk.text_end <= len(text)
        end = chunk.text_end
    spoken = "".join(text[chunk.text_start : chunk.text_end] for chunk in chunks)
    assert spoken.replace(" ", "") == text.replace(" ", "")


async def test_the_same_recording_makes_the_same_voice(engine, recording, voice):
    if isinstance(engine, AgreementBound):
        pytest.skip("its provider makes the voices")
    copy = Recording(recording.samples.copy(), recording.sample_rate)

    assert await engine.enroll([copy]) == voice
    np.testing.assert_array_equal(copy.samples, recording.samples)
    assert voice.engine == engine.info.name
    assert voice.similarity is None or -1 <= voice.similarity <= 1


async def test_a_voice_outlives_its_engine_as_bytes(engine, voice, make):
    stored = bytes(bytearray(voice.payload)), str(voice.engine), str(voice.format)
    other = make(engine.info.name)

    again = await speech(other, TEXT, VoiceState(stored[1], stored[2], stored[0]))
    await other.close()

    np.testing.assert_array_equal(await speech(engine, TEXT, voice), again)


async def test_two_voices_differ(engine, voice):
    one, two = [await speech(engine, TEXT, v) for v in (voice, engine.sample_voice())]

    assert len(one) != len(two) or not np.allclose(one, two, atol=0.01)


async def test_the_same_seed_gives_the_same_samples(engine, voice):
    if "seed" not in engine.info.controls:
        pytest.skip("takes no seed")
    first, second = [await speech(engine, TEXT, voice, seed=7) for _ in range(2)]

    np.testing.assert_array_equal(first, second)


async def test_interleaved_voices_speak_as_each_does_alone(engine, voice):
    sentences = ["One.", "Two, three."]
    voices = [voice, engine.sample_voice()]
    alone = [[await speech(engine, text, v) for text in sentences] for v in voices]

    mixed = [[await speech(engine, text, v) for v in voices] for text in sentences]

    for index in range(2):
        for expected, both in zip(alone[index], mixed, strict=True):
            np.testing.assert_array_equal(expected, both[index])


async def test_more_calls_than_slots_all_finish_right(engine, voice):
    texts = ["One.", "Two, three."]
    voices = [voice, engine.sample_voice()]
    alone = {(t, v.payload): await speech(engine, t, v) for t in texts for v in voices}
    calls = [
        (texts[n // 2 % 2], voices[n % 2])
        for n in range(max(4, engine.info.concurrency + engine.info.concurrency // 2))
    ]

    results = await asyncio.gather(*(speech(engine, text, v) for text, v in calls))

    for (text, v), samples in zip(calls, results, strict=True):
        np.testing.assert_array_equal(samples, alone[text, v.payload])


async def test_a_listener_who_leaves_frees_the_slot(engine, voice):
    for _ in range(min(engine.info.concurrency, 4) + 1):
        chunks = engine.synthesize(SynthesisRequest("Yes.", voice))
        await anext(chunks)
        await chunks.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(chunks)

    calls = [speech(engine, "Yes.", voice) for _ in range(engine.info.concurrency)]
    assert all(len(samples) for samples in await asyncio.gather(*calls))


async def test_a_cancelled_call_frees_the_slot(engine, voice):
    tasks = [
        asyncio.create_task(speech(engine, TEXT, voice))
        for _ in range(min(engine.info.concurrency, 4) + 1)
    ]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    assert len(await speech(engine, "Yes.", voice))


@pytest.mark.parametrize("marked", ["<b>Hello</b> you.", '<break time="5s"/> Hello you.'])
async def test_markup_is_spoken_as_text(engine, voice, marked):
    plain = await speech(engine, "Hello you.", voice)

    samples = await speech(engine, marked, voice)

    if engine.info.name == "fake":
        assert read_back(samples) == [(voice.payload, marked)]
    else:
        assert len(samples) > 1.2 * len(plain)


async def test_faster_is_shorter(engine, voice):
    normal, fast = [len(await speech(engine, TEXT, voice, speed=speed)) for speed in (1.0, 1.5)]

    assert fast < 0.85 * normal


@pytest.mark.parametrize("speed", [0.5, 1.0, 2.0])
@pytest.mark.parametrize(
    "text",
    ["I", TEXT, "“In 1987,” Dr. Smith said — at 3:30 pm — “it cost $12.50 & more…”"],
    ids=len,
)
async def test_every_word_is_said_when_it_is_spoken(engine, voice, text, speed):
    if not engine.info.word_timings:
        pytest.skip("does not say when words are spoken")

    chunks = await chunks_of(engine, text, voice, speed=speed)

    for chunk in chunks:
        part = text[chunk.text_start : chunk.text_end]
        assert [word.word for word in chunk.words] == [word.text for word in written_words(part)]
        starts = [word.start_s for word in chunk.words]
        assert starts == sorted(starts)
        assert all(0 <= word.start_s < word.end_s <= chunk.duration_s for word in chunk.words)
        for word, following in pairwise(chunk.words):
            assert word.end_s <= following.start_s + 1e-9
    assert "".join(word.word for chunk in chunks for word in chunk.words)


async def test_timings_follow_the_speed(engine, voice):
    if not engine.info.word_timings:
        pytest.skip("does not say when words are spoken")
    last = {}
    for speed in (0.5, 1.0, 2.0):
        *_, chunk = await chunks_of(engine, TEXT, voice, speed=speed)
        last[speed] = chunk.words[-1].start_s / chunk.duration_s

    assert last[0.5] == pytest.approx(last[1.0], abs=0.1)
    assert last[2.0] == pytest.approx(last[1.0], abs=0.1)


@pytest.mark.parametrize("language", ["tlh", "zh-CN", "x"])
async def test_an_unsupported_language_is_refused_before_and_by_speaking(engine, voice, language):
    if language in engine.info.languages:
        pytest.skip("is one of its own")
    with pytest.raises(UnsupportedLanguage) as refused:
        engine.check("Hello.", language)
    assert refused.value.suggestion
    assert refused.value.extra["supported"] == list(engine.info.languages)

    with pytest.raises(UnsupportedLanguage):
        await anext(engine.synthesize(SynthesisRequest("Hello.", voice, language=language)))


async def test_its_own_languages_and_their_variants_are_accepted(engine):
    for language in (None, engine.info.languages[0], "en", "en-GB"):
        engine.check("Hello.", language)


NAME = "Dr. Nguyen's boat has gone."
GIVEN = (Pronunciation(4, 10, "ˈwɪn"),)


@pytest.fixture(scope="module")
def phonetic(engine: Engine) -> Phonetic:
    if "pronunciations" not in engine.info.controls:
        pytest.skip("takes no phonemes")
    assert isinstance(engine, Phonetic)
    return engine


async def test_an_engine_that_takes_no_phonemes_refuses_them(engine, voice):
    if "pronunciations" in engine.info.controls:
        pytest.skip("takes phonemes")
    with pytest.raises(UnsupportedControl) as refused:
        await anext(engine.synthesize(SynthesisRequest(NAME, voice, pronunciations=GIVEN)))
    assert refused.value.extra["controls"] == sorted(engine.info.controls)


async def test_given_phonemes_are_spoken(engine, phonetic, voice):
    async def said(given: tuple[Pronunciation, ...]) -> list[SpeechChunk]:
        request = SynthesisRequest(NAME, voice, pronunciations=given, seed=1)
        async with aclosing(engine.synthesize(request)) as chunks:
            return [chunk async for chunk in chunks]

    plain, given, again, longer = [
        np.concatenate([chunk.samples for chunk in await said(how)])
        for how in ((), GIVEN, GIVEN, (Pronunciation(4, 10, "ˌwɪnəˈmɑkəˌloʊ"),))
    ]

    np.testing.assert_array_equal(given, again)
    assert len(plain) != len(given) or not np.allclose(plain, given, atol=0.01)
    assert len(longer) > len(given)
    if engine.info.word_timings:
        (chunk,) = await said(GIVEN)
        assert [word.word for word in chunk.words] == [word.text for word in written_words(NAME)]
        assert [NAME[w.text_start : w.text_end] for w in chunk.words] == [
            w.word for w in chunk.words
        ]


async def test_an_engine_that_takes_phonemes_tells_how_it_reads(phonetic):
    words = phonetic.read(NAME, "en-US", GIVEN)

    assert [NAME[word.start : word.end] for word in words] == [word.text for word in words]
    assert {word.text: word.phonemes for word in words}["Nguyen's"] == "ˈwɪnz"
    assert phonetic.read(NAME, "en-US") != words
    assert phonetic.missing_phonemes("ˈwɪn", "en-US") == ()
    assert phonetic.missing_phonemes("wʘn", None) == ("ʘ",)
    assert (22, 26, "verb") in phonetic.parts_of_speech(NAME, "en-US")
    with pytest.raises(UnsupportedLanguage):
        phonetic.missing_phonemes("ˈwɪn", "tlh")


BRIEFLY = TrainingOptions(minutes=0.1, seed=3)


@pytest.fixture(scope="module")
def trainable(engine: Engine) -> Trainable:
    if not engine.info.trainable:
        pytest.skip("cannot adapt voices")
    return trainer(engine)


@pytest.fixture(scope="module")
async def training(
    trainable: Trainable, recording: Recording, voice: VoiceState
) -> list[TrainingEvent]:
    async with aclosing(trainable.train([recording], voice, options=BRIEFLY)) as events:
        return [event async for event in events]


async def test_a_training_tells_how_far_it_is_and_ends_with_a_voice(training):
    for before, after in pairwise(training):
        assert 0.0 <= before.progress <= after.progress <= 1.0
        assert 0.0 <= before.elapsed_s <= after.elapsed_s
    assert all(event.stage and event.message for event in training)
    assert [event.stage == "done" for event in training] == [False] * (len(training) - 1) + [True]
    assert training[-1].progress == 1.0
    assert training[-1].state


async def test_every_state_of_a_training_can_be_spoken(engine, training):
    for state in [event.state for event in training if event.state]:
        assert state.engine == engine.info.name
        assert state.similarity is None or -1 <= state.similarity <= 1
        stored = VoiceState(state.engine, state.format, bytes(bytearray(state.payload)))
        assert len(await speech(engine, "Yes.", stored)) > 0


async def test_a_training_goes_on_from_a_trained_voice_and_begins_without_one(
    trainable, recording, training
):
    for start in (training[-1].state, None):
        async with aclosing(trainable.train([recording], start, options=BRIEFLY)) as events:
            first = await anext(events)
        assert 0.0 <= first.progress <= 1.0


async def test_a_training_without_a_recording_is_refused(trainable, voice):
    with pytest.raises(UnsuitableRecording):
        await anext(trainable.train([], voice, options=BRIEFLY))


async def test_a_training_that_is_left_frees_the_engine(engine, trainable, recording, voice):
    for _ in range(2):
        events = trainable.train([recording], voice, options=BRIEFLY)
        await anext(events)
        await events.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(events)

    assert len(await speech(engine, "Yes.", voice))
