"""Raising flags: telling administrators that they should look at something."""

from typing import Any

from app.core.exceptions import Conflict
from app.core.logging import get_logger
from app.core.metrics import Metrics
from app.db.base import Collection
from app.models.flag import Flag, FlagKind

log = get_logger(__name__)


class Flags:
    """Keeps them, and counts them."""

    def __init__(self, flags: Collection[Flag], metrics: Metrics) -> None:
        self._flags = flags
        self._metrics = metrics

    async def show(
        self,
        kind: FlagKind,
        *,
        owner: str,
        subject: str,
        details: dict[str, Any],
        flag_id: str | None = None,
    ) -> Flag | None:
        """Raise a flag.

        Args:
            owner: whom it is about.
            details: figures and ids; in the log is nothing of them.
            flag_id: with one that is there already, nothing is raised.

        Raises:
            DatabaseError: it was not raised.
        """
        named = {} if flag_id is None else {"id": flag_id}
        flag = Flag(kind=kind, owner=owner, subject=subject, details=details, **named)
        return await self.add(flag)

    async def add(self, flag: Flag) -> Flag | None:
        """The same with one that is made."""
        try:
            await self._flags.add(flag)
        except Conflict:
            return None
        self._metrics.abuse(flag.kind.value)
        log.warning("flag raised", kind=flag.kind.value, flag=flag.id, owner=flag.owner)
        return flag
