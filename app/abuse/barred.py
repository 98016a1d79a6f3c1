"""Who is suspended, as every process knows it within a second."""

import asyncio
import time
from typing import Final

from app.core.clock import Clock
from app.core.exceptions import Suspended
from app.db.base import AnyOf, Collection, every
from app.models.access import Principal
from app.models.suspension import Suspension, SuspensionKind

FRESH_S: Final = 1.0
_PAGE: Final = 500
_KEY: Final = "key:"
_CALLERS: Final = AnyOf((SuspensionKind.OWNER, SuspensionKind.PRINCIPAL, SuspensionKind.KEY))


class Barred:
    """The suspended owners, principals and keys. Voices are not among them: they know themselves.

    All are read at once, at most once in `FRESH_S`, when somebody asks: one short query.
    """

    def __init__(
        self, suspensions: Collection[Suspension], *, clock: Clock = time.monotonic
    ) -> None:
        self._suspensions = suspensions
        self._clock = clock
        self._reading = asyncio.Lock()
        self._known: frozenset[tuple[SuspensionKind, str]] = frozenset()
        self._read_at: float | None = None
        self._changes = 0

    async def check(self, principal: Principal) -> None:
        """Refuse a caller who is suspended.

        Raises:
            Suspended: with no reason, which is for administrators.
            DatabaseError: nobody knows.
        """
        if await self.has(owner=principal.owner, subject=principal.subject):
            raise Suspended(
                "You may do nothing here for now.",
                "Ask an administrator of this server, who can lift the suspension.",
            )

    async def has(self, *, owner: str, subject: str | None = None) -> bool:
        """Whether an owner, or the principal that acts for it, is suspended.

        Raises:
            DatabaseError: nobody knows.
        """
        known = await self._fresh()
        if (SuspensionKind.OWNER, owner) in known:
            return True
        if subject is None:
            return False
        key = (SuspensionKind.KEY, subject.removeprefix(_KEY))
        return (SuspensionKind.PRINCIPAL, subject) in known or (
            subject.startswith(_KEY) and key in known
        )

    def changed(self) -> None:
        """A suspension was made or lifted here: the next who asks has it read again."""
        self._changes += 1
        self._read_at = None

    async def _fresh(self) -> frozenset[tuple[SuspensionKind, str]]:
        if self._is_fresh():
            return self._known
        async with self._reading:
            if not self._is_fresh():
                now, changes = self._clock(), self._changes
                self._known = await self._read()
                if changes == self._changes:
                    self._read_at = now
            return self._known

    def _is_fresh(self) -> bool:
        return self._read_at is not None and self._clock() - self._read_at < FRESH_S

    async def _read(self) -> frozenset[tuple[SuspensionKind, str]]:
        return frozenset(
            [
                (one.kind, one.subject)
                async for one in every(
                    lambda cursor: self._suspensions.list(
                        where={"kind": _CALLERS}, limit=_PAGE, cursor=cursor
                    )
                )
            ]
        )
