"""What the manifest of a file says, as it is told to callers."""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

Verdict = Literal["none", "trusted", "untrusted", "invalid", "elsewhere"]

_SPEECH: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


class ManifestSigner(BaseModel):
    """Who signed, by the certificate."""

    name: str | None
    organisation: str | None
    serial: str | None = Field(description="Of the certificate, decimal.")
    algorithm: str | None
    time: str | None = Field(description="By a timestamp authority; null without one.")
    signature_valid: bool = Field(description="Whether the signature fits what it signs.")
    trusted: bool = Field(description="By C2PA_TRUST_ANCHORS, or an issuer of our certificate.")
    expired: bool = Field(description="The certificate was not valid at the time that counts.")
    this_service: bool = Field(description="It is the certificate that this service signs with.")
    test_certificate: bool = Field(description="One for tests, which proves nothing elsewhere.")


class ManifestStatement(BaseModel):
    """What the manifest says. Without a trusted signer, anybody may have written it."""

    generator: str | None = Field(description="The program that made the file.")
    generator_version: str | None
    title: str | None
    ai_generated: bool = Field(description="As the digital source type says.")
    digital_source_type: str | None = Field(description="IPTC's term.")
    created: str | None = Field(description="When, by the clock of the signer.")
    request_id: str | None = Field(description="Of the request; null in manifests of others.")
    synthesis_id: str | None = Field(description="Of the history's entry, or of the batch.")
    voice_hashes: list[str] = Field(description="Of the voices that speak: docs/c2pa.md.")
    voice_matches: bool | None = Field(
        description="Whether `voice` of the request is one of them; null if none was named."
    )


class ManifestProblem(BaseModel):
    """Why a manifest does not hold, or is not trusted."""

    code: str = Field(description="C2PA's status code.")
    text: str


class ProvenanceReport(BaseModel):
    """Whether a file has a manifest, whether it holds, and what it says."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "verdict": "trusted",
                    "summary": "Signed by somebody who is trusted, and unchanged since.",
                    "manifest": True,
                    "takes_manifests": True,
                    "valid": True,
                    "unchanged": True,
                    "signer": {
                        "name": "speech.example.com",
                        "organisation": "Example",
                        "serial": "4096",
                        "algorithm": "Es256",
                        "time": None,
                        "signature_valid": True,
                        "trusted": True,
                        "expired": False,
                        "this_service": True,
                        "test_certificate": False,
                    },
                    "statement": {
                        "generator": "voice-cloning-api",
                        "generator_version": "0.1.0",
                        "title": "Synthetic speech",
                        "ai_generated": True,
                        "digital_source_type": _SPEECH,
                        "created": "2026-01-31T12:00:00+00:00",
                        "request_id": "0c9c6f0d5f0b4f7e",
                        "synthesis_id": "9b2f1f6e-3d49-4f4a-9f0b-6f1f6a3c2b10",
                        "voice_hashes": ["7ebc3da60bf8218b8a4866700b5a3df9"],
                        "voice_matches": None,
                    },
                    "problems": [],
                    "manifest_url": None,
                }
            ]
        }
    )

    verdict: Verdict = Field(
        description="`none`: no manifest; `trusted`; `untrusted`: it holds, but anybody may have "
        "signed it; `invalid`; `elsewhere`: the file only names where its manifest is."
    )
    summary: str = Field(description="The same in words.")
    manifest: bool = Field(description="Whether there is a manifest in the file.")
    takes_manifests: bool = Field(
        description="Whether its format is one of those looked into: WAV, MP3, FLAC, MP4."
    )
    valid: bool | None = Field(description="Whether the manifest holds; null without one.")
    unchanged: bool | None = Field(
        description="Whether the file is as it was signed; null where nothing can be told."
    )
    signer: ManifestSigner | None
    statement: ManifestStatement | None
    problems: list[ManifestProblem]
    manifest_url: str | None = Field(description="If it is elsewhere. It was not fetched.")
