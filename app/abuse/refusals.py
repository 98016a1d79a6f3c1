"""Noting that a text was refused: in the audit trail and in the metrics, without the text."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from app.core.exceptions import Conflict, DatabaseError, TextBlocked
from app.core.metrics import Metrics
from app.db.audit import AuditTrail
from app.models.audit import Action
from app.models.base import Record
from app.models.voice import Voice


@dataclass(frozen=True, slots=True)
class Refusals:
    """Notes them."""

    audit: AuditTrail
    metrics: Metrics

    @asynccontextmanager
    async def noted(self, owner: str, voice: Voice | None) -> AsyncIterator[None]:
        """Note it if a text is blocked meanwhile.

        Args:
            voice: in which it was to be spoken, None for one that belongs to nobody.
        """
        try:
            yield
        except TextBlocked:
            await self.note(owner, voice)
            raise

    async def note(self, owner: str, voice: Voice | None) -> None:
        """A text was blocked. What cannot be written is logged: the refusal stands."""
        self.metrics.abuse(TextBlocked.code)
        with suppress(DatabaseError, Conflict):
            # Whoever asked is told of, not the owner of a voice that is shared with them.
            subject = Record(id=voice.id if voice else "-", owner=owner)
            await self.audit.record(Action.TEXT_BLOCKED, subject, outcome=TextBlocked.code)
