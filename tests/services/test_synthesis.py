import asyncio
import re
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from app.audio.dsp import loudness_lufs
from app.audio.encode import AudioEncoder
from app.audio.types import AudioFormat, Samples, SpeechChunk, WordTiming
from app.core.config import Settings
from app.core.exceptions import EngineFailed, RateLimited, UnsupportedControl
from app.core.turns import Turns
from app.db.audit import AuditTrail
from app.engines.base import Engine, EngineInfo, SynthesisRequest
from app.engines.fake import read_back
from app.lexicons.shelf import Attached
from app.models.history import SpeechSource, SpeechStatus
from app.models.speech import Priority, SpeechRequest, Spoken
from app.models.voice import Voice
from app.planning.draft import Drafting, SynthesisLimits
from app.planning.plan import Plan, Worded
from app.services.synthesis import Order, Said, Speech, SynthesisService, Take
from app.services.voices import Upload
from app.text.lexicon import Matcher
from app.watermark.marking import Watermark
from tests.audio.signals import read_pcm
from tests.conftest import recording
from tests.services.parts import FREE, ME, OWNER, Parts, parts, reach, shelf
from tests.speaking import engine_kind, new_engine

pytestmark = pytest.mark.anyio

TEXT = "One here. Two there. Three."


@dataclass
class Log:
    """Keeps what it is told."""

    most: int = 2**30
    told: list[Spoken] = field(default_factory=list)

    def keeps(self, request: SpeechRequest) -> bool:
        return True

    def most_audio(self, request: SpeechRequest) -> int:
        return self.most

    async def spoken(self, spoken: Spoken) -> None:
        await asyncio.sleep(0)
        self.told.append(spoken)


class Failing(engine_kind()):
    """Fails in the sentence that contains `fail`, and waits for ever in one with `wait`."""

    async def synthesize(self, request: SynthesisRequest) -> AsyncGenerator[SpeechChunk, None]:
        if "fail" in request.text:
            raise EngineFailed("It broke.")
        if "wait" in request.text:
            await asyncio.Event().wait()
        async for chunk in super().synthesize(request):
            yield chunk


class Able(engine_kind()):
    """Has every control, and notes what it was asked for; or other controls."""

    def __init__(self, *controls: str) -> None:
        self.info: EngineInfo = replace(engine_kind().info, controls=frozenset(controls))
        self.asked: list[SynthesisRequest] = []

    async def synthesize(self, request: SynthesisRequest) -> AsyncGenerator[SpeechChunk, None]:
        self.asked.append(request)
        simple = SynthesisRequest(request.text, request.voice)
        async for chunk in super().synthesize(simple):
            yield chunk


class Wordy(engine_kind()):
    """Knows when its words are spoken, and is silent for half a second before and behind them."""

    async def synthesize(self, request: SynthesisRequest) -> AsyncGenerator[SpeechChunk, None]:
        silence = np.zeros(12_000, np.float32)
        spoken = [chunk.samples async for chunk in super().synthesize(request)]
        samples = np.concatenate([silence, *spoken, silence])
        at, words = 0.5 + 2 * 0.04, []
        for found in re.finditer(r"\S+", request.text):
            word = found[0]
            words.append(WordTiming(word, at, at + 0.04 * len(word), *found.span()))
            at += 0.04 * (len(word) + 1)
        # Two chunks, as of an engine that speaks in parts: the times are those of each.
        half = len(samples) // 2
        early = tuple(word for word in words if word.start_s < half / 24_000)
        late = tuple(
            replace(w, start_s=w.start_s - half / 24_000, end_s=w.end_s - half / 24_000)
            for w in words[len(early) :]
        )
        yield SpeechChunk(samples[:half], 24_000, 0, 1, early)
        yield SpeechChunk(samples[half:], 24_000, 1, 2, late)


@pytest.fixture
async def made(settings: Settings) -> AsyncIterator[Parts]:
    async with parts(settings) as opened:
        yield opened


@pytest.fixture
async def voice(made: Parts) -> Voice:
    return await made.service().register(OWNER, Upload(recording(), "a.wav"))


