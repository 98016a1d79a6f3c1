"""Azure AI Speech: the engine `azure`."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field, SecretStr


class AzureSpeechSettings(BaseModel):
    """An account, and how it is used. Of no use with another engine."""

    azure_speech_key: SecretStr | None = Field(
        None, description="Key of the account. Without: by identity, with endpoint and resource id."
    )
    azure_speech_region: str | None = Field(
        None, pattern=r"^[A-Za-z0-9-]+$", description="Region of the account, as in westeurope."
    )
    azure_speech_endpoint: str | None = Field(
        None, description="Custom domain: https://NAME.cognitiveservices.azure.com."
    )
    azure_speech_url: str | None = Field(
        None, description="Where text is sent, whole. Default: by endpoint or region."
    )
    azure_speech_resource_id: str | None = Field(
        None, description="Id of the account, /subscriptions/…; with identity."
    )
    azure_speech_client_id: str | None = Field(
        None, description="Of a user-assigned identity. Default: that of the machine or pod."
    )
    azure_speech_api_version: str = Field(
        "2026-01-01", min_length=1, description="Of the custom voice API."
    )
    azure_speech_base_model: str = Field(
        "DragonLatestNeural", min_length=1, description="Speaks the voices; Phoenix… take phonemes."
    )
    azure_speech_stock_voice: str = Field(
        "en-US-AvaMultilingualNeural", min_length=1, description="For trying the engine out."
    )
    azure_speech_project: str = Field(
        "voice-cloning",
        pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._-]{1,62}[a-zA-Z0-9]$",
        description="Project there that holds the voices; it is made when it is needed.",
    )
    azure_speech_timeout_s: float = Field(30.0, gt=0, description="Without a byte from Azure.")
    azure_speech_tries: int = Field(4, ge=1, le=20, description="Of one request.")
    azure_speech_retry_s: float = Field(
        60.0, ge=0, description="Longest time after which a request is tried once more."
    )
    azure_speech_poll_s: float = Field(
        1.0, gt=0, description="First pause between two looks at a voice in the making."
    )
    azure_speech_enrol_s: float = Field(
        120.0, gt=0, description="Longest wait for a consent, and for a voice."
    )
    azure_speech_sample_rate: Annotated[Literal[24000, 48000], BeforeValidator(int)] = Field(
        24000, description="Of the speech that Azure makes, in Hz."
    )
    azure_speech_batch_from: int = Field(
        0, ge=0, description="Sentences from which batches use batch synthesis; 0 for never."
    )
    azure_speech_batch_api_version: str = Field(
        "2024-04-01", min_length=1, description="Of batch synthesis."
    )
    azure_speech_batch_ttl_hours: int = Field(
        24, ge=1, le=744, description="How long Azure keeps its results if we cannot delete them."
    )
    azure_speech_batch_wait_s: float = Field(
        1800.0, gt=0, description="Longest wait for it; then all is spoken sentence by sentence."
    )
    azure_speech_per_second: int = Field(200, ge=1, description="Texts sent in a second, at most.")
