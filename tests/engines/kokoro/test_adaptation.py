"""Adapting: the network in PyTorch is the one that serves, and a voice comes nearer its speaker."""

from contextlib import aclosing
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest

from app.assets.store import AssetStore
from app.audio.decode import DecodeLimits, decode
from app.audio.dsp import median_pitch_hz
from app.audio.types import Recording, Samples
from app.core.exceptions import UnsuitableRecording
from app.engines.base import TRAINED, TrainingOptions
from app.engines.kokoro.eigenvoices import eigenvoices
from app.engines.kokoro.engine import KokoroEngine
from app.engines.kokoro.enrolment import Target, similarity
from app.engines.kokoro.parameters import Parameters
from app.speaker.encoder import SpeakerEncoder
from tests.audio.signals import model_file, noise

torch = pytest.importorskip("torch", reason="needs the extra `train`")

from app.engines.kokoro.adaptation.listeners import Ge2e, WeSpeaker  # noqa: E402
from app.engines.kokoro.adaptation.material import read  # noqa: E402
from app.engines.kokoro.adaptation.network import Network  # noqa: E402
from app.engines.kokoro.adaptation.tracking import mel_filters  # noqa: E402
from app.engines.kokoro.model import SAMPLE_RATE, KokoroModel  # noqa: E402
from app.engines.kokoro.parameters import split  # noqa: E402
from app.engines.kokoro.phonemes import Phonemizer  # noqa: E402
from app.engines.kokoro.voices import Blend, Styles, stock_voices  # noqa: E402

pytestmark = [pytest.mark.anyio, pytest.mark.models, pytest.mark.timeout(300)]

TEXTS = (
    "The weather forecast says it will rain all afternoon.",
    "Nobody expected the committee to reach a decision before Thursday.",
    "She opened the window and listened to the rain on the roof.",
    "A small boat was waiting for them at the end of the pier.",
)


@pytest.fixture(scope="module")
def network() -> Network:
    return Network(model_file("kokoro-int8.onnx"), threads=2)


@pytest.fixture(scope="module")
def served() -> KokoroModel:
    return KokoroModel(model_file("kokoro-int8.onnx"), threads=2)


@pytest.fixture(scope="module")
def tokens() -> list[int]:
    phonemizer = Phonemizer()
    return phonemizer.tokens(phonemizer.phonemize(TEXTS[0], "en-US"))


@pytest.fixture(scope="module")
def encoder() -> SpeakerEncoder:
    return SpeakerEncoder(model_file("wespeaker-resnet34-lm.onnx"), threads=2)


def sample() -> Recording:
    content = (files("app") / "samples" / "sample.flac").read_bytes()
    decoded = decode(content, DecodeLimits(max_bytes=10_000_000, max_seconds=60))
    return Recording(decoded.samples, decoded.sample_rate)


def log_mel(samples: Samples) -> np.ndarray:
    frames = np.lib.stride_tricks.sliding_window_view(samples, 1024)[::300] * np.hanning(1024)
    filters = mel_filters(SAMPLE_RATE, 1024, 80, low=40, high=7600)
    return np.log(np.abs(np.fft.rfft(frames)) @ filters + 1e-3)


def in_torch(network: Network, tokens: list[int], voice: Parameters) -> Samples:
    style = torch.from_numpy(voice.style.copy())[None]
    biases = {name: torch.from_numpy(part) for name, part in split(voice.biases).items()}
    with torch.no_grad():
        den, ten = network.encode(tokens)
        features, durations = network.prosody(den, style[:, 128:])
        owner = torch.repeat_interleave(
            torch.arange(len(durations)), torch.round(durations).clamp(min=1).long()
        )
        f0, energy = network.curves(features[:, owner], style[:, 128:])
        return network.decode(ten[:, :, owner], f0, energy, style[:, :128], biases).numpy()


@pytest.mark.parametrize("name", ["af_heart", "am_michael", "bf_emma"])
def test_the_network_in_pytorch_is_the_served_one(network, served, tokens, name):
    styles = Styles(model_file("kokoro-voices.bin"), [voice.name for voice in stock_voices()])
    style = styles.style(Blend({name: 1.0}), len(tokens))
    biases = np.concatenate([network.biases[key].numpy() for key in split_names()])

    ours = in_torch(network, tokens, Parameters(style, biases))
    theirs = served.run(tokens, style).samples

    assert len(ours) == len(theirs)  # so every duration is the same
    a, b = log_mel(ours), log_mel(theirs)
    assert np.corrcoef(a.ravel(), b.ravel())[0, 1] >= 0.98