def speaker(
    made: Parts, engine: Engine | None = None, *, log: Log | None = None, requests: int = 8
) -> SynthesisService:
    if engine is not None:
        made.engines.append(engine)
    engine = engine or made.engines[0]
    return SynthesisService(
        voices=made.voices,
        reach=reach(made.database),
        states=made.states,
        engine=engine,
        turns=Turns(
            engine.info.concurrency,
            background_at_once=1,
            max_requests=requests,
            clock=time.monotonic,
        ),
        audit=AuditTrail(made.events),
        lexicons=shelf(made.database),
        drafting=Drafting(engine.info, SynthesisLimits(max_chars=1000, max_whole_chars=500)),
        watermark=Watermark(),
        permit=FREE,
        log=log,
    )


def asking(voice: Voice, **fields: Any) -> SpeechRequest:
    said = {} if "ssml" in fields else {"text": TEXT}
    return SpeechRequest(voice=voice.id, **{"format": AudioFormat.PCM} | said | fields)


async def heard(speech: Speech) -> bytes:
    return b"".join([data async for data in speech.encoded()])


async def sound(service: SynthesisService, voice: Voice, **fields: Any) -> Samples:
    return read_pcm(await heard(await service.speak(voice, asking(voice, **fields))))


# What is told of it


@pytest.mark.parametrize("streaming", [False, True])
async def test_what_was_spoken_is_told_once_with_its_audio(made, voice, streaming):
    log = Log()
    request = asking(voice, format=AudioFormat.WAV)

    speech = await speaker(made, log=log).speak(
        voice, request, streaming=streaming, source=SpeechSource.PREVIEW, batch_id="b"
    )
    content = await heard(speech)

    (told,) = log.told
    assert (told.id, told.status, told.error) == (speech.id, SpeechStatus.OK, None)
    assert (told.voice, told.request) == (voice, request)
    assert (told.source, told.batch_id) == (SpeechSource.PREVIEW, "b")
    assert told.content == content
    assert (told.sample_rate, told.duration_s) == (24000, speech.duration_s)
    assert 0 < told.first_audio_s <= told.total_s == speech.total_s


@pytest.mark.parametrize("most", [0, 1000])
async def test_no_more_audio_is_collected_than_the_log_has_use_for(made, voice, most):
    log = Log(most=most)

    assert len(await heard(await speaker(made, log=log).speak(voice, asking(voice)))) > most

    assert log.told[0].content is None


async def test_a_failure_is_told_with_its_code_and_what_was_sent(made, voice):
    log = Log()
    speech = await speaker(made, Failing(), log=log).speak(
        voice, asking(voice, text="Well. Now fail. Never."), streaming=True
    )
    pieces = speech.encoded()
    sent = await anext(pieces)
    with pytest.raises(EngineFailed):
        await anext(pieces)

    (told,) = log.told
    assert (told.status, told.error) == (SpeechStatus.FAILED, "engine-failed")
    assert told.content == sent
    assert told.duration_s == speech.duration_s > 0


@pytest.mark.parametrize("way", ["closed", "cancelled"])
async def test_one_that_is_broken_off_is_told_as_well(made, voice, way):
    log = Log()
    speech = await speaker(made, Failing(), log=log).speak(
        voice, asking(voice, text="Well. Now wait. Never."), streaming=True
    )
    pieces = speech.encoded()
    sent = await anext(pieces)
    if way == "closed":
        await pieces.aclose()
    else:
        listening = asyncio.ensure_future(anext(pieces))
        await asyncio.sleep(0)
        listening.cancel()
        await asyncio.wait([listening])

    (told,) = log.told
    assert (told.status, told.error, told.content) == (SpeechStatus.CANCELLED, None, sent)


