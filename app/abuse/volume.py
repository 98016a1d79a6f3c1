"""Noticing that an owner has far more spoken than usual."""

from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import Final
from uuid import UUID, uuid5

from app.abuse.flags import Flags
from app.core.config import Settings
from app.db.base import Collection, Span
from app.models.flag import FlagKind
from app.models.history import UsageDay

_NAMESPACE: Final = UUID("5b1f0c9e-8a0d-5d4e-9a55-7f2f5c1e3a60")
_DAYS: Final = 14
_STEPS: Final = 20


@dataclass(frozen=True, slots=True)
class VolumeRules:
    """What is unusual: so many characters on one day (UTC).

    Attributes:
        daily: more than these; 0: any number is usual.
        factor: more than so many times the median of the 14 days before, days without use among
            them; 0: it does not matter.
        floor: fewer are never unusual by `factor`.
    """

    daily: int = 0
    factor: float = 0.0
    floor: int = 0

    @classmethod
    def of(cls, settings: Settings) -> "VolumeRules":
        return cls(
            settings.alert_daily_characters,
            settings.alert_volume_factor,
            settings.alert_volume_floor,
        )

    @property
    def least(self) -> int | None:
        """What is usual in any case; None if everything is."""
        limits = [self.daily] if self.daily else []
        limits += [self.floor] if self.factor else []
        return min(limits, default=None)


class VolumeWatch:
    """Is told of all that is added to the usage; raises one flag for an owner and a day.

    It looks whenever an owner has had a twentieth of the least unusual number spoken since it
    looked last: each process may be late by that much, and the database is hardly asked.
    """

    def __init__(self, days: Collection[UsageDay], flags: Flags, rules: VolumeRules) -> None:
        self._days = days
        self._flags = flags
        self._rules = rules
        self._day = date.min
        self._unseen: dict[str, int] = {}
        self._done: set[str] = set()

    async def added(self, owner: str, day: date, characters: int) -> None:
        """So many characters were added to the day of an owner.

        Raises:
            DatabaseError: nobody has looked; it looks with what is added next.
        """
        least = self._rules.least
        if least is None or day < self._day:
            return
        if day > self._day:
            self._day, self._unseen, self._done = day, {}, set()
        if owner in self._done:
            return
        unseen = self._unseen[owner] = self._unseen.get(owner, 0) + characters
        if unseen * _STEPS < least:
            return
        await self._look(owner, day)
        self._unseen[owner] = 0

    async def _look(self, owner: str, day: date) -> None:
        where = {"owner": owner, "day": day}
        today = sum(
            int(one.sums[0])
            for one in await self._days.tally(["day"], where=where, sums=["characters"])
        )
        rules = self._rules
        if rules.daily and today > rules.daily:
            await self._flag(owner, day, {"characters": today, "limit": rules.daily})
        elif rules.factor and today > rules.floor:
            usual = await self._usual(owner, day)
            limit = round(max(rules.floor, rules.factor * usual))
            if today > limit:
                told = {"characters": today, "limit": limit, "median": usual}
                await self._flag(owner, day, told)

    async def _usual(self, owner: str, day: date) -> float:
        where = {"owner": owner, "day": Span(day - timedelta(days=_DAYS), day)}
        used = [
            one.sums[0] for one in await self._days.tally(["day"], where=where, sums=["characters"])
        ]
        return float(median([*used, *[0] * (_DAYS - len(used))]))

    async def _flag(self, owner: str, day: date, told: dict[str, int | float]) -> None:
        await self._flags.show(
            FlagKind.UNUSUAL_VOLUME,
            owner=owner,
            subject=owner,
            details={"day": day.isoformat(), **told},
            flag_id=str(uuid5(_NAMESPACE, f"{owner} {day.isoformat()}")),
        )
        self._done.add(owner)
