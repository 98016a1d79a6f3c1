"""Who we are to Azure: a key, or an identity of Entra ID."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Final, Protocol

from app.core.azure_identity import own_identity
from app.core.exceptions import EngineUnavailable
from app.core.tasks import in_thread
from app.engines.azure.options import AzureOptions

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

_SCOPE: Final = "https://cognitiveservices.azure.com/.default"
_KEY: Final = "Ocp-Apim-Subscription-Key"


class Signer(Protocol):
    """Gives the headers that say who asks."""

    async def management(self) -> dict[str, str]:
        """For the management of voices."""
        ...

    async def speech(self) -> dict[str, str]:
        """For speech, which has a form of its own for tokens."""
        ...


class KeySigner:
    """Asks by key. `key` is called with every request: a new key holds at once."""

    def __init__(self, key: Callable[[], str]) -> None:
        self._key = key

    async def management(self) -> dict[str, str]:
        return {_KEY: self._key()}

    async def speech(self) -> dict[str, str]:
        return {_KEY: self._key()}


class EntraSigner:
    """Asks by the identity of the machine or pod, with a custom domain.

    Args:
        resource_id: of the account.
        token: gives one; blocks. Default: from the identity, by azure-identity, which keeps it.
    """

    def __init__(
        self,
        resource_id: str,
        *,
        client_id: str | None = None,
        token: Callable[[], str] | None = None,
    ) -> None:
        self._resource_id = resource_id
        self._client_id = client_id
        self._ask = token or self._identity_token

    async def management(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {await self._token()}"}

    async def speech(self) -> dict[str, str]:
        return {"Authorization": f"Bearer aad#{self._resource_id}#{await self._token()}"}

    async def _token(self) -> str:
        return await in_thread(None, self._ask)

    def _identity_token(self) -> str:
        from azure.core.exceptions import AzureError

        try:
            return self._credential.get_token(_SCOPE).token
        except AzureError as error:
            raise EngineUnavailable(
                f"There is no token for Azure AI Speech: {type(error).__name__}.",
                "The operator must check the identity and AZURE_SPEECH_CLIENT_ID.",
            ) from None

    @cached_property
    def _credential(self) -> "TokenCredential":
        try:
            return own_identity(self._client_id)
        except ImportError as error:
            raise EngineUnavailable(
                f"Asking Azure AI Speech by identity needs the library {error.name!r}.",
                "pip install 'voice-cloning-api[azure]'",
            ) from error


def signer(options: AzureOptions) -> Signer:
    """By key if there is one."""
    if options.key is not None:
        return KeySigner(options.key)
    return EntraSigner(options.resource_id or "", client_id=options.client_id)
