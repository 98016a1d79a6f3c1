"""The identity that Azure gives to a machine, container or app."""

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import httpx2

if TYPE_CHECKING:
    from obstore.store import AzureBearerToken

_OF_MACHINES: Final = "http://169.254.169.254/metadata/identity/oauth2/token"
_ANSWER_S: Final = 5.0


class TokenRequestError(Exception):
    """No token was given."""


class ManagedIdentity:
    """Gives tokens for storage. The store keeps each until it expires.

    obstore could do it too, but takes AZURE_CLIENT_ID for the identity's; in this program it is
    the id under which callers know the API.

    Args:
        client_id: of a user-assigned identity; None for the machine's own.
    """

    def __init__(self, client_id: str | None) -> None:
        self._client_id = client_id

    async def __call__(self) -> "AzureBearerToken":
        """A token.

        Raises:
            TokenRequestError: this is not a machine of Azure, or it has no such identity.
        """
        query = {"resource": "https://storage.azure.com/"}
        if self._client_id:
            query["client_id"] = self._client_id
        if address := os.environ.get("IDENTITY_ENDPOINT"):  # App Service, Container Apps
            query["api-version"] = "2019-08-01"
            headers = {"X-IDENTITY-HEADER": os.environ.get("IDENTITY_HEADER", "")}
        else:
            address, headers = _OF_MACHINES, {"Metadata": "true"}
            query["api-version"] = "2018-02-01"
        try:
            async with httpx2.AsyncClient(timeout=_ANSWER_S, trust_env=False) as client:
                response = await client.get(address, params=query, headers=headers)
            response.raise_for_status()
            answer = response.json()
            expires = datetime.fromtimestamp(int(answer["expires_on"]), UTC)
            return {"token": answer["access_token"], "expires_at": expires}
        except (httpx2.HTTPError, ValueError, KeyError, TypeError) as error:
            raise TokenRequestError(f"no token: {type(error).__name__}") from None
