"""Settings in words: for `voice-cloning config show`, `.env.example` and the documentation."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, SecretStr

from app.core.config import Settings
from app.core.config.abuse import AbuseSettings
from app.core.config.azure_speech import AzureSpeechSettings
from app.core.config.azure_training import AzureTrainingSettings
from app.core.config.cosmos import CosmosSettings
from app.core.config.data import DataSettings
from app.core.config.identity import IdentitySettings
from app.core.config.jobs import JobSettings
from app.core.config.limits import LimitSettings
from app.core.config.provenance import ProvenanceSettings
from app.core.config.server import ServerSettings
from app.core.config.speech import SpeechSettings
from app.core.config.telemetry import TelemetrySettings
from app.core.config.trust import TrustSettings
from app.core.config.vault import PREFIX, VaultSecret, VaultSettings
from app.core.config.words import WordSettings
from app.core.masking import masked_text

SECTIONS: Final[Mapping[str, type[BaseModel]]] = {
    "Server": ServerSettings,
    "Who may call": IdentitySettings,
    "Records and files": DataSettings,
    "Records in Azure Cosmos DB": CosmosSettings,
    "Secrets in Azure Key Vault": VaultSettings,
    "Voices and speaking": SpeechSettings,
    "Manifests of files": ProvenanceSettings,
    "Translating and preparing texts": WordSettings,
    "Consent and marks": TrustSettings,
    "Jobs, webhooks, history": JobSettings,
    "Limits": LimitSettings,
    "Against misuse": AbuseSettings,
    "Logs, metrics, traces": TelemetrySettings,
    "Azure AI Speech": AzureSpeechSettings,
    "Professional voices of Azure": AzureTrainingSettings,
}
"""The parts of `Settings`, in the order in which they are told."""

_MASK = "********"
_URL = re.compile(r"(?P<before>\w+://(?:[^/@:]*:)?)(?P<password>[^/@]*)(?P<after>@.*)")


@dataclass(frozen=True, slots=True)
class Shown:
    """One setting.

    Attributes:
        value: as it would stand in `.env`; secrets masked, empty for none.
        is_set: somebody has set it; else it is the default.
    """

    name: str
    value: str
    is_set: bool


def effective(settings: Settings) -> Iterator[Shown]:
    """All settings, in the order of the sections."""
    for section in SECTIONS.values():
        for name in section.model_fields:
            yield Shown(
                name.upper(), _masked(getattr(settings, name)), name in settings.model_fields_set
            )


def env_example() -> str:
    """The text of `.env.example`: every setting with its default, commented out."""
    lines = [
        "# Every setting, with its default. Copy to `.env` and take the `#` away where you differ.",
        "# `voice-cloning config show` prints those in effect.",
    ]
    for title, section in SECTIONS.items():
        lines += ["", f"## {title}"]
        for name, field in section.model_fields.items():
            if field.description:
                lines += ["", f"# {field.description}"]
            lines.append(f"#{name.upper()}={default_of(section, name)}")
    return "\n".join(lines) + "\n"


def default_of(section: type[BaseModel], name: str) -> str:
    """The default as it stands in `.env`; empty for none."""
    if name == "app_version":
        return ""  # it changes with each version
    return _text(section.model_fields[name].default)


def _masked(value: Any) -> str:
    if isinstance(value, VaultSecret):
        return f"{PREFIX}{value.name}"
    if not isinstance(value, SecretStr):
        return _text(value)
    address = _URL.fullmatch(value.get_secret_value())
    # Where it is an address, all but the password is worth seeing.
    if address is None:
        return _MASK
    return f"{address['before']}{_MASK}{masked_text(address['after'])}"


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value)
