"""How long to wait before a request to another service is sent again."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final

from app.core.clock import utc_now

_LONGEST_WAIT_S: Final = 86_400.0
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
# The more exact ones first: those of Cosmos DB and of Azure OpenAI, then that of RFC 9110.
_NAMES: Final = (("x-ms-retry-after-ms", 0.001), ("retry-after-ms", 0.001), ("retry-after", 1.0))


@dataclass(frozen=True, slots=True)
class Pauses:
    """Pauses that grow, with some chance in them: who failed at the same moment comes back at
    different ones.

    Attributes:
        first_s: the first, at most.
        longest_s: any, at most.
        growth: from one to the next.
    """

    first_s: float
    longest_s: float
    growth: float = 2.0

    def after(self, tried: int, asked_s: float | None = None) -> float:
        """Seconds to wait after so many tries: as many as were asked for, if any were."""
        if asked_s is not None:
            return asked_s
        most = min(self.longest_s, self.first_s * self.growth ** (tried - 1))
        return most * random.uniform(0.5, 1.0)  # noqa: S311 - not a secret


def asked_wait_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that an answer asks to be waited, a day at most; None if it does not say.

    Args:
        headers: found by names in lower case, as httpx2 finds them.
    """
    for name, unit in _NAMES:
        if _NUMBER.fullmatch(text := headers.get(name, "").strip()):
            return min(float(text) * unit, _LONGEST_WAIT_S)
    try:
        when = parsedate_to_datetime(headers.get("retry-after", ""))
        return min(max(0.0, (when - utc_now()).total_seconds()), _LONGEST_WAIT_S)
    except (ValueError, TypeError, OverflowError):  # no date, or one without a usable time zone
        return None
