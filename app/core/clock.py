"""What time it is, for those whose tests tell it otherwise."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], float]
"""Seconds since some moment; never runs backwards."""

WallClock = Callable[[], datetime]
"""The moment it is."""


def utc_now() -> datetime:
    return datetime.now(UTC)
