"""Services of Azure that this version does not use yet. They are read so that they can be told."""

from pydantic import BaseModel, Field, SecretStr


class AzureSettings(BaseModel):
    """Set, they are warned of at start."""

    azure_speech_key: SecretStr | None = Field(None, description="Its key.")
    azure_speech_region: str | None = Field(None, description="Azure AI Speech.")
    cosmos_db_endpoint: str | None = Field(None, description="DATABASE_URL is used instead.")
    cosmos_db_key: SecretStr | None = Field(None, description="Its key.")
