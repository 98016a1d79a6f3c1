"""Secrets that lie in Azure Key Vault: what a setting says instead of the secret."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel, Field, SecretStr

from app.core.exceptions import ConfigurationError

PREFIX: Final = "kv:"
"""How the value of a setting begins that names a secret: `kv:NAME`."""


class VaultSettings(BaseModel):
    """Where secrets are looked up, and by whom. Needs the extra `azure`."""

    key_vault_url: str | None = Field(
        None,
        pattern=r"^https://[^/\s]+/?$",
        description="https://NAME.vault.azure.net: secret settings may say kv:NAME-OF-THE-SECRET.",
    )
    key_vault_client_id: str | None = Field(
        None,
        description="Of a user-assigned identity, or of an application with a secret. Default: the "
        "machine's own identity, or that of the pod.",
    )
    key_vault_client_secret: SecretStr | None = Field(
        None, description="Of that application. Not needed where there is an identity."
    )
    key_vault_tenant_id: str | None = Field(
        None, description="Of that application. Default: AZURE_TENANT_ID."
    )
    key_vault_refresh_minutes: float = Field(
        60.0, ge=0, le=10_080, description="Secrets are read again so often; 0: only at the start."
    )


class VaultSecret(SecretStr):
    """A secret of the vault. It changes when it is read again; who asks for its value with every
    use follows.

    Attributes:
        setting: the setting that names it.
        name: in the vault.
    """

    def __init__(self, value: str, *, setting: str, name: str) -> None:
        super().__init__(value)
        self.setting = setting
        self.name = name

    def renew(self, value: str) -> bool:
        """Take another value; whether it is another one."""
        changed = value != self._secret_value
        self._secret_value = value
        return changed


def named_secrets(values: Mapping[str, Any], secret: frozenset[str]) -> dict[str, str]:
    """Setting -> name of its secret, of the settings that name one.

    Args:
        values: of the settings, by field.
        secret: fields whose values are secrets.

    Raises:
        ConfigurationError: another setting names one, or there is no vault.
        ValidationError: the address of the vault is none.
    """
    named = {}
    for field, value in values.items():
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if not isinstance(text, str) or not text.startswith(PREFIX):
            continue
        if field not in secret or field.startswith("key_vault_"):
            raise ConfigurationError(
                f"{field.upper()} cannot name a secret of Key Vault.",
                "Only settings whose values are secrets can; docs/azure.md lists them.",
            )
        named[field] = text.removeprefix(PREFIX)
    if named and not values.get("key_vault_url"):
        raise ConfigurationError(
            f"{min(named).upper()} names a secret of Key Vault, but KEY_VAULT_URL is not set.",
            "Set it to https://NAME.vault.azure.net.",
        )
    if named:
        VaultSettings.model_validate(
            {name: values[name] for name in VaultSettings.model_fields if values.get(name)}
        )
    return named


def vault_secrets(settings: BaseModel) -> Iterator[VaultSecret]:
    """The secrets that settings have from the vault."""
    for value in vars(settings).values():
        if isinstance(value, VaultSecret):
            yield value
