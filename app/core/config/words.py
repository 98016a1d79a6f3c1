"""Services that translate texts, or prepare them for the ear."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr

from app.core.config.kinds import ANY_CASE

TranslatorName = Literal["auto", "azure", "openai", "fake", "none"]
KeyOrEntra = Literal["key", "entra"]


class WordSettings(BaseModel):
    """Texts leave the machine where one of these is set."""

    translator: Annotated[TranslatorName, ANY_CASE] = Field(
        "auto",
        description="azure, openai (any chat model below) or none; auto: the one that is set, "
        "Azure first. `fake` only marks texts: for tests.",
    )
    translation_cache_chars: int = Field(
        2_000_000,
        ge=0,
        description="Of translations kept in memory, so that none is made twice; 0: none.",
    )
    azure_translator_key: SecretStr | None = Field(None, description="Azure AI Translator.")
    azure_translator_region: str | None = Field(
        None, description="Of the resource; not needed by a global one."
    )
    azure_translator_endpoint: str = Field(
        "https://api.cognitive.microsofttranslator.com",
        description="Or that of a resource: https://NAME.cognitiveservices.azure.com.",
    )
    azure_translator_path: str | None = Field(
        None,
        description="Before /translate; default: translator/text/vVERSION at that of a resource.",
    )
    azure_translator_version: Literal["2026-06-06", "3.0"] = Field(
        "2026-06-06", description="Of its API: 2026-06-06 or 3.0."
    )
    azure_translator_auth: Annotated[KeyOrEntra, ANY_CASE] = Field(
        "key", description="key, or entra: by the identity below."
    )
    azure_translator_resource_id: str | None = Field(
        None, description="/subscriptions/...: with entra at the global endpoint."
    )
    azure_openai_endpoint: str | None = Field(
        None, description="Azure OpenAI: https://NAME.openai.azure.com."
    )
    azure_openai_api_key: SecretStr | None = Field(None, description="Its key.")
    azure_openai_deployment: str | None = Field(
        None, description="Name of the deployment of a chat model; needed."
    )
    azure_openai_api_version: str = Field(
        "v1", description="v1, or a dated one: then the deployment stands in the address."
    )
    azure_openai_auth: Annotated[KeyOrEntra, ANY_CASE] = Field(
        "key", description="key, or entra: by the identity below."
    )
    azure_ai_scope: str = Field(
        "https://cognitiveservices.azure.com/.default", description="Of tokens of Entra for both."
    )
    azure_ai_client_id: str | None = Field(
        None,
        description="Of a user-assigned identity, or with a secret of an application. "
        "Default: the machine's own identity, or that of the pod.",
    )
    azure_ai_client_secret: SecretStr | None = Field(
        None, description="Of that application, in AZURE_TENANT_ID."
    )
    openai_base_url: str | None = Field(
        None,
        description="Any other service with /chat/completions, as https://api.openai.com/v1; used "
        "where Azure OpenAI is not set.",
    )
    openai_api_key: SecretStr | None = Field(None, description="Its key, if it wants one.")
    openai_model: str | None = Field(None, description="Name of its model; needed.")
    openai_response_format: Annotated[Literal["json_schema", "json_object", "none"], ANY_CASE] = (
        Field("json_schema", description="How a chat model is told to answer with JSON.")
    )
    openai_length_limit: Annotated[
        Literal["max_completion_tokens", "max_tokens", "none"], ANY_CASE
    ] = Field("max_completion_tokens", description="Member that bounds its answers.")
    openai_temperature: float | None = Field(
        None, ge=0, le=2, description="Default: the model's own; some take none."
    )
    prepare_max_chars: int = Field(20_000, ge=1, description="Longest text that is prepared.")
    prepare_timeout_s: float = Field(
        120.0, gt=0, description="Longest time that preparing a text may take."
    )
    services_timeout_s: float = Field(
        60.0, gt=0, description="For one call of a translator or chat model."
    )
    services_tries: int = Field(4, ge=1, le=20, description="Where 429, 5xx or no answer came.")
    services_patience_s: float = Field(
        120.0, gt=0, description="For all tries of a call, and the pauses between them."
    )

    @property
    def azure_translates(self) -> bool:
        """Whether Azure AI Translator is set."""
        return self.azure_translator_key is not None or self.azure_translator_auth == "entra"

    @property
    def azure_chats(self) -> bool:
        """Whether Azure OpenAI is set."""
        known = self.azure_openai_api_key is not None or self.azure_openai_auth == "entra"
        return bool(known and self.azure_openai_endpoint and self.azure_openai_deployment)

    @property
    def chats(self) -> bool:
        """Whether there is a chat model."""
        return self.azure_chats or bool(self.openai_base_url and self.openai_model)
