"""Voices are made here: by the engine alone, or under what its provider has to hear."""

from collections.abc import Sequence

from app.audio.types import Recording
from app.core.tracing import span
from app.engines.base import Agreement, AgreementBound, Engine, VoiceState
from app.models.consent import Consent
from app.services.voices.tools import VoiceTools
from app.training.agreement import agreement_for as agreement_before


async def agreement_for(
    tools: VoiceTools, consent: Consent | None, engine: Engine
) -> Agreement | None:
    """What an engine's provider has to hear; raises as there."""
    recordings = tools.stores.recordings
    return await agreement_before(engine, consent, ears=tools.ears, recordings=recordings)


async def enrolled(
    engine: Engine, recordings: Sequence[Recording], agreement: Agreement | None
) -> VoiceState:
    """A voice of recordings; raises as the engine."""
    seconds = sum(recording.duration_s for recording in recordings)
    with span("enroll", **{"voice.audio_s": seconds}):
        if agreement is not None and isinstance(engine, AgreementBound):
            return await engine.enroll_under(recordings, agreement)
        return await engine.enroll(recordings)