def split_names() -> list[str]:
    return list(split(eigenvoices().mean[256:]))


def test_a_voice_is_as_alike_in_onnx_as_in_pytorch(network, served, encoder):
    target = Target.of([sample()], encoder)
    space, phonemizer = eigenvoices(), Phonemizer()
    voice = space.voice(space.place(target.traits))
    alike = {"torch": [], "onnx": []}
    for text in TEXTS:
        tokens = phonemizer.tokens(phonemizer.phonemize(text, "en-US"))
        alike["torch"].append(similarity(target, encoder, in_torch(network, tokens, voice)))
        spoken = served.run(tokens, voice.style, biases=split(voice.biases)).samples
        alike["onnx"].append(similarity(target, encoder, spoken))

    assert np.mean(alike["torch"]) == pytest.approx(np.mean(alike["onnx"]), abs=0.02)


def test_the_speaker_encoder_in_pytorch_is_the_served_one(encoder):
    speech = sample()
    listener = WeSpeaker(model_file("wespeaker-resnet34-lm.onnx"))

    ours = listener(torch.from_numpy(resampled(speech)))

    assert float(ours.numpy() @ encoder.embed(speech.samples, speech.sample_rate)) > 0.999


def test_the_second_encoder_knows_the_sample_from_noise():
    listener = Ge2e(model_file("ge2e-speaker.pt"))
    speech = resampled(sample())
    half = len(speech) // 2
    with torch.no_grad():
        first, second, other = (
            listener(torch.from_numpy(x.copy()))
            for x in (speech[:half], speech[half:], noise(4.0, 16_000))
        )

    assert float(first @ second) > 0.8 > float(first @ other)


def resampled(recording: Recording) -> Samples:
    from app.audio.dsp import resample

    return resample(recording.samples, recording.sample_rate, 16_000)


def test_reading_gives_the_served_durations(network, served, tokens):
    voice = eigenvoices().voice(np.zeros(len(eigenvoices().basis), np.float32))

    ten, f0, energy, owner = read(network, tokens, torch.from_numpy(voice.style)[None])

    assert ten.shape[2] * 2 == f0.shape[1] == energy.shape[1] == 2 * len(owner)
    assert len(owner) % 64 == 0
    spoken = served.run(tokens, voice.style, biases=split(voice.biases)).samples
    assert 0 <= len(owner) - len(spoken) / 600 < 64


@pytest.fixture(scope="module")
def engine() -> KokoroEngine:
    for name in ("whisper-base/model.bin", "ge2e-speaker.pt"):
        model_file(name)
    folder = model_file("kokoro-int8.onnx").parent
    return KokoroEngine(AssetStore(folder), threads=2, concurrency=1)


async def test_adapting_brings_a_voice_nearer_to_its_speaker(engine, encoder):
    speech = sample()
    start = await engine.enroll([speech])

    events = [
        event async for event in engine.train([speech], start, options=TrainingOptions(minutes=0.6))
    ]

    assert events[-1].stage == TRAINED
    assert [e.progress for e in events] == sorted(e.progress for e in events)
    assert sum(event.state is not None for event in events) >= 2  # checkpoints, and the voice
    voice = events[-1].state
    assert voice is not None
    assert len(voice.payload) <= 200_000
    assert voice.similarity == events[-1].similarity > start.similarity + 0.05
    own = Parameters.from_state(voice)
    assert 0.7 < own.speed < 1.4
    assert median_pitch_hz(speech.samples, speech.sample_rate)


async def test_a_training_stops_when_it_is_closed(engine):
    training = engine.train([sample()], None, options=TrainingOptions(minutes=30))
    async with aclosing(training) as events:
        async for event in events:
            if event.stage == "fitting":
                break

    start = await engine.enroll([sample()])  # the engine is free again
    assert start.similarity


@pytest.mark.parametrize("kind", ["noise", "short"])
async def test_what_cannot_be_learnt_from_is_refused_with_advice(engine, kind):
    speech = sample()
    bad = {
        "noise": Recording(noise(6.0, level=0.05), 24_000),
        "short": replace(speech, samples=speech.samples[: speech.sample_rate]),
    }[kind]

    with pytest.raises(UnsuitableRecording) as refused:
        async for _ in engine.train([bad], None, options=TrainingOptions(minutes=0.5)):
            pass

    assert refused.value.suggestion
