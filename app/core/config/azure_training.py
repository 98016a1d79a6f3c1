"""Professional voices of Azure AI Speech: training as a job of the engine `azure`."""

from typing import Literal

from pydantic import BaseModel, Field, SecretStr


class AzureTrainingSettings(BaseModel):
    """Where recordings are handed over, and what is made of them. Of no use with another engine."""

    azure_speech_training: bool = Field(
        False, description="Train professional voices there: about a day each, and it is charged."
    )
    azure_speech_training_container_url: SecretStr | None = Field(
        None,
        description="Blob container that Azure reads recordings from, with a SAS: read, list, "
        "write, delete.",
    )
    azure_speech_training_project: str = Field(
        "voice-cloning-professional",
        pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._-]{1,62}[a-zA-Z0-9]$",
        description="Project there that holds them; it is made when it is needed.",
    )
    azure_speech_training_kind: Literal["AudioOnly", "LongAudio"] = Field(
        "AudioOnly", description="Kind of data set that the recordings are sent as."
    )
    azure_speech_training_recipe: str = Field(
        "Default", min_length=1, description="Kind of training, by Azure's list of recipes."
    )
    azure_speech_training_endpoint: Literal["HighPerformance", "FastResume"] = Field(
        "HighPerformance", description="Kind of endpoint that speaks a trained voice."
    )
    azure_speech_training_poll_s: float = Field(
        300.0, gt=0, description="Longest pause between two looks at a training."
    )
    azure_speech_training_hours: float = Field(
        72.0, gt=0, description="Longest wait for one thing that Azure makes."
    )
    azure_speech_training_away_s: float = Field(
        3600.0, ge=0, description="So long Azure may be away before a training is given up."
    )
    azure_speech_voice_url: str | None = Field(
        None, description="Where text for trained voices is sent. Default: by endpoint or region."
    )
