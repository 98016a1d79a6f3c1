"""Key Vault: whether it gives the secrets that settings name."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Self

from pydantic import ModelWrapValidatorHandler, PrivateAttr, model_validator
from pydantic_settings import SettingsConfigDict

from app.core.config import Settings
from app.core.config.vault import named_secrets
from app.core.exceptions import ConfigurationError
from app.core.tasks import in_thread
from app.core.vault import KeyVault
from app.doctor.findings import Check, Untried


class _WithoutVault(Settings):
    """Settings whose secrets of the vault are left out, so that all else can be tried."""

    model_config = SettingsConfigDict(title=Settings.__name__)  # as errors name it
    _named: dict[str, str] = PrivateAttr(default_factory=dict)

    @model_validator(mode="wrap")
    @classmethod
    def _from_vault(cls, values: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        named = named_secrets(values, cls._secret_fields()) if isinstance(values, dict) else {}
        settings = handler({name: value for name, value in values.items() if name not in named})
        settings._named = named
        return settings


def settings_without_vault(
    secrets: Mapping[str, Any] | None = None,
) -> tuple[Settings, dict[str, str]]:
    """The settings, and setting -> name of its secret for those that are left out.

    Args:
        secrets: by setting, that are known by now.

    Raises:
        ConfigurationError: a setting names a secret that cannot, or there is no vault.
    """
    settings = _WithoutVault(**(secrets or {}))
    return settings, settings._named


def secret_checks(
    settings: Settings, named: Mapping[str, str], secrets: dict[str, str]
) -> Sequence[Check]:
    """One for each secret; those that are read are put into `secrets`."""
    if not settings.key_vault_url:
        return []
    if not named:
        return [Check("secrets", _unnamed)]
    return [
        Check(setting.upper(), partial(_read, settings, setting, name, secrets))
        for setting, name in named.items()
    ]


async def _unnamed() -> str:
    raise Untried("no setting names a secret: kv:NAME.")


async def _read(settings: Settings, setting: str, name: str, secrets: dict[str, str]) -> str:
    def ask() -> str:
        vault = KeyVault(vars(settings))
        try:
            return vault.read(setting, name)
        finally:
            vault.close()

    try:
        secrets[setting] = await in_thread(None, ask)
    except ConfigurationError as error:
        if settings.key_vault_client_secret is None:
            raise
        suggestion = f"{error.suggestion or ''} Look at KEY_VAULT_CLIENT_SECRET as well."
        raise ConfigurationError(error.detail, suggestion) from None
    return f"the vault gives the secret {name!r}."
