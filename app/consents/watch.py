"""Looking again at voices that are being spoken: what is revoked must fall silent everywhere."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from app.consents.permit import Permit
from app.core.exceptions import AppError, DatabaseError
from app.core.logging import get_logger
from app.db.base import AnyOf, Collection
from app.models.voice import Voice

log = get_logger(__name__)

_LOOK_S: Final = 0.5
_MOST: Final = 500  # in one query


class Watched:
    """Voices of one request.

    Attributes:
        ids: of the voices.
    """

    def __init__(self, ids: frozenset[str]) -> None:
        self.ids = ids
        self._error: AppError | None = None

    def stop(self, error: AppError) -> None:
        self._error = error

    def check(self) -> None:
        """Raise why a voice may not speak any more, `ConsentRequired` or `VoiceSuspended`."""
        if self._error is not None:
            raise self._error


class VoiceWatch:
    """Asks the database from time to time, while anything is spoken: another process may have
    stopped a voice.
    """

    def __init__(self, voices: Collection[Voice], permit: Permit) -> None:
        self._voices = voices
        self._permit = permit
        self._spoken: set[Watched] = set()
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def speaking(self, voices: Iterable[Voice]) -> Iterator[Watched]:
        """Watch voices meanwhile; ask the result before each sound that leaves the house."""
        watched = Watched(frozenset(voice.id for voice in voices))
        self._spoken.add(watched)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look())
        try:
            yield watched
        finally:
            self._spoken.discard(watched)

    async def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _look(self) -> None:
        while self._spoken:
            await asyncio.sleep(_LOOK_S)
            ids = sorted(set().union(*(watched.ids for watched in self._spoken)))
            try:
                for start in range(0, len(ids), _MOST):
                    await self._look_at(ids[start : start + _MOST])
            except DatabaseError as error:  # it is looked again soon
                log.warning("voices that speak could not be looked at", detail=error.detail)

    async def _look_at(self, ids: list[str]) -> None:
        found = await self._voices.list(where={"id": AnyOf(tuple(ids))}, limit=_MOST)
        for voice in found.items:
            try:
                self._permit.check(voice)
            except AppError as error:
                for watched in self._spoken:
                    if voice.id in watched.ids:
                        watched.stop(error)
