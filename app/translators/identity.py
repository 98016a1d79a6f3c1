"""Tokens of Entra ID for services of Azure. Needs azure-identity, which is imported here when a
setting asks for it, and else never.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from app.core.azure_identity import own_identity
from app.core.config import Settings
from app.core.exceptions import ConfigurationError
from app.core.tasks import in_thread
from app.translators.http import CallFailed, Reason

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

Token = Callable[[], Awaitable[str]]


def entra_token(settings: Settings) -> Token:
    """Gives tokens; the library keeps each until shortly before it expires.

    Raises:
        ConfigurationError: the library is missing, or a secret without an application.
    """
    credential, scope = _credential(settings), settings.azure_ai_scope

    async def token() -> str:
        from azure.core.exceptions import AzureError

        try:
            return (await in_thread(None, credential.get_token, scope)).token
        except (AzureError, ValueError) as error:
            raise CallFailed(Reason.CREDENTIALS, code="no-token") from error

    return token


def _credential(settings: Settings) -> "TokenCredential":
    try:
        from azure.identity import ClientSecretCredential
    except ImportError as error:
        raise ConfigurationError(
            "AZURE_TRANSLATOR_AUTH and AZURE_OPENAI_AUTH=entra need the library azure-identity.",
            "pip install 'voice-cloning-api[azure]'",
        ) from error
    client, secret = settings.azure_ai_client_id, settings.azure_ai_client_secret
    if secret is not None:
        if not client or not settings.azure_tenant_id:
            raise ConfigurationError(
                "AZURE_AI_CLIENT_SECRET needs AZURE_AI_CLIENT_ID and AZURE_TENANT_ID."
            )
        return ClientSecretCredential(
            settings.azure_tenant_id,
            client,
            secret.get_secret_value(),
            authority=settings.azure_authority,
        )
    return own_identity(client)
