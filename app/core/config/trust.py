"""Whose voices may be cloned, and how speech is recognised as the service's own."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from app.core.config.kinds import ANY_CASE

ConsentPolicy = Literal["off", "attest", "recorded"]


class TrustSettings(BaseModel):
    """Consent and marks."""

    consent_policy: Annotated[ConsentPolicy | None, ANY_CASE] = Field(
        None,
        description="What a voice needs before it can speak: `off` nothing, `attest` that the "
        "caller states that its speaker agrees, `recorded` the speaker's own words, checked; "
        "default: `attest` in development and tests, else `recorded`.",
    )
    consent_code_minutes: float = Field(
        10.0, gt=0, le=1440, description="So long a statement can be read after it was asked for."
    )
    consent_erasure_days: float = Field(
        30.0, ge=0, description="After so long a revoked consent is erased with its voices."
    )
    watermark: Annotated[Literal["always", "never"], ANY_CASE] = Field(
        "always", description="Mark all speech inaudibly, so that it can be recognised later."
    )
    fingerprints: bool = Field(
        True, description="Remember how each output sounds, so that a clip finds its request."
    )
    fingerprint_retention_days: float = Field(
        365.0, ge=0, le=36_500, description="Older ones are deleted; 0 keeps them."
    )
