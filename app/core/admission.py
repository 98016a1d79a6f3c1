"""A bound on how much is done at once: more is sent away, so that nothing grows without end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.core.exceptions import EngineBusy


class Admission:
    """Counts in and out, on one event loop.

    Args:
        limit: how many may be inside.
        doing: what they are, for the error, e.g. `requests are being spoken`.
        retry_after_s: gives what the one sent away is told, in whole seconds.
    """

    def __init__(self, limit: int, *, doing: str, retry_after_s: Callable[[], int]) -> None:
        self._limit = limit
        self._doing = doing
        self._retry_after_s = retry_after_s
        self._inside = 0

    @property
    def inside(self) -> int:
        """How many are inside."""
        return self._inside

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Be inside.

        Raises:
            EngineBusy: there are as many as may be.
        """
        if self._inside >= self._limit:
            raise EngineBusy(
                f"{self._inside} {self._doing}.",
                "Try again after the seconds of `Retry-After`.",
                retry_after_s=self._retry_after_s(),
            )
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
