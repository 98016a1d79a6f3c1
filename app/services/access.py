"""Finding out who calls."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from app.core.clock import WallClock, utc_now
from app.core.exceptions import (
    AppError,
    CredentialsMissing,
    InvalidRequest,
    KeyExpired,
    KeyUnknown,
    TokenInvalid,
)
from app.core.logging import get_logger
from app.db.base import Collection
from app.identity.tokens import TokenVerifier
from app.models.access import LOCAL, Principal, granted
from app.models.api_key import KEY_PREFIX, ApiKey, digest_of, is_key

log = get_logger(__name__)

KEY_HEADER: Final = "X-API-Key"
_LAST_USE_STEP: Final = timedelta(minutes=1)


class AccessService:
    """Turns the credentials of a request into a principal.

    A key is looked up in the database with every request: a revoked one ends at once, in all
    processes, and the look-up by its digest takes about a millisecond.

    Args:
        keys: None where API keys are not accepted.
        tokens: None where tokens are not. With neither, everybody may do everything.
    """

    def __init__(
        self,
        *,
        keys: Collection[ApiKey] | None = None,
        tokens: TokenVerifier | None = None,
        clock: WallClock = utc_now,
    ) -> None:
        self._keys = keys
        self._tokens = tokens
        self._clock = clock
        self._noting: dict[str, asyncio.Task[None]] = {}

    async def close(self) -> None:
        """Finish what is being written."""
        await asyncio.gather(*self._noting.values(), return_exceptions=True)
        if self._tokens is not None:
            await self._tokens.close()

    async def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """Who sends these headers.

        Raises:
            Unauthenticated: nobody we know.
            InvalidRequest: two at once.
            IdentityError, DatabaseError: that cannot be found out now.
        """
        if self._keys is None and self._tokens is None:
            return LOCAL
        key, bearer = headers.get(KEY_HEADER), bearer_token(headers)
        if key is not None and bearer is not None:
            raise InvalidRequest(
                f"The request has both `Authorization` and `{KEY_HEADER}`.", "Send only one."
            )
        if bearer is not None and bearer.startswith(KEY_PREFIX):
            key = bearer
        if key is not None:
            return await self._holder(key)
        if bearer is not None and self._tokens is not None:
            return await self._tokens.verify(bearer)
        if bearer is not None:
            raise TokenInvalid("This server takes API keys, no tokens.", "Send an API key.")
        raise CredentialsMissing(
            "The request does not say who sends it.",
            f"Send `Authorization: Bearer …`{f' or `{KEY_HEADER}: …`' if self._keys else ''}.",
        )

    async def _holder(self, text: str) -> Principal:
        """Whose key this is."""
        if self._keys is None:
            raise KeyUnknown("This server takes tokens, no API keys.", "Send a token.")
        where = {"digest": digest_of(text)}
        found = (await self._keys.list(where=where, limit=1)).items if is_key(text) else []
        key = found[0] if found else None
        if key is None or key.revoked_at is not None:
            raise KeyUnknown(
                "The API key is not one of this server, or was revoked.",
                "Ask an administrator for a new one.",
            )
        now = self._clock()
        if key.expires_at is not None and key.expires_at <= now:
            raise KeyExpired(
                "The API key is no longer valid.", "Ask an administrator for a new one."
            )
        self._note_use(self._keys, key, now)
        return Principal(
            subject=f"key:{key.id}",
            owner=key.owner,
            kind="api_key",
            permissions=granted(frozenset(key.scopes)),
            groups=frozenset(key.groups),
        )

    def _note_use(self, keys: Collection[ApiKey], key: ApiKey, now: datetime) -> None:
        """Beside the request, which neither waits for it nor fails with it."""
        recent = key.last_used_at is not None and now - key.last_used_at < _LAST_USE_STEP
        if recent or key.id in self._noting:
            return
        task = asyncio.create_task(_write_use(keys, key, now))
        self._noting[key.id] = task
        task.add_done_callback(lambda _: self._noting.pop(key.id, None))


async def _write_use(keys: Collection[ApiKey], key: ApiKey, now: datetime) -> None:
    try:
        await keys.update(key.model_copy(update={"last_used_at": now}))
    except AppError as error:  # another process was first, or the database is busy
        log.debug("the use of a key was not noted", key_id=key.id, detail=error.detail)


def bearer_token(headers: Mapping[str, str]) -> str | None:
    """The token of `Authorization`; None if there is none, or another scheme, say a proxy's."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None
