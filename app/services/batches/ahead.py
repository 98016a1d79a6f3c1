"""Items of a part that an engine has spoken ahead, all in one go, where that is worth while."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from app.core.exceptions import AppError, DatabaseError, StorageError
from app.core.logging import get_logger
from app.db.base import Collection
from app.db.voices import VoiceReach
from app.engines.ahead import SpeaksAhead
from app.engines.base import Engine, SynthesisRequest
from app.jobs.base import JobRun
from app.models.access import Party
from app.models.batch import BatchItem
from app.models.speech import SpeechRequest
from app.models.voice import Voice
from app.services.batches.records import OPEN, in_order, party_of

log = get_logger(__name__)


class Asks(Protocol):
    """Knows what an engine will be asked."""

    async def engine_requests(
        self, voice: Voice, request: SpeechRequest, *, by: Party
    ) -> Sequence[SynthesisRequest]:
        """What the engine would be asked to speak, in order; nothing is spoken. Of a text that
        others words will be made of there is nothing.

        Raises:
            as `Speaker.speak`
        """
        ...


@dataclass(frozen=True, slots=True)
class AheadBench:
    """What speaks ahead, and what says what. `reach`: finds voices."""

    engine: SpeaksAhead
    asks: Asks
    items: Collection[BatchItem]
    reach: VoiceReach

    @classmethod
    def of(
        cls, engine: Engine, asks: Asks, items: Collection[BatchItem], reach: VoiceReach
    ) -> "AheadBench | None":
        """None where the engine does not speak ahead, or is not to."""
        if not isinstance(engine, SpeaksAhead) or not engine.ahead_from:
            return None
        return cls(engine, asks, items, reach)

    @asynccontextmanager
    async def part(self, run: JobRun) -> AsyncIterator[None]:
        """While it is open, the items of a part are spoken from what was spoken ahead. Whatever
        was not is spoken as usual.
        """
        left, first = await self._requests(run)
        name = f"{run.job.id}-{run.part}"
        async with self.engine.speak_ahead(left, name=name, before=first, keep=_comes_back(run)):
            yield

    async def _requests(self, run: JobRun) -> tuple[list[SynthesisRequest], list[SynthesisRequest]]:
        """Of the items that are left to do, and of all that are known still."""
        left: list[SynthesisRequest] = []
        first: list[SynthesisRequest] = []
        by = party_of(run.job)
        where = {"batch_id": run.job.subject_id, "part": run.part}
        async for item in in_order(self.items, where):
            asked = await self._asked(item, by)
            first += asked
            if item.status in OPEN:
                left += asked
        return left, first

    async def _asked(self, item: BatchItem, by: Party) -> Sequence[SynthesisRequest]:
        """Nothing if it cannot be told: its turn will come, and with it what is wrong."""
        if not (item.request.get("text") or item.request.get("ssml")):
            return []  # it was spoken, and its text was not to be kept
        try:
            voice = await self.reach.find(by, item.voice_id)
            request = SpeechRequest.model_validate(item.request)
            return await self.asks.engine_requests(voice, request, by=by)
        except DatabaseError:
            raise
        except AppError:
            return []
        except Exception:  # of one item; the others are not to blame
            log.exception("an item cannot be planned", batch=item.batch_id, position=item.position)
            return []


def _comes_back(run: JobRun) -> Callable[[BaseException], Awaitable[bool]]:
    """Whether somebody goes on with the job: its worker is stopped, or a database is away."""

    async def answer(error: BaseException) -> bool:
        if isinstance(error, DatabaseError | StorageError):
            return True
        if isinstance(error, Exception):
            return False
        try:
            now = await run.board.find(run.job.id)
        except DatabaseError:
            return True
        if now is None or now.ended or now.cancel_requested:
            return False
        return now.runs == run.job.runs

    return answer
