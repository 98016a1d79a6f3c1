"""Who we are to Cosmos DB: a key of the account, or a token of Microsoft Entra ID.

https://learn.microsoft.com/rest/api/cosmos-db/access-control-on-cosmosdb-resources
"""

import asyncio
import hmac
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import quote, urlsplit

from app.core.azure_identity import own_identity
from app.core.exceptions import ConfigurationError, DatabaseError
from app.core.tasks import in_thread

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

_EARLIER_S: Final = 300.0  # a token is renewed so long before its end


class Access(Protocol):
    """Gives the header `authorization` of a request."""

    async def header(self, verb: str, kind: str, link: str, date: str) -> str:
        """Of one request.

        Args:
            kind: of the resource, as in its address: `dbs`, `colls`, `docs`, `pkranges`.
            link: of the resource, or of what the feed belongs to; neither quoted nor with a slash
                at either end.
            date: as in `x-ms-date`.
        """
        ...


class KeyAccess:
    """Signs each request with a key of the account.

    Raises:
        ConfigurationError: it is not base64.
    """

    def __init__(self, key: str) -> None:
        try:
            self._key = b64decode(key, validate=True)
        except ValueError as error:
            raise ConfigurationError(
                "COSMOS_DB_KEY is not a key of Cosmos DB.",
                "Copy the primary key of the account; it ends in `==`.",
            ) from error

    async def header(self, verb: str, kind: str, link: str, date: str) -> str:
        return quote(f"type=master&ver=1.0&sig={signature(self._key, verb, kind, link, date)}", "")


def signature(key: bytes, verb: str, kind: str, link: str, date: str) -> str:
    """HMAC-SHA256 over what the request is about, in base64."""
    text = f"{verb.lower()}\n{kind.lower()}\n{link}\n{date.lower()}\n\n"
    return b64encode(hmac.new(key, text.encode(), sha256).digest()).decode()


class TokenAccess:
    """Asks an identity for tokens. `azure-identity` is imported with the first.

    Args:
        scope: of the tokens.
        client_id: of a user-assigned identity; None for that of the pod, or the machine's own.
        credential: instead of that.
    """

    def __init__(
        self,
        scope: str,
        *,
        client_id: str | None = None,
        credential: "TokenCredential | None" = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._scope = scope
        self._client_id = client_id
        self._credential = credential
        self._clock = clock
        self._token, self._until = "", 0.0
        self._asking = asyncio.Lock()

    async def header(self, verb: str, kind: str, link: str, date: str) -> str:
        async with self._asking:
            if self._clock() > self._until - _EARLIER_S:
                self._token, self._until = await in_thread(None, self._ask)
        return quote(f"type=aad&ver=1.0&sig={self._token}", "")

    def _ask(self) -> tuple[str, float]:
        try:
            from azure.core.exceptions import AzureError
        except ImportError as error:
            raise ConfigurationError(
                "Cosmos DB without COSMOS_DB_KEY needs a library that is not installed.",
                'Install it: pip install "voice-cloning-api[azure]". Or set COSMOS_DB_KEY.',
            ) from error
        try:
            self._credential = self._credential or own_identity(self._client_id)
            token = self._credential.get_token(self._scope)
        except (AzureError, ValueError) as error:
            raise DatabaseError(
                "There is no token for Cosmos DB.",
                "Give this machine an identity, or set COSMOS_DB_KEY.",
            ) from error
        return token.token, float(token.expires_on)


def scope_of(endpoint: str) -> str:
    """Of the tokens of an account."""
    address = urlsplit(endpoint)
    return f"https://{address.hostname}/.default"