class SlowLog(Log):
    """Takes its time to note something: until it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.let = asyncio.Event(), asyncio.Event()

    async def spoken(self, spoken: Spoken) -> None:
        self.reached.set()
        await self.let.wait()
        await super().spoken(spoken)


async def test_nothing_is_lost_of_a_request_that_is_cancelled_while_it_is_told(made, voice):
    log = SlowLog()
    speech = await speaker(made, log=log).speak(voice, asking(voice))
    listening = asyncio.ensure_future(heard(speech))
    await log.reached.wait()

    listening.cancel()
    await asyncio.wait([listening], timeout=0.05)
    log.let.set()
    await asyncio.wait([listening])

    assert [told.status for told in log.told] == [SpeechStatus.OK]
    assert listening.cancelled()


async def test_what_was_refused_before_it_began_is_not_told(made, voice):
    log = Log()

    async def too_much(characters: int) -> None:
        raise RateLimited(f"{characters} are too many.", retry_after_s=1)

    service = speaker(made, log=log)
    with pytest.raises(RateLimited):
        await heard(await service.speak(voice, asking(voice), charge=too_much))

    assert log.told == []


# Who does what is asked for


@pytest.mark.parametrize(("db", "lufs"), [(0.0, -20.0), (-10.0, -30.0), (5.0, -15.0)])
async def test_an_engine_that_has_a_control_does_it_itself(made, voice, db, lufs):
    engine = Able("speed", "pitch", "volume", "seed")
    said = await sound(
        speaker(made, engine), voice, text="Hello.", speed=1.5, pitch=-3.0, volume=db, seed=7
    )

    (asked,) = engine.asked
    assert (asked.speed, asked.pitch_semitones, asked.volume_db, asked.seed) == (1.5, -3.0, db, 7)
    assert read_back(said)[0][1] == "Hello."  # the pitch is as the engine made it
    assert loudness_lufs(said, 24_000) == pytest.approx(lufs, abs=0.3)


@pytest.mark.parametrize(("db", "lufs"), [(-10.0, -30.0), (-40.0, -60.0), (5.0, -15.0)])
async def test_the_volume_is_changed_for_an_engine_that_cannot(made, voice, db, lufs):
    engine = Able("speed")
    said = await sound(speaker(made, engine), voice, text="Hello there.", volume=db)

    assert engine.asked[0].volume_db == 0.0
    assert loudness_lufs(said, 24_000) == pytest.approx(lufs, abs=0.3)


@pytest.mark.parametrize("semitones", [-5.0, 4.0])
async def test_the_pitch_is_changed_for_an_engine_that_cannot(made, voice, semitones):
    engine = Able()
    service = speaker(made, engine)
    usual = await sound(service, voice, text="@@@@@@@@a")
    shifted = await sound(service, voice, text="@@@@@@@@a", pitch=semitones)

    def highest_hz(samples: Samples) -> float:
        """Of the pilot, the highest of the tones."""
        spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
        loud = np.flatnonzero(spectrum > 0.4 * spectrum.max())
        return float(loud[-1] * 24_000 / len(samples))

    assert engine.asked[1].pitch_semitones == 0.0
    assert len(shifted) == len(usual)
    assert highest_hz(usual) == pytest.approx(3000, rel=0.01)
    assert highest_hz(shifted) == pytest.approx(3000 * 2 ** (semitones / 12), rel=0.01)


@pytest.mark.parametrize(
    "asked",
    [{"speed": 1.2}, {"seed": 1}, {"ssml": "<speak>A <prosody rate='fast'>b</prosody></speak>"}],
)
async def test_what_neither_can_do_is_refused_by_name(made, voice, asked):
    with pytest.raises(UnsupportedControl) as caught:
        await speaker(made, Able()).speak(voice, asking(voice, **asked))

    assert ("seed" if "seed" in asked else "speed") in caught.value.detail
    assert caught.value.extra["controls"] == ["pitch", "volume"]


async def test_markup_changes_what_it_is_around(made, voice):
    engine = Able("speed", "pitch")
    said = await sound(
        speaker(made, engine),
        voice,
        ssml="<speak>Begin. <prosody rate='fast' pitch='+2st' volume='silent'>Middle.</prosody>"
        "<break time='1s'/>End.</speak>",
        pitch=1.0,
    )

    assert [(a.text, a.speed, a.pitch_semitones) for a in engine.asked] == [
        ("Begin.", 1.0, 1.0),
        ("Middle.", 1.55, 3.0),
        ("End.", 1.0, 1.0),
    ]
    assert [text for _, text in read_back(said)] == ["Begin.", "End."]
    loud = np.flatnonzero(np.abs(said) > 0.01)
    gap_s = np.diff(loud).max() / 24_000
    # The pause behind the first sentence, the silent one with what is kept around it, the break.
    assert gap_s == pytest.approx(0.25 + (2 + 7) * 0.04 + 1.0, abs=0.08)


# Words


async def test_words_are_told_in_seconds_of_the_whole_audio(made, voice):
    text = "One two. Three four five."
    speech = await speaker(made, Wordy()).speak(voice, asking(voice, text=text), streaming=True)
    pieces = [piece async for piece in speech.pieces()]
    samples = read_pcm(b"".join(piece.data for piece in pieces))

    words = [word for piece in pieces for word in piece.words]
    assert [word.word for word in words] == ["One", "two", "Three", "four", "five"]
    assert [text[word.text_start : word.text_end] for word in words] == [w.word for w in words]
    for word in words:  # cut out with two blocks before it, each is what is said then
        start, end = (round(at * 24_000) for at in (word.start_s - 0.08, word.end_s))
        assert read_back(samples[start:end])[0][1].strip(".") == word.word
    assert pieces[0].end_s == pieces[1].start_s
    assert pieces[1].end_s == pytest.approx(len(samples) / 24_000)


async def test_an_engine_without_timings_has_no_words(made, voice):
    class Wordless(engine_kind()):
        async def synthesize(self, request: SynthesisRequest) -> AsyncGenerator[SpeechChunk, None]:
            async for chunk in super().synthesize(request):
                yield replace(chunk, words=())

    speech = await speaker(made, Wordless()).speak(voice, asking(voice))

    assert [piece.words async for piece in speech.pieces()] == [(), (), ()]


# Turns


async def test_work_in_the_background_is_not_one_of_the_requests(made, voice):
    service = speaker(made, requests=1)
    first = await service.speak(voice, asking(voice), streaming=True)
    async with aclosing(first.encoded()) as one:
        await anext(one)
        work = await service.speak(voice, asking(voice), priority=Priority.BACKGROUND)
        assert read_back(read_pcm(await heard(work)))


# The encoder


class SlowEncoder(AudioEncoder):
    """Encodes when it is told to, and notes whether it was closed meanwhile."""

    def __init__(self) -> None:
        super().__init__(AudioFormat.OPUS, input_rate=24000, output_rate=24000, streaming=True)
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.busy = self.closed_while_busy = False

    def encode(self, samples: Samples) -> bytes:
        self.busy = True
        self.begun.set()
        self.go_on.wait(20)
        self.busy = False
        return super().encode(samples)

    def close(self) -> None:
        self.closed_while_busy |= self.busy
        super().close()


async def saying(worded: Worded) -> AsyncGenerator[Said, None]:
    while True:
        chunk = SpeechChunk(np.zeros(24000, np.float32), 24000, 0, 1)
        yield Said(chunk, replace(worded, last=False))


async def for_nothing(_: int) -> None: ...


async def test_a_cancelled_request_closes_its_encoder_only_when_its_thread_has_ended(voice):
    encoder = SlowEncoder()
    order = Order(
        voice=voice,
        by=ME,
        request=asking(voice),
        source=SpeechSource.SPEAK,
        batch_id=None,
        priority=Priority.REALTIME,
        charge=for_nothing,
        since=0.0,
    )
    limits = SynthesisLimits(max_chars=1000, max_whole_chars=500)
    draft = Drafting(new_engine().info, limits).draft(ME, voice, asking(voice), streaming=True)
    plan = Plan(draft, {voice.id: voice}, Attached(Matcher(())), new_engine())
    (first, *_) = plan.worded()
    take = Take(plan, saying(first), encoder)
    speech = Speech(order, take, streaming=True, admission=nullcontext())
    listening = asyncio.ensure_future(heard(speech))
    assert await asyncio.to_thread(encoder.begun.wait, 20)

    listening.cancel()
    await asyncio.wait([listening], timeout=0.2)
    ended_early = listening.done()
    encoder.go_on.set()
    await asyncio.wait([listening], timeout=20)

    assert not ended_early
    assert listening.cancelled()
    assert not encoder.closed_while_busy
