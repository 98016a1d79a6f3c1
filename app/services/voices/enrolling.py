"""Voices are made here: by the engine alone, or under what its provider has to hear."""

from collections.abc import Sequence

from app.audio.dsp import resample
from app.audio.encode import encode_all
from app.audio.types import AudioFormat, Recording, Samples
from app.core.exceptions import ConsentRequired, ConsentUnusable
from app.core.tasks import in_thread
from app.core.tracing import span
from app.engines.base import Agreement, AgreementBound, Engine, VoiceState
from app.models.consent import Consent
from app.services.voices.tools import VoiceTools

_RATE = 24_000  # taken by all who take any


async def agreement_for(
    tools: VoiceTools, consent: Consent | None, engine: Engine
) -> Agreement | None:
    """What an engine's provider has to hear; None if it wants nothing.

    Raises:
        ConsentRequired, ConsentUnusable: it cannot be shown that the speaker has agreed there.
        UnreadableAudio, StorageError
    """
    if not isinstance(engine, AgreementBound):
        return None
    if consent is None:
        raise ConsentRequired(
            f"The engine {engine.info.name!r} makes voices only of speakers who have agreed before "
            "its provider.",
            _HOW,
        )
    if consent.provider_blob is None:
        raise ConsentUnusable(
            "The consent has no recording of the provider's statement.",
            _HOW,
            consent_status=consent.status.value,
        )
    sound = await tools.ears.decode(await tools.stores.recordings.get(consent.provider_blob))
    return Agreement(
        consent.speaker,
        consent.company,
        consent.language,
        recording=await in_thread(None, _wav, sound.samples, sound.sample_rate),
        filename="statement.wav",
        consent_id=consent.id,
    )


async def enrolled(
    engine: Engine, recordings: Sequence[Recording], agreement: Agreement | None
) -> VoiceState:
    """A voice of recordings; raises as the engine."""
    seconds = sum(recording.duration_s for recording in recordings)
    with span("enroll", **{"voice.audio_s": seconds}):
        if agreement is not None and isinstance(engine, AgreementBound):
            return await engine.enroll_under(recordings, agreement)
        return await engine.enroll(recordings)


_HOW = (
    "GET /api/v1/consents/statement gives `provider_statement`; send the speaker's recording of it "
    "to POST /api/v1/consents as `provider_recording`, and register with its `consent_id`."
)


def _wav(samples: Samples, rate: int) -> bytes:
    return encode_all(
        resample(samples, rate, _RATE), AudioFormat.WAV, input_rate=_RATE, output_rate=_RATE
    )
