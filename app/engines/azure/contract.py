"""What Azure answers: the custom voice API of 2026-01-01, as far as it is used here.

Enumerations of the service may grow: they are plain strings here, and an unknown one is no error.
"""

from typing import Final

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

SUCCEEDED: Final = "Succeeded"
FAILED: Final = "Failed"
ENDED: Final = frozenset({SUCCEEDED, FAILED, "Disabled"})


class _Answer(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True
    )


class Failure(_Answer):
    """Properties of something that was not made."""

    failure_reason: str | None = None


class Project(_Answer):
    """Holds consents and voices."""

    kind: str
    id: str | None = None


class Resource(_Answer):
    """What Azure makes in the background: a consent or a personal voice."""

    project_id: str | None = None
    status: str | None = None
    properties: Failure | None = None

    @property
    def reason(self) -> str | None:
        """Why it was not made."""
        return self.properties.failure_reason if self.properties else None


class Consent(Resource):
    """A speaker's statement, as Azure keeps it."""

    id: str | None = None
    voice_talent_name: str | None = None
    company_name: str | None = None
    locale: str | None = None


class PersonalVoice(Resource):
    """A voice. `speaker_profile_id`: what it is called when text is spoken."""

    id: str | None = None
    consent_id: str | None = None
    speaker_profile_id: str | None = None


class PersonalVoices(_Answer):
    """A page of them."""

    value: tuple[PersonalVoice, ...]
    next_link: str | None = None


class BaseModelInfo(_Answer):
    """A model that speaks personal voices."""

    name: str
    capabilities: tuple[str, ...] = ()


class BaseModels(_Answer):
    """All of them."""

    value: tuple[BaseModelInfo, ...]
