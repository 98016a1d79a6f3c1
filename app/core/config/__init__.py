"""Settings: one tree, read from the environment, `.env` and, in tests, `test.env`.

Each variable has the name of its field in capitals.
"""

import os
from pathlib import Path
from typing import Any, Self, get_args

from pydantic import ModelWrapValidatorHandler, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

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
from app.core.config.trust import ConsentPolicy, TrustSettings
from app.core.config.vault import VaultSettings, named_secrets
from app.core.config.words import WordSettings

ENV_FILE = ".env"
TEST_ENV_FILE = "test.env"


class Settings(
    TelemetrySettings,
    JobSettings,
    AbuseSettings,
    LimitSettings,
    CosmosSettings,
    VaultSettings,
    AzureSpeechSettings,
    AzureTrainingSettings,
    WordSettings,
    DataSettings,
    TrustSettings,
    SpeechSettings,
    ProvenanceSettings,
    IdentitySettings,
    ServerSettings,
    BaseSettings,
):
    """Every setting, by the name of its environment variable in lower case.

    The environment goes before the files, and an argument before both. An empty variable counts
    as one that is not set.
    """

    model_config = SettingsConfigDict(
        extra="ignore", frozen=True, env_ignore_empty=True, hide_input_in_errors=True
    )

    def __init__(self, **values: Any) -> None:
        values.setdefault("_env_file", env_files())
        super().__init__(**values)

    @model_validator(mode="wrap")
    @classmethod
    def _from_vault(cls, values: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Secrets of Key Vault in the place of their names.

        Raises:
            ConfigurationError: one cannot be had.
        """
        named = named_secrets(values, cls._secret_fields()) if isinstance(values, dict) else {}
        if not named:
            return handler(values)
        from app.core.vault import read_secrets

        secrets = read_secrets(values, named)
        texts = {name: secret.get_secret_value() for name, secret in secrets.items()}
        settings = handler({**values, **texts})
        vars(settings).update(secrets)  # those that can be renewed
        return settings

    @classmethod
    def _secret_fields(cls) -> frozenset[str]:
        kinds = ((name, get_args(field.annotation)) for name, field in cls.model_fields.items())
        return frozenset(name for name, args in kinds if SecretStr in args)

    @property
    def consents(self) -> ConsentPolicy:
        """What holds."""
        return self.consent_policy or ("attest" if self.unsafe_allowed else "recorded")

    @property
    def remembers_outputs(self) -> bool:
        """Whether what is spoken can be recognised: with SQL databases only."""
        return self.fingerprints and not self.cosmos_db_endpoint

    @property
    def operator_attests(self) -> bool:
        """Nobody but who runs the service can call it, and their setting is their statement."""
        return self.auth_mode == ("off",)


def env_files() -> tuple[Path, ...]:
    """The files that are read, the last one first: `test.env` only where ENVIRONMENT is `test`."""
    names = [ENV_FILE]
    if os.environ.get("ENVIRONMENT", "").lower() == "test":
        names.append(TEST_ENV_FILE)
    return tuple(Path(name) for name in names)
