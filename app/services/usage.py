"""Telling how much was spoken."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from app.core.clock import WallClock, utc_now
from app.core.exceptions import InvalidRequest
from app.db.base import Collection, Span, every
from app.models.history import UsageDay, UsageGroup, UsageItem, UsageReport, UsageTotals

_DAYS: Final = 30
_PAGE: Final = 500
_MAX_ITEMS: Final = 10_000

_Key = tuple[date | None, str | None, str | None]


@dataclass(frozen=True, slots=True)
class UsageFilter:
    """Which usage.

    Attributes:
        owner: whose; None: of all owners.
        since: first day; default: 30 days up to the last one.
        until: last day; default: today.
    """

    owner: str | None
    since: date | None = None
    until: date | None = None


async def _at_once() -> None: ...


class UsageService:
    """Adds up what was counted.

    Args:
        settle: is awaited before reading, and has written what waits to be.
    """

    def __init__(
        self,
        *,
        days: Collection[UsageDay],
        settle: Callable[[], Awaitable[None]] = _at_once,
        clock: WallClock = utc_now,
    ) -> None:
        self._days = days
        self._settle = settle
        self._clock = clock

    async def report(self, wanted: UsageFilter, group_by: Sequence[UsageGroup]) -> UsageReport:
        """Usage by day, voice or owner, newest first, with totals.

        What this process has counted is in it at once, what others have within seconds.

        Raises:
            InvalidRequest: the first day is after the last one, or it would be too long.
        """
        until = wanted.until or self._clock().date()
        since = wanted.since or _earlier(until, _DAYS - 1)
        if since > until:
            raise InvalidRequest("The first day is after the last one.", "Swap them.")
        await self._settle()
        totals, sums = UsageTotals(), dict[_Key, UsageTotals]()
        after = None if until == date.max else until + timedelta(days=1)
        where = {"day": Span(since, after)} | ({"owner": wanted.owner} if wanted.owner else {})
        async for day in every(
            lambda cursor: self._days.list(where=where, order="-day", limit=_PAGE, cursor=cursor)
        ):
            for sums_up in (totals, sums.setdefault(_key(day, group_by), UsageTotals())):
                _add(sums_up, day)
            if len(sums) > _MAX_ITEMS:
                raise InvalidRequest(
                    f"That would be more than {_MAX_ITEMS} lines.",
                    "Ask for fewer days, or group by less.",
                )
        return UsageReport(
            since=since,
            until=until,
            group_by=list(group_by),
            items=[_item(key, amount) for key, amount in sums.items()],
            totals=totals,
        )


def _earlier(day: date, days: int) -> date:
    return day - timedelta(days=min(days, (day - date.min).days))


def _key(day: UsageDay, group_by: Sequence[UsageGroup]) -> _Key:
    return (
        day.day if UsageGroup.DAY in group_by else None,
        day.voice_id if UsageGroup.VOICE in group_by else None,
        day.owner if UsageGroup.OWNER in group_by else None,
    )


def _add(amount: UsageTotals, day: UsageDay) -> None:
    amount.requests += day.requests
    amount.characters += day.characters
    amount.audio_s += day.audio_s


def _item(key: _Key, amount: UsageTotals) -> UsageItem:
    day, voice_id, owner = key
    return UsageItem(day=day, voice_id=voice_id, owner=owner, **amount.model_dump())
