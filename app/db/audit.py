"""The audit trail: who did what, written before it is done."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final

from app.core.exceptions import Conflict, DatabaseError, code_of
from app.core.logging import actor, get_logger, request_id, source
from app.db.base import EXTENDED_AT_ONCE, Collection
from app.models.audit import DONE, Action, AuditEvent
from app.models.audit_chain import Link, chained
from app.models.base import Record

log = get_logger(__name__)

LONGEST: Final = 200
"""Characters of an actor or owner: one event must not spoil a transaction of many."""

# One that believes to be alone takes no lock, and may come before those who wait for it.
_TRIES: Final = 20


class AuditTrail:
    """Adds events. Who did it and in which request comes from the context of the call.

    Events that come while others are being written share the next transaction. Each is chained to
    the one before it, whichever process has written that.
    """

    def __init__(self, events: Collection[AuditEvent]) -> None:
        self._events = events
        self._waiting: list[tuple[AuditEvent, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._last = self._written = Link()
        self._alone = False  # whether nobody else has written since we did

    async def close(self) -> None:
        """Wait until all is written, also what nobody waits for any more."""
        if self._writer is not None:
            await asyncio.wait([self._writer])

    async def record(self, action: Action, subject: Record, *, outcome: str = DONE) -> None:
        """Add an event.

        Args:
            subject: the voice or key that it is about.
            outcome: `ok`, or the code of the error.

        Raises:
            DatabaseError: it is not written, and the log says so; do not go on.
        """
        event = AuditEvent(
            owner=subject.owner[:LONGEST],
            actor=actor.get()[:LONGEST],
            action=action,
            subject_id=subject.id,
            outcome=outcome,
            request_id=request_id.get(),
            source=source.get(),
        )
        try:
            await self._write(event)
        except (DatabaseError, Conflict) as error:
            log.error(  # noqa: TRY400 - the error itself is logged where it is answered
                "audit event not written",
                action=action.value,
                subject=subject.id,
                owner=subject.owner,
                actor=event.actor,
                outcome=outcome,
                code=error.code,
            )
            raise

    @asynccontextmanager
    async def recorded(self, action: Action, subject: Record) -> AsyncIterator[None]:
        """Add an event, then let it be done; a second event with the error's code if it fails.

        Raises:
            DatabaseError: the event is not written. Nothing was done.
        """
        await self.record(action, subject)
        try:
            yield
        except BaseException as error:
            with suppress(DatabaseError, Conflict):  # logged; the first error counts
                await self.record(action, subject, outcome=code_of(error))
            raise

    async def _write(self, event: AuditEvent) -> None:
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((event, written))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_waiting())
        await written

    async def _write_waiting(self) -> None:
        try:
            while self._waiting:
                batch = self._waiting[:EXTENDED_AT_ONCE]
                del self._waiting[:EXTENDED_AT_ONCE]
                work = self._append([event for event, _ in batch])
                (result,) = await asyncio.gather(work, return_exceptions=True)
                for _, written in batch:
                    if written.done():  # nobody waits any more
                        continue
                    if result is None:
                        written.set_result(None)
                    else:
                        written.set_exception(result)
        finally:
            self._writer = None

    async def _append(self, events: Sequence[AuditEvent]) -> None:
        """Add events behind the last one, whichever process has written it."""
        for _ in range(_TRIES):
            with suppress(Conflict):
                # Nothing is read, no lock is taken: a number can be had only once. For many events
                # a lock costs little, and the driver would log each time that they are refused.
                if self._alone and len(events) == 1:
                    await self._events.add_all(self._behind(self._last, events))
                else:
                    await self._events.extend("number", partial(self._behind_newest, events))
                self._last = self._written
                return
            self._alone = False
        raise DatabaseError(
            "Other processes write to the audit trail all the time.", "Try again in a moment."
        )

    def _behind_newest(
        self, events: Sequence[AuditEvent], newest: AuditEvent | None
    ) -> list[AuditEvent]:
        last = Link(newest.number, newest.digest) if newest else Link()
        self._alone = last == self._last
        # If the end was cut off meanwhile, the numbers that are missing stay missing.
        return self._behind(max(last, self._last, key=lambda link: link.number), events)

    def _behind(self, last: Link, events: Sequence[AuditEvent]) -> list[AuditEvent]:
        linked = list(chained(last, events))
        self._written = Link(linked[-1].number, linked[-1].digest)
        return linked
