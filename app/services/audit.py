"""The audit trail: read, verified, exported, shortened."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from app.core.clock import WallClock, utc_now
from app.core.exceptions import InvalidRequest
from app.core.logging import NOBODY
from app.core.tasks import in_thread, see_through
from app.db.audit import LONGEST, AuditTrail
from app.db.base import AuditLedger, Collection, Page, Span
from app.models.audit import Action, AuditEvent, AuditVerdict
from app.models.audit_chain import ERASED, Line, Link
from app.models.audit_check import ChainCheck
from app.models.base import LOCAL_OWNER, Record

_TRIES: Final = 3
_NOBODY: Final = (ERASED, LOCAL_OWNER, NOBODY)


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
    """The events of all owners: for those who may read the trail.

    Args:
        keep_days: how long events are kept; 0 for ever.
    """

    def __init__(
        self,
        events: Collection[AuditEvent],
        *,
        ledger: AuditLedger,
        trail: AuditTrail,
        keep_days: int = 0,
        clock: WallClock = utc_now,
    ) -> None:
        self._events = events
        self._ledger = ledger
        self._trail = trail
        self._keep_days = keep_days
        self._clock = clock

    async def list(
        self, wanted: AuditFilter, *, limit: int, cursor: str | None
    ) -> Page[AuditEvent]:
        """Newest first.

        Raises:
            InvalidRequest: the cursor is not one of this list.
        """
        return await self._events.list(where=wanted.where(), limit=limit, cursor=cursor)

    async def verify(self, expect: Link | None = None) -> AuditVerdict:
        """Whether all is as it was written. Reads everything, page by page.

        Args:
            expect: an event of which the digest was noted: it must still be there.
        """
        for _ in range(_TRIES):
            start = await self._ledger.checkpoint()
            verdict = await self._verified(start, expect)
            # Events that were removed meanwhile are not missing.
            if verdict.valid or await self._ledger.checkpoint() == start:
                break
        return verdict

    async def export(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> AsyncIterator[Sequence[Line]]:
        """The events between two moments, oldest first, page by page. Those among them that are
        a little older or younger come too, since the chain would have gaps without them.
        """
        first, last = await self._ledger.between(since, until)
        after: tuple[Any, str] | None = None
        while first <= last:
            page = await self._ledger.lines(after, since=first)
            yield [line for line in page.items if line.number <= last]
            if page.after is None or page.items[-1].number >= last:
                return
            after = page.after

    async def erase(self, subject: str) -> int:
        """Erase who or what is named so, in all events; says in how many. An event tells that it
        was done, not of whom.

        Args:
            subject: of a principal, an owner, the id of a voice, or an address.

        Raises:
            InvalidRequest: that is the name of nobody.
        """
        subject = subject.strip()[:LONGEST]
        if not subject or "\0" in subject or subject in _NOBODY:
            raise InvalidRequest(
                "Nobody is called so: there is nothing to erase.",
                "Name a principal or owner as the trail does, the id of a voice, or an address.",
            )
        return await see_through(self._erase(subject))

    async def expire(self) -> int:
        """Remove events that were kept long enough, by whole days, from the start of the trail on;
        says how many. An event tells of it.

        Raises:
            DatabaseError: a part was removed; the rest stays for the next time.
        """
        if not self._keep_days:
            return 0
        day = (self._clock() - timedelta(days=self._keep_days)).date()
        last = await self._ledger.last_before(datetime.combine(day, time(), tzinfo=UTC))
        if last <= (await self._ledger.checkpoint()).number:
            return 0
        async with self._trail.recorded(Action.AUDIT_EXPIRED, _trail_itself(str(last))):
            return await self._ledger.remove_up_to(last)

    async def _verified(self, start: Link, expect: Link | None) -> AuditVerdict:
        check = ChainCheck(start=start, expect=expect)
        page = await self._ledger.lines()
        await in_thread(None, _look_at, check, page.items)
        while page.after is not None:
            page = await self._ledger.lines(page.after)
            await in_thread(None, _look_at, check, page.items)
        return check.verdict()

    async def _erase(self, subject: str) -> int:
        async with self._trail.recorded(Action.AUDIT_ERASED, _trail_itself(NOBODY)):
            return await self._ledger.erase(subject)


def _look_at(check: ChainCheck, lines: Sequence[Line]) -> None:
    for line in lines:
        check.add(line)


def _trail_itself(told: str) -> Record:
    """What an event about the trail is about.

    Args:
        told: of it.
    """
    return Record(id=told, owner=LOCAL_OWNER)
