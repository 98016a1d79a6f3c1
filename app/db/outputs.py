"""How outputs sound: an index of their landmarks, and the search in it."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final, TypeVar

import numpy as np
from sqlalchemy import and_, delete, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from app.core.exceptions import Conflict
from app.core.tracing import traced
from app.db.base import Heard
from app.db.engine import IMMEDIATE
from app.db.errors import database_errors
from app.db.tables import landmarks as _landmarks
from app.db.tables import outputs as _outputs
from app.fingerprint.landmarks import KEYS, Landmarks
from app.fingerprint.matching import Hits, joined
from app.models.output import Output

_ROWS: Final = 5_000  # of one statement
_ASKED: Final = 1_000  # keys of one query
_RANGES: Final = 64  # in which the index is swept: nobody waits long for the table

_T = TypeVar("_T")


class SqlOutputStore:
    """Outputs and their landmarks, in two tables. See `OutputStore` for what the methods
    promise.
    """

    def __init__(self, engine: AsyncEngine, *, writers: asyncio.Semaphore) -> None:
        self._reader = engine
        self._writer = engine.execution_options(**{IMMEDIATE: True})
        self._writers = writers

    @traced("database.add_outputs")
    async def add(self, heard: Sequence[Heard]) -> None:
        """Add outputs: all, or none on an error.

        Raises:
            Conflict: one of them is there.
            InvalidRequest: a value cannot be stored.
        """
        with database_errors():
            try:
                async with self._writers, self._writer.begin() as connection:
                    for one in heard:
                        await _add(connection, one)
            except IntegrityError as error:
                raise Conflict("An output with this id exists.") from error

    @traced("database.search_outputs")
    async def hits(self, clip: Landmarks) -> Hits:
        """All that a clip shares with outputs, wherever it lies: some thousands for 3 s of speech
        among ten thousand outputs, and ten times as many for ten times as much of either.
        """
        rows: list[tuple[int, int, int]] = []
        with database_errors():
            async with self._reader.connect() as connection:
                for keys in _parts(np.unique(clip.keys).tolist(), _ASKED):
                    query = select(*_landmarks.c).where(_landmarks.c.key.in_(keys))
                    rows += [tuple(row) for row in await connection.execute(query)]
        return joined(clip, np.array(rows, np.int64).reshape(-1, 3))

    async def get(self, numbers: Iterable[int], *, owner: str | None) -> Mapping[int, Output]:
        """Those that are there, by number.

        Args:
            numbers: some hundred at most.
            owner: whose they must be; None for anybody's.
        """
        query = select(_outputs).where(_outputs.c.number.in_(list(numbers)))
        if owner is not None:
            query = query.where(_outputs.c.owner == owner)
        with database_errors():
            async with self._reader.connect() as connection:
                rows = (await connection.execute(query)).all()
        return {row.number: Output.model_validate(dict(row._mapping)) for row in rows}

    async def oldest(self) -> datetime | None:
        """When the oldest output was made; None if there is none."""
        with database_errors():
            async with self._reader.connect() as connection:
                found: datetime | None = await connection.scalar(
                    select(func.min(_outputs.c.created_at))
                )
        return found

    async def expire(self, before: datetime) -> int:
        """Delete what was made before that; says how many outputs there were.

        The landmarks go first and in parts: what is broken off is gone on with the next time.
        """
        old = select(_outputs.c.number).where(_outputs.c.created_at < before)
        bounds = [number * KEYS // _RANGES for number in range(_RANGES + 1)]
        with database_errors():
            for low, high in pairwise(bounds):
                here = and_(_landmarks.c.key >= low, _landmarks.c.key < high)
                async with self._writers, self._writer.begin() as connection:
                    await connection.execute(
                        delete(_landmarks).where(here, _landmarks.c.output.in_(old))
                    )
            async with self._writers, self._writer.begin() as connection:
                gone = await connection.execute(
                    delete(_outputs).where(_outputs.c.created_at < before)
                )
        return gone.rowcount


async def _add(connection: AsyncConnection, heard: Heard) -> None:
    made = insert(_outputs).values(heard.output.model_dump()).returning(_outputs.c.number)
    number = await connection.scalar(made)
    pairs = zip(heard.landmarks.keys.tolist(), heard.landmarks.frames.tolist(), strict=True)
    # Sorted, as the index is; none twice, as may be where two sentences meet.
    rows = [{"key": key, "output": number, "frame": frame} for key, frame in sorted(set(pairs))]
    for some in _parts(rows, _ROWS):
        await connection.execute(insert(_landmarks), some)


def _parts(items: list[_T], size: int) -> Iterator[list[_T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
