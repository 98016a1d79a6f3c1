"""Voices of numbers: how they are stored, and that they do not mix."""

import io
from collections.abc import AsyncIterator
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest

from app.assets.store import AssetStore
from app.audio.types import Samples
from app.core.exceptions import EngineFailed
from app.engines.base import SynthesisRequest, VoiceState
from app.engines.kokoro.eigenvoices import Traits, eigenvoices
from app.engines.kokoro.engine import KokoroEngine
from app.engines.kokoro.parameters import BIASES_SIZE, FORMAT, Parameters
from tests.audio.signals import model_file

pytestmark = pytest.mark.anyio


def somebody(seed: int) -> Parameters:
    space = eigenvoices()
    place = np.random.default_rng(seed).normal(0.0, 0.7, len(space.basis))
    return space.voice(place.astype(np.float32))


def test_a_voice_is_small_and_comes_back_as_it_was():
    voice = replace(somebody(1), speed=1.1, pitch=0.95)

    made = voice.to_state("kokoro", similarity=0.5)
    back = Parameters.from_state(made)

    assert len(made.payload) <= 200_000
    assert (back.speed, back.pitch, made.similarity) == (1.1, 0.95, 0.5)
    np.testing.assert_array_equal(back.style, voice.style)
    np.testing.assert_allclose(back.biases, voice.biases, rtol=1e-3, atol=1e-4)


def damaged() -> dict[str, bytes]:
    good = somebody(1)
    unsound = replace(good, style=np.full(256, np.nan, np.float32))
    short = replace(good, biases=good.biases[:-1])
    pickled = io.BytesIO()
    np.savez(pickled, style=np.array([{"a": 1}], object), allow_pickle=True)
    payload = good.to_state("kokoro", similarity=None).payload
    return {
        "empty": b"",
        "text": b"{}",
        "cut": payload[: len(payload) // 2],
        "flipped": payload[:20_000] + bytes(100) + payload[20_100:],
        "pickled": pickled.getvalue(),
        "not finite": unsound.to_state("kokoro", similarity=None).payload,
        "too short": short.to_state("kokoro", similarity=None).payload,
        "backwards": replace(good, speed=-1.0).to_state("kokoro", similarity=None).payload,
    }


@pytest.mark.parametrize("name", damaged())
def test_a_damaged_voice_is_an_error_that_says_what_to_do(name):
    with pytest.raises(EngineFailed) as refused:
        Parameters.from_state(VoiceState("kokoro", FORMAT, damaged()[name]))

    assert refused.value.suggestion == "Register the voice again."


def test_the_shipped_space_is_small_and_whole():
    space = eigenvoices()
    file = files("app.engines.kokoro") / "eigenvoices.npz"

    assert len(file.read_bytes()) <= 8_000_000
    assert space.basis.shape == (space.regression.shape[1], 256 + BIASES_SIZE)
    assert all(np.isfinite(getattr(space, name)).all() for name in space.__slots__)


def test_a_place_depends_on_who_speaks_and_a_whisper_has_one():
    space = eigenvoices()
    embedding = space.embedding_mean / np.linalg.norm(space.embedding_mean)
    low = Traits(embedding, 90.0, space.envelope_mean)
    whisper = Traits(embedding, None, space.envelope_mean)
    high = Traits(embedding, 250.0, space.envelope_mean)

    at = [space.place(traits) for traits in (low, whisper, high)]

    assert np.linalg.norm(at[0] - at[2]) > np.linalg.norm(at[0] - at[1]) > 0.1
    assert all(np.isfinite(space.voice(place).biases).all() for place in at)


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[KokoroEngine]:
    folder = model_file("kokoro-int8.onnx").parent
    engine = KokoroEngine(AssetStore(folder), threads=2, concurrency=1)
    await engine.open()
    yield engine
    await engine.close()


async def say(engine: KokoroEngine, voice: VoiceState, text: str) -> Samples:
    request = SynthesisRequest(text, voice)
    return np.concatenate([chunk.samples async for chunk in engine.synthesize(request)])


@pytest.mark.models
async def test_voices_spoken_in_turns_are_those_spoken_alone(engine):
    """Bit by bit: what one voice feeds to the network is gone with the next."""
    voices = [
        somebody(1).to_state("kokoro", similarity=None),
        engine.sample_voice(),
        somebody(2).to_state("kokoro", similarity=None),
    ]
    texts = ("We will see you on Monday.", "The door is open.")

    alone = [[await say(engine, voice, text) for text in texts] for voice in voices]
    turns = [[await say(engine, voice, text) for voice in voices] for text in texts]

    for at, voice in enumerate(alone):
        for which, samples in enumerate(voice):
            np.testing.assert_array_equal(samples, turns[which][at])
    assert not any(len(a[0]) == len(b[0]) and (a[0] == b[0]).all() for a in alone for b in alone
                   if a is not b)  # fmt: skip
