"""Azure Key Vault, read. Uses the libraries of the extra `azure`, which are imported here when a
setting names a secret, and else never.
"""

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from app.core.azure_identity import own_identity
from app.core.config.vault import VaultSecret
from app.core.exceptions import ConfigurationError
from app.core.logging import get_logger

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

log = get_logger(__name__)

_NAME: Final = re.compile(r"(?P<name>[0-9A-Za-z-]{1,127})(/(?P<version>[0-9A-Fa-f]{32}))?")
_TIMES: Final = {"connection_timeout": 5, "read_timeout": 10, "retry_total": 3}
_RIGHTS: Final = "The identity needs the role `Key Vault Secrets User` on the vault."


class KeyVault:
    """A vault. Its methods block.

    Args:
        values: of the settings, by field: `key_vault_…`, `azure_tenant_id`, `azure_authority`.

    Raises:
        ConfigurationError: a library is missing, or the settings do not say who asks.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        try:
            from azure.keyvault.secrets import SecretClient
        except ImportError as error:
            raise ConfigurationError(
                f"Settings name secrets of Key Vault, which needs the library {error.name!r}.",
                "pip install 'voice-cloning-api[azure]'",
            ) from error
        self._url = str(values["key_vault_url"])
        self._client = SecretClient(self._url, _credential(values), **_TIMES)

    def close(self) -> None:
        self._client.close()

    def read(self, setting: str, name: str) -> str:
        """A secret, its newest version unless the name has one: `NAME/VERSION`.

        Raises:
            ConfigurationError: it cannot be read; the error names the setting and the secret.
        """
        from azure.core.exceptions import AzureError, HttpResponseError

        wanted = _NAME.fullmatch(name)
        if wanted is None:
            raise ConfigurationError(
                f"{setting.upper()} names no secret: letters, digits and `-` after `kv:`.",
                "With a version: kv:NAME/VERSION.",
            )
        try:
            found = self._client.get_secret(wanted["name"], wanted["version"])
        except AzureError as error:
            status = error.status_code if isinstance(error, HttpResponseError) else None
            raise _unread(setting, wanted["name"], status, type(error).__name__) from None
        if not found.value:
            raise ConfigurationError(
                f"The secret {name!r} of {setting.upper()} is empty.", "Give it a value."
            )
        return found.value


def read_secrets(values: Mapping[str, Any], named: Mapping[str, str]) -> dict[str, VaultSecret]:
    """The secrets that settings name.

    Args:
        values: of the settings, by field.
        named: setting -> name of the secret.

    Raises:
        ConfigurationError: one of them cannot be read.
    """
    vault = KeyVault(values)
    try:
        return {
            setting: VaultSecret(vault.read(setting, name), setting=setting, name=name)
            for setting, name in named.items()
        }
    finally:
        vault.close()


def renew_secrets(values: Mapping[str, Any], secrets: Iterable[VaultSecret]) -> int:
    """Read secrets again; says how many have changed. What cannot be read stays as it was."""
    changed = 0
    try:
        vault = KeyVault(values)
    except ConfigurationError as error:
        log.warning("secrets were not read again", detail=error.detail)
        return 0
    try:
        for secret in secrets:
            try:
                if secret.renew(vault.read(secret.setting, secret.name)):
                    changed += 1
                    log.info("a secret has changed", setting=secret.setting.upper())
            except ConfigurationError as error:
                log.warning("a secret was not read again", detail=error.detail)
    finally:
        vault.close()
    return changed


def _unread(setting: str, name: str, status: int | None, kind: str) -> ConfigurationError:
    of = f"the secret {name!r} of {setting.upper()}"
    if status == 404:
        return ConfigurationError(f"Key Vault has not {of}.", "Create it, or correct the name.")
    if status in (401, 403):
        return ConfigurationError(f"Key Vault does not give {of}: {status}.", _RIGHTS)
    why = kind if status is None else str(status)
    return ConfigurationError(
        f"Key Vault cannot be asked for {of}: {why}.",
        "Look whether KEY_VAULT_URL is right, the vault can be reached, and there is an identity.",
    )


def _credential(values: Mapping[str, Any]) -> "TokenCredential":
    """Who asks: an application by its secret, the pod, or the machine."""
    from azure.identity import ClientSecretCredential

    client_id = values.get("key_vault_client_id") or None
    if secret := values.get("key_vault_client_secret"):
        tenant_id = values.get("key_vault_tenant_id") or values.get("azure_tenant_id")
        if not (client_id and tenant_id):
            raise ConfigurationError(
                "KEY_VAULT_CLIENT_SECRET is set without KEY_VAULT_CLIENT_ID, or without a tenant.",
                "Set KEY_VAULT_CLIENT_ID, and KEY_VAULT_TENANT_ID or AZURE_TENANT_ID.",
            )
        text = secret.get_secret_value() if hasattr(secret, "get_secret_value") else secret
        authority = values.get("azure_authority") or None
        return ClientSecretCredential(
            tenant_id, client_id, text, authority=authority, disable_instance_discovery=True
        )
    return own_identity(client_id)
