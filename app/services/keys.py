"""API keys: making, listing, revoking."""

import secrets
from datetime import timedelta
from typing import Final

from app.core.clock import WallClock, utc_now
from app.core.exceptions import Conflict, Forbidden, KeyNotFound, VersionConflict
from app.core.ids import is_id
from app.core.tasks import see_through
from app.db.audit import AuditTrail
from app.db.base import Collection, Page
from app.models.access import Principal, granted
from app.models.api_key import KEY_PREFIX, ApiKey, NewKey, digest_of
from app.models.audit import Action

_SHOWN_CHARS: Final = 10
_ATTEMPTS: Final = 5


class KeyService:
    """The keys that callers are known by. Only their digests are stored."""

    def __init__(
        self,
        *,
        keys: Collection[ApiKey],
        audit: AuditTrail,
        clock: WallClock = utc_now,
    ) -> None:
        self._keys = keys
        self._audit = audit
        self._clock = clock

    async def create(self, principal: Principal, owner: str, wanted: NewKey) -> tuple[ApiKey, str]:
        """Make a key.

        Returns:
            The record, and the key, which nobody can find out later.

        Raises:
            Forbidden: it would let its holder do more than the caller may.
        """
        if missing := granted(frozenset(wanted.scopes)) - principal.permissions:
            permission = min(missing)
            raise Forbidden(
                f"Nobody can give what they do not have: `{permission}` is missing.",
                "Ask for fewer scopes.",
                permission=permission,
            )
        key = KEY_PREFIX + secrets.token_urlsafe(32)
        now = self._clock()
        days = wanted.expires_days
        record = ApiKey(
            owner=owner,
            name=wanted.name,
            prefix=key[:_SHOWN_CHARS],
            digest=digest_of(key),
            scopes=tuple(dict.fromkeys(wanted.scopes)),
            groups=tuple(dict.fromkeys(wanted.groups)),
            created_at=now,
            updated_at=now,
            expires_at=None if days is None else now + timedelta(days=days),
            created_by=principal.subject,
        )
        async with self._audit.recorded(Action.KEY_CREATED, record):
            await self._keys.add(record)
        return record, key

    async def list(self, owner: str | None, *, limit: int, cursor: str | None) -> Page[ApiKey]:
        """The keys of an owner, None for those of all; newest first, revoked ones among them."""
        where = None if owner is None else {"owner": owner}
        return await self._keys.list(where=where, limit=limit, cursor=cursor)

    async def revoke(self, owner: str | None, key_id: str) -> ApiKey:
        """End a key at once, in all processes. Revoking it again changes nothing.

        Args:
            owner: whose key it must be; None for anybody's.

        Raises:
            KeyNotFound: there is none with this id, or it is somebody else's.
        """
        key = await self._find(owner, key_id)
        if key.revoked_at is not None:
            return key
        # Cancelled in the middle, it is seen through: the trail says that it was done.
        return await see_through(self._revoke(owner, key))

    async def _revoke(self, owner: str | None, key: ApiKey) -> ApiKey:
        async with self._audit.recorded(Action.KEY_REVOKED, key):
            return await self._end(owner, key.id)

    async def _end(self, owner: str | None, key_id: str) -> ApiKey:
        for _ in range(_ATTEMPTS):
            key = await self._find(owner, key_id)
            if key.revoked_at is not None:
                return key
            try:
                return await self._keys.update(key.model_copy(update={"revoked_at": self._clock()}))
            except VersionConflict:
                continue  # its last use was written meanwhile
        raise Conflict("The key is being changed all the time.", "Try again.")

    async def exist(self) -> bool:
        """Whether anybody could call with a key."""
        return bool((await self._keys.list(where={"revoked_at": None}, limit=1)).items)

    async def _find(self, owner: str | None, key_id: str) -> ApiKey:
        key = await self._keys.get(key_id) if is_id(key_id) else None
        if key is None or owner not in (None, key.owner):
            raise KeyNotFound(
                f"There is no API key {key_id[:64]!r}.",
                "List the keys: GET /api/v1/keys, or `voice-cloning keys list`.",
            )
        return key
