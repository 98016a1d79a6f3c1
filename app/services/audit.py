"""Reading the audit trail."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from app.db.base import Collection, Page, Span
from app.models.audit import Action, AuditEvent


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which events: those that fit every field that is given.

    Attributes:
        since: the earliest moment.
        until: the moment before which they were written.
    """

    subject_id: str | None = None
    actor: str | None = None
    action: Action | None = None
    since: datetime | None = None
    until: datetime | None = None

    def where(self) -> dict[str, Any]:
        fields = asdict(self)
        span = Span(fields.pop("since"), fields.pop("until"))
        where = {name: value for name, value in fields.items() if value is not None}
        return where if span == Span() else {**where, "created_at": span}


class AuditService:
    """Shows the events of all owners: for those who may read the trail."""

    def __init__(self, events: Collection[AuditEvent]) -> None:
        self._events = events

    async def list(
        self, wanted: AuditFilter, *, limit: int, cursor: str | None
    ) -> Page[AuditEvent]:
        """Newest first.

        Raises:
            InvalidRequest: the cursor is not one of this list.
        """
        return await self._events.list(where=wanted.where(), limit=limit, cursor=cursor)
