"""A training of the real engine, judged by the real judges."""

from importlib.resources import files as resources
from pathlib import Path

import pytest

from app.context import open_context
from app.core.config import Settings
from app.engines.base import TrainingOptions
from app.models.voice import VoiceMethod
from app.services.voices import Upload
from tests.audio.signals import model_file
from tests.services.parts import OWNER

pytestmark = [pytest.mark.anyio, pytest.mark.models, pytest.mark.timeout(400)]

pytest.importorskip("torch", reason="needs the extra `train`")
pytest.importorskip("faster_whisper", reason="needs the extra `train`")


@pytest.fixture
def real(tmp_path: Path) -> Settings:
    for name in ("whisper-base/model.bin", "ge2e-speaker.pt", "wespeaker-resnet34-lm.onnx"):
        model_file(name)
    return Settings(
        _env_file=None,
        data_dir=tmp_path / "data",
        model_dir=model_file("kokoro-int8.onnx").parent.absolute(),
        voice_engine="kokoro",
        engine_threads=2,
        engine_concurrency=1,
        jobs_worker=False,
        enrolment_refinement=False,
    )


async def test_a_training_is_measured_and_what_is_spoken_is_what_was_found_better(
    real: Settings,
) -> None:
    content = (resources("app") / "samples" / "sample.flac").read_bytes()
    async with open_context(real) as context:
        voice = await context.voices.register(OWNER, Upload(content, "sample.flac"))
        options = TrainingOptions(minutes=1.0)
        async for _ in context.training.adapt(OWNER, voice.id, options):
            pass
        now = await context.voices.get(OWNER, voice.id)
        first, second = await context.versions.list(now)

    metrics = second.metrics
    assert metrics is not None
    assert (first.method, second.method) == (VoiceMethod.INSTANT, VoiceMethod.GRADIENT)
    assert metrics.similarity_before is not None
    assert metrics.similarity_after is not None
    assert metrics.wer_before is not None
    assert metrics.wer_after is not None
    assert 0.2 < metrics.similarity_before < 0.9
    assert max(metrics.wer_before, metrics.wer_after) <= 0.15
    # How much better it gets in a minute depends on the machine.
    alike = metrics.similarity_after > metrics.similarity_before + 0.005
    assert metrics.better == (alike and metrics.wer_after <= metrics.wer_before + 0.05)
    assert now.active_version == (2 if metrics.better else 1)
