"""Outputs are not recognised by their sound with Cosmos DB: their index wants an SQL database."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from app.core.exceptions import IdentifyUnavailable
from app.db.base import Heard
from app.fingerprint.landmarks import Landmarks
from app.fingerprint.matching import Hits
from app.models.output import Output


class NoOutputs:
    """Keeps none, and says so to who looks for some (`OutputStore`)."""

    async def add(self, heard: Sequence[Heard]) -> None:
        raise _unavailable()

    async def hits(self, clip: Landmarks) -> Hits:
        raise _unavailable()

    async def get(self, numbers: Iterable[int], *, owner: str | None) -> Mapping[int, Output]:
        raise _unavailable()

    async def oldest(self) -> datetime | None:
        return None

    async def expire(self, before: datetime) -> int:
        return 0


def _unavailable() -> IdentifyUnavailable:
    return IdentifyUnavailable(
        "With Cosmos DB as its database, this server does not recognise what it has spoken.",
        "POST /api/v1/watermark/detect tells whether it was made here. Recognising needs SQLite "
        "or PostgreSQL.",
    )
