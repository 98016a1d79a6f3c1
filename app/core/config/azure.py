"""Services of Azure that this version does not use yet. They are read so that they can be told."""

from pydantic import BaseModel, Field, SecretStr


class AzureSettings(BaseModel):
    """Set, they are warned of at start."""

    azure_translator_key: SecretStr | None = Field(None, description="Its key.")
    azure_translator_region: str | None = Field(None, description="Azure AI Translator.")
    azure_openai_api_key: SecretStr | None = Field(None, description="Its key.")
    azure_openai_endpoint: str | None = Field(None, description="Azure OpenAI.")
