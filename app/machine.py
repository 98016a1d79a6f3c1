"""What the engine and the ears are given: of this machine, and of the model files on it."""

import os
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from threading import Lock
from typing import TypeVar

from app.assets.store import AssetStore
from app.audio.activity import EnergyDetector
from app.audio.decode import DecodeLimits
from app.audio.dsp import resample
from app.audio.ears import Ears, Listener
from app.audio.quality import RecordingLimits
from app.audio.types import Recording, Samples
from app.core.config import Settings
from app.engines.azure.options import AzureBatch, AzureOptions, AzureTraining
from app.engines.base import EngineInfo
from app.engines.registry import EngineOptions
from app.speaker.judge import Judge, Recognise
from app.text.languages import primary
from app.watermark.finding import Score
from app.watermark.marking import Mark, Watermark

_MAX_DEFAULT_THREADS = 8
_AZURE_AT_ONCE = 16  # it waits, and takes no core here
_WHISPER = "whisper-base-model"
_PERTH = "perth-implicit"

LoadedT = TypeVar("LoadedT")


def ears(settings: Settings, listener: Callable[[], Listener]) -> Ears:
    return Ears(
        listener,
        decode_limits=DecodeLimits(
            max_bytes=settings.max_upload_bytes, max_seconds=settings.max_recording_s
        ),
        recording_limits=RecordingLimits(
            min_speech_s=settings.min_speech_s, max_duration_s=settings.max_recording_s
        ),
    )


def listener(info: EngineInfo, assets: AssetStore) -> Callable[[], Listener]:
    """Loads what judges recordings when it is called first; later calls give the same."""

    def load() -> Listener:
        if info.test_double:  # it must run without any model file
            return Listener(EnergyDetector(), None)
        import pyloudnorm  # noqa: F401 - loaded now, not with the first recording

        from app.audio.vad import SpeechDetector
        from app.speaker.encoder import SpeakerEncoder

        encoder = SpeakerEncoder(assets.verified_path("wespeaker-resnet34-lm"), threads=2)
        detector = SpeechDetector(assets.verified_path("silero-vad"))
        return Listener(detector, lambda samples: encoder.embed(samples, 16_000))

    return _once(load)


def judge(info: EngineInfo, assets: AssetStore) -> Callable[[], Judge | None]:
    """Loads what judges trained voices when it is called first."""

    @cache
    def load() -> Judge | None:
        if info.test_double:
            return None
        from app.speaker.encoder import SpeakerEncoder
        from app.speaker.judge import SpeechJudge
        from app.speaker.recogniser import Recogniser

        encoder = SpeakerEncoder(assets.verified_path("wespeaker-resnet34-lm"), threads=2)
        if not find_spec("faster_whisper") or not assets.is_present(_WHISPER):
            return SpeechJudge(encoder, None)
        folder = assets.verified_path(_WHISPER).parent
        return SpeechJudge(encoder, lambda: Recogniser(folder, threads=2))

    return load


def watermark(settings: Settings, info: EngineInfo, assets: AssetStore) -> Watermark:
    """As the operator has set it. What a test double gives is no speech: it is not marked, and no
    mark is looked for.
    """
    if info.test_double:
        return Watermark()

    def marker() -> Mark:
        from app.watermark.perth import Marker

        return Marker(assets.verified_path(_PERTH))

    def detector() -> Score:
        from app.watermark.perth import Detector

        return Detector(assets.verified_path(_PERTH))

    marks = settings.watermark == "always"
    return Watermark(_once(marker) if marks else None, _once(detector))


def engine_options(settings: Settings, assets: AssetStore) -> EngineOptions:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = settings.engine_threads or min(cores or 1, _MAX_DEFAULT_THREADS)
    return EngineOptions(
        assets=assets,
        threads=threads,
        # More threads than cores make less speech, not more: docs/performance.md.
        concurrency=settings.engine_concurrency or max(1, (cores or 1) // threads),
        azure=azure_options(settings),
    )


def azure_options(settings: Settings) -> AzureOptions | None:
    """The account, if the settings name one."""
    key = settings.azure_speech_key
    if key is None and settings.azure_speech_resource_id is None:
        return None
    return AzureOptions(
        key=None if key is None else key.get_secret_value,
        region=settings.azure_speech_region,
        endpoint=settings.azure_speech_endpoint,
        speech_url=settings.azure_speech_url,
        resource_id=settings.azure_speech_resource_id,
        client_id=settings.azure_speech_client_id,
        api_version=settings.azure_speech_api_version,
        base_model=settings.azure_speech_base_model,
        stock_voice=settings.azure_speech_stock_voice,
        project_id=settings.azure_speech_project,
        timeout_s=settings.azure_speech_timeout_s,
        tries=settings.azure_speech_tries,
        retry_s=settings.azure_speech_retry_s,
        poll_s=settings.azure_speech_poll_s,
        enrol_s=settings.azure_speech_enrol_s,
        per_second=settings.azure_speech_per_second,
        concurrency=settings.engine_concurrency or _AZURE_AT_ONCE,
        voice_url=settings.azure_speech_voice_url,
        training=_azure_training(settings),
        sample_rate=settings.azure_speech_sample_rate,
        batch=AzureBatch(
            at_least=settings.azure_speech_batch_from,
            api_version=settings.azure_speech_batch_api_version,
            ttl_hours=settings.azure_speech_batch_ttl_hours,
            wait_s=settings.azure_speech_batch_wait_s,
        ),
    )


def _azure_training(settings: Settings) -> AzureTraining | None:
    """How professional voices are trained, if they are."""
    container = settings.azure_speech_training_container_url
    if not settings.azure_speech_training or container is None:
        return None
    return AzureTraining(
        container_url=container.get_secret_value,
        project_id=settings.azure_speech_training_project,
        kind=settings.azure_speech_training_kind,
        recipe=settings.azure_speech_training_recipe,
        endpoint_kind=settings.azure_speech_training_endpoint,
        poll_s=settings.azure_speech_training_poll_s,
        hours=settings.azure_speech_training_hours,
        away_s=settings.azure_speech_training_away_s,
    )


def consent_recogniser(info: EngineInfo, assets: AssetStore) -> Callable[[], Recognise | None]:
    """Loads what says the words of a consent, for each use anew; None where there is none. The
    speech of a test double is read back.
    """
    if not info.test_double:
        return recognise(info, assets)

    def hear(samples: Samples, sample_rate: int, *, language: str) -> str:
        from app.engines import fake

        speech = resample(samples, sample_rate, fake.SAMPLE_RATE)
        return " ".join(text for _, text in fake.read_back(speech))

    return lambda: hear


def recognise(info: EngineInfo, assets: AssetStore) -> Callable[[], Recognise | None]:
    """Loads what says the words of speech, for each use anew; gives None where there is none."""

    def load() -> Recognise | None:
        if not find_spec("faster_whisper") or not assets.is_present(_WHISPER) or info.test_double:
            return None
        from app.speaker.recogniser import Recogniser

        recogniser = Recogniser(assets.verified_path(_WHISPER).parent, threads=2)

        def hear(samples: Samples, sample_rate: int, *, language: str) -> str:
            return recogniser.transcript(Recording(samples, sample_rate), primary(language))

        return hear

    return load


def _once(load: Callable[[], LoadedT]) -> Callable[[], LoadedT]:
    """Loads when it is called first; later calls give the same, and wait if it is being loaded."""
    loading, loaded = Lock(), cache(load)

    def once() -> LoadedT:
        with loading:
            return loaded()

    return once
