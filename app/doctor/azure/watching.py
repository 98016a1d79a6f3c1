"""What the answers of a service had beside what was asked for. None of it is a secret, and nothing
of their bodies is looked at.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Final

_REQUEST_IDS: Final = ("apim-request-id", "x-requestid", "x-ms-request-id", "x-request-id",
                       "x-ms-activity-id")  # fmt: skip
_WAITS: Final = ("retry-after", "retry-after-ms", "x-ms-retry-after-ms")
_HASTY: Final = (429, 503)


class Watch:
    """Is told each answer."""

    def __init__(self) -> None:
        self._statuses: Counter[int] = Counter()
        self._ids: set[str] = set()
        self._waits: set[str] = set()
        self._hasty = 0
        self._units = 0.0
        self.metered: str | None = None
        """Characters that the last answer says were counted."""

    def __call__(self, status: int, headers: Mapping[str, str]) -> None:
        self._statuses[status] += 1
        self._ids.update(name for name in _REQUEST_IDS if headers.get(name))
        self._waits.update(name for name in _WAITS if headers.get(name))
        self._hasty += status in _HASTY
        self.metered = headers.get("x-metered-usage")
        charge = headers.get("x-ms-request-charge", "")
        if charge.replace(".", "", 1).isdecimal():
            self._units += float(charge)

    @property
    def answered(self) -> bool:
        return bool(self._statuses)

    def words(self) -> str:
        """All of it, in a line."""
        parts = [
            "statuses " + ", ".join(f"{one} x{n}" for one, n in sorted(self._statuses.items())),
            "number of the request in " + (", ".join(sorted(self._ids)) or "no known header"),
        ]
        if self._waits:
            parts.append(f"time to wait in {', '.join(sorted(self._waits))}")
        elif self._hasty:
            parts.append("Retry-After not seen, though some answers were 429 or 503")
        else:
            parts.append("Retry-After not seen, as nothing was refused for haste")
        if self._units:
            parts.append(f"{self._units:.0f} request units")
        return "; ".join(parts) + "."
