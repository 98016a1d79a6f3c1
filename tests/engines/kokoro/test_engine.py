"""The embedded engine beyond the contract: pitch, long texts, damaged voices, missing weights."""

import json
from collections.abc import AsyncIterator

import numpy as np
import pytest

from app.assets.store import AssetStore
from app.audio.dsp import median_pitch_hz
from app.core.exceptions import AssetError, EngineFailed, EngineUnavailable, UnspeakableText
from app.engines.base import SynthesisRequest, VoiceState
from app.engines.kokoro.engine import KokoroEngine
from app.engines.kokoro.model import MAX_TOKENS
from app.engines.kokoro.voices import FORMAT, Blend, Styles, stock_voices
from tests.audio.signals import model_file

pytestmark = pytest.mark.anyio


def state(payload: bytes, format: str = FORMAT) -> VoiceState:
    return VoiceState("kokoro", format, payload)


@pytest.fixture(scope="module")
def styles(tmp_path_factory: pytest.TempPathFactory) -> Styles:
    """Two voices: all styles of the first are 1, of the second 3."""
    file = tmp_path_factory.mktemp("styles") / "voices.bin"
    table = np.ones((2, MAX_TOKENS, 256), np.float32)
    table[1] = 3.0
    file.write_bytes(table.tobytes())
    return Styles(file, ["one", "three"])


def test_a_blend_mixes_styles_by_their_shares(styles):
    style = styles.style(Blend({"one": 0.25, "three": 0.75}), 10)

    assert style.dtype == np.float32
    np.testing.assert_allclose(style, np.full(256, 2.5))


@pytest.mark.parametrize("tokens", [1, MAX_TOKENS])
def test_there_is_a_style_for_every_length(styles, tokens):
    assert styles.style(Blend({"one": 1.0}), tokens).shape == (256,)


def test_a_blend_round_trips_through_bytes():
    blend = Blend({"af_heart": 0.5, "am_adam": 0.5}, speed=1.1, pitch=0.9)

    made = blend.to_state("kokoro", similarity=0.4)

    assert Blend.from_state(made) == blend
    assert json.loads(made.payload)["weights"] == blend.weights


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"weights": {"one": 1.0}, "colour": 1}',
        b'{"weights": {}}',
        b'{"weights": 5}',
        b'{"weights": {"one": "much"}}',
        b'{"weights": {"nobody": 1.0}}',
    ],
)
def test_a_damaged_voice_is_an_error_that_says_what_to_do(styles, payload):
    with pytest.raises(EngineFailed) as refused:
        styles.style(Blend.from_state(state(payload)), 10)

    assert refused.value.suggestion == "Register the voice again."


@pytest.mark.parametrize("content", [None, b"", b"\0" * 1000], ids=["missing", "empty", "cut"])
def test_a_file_of_styles_that_is_not_right_is_said(tmp_path, content):
    file = tmp_path / "voices.bin"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(EngineUnavailable) as refused:
        Styles(file, ["one"])

    assert refused.value.suggestion


def test_the_measurements_of_the_stock_voices_are_in_order():
    voices = stock_voices()

    assert len(voices) == 54
    assert [v.name for v in voices] == sorted(v.name for v in voices)
    for voice in voices:
        assert voice.embedding.shape == (256,)
        assert np.linalg.norm(voice.embedding) == pytest.approx(1.0, abs=0.01)
        assert 60 < voice.pitch_hz < 400


async def test_without_weights_it_says_how_to_fetch_them_each_time(tmp_path):
    engine = KokoroEngine(AssetStore(tmp_path), threads=1, concurrency=1)

    for _ in range(2):
        with pytest.raises(AssetError) as refused:
            await engine.open()
        assert "models pull" in str(refused.value.suggestion)
    await engine.close()


async def test_damaged_weights_are_found_before_they_are_used(tmp_path):
    for name in ("kokoro-int8.onnx", "kokoro-voices.bin", "wespeaker-resnet34-lm.onnx"):
        (tmp_path / name).write_bytes(b"damaged")
    engine = KokoroEngine(AssetStore(tmp_path), threads=1, concurrency=1)

    with pytest.raises(AssetError):
        await engine.open()
    await engine.close()


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[KokoroEngine]:
    folder = model_file("kokoro-int8.onnx").parent
    engine = KokoroEngine(AssetStore(folder), threads=2, concurrency=1)
    await engine.open()
    yield engine
    await engine.close()


@pytest.mark.models
async def test_pitch_moves_the_voice_and_not_its_tempo(engine):
    said = {}
    for semitones in (0.0, 4.0):
        request = SynthesisRequest(
            "We will see you on Monday.", engine.sample_voice(), pitch_semitones=semitones
        )
        said[semitones] = np.concatenate([c.samples async for c in engine.synthesize(request)])

    ratio = median_pitch_hz(said[4.0], 24_000) / median_pitch_hz(said[0.0], 24_000)
    assert 12 * np.log2(ratio) == pytest.approx(4.0, abs=0.7)
    assert len(said[4.0]) == pytest.approx(len(said[0.0]), rel=0.02)


@pytest.mark.models
async def test_a_text_with_more_sounds_than_fit_comes_in_parts(engine):
    text = ", ".join(["987,654,321"] * 6) + "."  # each is ten words
    chunks = engine.synthesize(SynthesisRequest(text, engine.sample_voice(), speed=2.0))

    first = await anext(chunks)
    await chunks.aclose()

    assert first.text_start == 0
    assert 10 < first.text_end < len(text)
    assert len(first.samples) > 5 * 24_000


@pytest.mark.models
@pytest.mark.parametrize("text", ["你好，世界。", "Привет", "?!…", " "])
async def test_what_cannot_be_read_is_refused_before_and_by_speaking(engine, text):
    with pytest.raises(UnspeakableText):
        engine.check(text, None)
    with pytest.raises(UnspeakableText):
        await anext(engine.synthesize(SynthesisRequest(text, engine.sample_voice())))


@pytest.mark.models
async def test_extreme_speeds_and_pitches_stay_in_range(engine):
    for speed, semitones in ((0.5, 12.0), (2.0, -12.0)):
        request = SynthesisRequest(
            "Hello!", engine.sample_voice(), speed=speed, pitch_semitones=semitones
        )
        samples = np.concatenate([c.samples async for c in engine.synthesize(request)])
        assert 0.05 < np.abs(samples).max() <= 1.0


@pytest.mark.models
async def test_a_voice_of_another_format_is_refused(engine):
    voice = state(b"{}", "kokoro/blend.v9")

    with pytest.raises(EngineFailed) as refused:
        await anext(engine.synthesize(SynthesisRequest("Hello!", voice)))

    assert "blend.v9" in refused.value.detail
