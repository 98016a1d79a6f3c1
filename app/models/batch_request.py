"""Batches: what is asked for."""

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    model_validator,
)

from app.audio.types import AudioFormat
from app.models.lexicon import LexiconIds
from app.models.preparation import Prepare
from app.models.speech import Format, Normalization, SpeechOptions
from app.models.translation import Glossary, SourceLanguage, TranslateTo

MOST_ITEMS = 10_000
"""Of any batch, whatever the settings say."""

_VOICE = "550e8400-e29b-41d4-a716-446655440000"
_EXAMPLE: dict[str, Any] = {
    "name": "Chapter 1",
    "voice": _VOICE,
    "format": "mp3",
    "concatenate": True,
    "items": [
        {"text": "It was a dark night.", "custom_id": "opening"},
        {"text": "Somebody knocked.", "speed": 0.9},
        {"ssml": "<speak>Come <prosody rate='slow'>in</prosody>.</speak>"},
    ],
}
_NO_CONTROLS = r"^[^\x00-\x1f\x7f-\x9f]+$"

Language = Annotated[str, Field(max_length=35, pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")]
Label = Annotated[str, Field(min_length=1, max_length=200, pattern=_NO_CONTROLS)]


class JoinedFormat(StrEnum):
    """What all items can be put into one file of."""

    MP3 = "mp3"
    OPUS = "opus"
    FLAC = "flac"
    WAV = "wav"

    @property
    def audio(self) -> AudioFormat:
        return AudioFormat(self.value)


class BatchItemRequest(BaseModel):
    """One text. What is not given is as it is for the whole batch."""

    model_config = ConfigDict(extra="forbid")

    text: str | None = Field(None, description="Plain text; markup in it is spoken.")
    ssml: str | None = Field(None, description="SSML instead of text.")
    custom_id: Label | None = Field(
        None, description="Your own name of the item, of no other in the batch. In names of files."
    )
    voice: str | None = Field(None, min_length=1, max_length=100, description="Id of the voice.")
    language: Language | None = Field(None, description="BCP-47 tag.")
    translate_to: TranslateTo | None = None
    source_language: SourceLanguage | None = None
    glossary: Glossary | None = None
    prepare: Prepare | None = None
    format: Format | None = None
    sample_rate: StrictInt | None = Field(None, ge=8000, le=48000, description="In Hz.")
    speed: float | None = Field(None, strict=True, ge=0.5, le=2.0, allow_inf_nan=False)
    pitch: float | None = Field(
        None, strict=True, ge=-12, le=12, allow_inf_nan=False, description="Semitones."
    )
    volume: float | None = Field(
        None, strict=True, ge=-40, le=20, allow_inf_nan=False, description="dB."
    )
    seed: StrictInt | None = Field(None, ge=0, le=2**32 - 1)
    lexicon_ids: LexiconIds | None = None
    normalize: Normalization | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.text is None) == (self.ssml is None):
            raise ValueError("send either `text` or `ssml`")
        return self

    @property
    def content(self) -> str:
        """What is to be said: its length is what is counted."""
        return self.text if self.text is not None else self.ssml or ""


class BatchDefaults(SpeechOptions):
    """All of a batch but its items: how they are spoken where they do not say, and what is made
    of them.
    """

    language: Language | None = Field(
        None, description="BCP-47 tag; default: the voice's, else the engine's first language."
    )
    voice: str | None = Field(
        None, min_length=1, max_length=100, description="Id of the voice of items without one."
    )
    name: Label | None = Field(None, description="For people.")
    concatenate: StrictBool = Field(
        False, description="Also give one file of all items, with chapter marks."
    )
    concatenate_format: JoinedFormat = Field(
        JoinedFormat.MP3, description="Of that file. A WAV has no chapter marks inside."
    )
    pause_s: float = Field(
        0.5,
        strict=True,
        ge=0,
        le=10,
        allow_inf_nan=False,
        description="Silence between the items of that file, in seconds.",
    )
    store: StrictBool | None = Field(
        None,
        description="False keeps nothing of the items in the history, and drops their texts when "
        "they are done; their audio stays until the batch is deleted.",
    )
    ttl_hours: float | None = Field(
        None,
        strict=True,
        gt=0,
        le=8760,
        allow_inf_nan=False,
        description="The batch is deleted then, with all that it made; default: as the server "
        "is set.",
    )
    webhook_url: str | None = Field(
        None, max_length=2000, description="Is told of the end, signed. See docs/jobs.md."
    )

    def of_item(self, item: BatchItemRequest) -> dict[str, Any]:
        """The members of the `SpeechRequest` that an item is."""
        own = item.model_dump(exclude_none=True, exclude={"custom_id"})
        usual = self.model_dump(include={*SpeechOptions.model_fields, "voice", "store"})
        return usual | own


class BatchRequest(BatchDefaults):
    """Texts to be spoken as one job."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    items: list[BatchItemRequest] = Field(
        min_length=1,
        max_length=MOST_ITEMS,
        description="The texts, in order; 1000 at most, unless the server is set otherwise.",
    )
