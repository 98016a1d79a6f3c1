"""What a manifest of ours says, and the port of what signs it."""

import hmac
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from types import MappingProxyType
from typing import IO, Any, Final, Protocol

from app import __version__
from app.audio.types import AudioFormat

GENERATOR: Final = "voice-cloning-api"
LABEL: Final = "voice-cloning-api.speech"
"""Of the assertion that is ours."""

AI_GENERATED: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC's term for what a trained model has made."""

VOICE_HASH: Final = "hmac-sha256"
MEDIA_TYPES: Final = MappingProxyType(
    {
        AudioFormat.WAV: "audio/wav",
        AudioFormat.MP3: "audio/mpeg",
        AudioFormat.FLAC: "audio/flac",
    }
)
"""Of the formats that take a manifest."""

_TITLE: Final = "Synthetic speech"
_TEST_TITLE: Final = "Synthetic speech (TEST CERTIFICATE, not for production)"


@dataclass(frozen=True, slots=True)
class Claim:
    """What one file is.

    Attributes:
        voices: ids of those that speak in it.
        request_id: of the request that asked for it.
        synthesis_id: of the synthesis, which is that of its entry in the history, or of the batch.
    """

    voices: tuple[str, ...]
    request_id: str
    synthesis_id: str


class Signer(Protocol):
    """Puts signed manifests into files. Blocks; thread safe.

    Attributes:
        expires: the first moment at which the certificate is not valid any more.
    """

    @property
    def expires(self) -> datetime: ...

    def sign(self, source: IO[bytes], target: IO[bytes], media_type: str, claim: Claim) -> None:
        """Write the file with its manifest.

        Args:
            target: can be read as well; empty.

        Raises:
            ProvenanceUnavailable: it cannot be signed.
        """
        ...

    def voice_hash(self, voice_id: str) -> str:
        """What the manifest says instead of the id."""
        ...


def voice_hash(secret: bytes, voice_id: str) -> str:
    """HMAC-SHA-256, hexadecimal: whoever does not have the secret cannot try ids."""
    return hmac.new(secret, voice_id.encode(), sha256).hexdigest()


def definition(claim: Claim, *, secret: bytes, at: datetime, test: bool) -> dict[str, Any]:
    """The manifest, as the library wants it described."""
    when = at.isoformat(timespec="seconds")
    agent = {"name": GENERATOR, "version": __version__}
    return {
        "claim_generator_info": [agent],
        "title": _TEST_TITLE if test else _TITLE,
        "assertions": [
            {
                "label": "c2pa.actions.v2",
                "created": True,
                "data": {
                    "actions": [
                        {
                            "action": "c2pa.created",
                            "when": when,
                            "digitalSourceType": AI_GENERATED,
                            "softwareAgent": agent,
                        }
                    ]
                },
            },
            {
                "label": LABEL,
                "created": True,
                "data": {
                    "ai_generated": True,
                    "created": when,
                    "request_id": claim.request_id,
                    "synthesis_id": claim.synthesis_id,
                    "voice_hash": VOICE_HASH,
                    "voices": [voice_hash(secret, voice) for voice in claim.voices],
                    "test_certificate": test,
                },
            },
        ],
    }
