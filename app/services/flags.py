"""What administrators look at: flags, and the reports that make some of them."""

from collections.abc import Mapping
from typing import Any

from app.abuse.flags import Flags
from app.core.clock import WallClock, utc_now
from app.core.exceptions import Conflict, FlagNotFound
from app.core.ids import is_id
from app.core.tasks import see_through
from app.db.audit import AuditTrail
from app.db.base import Collection, Page
from app.models.access import Principal
from app.models.audit import Action
from app.models.flag import Flag, FlagKind, FlagStatus, NewReport


class FlagService:
    """Shows flags of all owners, and closes them; takes reports."""

    def __init__(
        self,
        *,
        flags: Collection[Flag],
        raised: Flags,
        audit: AuditTrail,
        clock: WallClock = utc_now,
    ) -> None:
        self._flags = flags
        self._raised = raised
        self._audit = audit
        self._clock = clock

    async def list(self, where: Mapping[str, Any], *, limit: int, cursor: str | None) -> Page[Flag]:
        """Newest first."""
        return await self._flags.list(where=where, limit=limit, cursor=cursor)

    async def close(self, principal: Principal, flag_id: str, note: str | None) -> Flag:
        """Say that somebody has looked.

        Raises:
            FlagNotFound: there is none with this id.
            Conflict: it was closed already.
        """
        flag = await self._flags.get(flag_id) if is_id(flag_id) else None
        if flag is None:
            raise FlagNotFound(f"There is no flag {flag_id[:64]!r}.", "GET /api/v1/flags.")
        if flag.status is FlagStatus.CLOSED:
            raise Conflict("The flag was closed already.", "GET /api/v1/flags tells by whom.")
        closed = flag.model_copy(
            update={
                "status": FlagStatus.CLOSED,
                "decided_by": principal.subject,
                "decided_at": self._clock(),
                "note": note,
            }
        )
        return await see_through(self._close(closed))

    async def report(self, principal: Principal, report: NewReport) -> Flag:
        """Take down what somebody reports. Whether what it names is there, nobody is told."""
        flag = Flag(
            owner=principal.owner,
            kind=FlagKind.REPORT,
            subject=report.voice_id or report.request_id or "-",
            details={"reporter": principal.subject, **report.model_dump(exclude_none=True)},
        )
        return await see_through(self._report(flag))

    async def _close(self, flag: Flag) -> Flag:
        async with self._audit.recorded(Action.FLAG_CLOSED, flag):
            return await self._flags.update(flag)

    async def _report(self, flag: Flag) -> Flag:
        async with self._audit.recorded(Action.REPORT_MADE, flag):
            return await self._raised.add(flag) or flag
