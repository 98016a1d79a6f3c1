"""Finding out who calls."""

from collections.abc import Mapping

from app.core.exceptions import CredentialsMissing
from app.models.access import LOCAL, Principal


class AccessService:
    """Turns the credentials of a request into a principal."""

    def __init__(self, *, modes: tuple[str, ...]) -> None:
        self._modes = modes

    async def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """Who sends these headers.

        Raises:
            Unauthenticated: nobody we know.
        """
        if self._modes == ("off",):
            return LOCAL
        raise CredentialsMissing("The request has no API key and no token.", "Send one.")
