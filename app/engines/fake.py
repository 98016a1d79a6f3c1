"""An engine for tests and load tests: instant, deterministic, and its speech can be read back.

Each byte of the text is a block of 40 ms in which eight tones stand for its bits; two blocks
before the text hold a fingerprint of the voice. So a test can tell from the audio alone which text
was spoken in which voice, and whether anything of another request got into it.
"""

import hashlib
from collections.abc import AsyncGenerator, Sequence

import numpy as np

from app.audio.types import Recording, Samples, SpeechChunk, WordTiming
from app.core.exceptions import RecordingTooShort, UnsupportedLanguage
from app.engines.base import (
    TRAINED,
    EngineInfo,
    SynthesisRequest,
    TrainingEvent,
    TrainingOptions,
    VoiceState,
    check_controls,
)
from app.engines.registry import EngineOptions
from app.text.words import written_words

SAMPLE_RATE = 24_000
FORMAT = "fake/fingerprint.v1"
TRAINED_FORMAT = "fake/trained.v1"
BLOCK = SAMPLE_RATE // 25  # 40 ms: every multiple of 25 Hz is orthogonal within it
_TONES_HZ = 400.0 + 300.0 * np.arange(8)
_PILOT_HZ = 3000.0  # sounds in every block, so that a zero byte is not silence
_VOICE_BLOCKS = 2
_TRAINING_STEPS = 4
_UNTRAINED_SIMILARITY = 0.2


class FakeEngine:
    """Implements `Engine` and `Trainable` of `app.engines.base`."""

    info = EngineInfo(
        name="fake",
        title="Fake engine for tests",
        version="1",
        sample_rate=SAMPLE_RATE,
        languages=("en-US",),
        max_chars=400,
        reference_s=(3.0, 600.0),
        controls=frozenset({"speed", "seed"}),
        concurrency=64,
        test_double=True,
        trainable=True,
        word_timings=True,
    )

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def enroll(self, recordings: Sequence[Recording]) -> VoiceState:
        digest = hashlib.sha256(b"".join(r.samples.tobytes() for r in recordings))
        return VoiceState(self.info.name, FORMAT, digest.digest()[:_VOICE_BLOCKS], None)

    def sample_voice(self) -> VoiceState:
        return VoiceState(self.info.name, FORMAT, bytes(_VOICE_BLOCKS))

    def check(self, text: str, language: str | None) -> None:
        if language and not language.lower().startswith("en"):
            raise UnsupportedLanguage(
                f"The engine does not speak {language!r}.",
                "Use one of: en-US.",
                supported=["en-US"],
            )

    async def synthesize(self, request: SynthesisRequest) -> AsyncGenerator[SpeechChunk, None]:
        check_controls(self.info, request)
        self.check(request.text, request.language)
        samples = spoken_text(request.text, request.voice.payload)
        if request.speed != 1.0:
            at = np.arange(0, len(samples), request.speed)
            samples = np.interp(at, np.arange(len(samples)), samples).astype(np.float32)
        yield SpeechChunk(samples, SAMPLE_RATE, 0, len(request.text), _timings(request))

    async def train(
        self,
        recordings: Sequence[Recording],
        start: VoiceState | None,
        *,
        options: TrainingOptions,
    ) -> AsyncGenerator[TrainingEvent, None]:
        """Every step gives another fingerprint, and halves what the similarity lacks to 1. It
        pretends to take its time.
        """
        if not recordings:
            raise RecordingTooShort("There is no recording.", "Send at least one.")
        state = start or await self.enroll(recordings)
        yield TrainingEvent("listen", 0.0, "listening to the recording", 0.0, state.similarity)
        for step in range(1, _TRAINING_STEPS + 1):
            state = _trained(state, options.seed)
            last = step == _TRAINING_STEPS
            yield TrainingEvent(
                TRAINED if last else "train",
                step / _TRAINING_STEPS,
                f"step {step} of {_TRAINING_STEPS}",
                60 * options.minutes * step / _TRAINING_STEPS,
                state.similarity,
                state,
            )


def _timings(request: SynthesisRequest) -> tuple[WordTiming, ...]:
    """A word sounds as long as its bytes."""

    def time_s(offset: int) -> float:
        blocks = len(request.voice.payload) + len(request.text[:offset].encode())
        return blocks * BLOCK / SAMPLE_RATE / request.speed

    return tuple(
        WordTiming(word.text, time_s(word.start), time_s(word.end), word.start, word.end)
        for word in written_words(request.text)
    )


def _trained(state: VoiceState, seed: int) -> VoiceState:
    digest = hashlib.sha256(state.payload + f"/{seed}".encode()).digest()
    before = _UNTRAINED_SIMILARITY if state.similarity is None else state.similarity
    return VoiceState(
        state.engine, TRAINED_FORMAT, digest[:_VOICE_BLOCKS], round((1 + before) / 2, 4)
    )


def spoken_text(text: str, voice: bytes = bytes(_VOICE_BLOCKS)) -> Samples:
    """The blocks of a voice and a text, float32 (n,) at 24 kHz."""
    return np.concatenate([_block(byte) for byte in voice + text.encode()])


def read_back(samples: Samples) -> list[tuple[bytes, str]]:
    """What the fake engine said: the voice fingerprint and the text of each piece between pauses.

    Args:
        samples: float32 (n,) at 24 kHz, of speed 1.0.
    """
    loud = np.abs(samples) > 0.01 * np.abs(samples).max(initial=1e-9)
    where = np.flatnonzero(loud)
    # The tones never pause for 10 ms within a piece.
    breaks = np.flatnonzero(np.diff(where) > SAMPLE_RATE // 100)
    starts = np.concatenate([where[:1], where[breaks + 1]])
    ends = np.concatenate([where[breaks], where[-1:]]) + 1
    pieces = []
    for start, end in zip(starts, ends, strict=True):
        count = round((end - start) / BLOCK)
        content = bytes(_read(samples[start + i * BLOCK :][:BLOCK]) for i in range(count))
        text = content[_VOICE_BLOCKS:].decode(errors="replace")
        pieces.append((content[:_VOICE_BLOCKS], text))
    return pieces


def _block(byte: int) -> Samples:
    time_s = np.arange(BLOCK) / SAMPLE_RATE
    bits = [hz for i, hz in enumerate(_TONES_HZ) if byte >> i & 1]
    waves = [np.sin(2 * np.pi * hz * time_s) for hz in (*bits, _PILOT_HZ)]
    return np.asarray(0.08 * np.sum(waves, axis=0), np.float32)


def _read(block: Samples) -> int:
    spectrum = np.abs(np.fft.rfft(block, BLOCK))
    step = SAMPLE_RATE / BLOCK
    level = spectrum[round(_PILOT_HZ / step)]
    return sum(1 << i for i, hz in enumerate(_TONES_HZ) if spectrum[round(hz / step)] > level / 2)


def create(_: EngineOptions) -> FakeEngine:
    return FakeEngine()
