"""What files say about themselves: C2PA manifests."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr

from app.core.config.kinds import ANY_CASE

ManifestPolicy = Literal["auto", "always", "never"]
SigningAlgorithm = Literal["es256", "es384", "es512", "ps256", "ps384", "ps512", "ed25519"]


class ProvenanceSettings(BaseModel):
    """Signing of WAV, MP3 and FLAC files, and whose signatures are trusted."""

    c2pa: Annotated[ManifestPolicy, ANY_CASE] = Field(
        "auto",
        description="Manifests in files. auto: where there is a certificate, and in development "
        "with one for tests; always: what cannot be signed is not given out.",
    )
    c2pa_certificate: Path | None = Field(
        None, description="PEM file: the certificate that signs, then its issuers."
    )
    c2pa_private_key: SecretStr | None = Field(
        None, description="Its key: a PEM file, or the PEM text itself."
    )
    c2pa_algorithm: Annotated[SigningAlgorithm, ANY_CASE] = Field(
        "es256", description="es256, es384, es512, ps256, ps384, ps512 or ed25519: as the key is."
    )
    c2pa_voice_secret: SecretStr | None = Field(
        None, description="By which ids of voices are hashed. Default: derived from the key."
    )
    c2pa_timestamp_url: str | None = Field(
        None, description="RFC 3161 authority, asked for each file. Default: none is asked."
    )
    c2pa_trust_anchors: Path | None = Field(
        None, description="PEM file of authorities whose signatures are trusted, besides our own."
    )
