"""What an engine's provider has to hear before it makes a voice of somebody."""

from typing import Final

from app.audio.dsp import resample
from app.audio.ears import Ears
from app.audio.encode import encode_all
from app.audio.types import AudioFormat, Samples
from app.core.exceptions import ConsentRequired, ConsentUnusable
from app.core.tasks import in_thread
from app.engines.base import Agreement, AgreementBound, Engine
from app.models.consent import Consent
from app.storage.base import BlobStore

_RATE: Final = 24_000  # taken by all who take any
_HOW: Final = (
    "GET /api/v1/consents/statement gives `provider_statement`; send the speaker's recording of it "
    "to POST /api/v1/consents as `provider_recording`, and register with its `consent_id`."
)


async def agreement_for(
    engine: Engine, consent: Consent | None, *, ears: Ears, recordings: BlobStore
) -> Agreement | None:
    """What the engine's provider has to hear; None if it wants nothing.

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
    sound = await ears.decode(await recordings.get(consent.provider_blob))
    return Agreement(
        consent.speaker,
        consent.company,
        consent.language,
        recording=await in_thread(None, _wav, sound.samples, sound.sample_rate),
        filename="statement.wav",
        consent_id=consent.id,
    )


def _wav(samples: Samples, rate: int) -> bytes:
    return encode_all(
        resample(samples, rate, _RATE), AudioFormat.WAV, input_rate=_RATE, output_rate=_RATE
    )
