"""Azure AI Speech: models, project and voices are read, and one word is spoken."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from app.core.config import Settings
from app.core.exceptions import AppError
from app.doctor.azure.batch import batch_checks
from app.doctor.azure.training import training_checks
from app.doctor.azure.watching import Watch
from app.doctor.findings import Check, Wrong, told
from app.engines.azure.customvoice import CustomVoice
from app.engines.azure.engine import make_engine
from app.engines.azure.http import AzureHttp
from app.engines.azure.options import AzureOptions
from app.engines.base import SynthesisRequest
from app.machine import azure_options

_TEXT = "Hello."


@asynccontextmanager
async def speech_checks(settings: Settings, watch: Watch) -> AsyncIterator[Sequence[Check]]:
    options = azure_options(settings)
    if options is None:  # parts are opened only where they are named
        raise AssertionError
    http = AzureHttp(options)
    tries = _Trying(options, CustomVoice(http))
    try:
        yield [
            Check("models", tries.models),
            Check("project", tries.project),
            Check("stock voice", tries.speak),
            *batch_checks(options),
            *training_checks(http, options.training),
        ]
    finally:
        await http.close()


class _Trying:
    def __init__(self, options: AzureOptions, voices: CustomVoice) -> None:
        self._options = options
        self._voices = voices

    async def models(self) -> str:
        options = self._options
        models = await self._voices.base_models()
        if options.base_model not in models:
            raise Wrong(
                f"AZURE_SPEECH_BASE_MODEL={options.base_model} is not among the models that speak "
                f"personal voices here: {', '.join(models) or 'none'}."
            )
        who = "the key" if options.key is not None else "a plain bearer token of the identity"
        return (
            f"{who} is taken by version {options.api_version} of the custom voice API, which has "
            f"{options.base_model}."
        )

    async def project(self) -> str:
        name = self._options.project_id
        if not await self._voices.has_project():
            return f"{name!r} is not there yet; it is made with the first voice. We may read it."
        count = len([voice async for voice in self._voices.voices()])
        return f"{name!r} is one of personal voices, and has {count}."

    async def speak(self) -> str:
        url = self._options.synthesis_url
        try:
            took_s, length_s = await _spoken(self._options)
        except AppError as error:
            raise Wrong(await self._elsewhere(error)) from error
        return f"{url} gave {length_s:.1f} s of speech, the first of it after {took_s:.1f} s."

    async def _elsewhere(self, error: AppError) -> str:
        """What failed, or where it would not have."""
        options = self._options
        custom, usual = options.endpoint, "/tts/cognitiveservices/v1"
        if error.extra.get("provider_status") != 404 or not custom or options.speech_url:
            return told(error)
        other = options.synthesis_url.removesuffix(usual) + "/cognitiveservices/v1"
        try:
            await _spoken(replace(options, speech_url=other))
        except AppError:
            return told(error)
        return f"speech does not answer under {usual}: set AZURE_SPEECH_URL={other}"


async def _spoken(options: AzureOptions) -> tuple[float, float]:
    """Seconds until there was sound, and of sound."""
    engine = make_engine(options)
    began, first_s, length_s = time.perf_counter(), 0.0, 0.0
    try:
        async for chunk in engine.synthesize(SynthesisRequest(_TEXT, engine.sample_voice())):
            first_s = first_s or time.perf_counter() - began
            length_s += len(chunk.samples) / chunk.sample_rate
    finally:
        await engine.close()
    return first_s, length_s
