"""How much was spoken: counted in memory, added up in the database from time to time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID, uuid5

from app.core.clock import WallClock, utc_now
from app.core.exceptions import Conflict, DatabaseError, NotFound
from app.db.base import Collection
from app.models.history import UsageDay

_NAMESPACE: Final = UUID("0f6a3f0e-7c1d-5e0a-9b43-2d8c1a6b7e55")
Added = Callable[[str, date, int], Awaitable[None]]

_TRIES: Final = 100  # when other processes add to the same record


@dataclass(slots=True)
class _Amount:
    requests: int = 0
    characters: int = 0
    audio_s: float = 0.0

    def add(self, other: "_Amount") -> None:
        self.requests += other.requests
        self.characters += other.characters
        self.audio_s += other.audio_s


@dataclass(frozen=True, slots=True)
class _Key:
    owner: str
    day: date
    voice_id: str

    @property
    def record_id(self) -> str:
        """The same in all processes, so that all add to one record."""
        return str(uuid5(_NAMESPACE, f"{self.owner} {self.day.isoformat()} {self.voice_id}"))


async def _nobody(owner: str, day: date, characters: int) -> None: ...


class UsageCounters:
    """Counts by owner, day (UTC) and voice. Who counts has to `flush`, now and then and at the end:
    what was not, a killed process takes with it.

    Args:
        added: is told of characters that were added to the day of an owner.
    """

    def __init__(
        self,
        days: Collection[UsageDay],
        *,
        clock: WallClock = utc_now,
        added: Added = _nobody,
    ) -> None:
        self._days = days
        self._clock = clock
        self._added = added
        self._waiting: dict[_Key, _Amount] = {}
        self._flushing = asyncio.Lock()

    @property
    def waiting(self) -> bool:
        """Whether there is something to flush."""
        return bool(self._waiting)

    def count(self, owner: str, voice_id: str, *, characters: int, audio_s: float) -> None:
        """Count a request."""
        key = _Key(owner, self._clock().date(), voice_id)
        self._waiting.setdefault(key, _Amount()).add(_Amount(1, characters, audio_s))

    async def flush(self) -> None:
        """Add what was counted to the records. Do not cancel it.

        Raises:
            DatabaseError: what could not be added is kept for the next time.
        """
        async with self._flushing:
            for key in list(self._waiting):
                amount = self._waiting.pop(key)
                try:
                    await self._add(key, amount)
                except DatabaseError:
                    self._waiting.setdefault(key, _Amount()).add(amount)
                    raise
                await self._added(key.owner, key.day, amount.characters)

    async def _add(self, key: _Key, amount: _Amount) -> None:
        for _ in range(_TRIES):
            stored = await self._days.get(key.record_id)
            try:
                if stored is None:
                    await self._days.add(_record(key, amount))
                else:
                    await self._days.update(_sum(stored, amount))
            except (Conflict, NotFound):  # somebody else was faster
                continue
            return
        raise DatabaseError("The usage of a day is written by too many at once.", "Try again.")


def _record(key: _Key, amount: _Amount) -> UsageDay:
    return UsageDay(
        id=key.record_id,
        owner=key.owner,
        day=key.day,
        voice_id=key.voice_id,
        requests=amount.requests,
        characters=amount.characters,
        audio_s=amount.audio_s,
    )


def _sum(stored: UsageDay, amount: _Amount) -> UsageDay:
    return stored.model_copy(
        update={
            "requests": stored.requests + amount.requests,
            "characters": stored.characters + amount.characters,
            "audio_s": stored.audio_s + amount.audio_s,
        }
    )
