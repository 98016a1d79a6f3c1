"""Batch synthesis: one word is spoken by it, fetched, and the job deleted."""

import time
from collections.abc import Sequence
from dataclasses import replace

from app.doctor.findings import Check, Wrong
from app.engines.azure.engine import make_engine
from app.engines.azure.options import AzureOptions
from app.engines.base import SynthesisRequest

_TEXT = "Hello."
_PATIENCE_S = 300.0
"""Azure says that nearly all jobs end within two minutes."""


def batch_checks(options: AzureOptions) -> Sequence[Check]:
    """No check where batches are spoken sentence by sentence."""
    if not options.batch.at_least:
        return ()
    return (Check("batch synthesis", _Trying(options).speak),)


class _Trying:
    def __init__(self, options: AzureOptions) -> None:
        wait_s = min(_PATIENCE_S, options.batch.wait_s)
        self._options = replace(options, batch=replace(options.batch, at_least=1, wait_s=wait_s))

    async def speak(self) -> str:
        engine, began = make_engine(self._options), time.perf_counter()
        request = SynthesisRequest(_TEXT, engine.sample_voice())
        name = f"doctor-{time.time_ns()}"
        try:
            async with engine.speak_ahead([request], name=name, keep=_never) as spoken:
                took_s = time.perf_counter() - began
        finally:
            await engine.close()
        if not spoken:
            raise Wrong(
                "it gave no sound; the warning above says why. Without it, batches are spoken "
                "sentence by sentence: AZURE_SPEECH_BATCH_FROM=0."
            )
        version = self._options.batch.api_version
        return f"version {version} spoke a word in {took_s:.0f} s; the job was deleted."


async def _never(_: BaseException) -> bool:
    return False
