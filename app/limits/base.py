"""What limits a caller: buckets that fill by themselves, and that requests draw on."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

WINDOW_S: Final = 60
"""Limits are per minute: in this time an empty bucket fills."""

ROUNDING: Final = 1e-5
"""What may be missing: fractions are not exact."""


class Rate(StrEnum):
    """What is limited: each caller has a bucket for each."""

    DEFAULT = "default"
    SYNTHESIS = "synthesis"
    TRAINING = "training"
    CHARACTERS = "characters"
    REPORTS = "reports"
    AUTHENTICATION = "authentication"
    """Failed attempts from one address."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of drawing on a bucket.

    Attributes:
        allowed: it held enough; if not, nothing was taken.
        left: what it holds now, in units of the limit.
    """

    allowed: bool
    left: float


class Buckets(Protocol):
    """Token buckets by name. One that nobody has drawn on for a minute is full."""

    async def take(self, name: str, *, limit: int, cost: int) -> Taken | None:
        """Draw on a bucket that holds `limit` and fills in a minute. The limit may be another
        each time: what is in the bucket stays, as far as there is room.

        Returns:
            None if the store of the buckets does not answer.
        """
        ...

    async def close(self) -> None: ...


class LimitObserver(Protocol):
    """Is told what happens, as it happens."""

    def refused(self, rate: Rate) -> None:
        """A request was refused."""

    def failed(self) -> None:
        """A request was let pass because the store of the buckets did not answer."""
