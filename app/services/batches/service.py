"""Batches: begun, shown, fetched, cancelled, tried again, deleted."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from app.audio.encode import check_rate, content_type
from app.core.clock import WallClock, utc_now
from app.core.exceptions import (
    AppError,
    AudioNotKept,
    BatchNotFound,
    DatabaseError,
    JobEnded,
    JobNotFound,
    JobRunning,
    NotFound,
)
from app.core.ids import is_id
from app.core.logging import request_id
from app.core.tasks import in_thread, see_through
from app.db.base import Collection, Page, Span
from app.jobs.base import JobRun
from app.jobs.board import JobBoard
from app.models.access import Party
from app.models.batch import Batch, BatchItem, ItemStatus
from app.models.batch_details import BatchDetails, BatchPage, Chapter, ItemPage
from app.models.batch_request import BatchDefaults, BatchRequest
from app.models.charge import Charge, for_nothing
from app.models.job import Job, JobStatus
from app.models.link import DownloadLink
from app.provenance.claim import Claim
from app.provenance.credentials import Credentials
from app.services.batches.check import ItemCheck, Place, number_of_items
from app.services.batches.joined import Joined, Zip, chapters_of, voices_of
from app.services.batches.making import batch_and_job, fingerprint_of, items_of
from app.services.batches.records import (
    in_order,
    let_go,
    output_name,
    requeue,
    standing,
    status_of,
)
from app.services.batches.views import PATH, batch_details, item_details
from app.services.batches.work import Bench, PartWork
from app.storage.links import download_link

_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """What may be asked for.

    Attributes:
        max_items: of one batch.
        ttl_hours: where the request does not say.
        sample_rate: of the engine, in Hz.
    """

    max_items: int = 1000
    ttl_hours: float = 168.0
    sample_rate: int = 24_000


@dataclass(frozen=True, slots=True)
class Download:
    """A file, made while it is sent, and what it is called."""

    body: AsyncGenerator[bytes, None]
    media_type: str
    filename: str


class BatchService:
    """Batches of the callers, and the handler of their jobs."""

    def __init__(
        self,
        *,
        batches: Collection[Batch],
        board: JobBoard,
        bench: Bench,
        options: BatchOptions,
        credentials: Credentials | None = None,
        clock: WallClock = utc_now,
    ) -> None:
        self._batches = batches
        self._board = board
        self._bench = bench
        self._items = bench.items
        self._outputs = bench.outputs
        self._options = options
        ahead = bench.ahead is not None
        self._made = partial(batch_and_job, ttl_hours=options.ttl_hours, ahead=ahead)
        self._credentials = credentials or Credentials("never")
        self._clock = clock

    async def submit(
        self,
        by: Party,
        request: BatchRequest,
        *,
        key: str | None = None,
        places: Sequence[Place] | None = None,
        charge: Charge = for_nothing,
    ) -> tuple[BatchDetails, Job]:
        """Begin a batch: all of it, or nothing. The same key again gives the same batch.

        Args:
            by: who asks.
            key: of idempotency.
            places: where each item stands in what was sent.
            charge: is awaited with the number of characters before anything is begun.

        Raises:
            InvalidRequest: naming the items that cannot be spoken.
            VoiceNotFound: that of the whole batch is not there.
            UnsupportedFormat: the one file of all cannot have that rate.
            WebhookRefused, IdempotencyMismatch, TooManyJobs: as the board says.
            EngineUnavailable: nothing can be checked now.
            DatabaseError: nothing was begun, or it was and runs: ask again with the same key.
        """
        if first := await self._board.known(by.owner, key, fingerprint_of(request)):
            return await self._known(first)
        number_of_items(len(request.items), self._options.max_items)
        await self._board.check_webhook(request.webhook_url)
        if request.concatenate:
            self._joined_rate(request)
        orders = await ItemCheck(request, places).orders(by, self._bench.reach, self._bench.speaker)
        batch, job = self._made(by, request, now=self._clock(), key=key)
        await charge(batch.characters)
        stored = await see_through(self._store(batch, job, items_of(batch, job, request, orders)))
        if stored.id != job.id:
            return await self._known(stored)
        return await self._details(batch, stored), stored

    async def get(self, owner: str, batch_id: str) -> BatchDetails:
        """A batch, and how far it is.

        Raises:
            BatchNotFound: there is none with this id, or it is somebody else's.
        """
        batch, job = await self._found(owner, batch_id)
        return await self._details(batch, job, await self._chapters(batch, job))

    async def list(self, owner: str, *, limit: int, cursor: str | None) -> BatchPage:
        """The owner's batches, newest first."""
        page = await self._batches.list(where={"owner": owner}, limit=limit, cursor=cursor)
        shown = [
            await self._details(batch, job)
            for batch in page.items
            if (job := await self._board.find(batch.job_id))  # else it is being begun, or deleted
        ]
        return BatchPage(items=shown, cursor=page.cursor)

    async def items(
        self,
        owner: str,
        batch_id: str,
        *,
        status: ItemStatus | None,
        limit: int,
        cursor: str | None,
    ) -> ItemPage:
        """Items of a batch, in order.

        Raises:
            BatchNotFound: there is none with this id, or it is somebody else's.
        """
        batch, job = await self._found(owner, batch_id)
        where = {"batch_id": batch.id} | ({} if status is None else {"status": status})
        page: Page[BatchItem] = await self._items.list(
            where=where, order="position", limit=limit, cursor=cursor
        )
        return ItemPage(items=[item_details(item, job) for item in page.items], cursor=page.cursor)

    async def item_audio(self, owner: str, batch_id: str, position: int) -> tuple[BatchItem, bytes]:
        """An item that was spoken, and its audio.

        Raises:
            BatchNotFound, NotFound: there is no such batch, or item in it.
            AudioNotKept: it is not spoken yet, has failed, or its audio is gone.
        """
        item, output = await self._item(owner, batch_id, position)
        try:
            return item, await self._outputs.get(output)
        except FileNotFoundError as error:
            raise _gone() from error

    async def item_link(
        self, owner: str, batch_id: str, position: int, seconds: int
    ) -> DownloadLink:
        """An address of the audio of an item that was spoken, for so long.

        Raises:
            BatchNotFound, NotFound, AudioNotKept: as `item_audio`.
            LinksUnsupported: the store gives none.
        """
        item, output = await self._item(owner, batch_id, position)
        kind = item.content_type or ""
        try:
            return await download_link(
                self._outputs, output, seconds, content_type=kind, now=self._clock()
            )
        except FileNotFoundError as error:
            raise _gone() from error

    async def _item(self, owner: str, batch_id: str, position: int) -> tuple[BatchItem, str]:
        """An item, and the name of its audio."""
        batch, job = await self._found(owner, batch_id)
        where = {"batch_id": batch.id, "position": position}
        found = (await self._items.list(where=where, order="position", limit=1)).items
        if not found:
            raise NotFound(f"The batch has no item {position}; it has {batch.total}, from 0.")
        item = found[0]
        if item.status is not ItemStatus.SUCCEEDED or item.output is None:
            raise AudioNotKept(f"The item is {status_of(item, job).value}: there is no audio.")
        return item, item.output

    async def result(self, owner: str, batch_id: str) -> Download:
        """A zip of all that is done by now, with a manifest.

        Raises:
            BatchNotFound: there is none with this id, or it is somebody else's.
        """
        batch, job = await self._found(owner, batch_id)
        chapters = await self._chapters(batch, job)
        body = Zip(self._outputs, batch, job).encoded(
            in_order(self._items, {"batch_id": batch.id}), chapters
        )
        return Download(body, "application/zip", f"batch-{batch.id}.zip")

    async def audio(self, owner: str, batch_id: str) -> Download:
        """One file of all items that were spoken.

        Raises:
            BatchNotFound: there is none with this id, or it is somebody else's.
            JobRunning: it is not done.
            AudioNotKept: it was not asked for, or there is no audio.
            ProvenanceUnavailable: it has to be signed, and cannot be.
        """
        batch, job = await self._found(owner, batch_id)
        options = BatchDefaults.model_validate(batch.options)
        if not options.concatenate:
            raise AudioNotKept(
                "One file of all items was not asked for.", "Send `concatenate: true` with a batch."
            )
        if not job.ended:
            raise JobRunning(
                "The batch is not done.", "Wait for its end; `result` has what is done."
            )
        items = await self._spoken(batch)
        if not items:
            raise AudioNotKept("No item was spoken.", "The items tell why.")
        fmt, rate = options.concatenate_format, self._joined_rate(options)
        joined = Joined(self._outputs, items, fmt, rate, options.pause_s)
        await joined.check()
        body = joined.encoded()
        if joined.signed_by(self._credentials):
            self._credentials.check(fmt.audio)
            voices = await in_thread(None, voices_of, items)
            body = joined.signed(self._credentials, Claim(voices, request_id.get(), batch.id))
        return Download(body, content_type(fmt.audio, rate), f"batch-{batch.id}.{fmt}")

    async def cancel(self, owner: str, batch_id: str) -> BatchDetails:
        """Cancel a batch; what was done is kept.

        Raises:
            BatchNotFound: there is none with this id, or it is somebody else's.
            JobEnded: there is nothing to cancel.
        """
        batch, _ = await self._found(owner, batch_id)
        return await self._details(batch, await self._board.cancel(owner, batch.job_id))

    async def retry(self, by: Party, batch_id: str) -> BatchDetails:
        """Speak the items that failed or were cancelled once more; the others are kept.

        Raises:
            BatchNotFound: there is none with this id, or it is somebody else's.
            JobRunning: it is not done.
            JobEnded: there is nothing left to do.
            TooManyJobs: the owner has as many as may be.
        """
        batch, job = await self._found(by.owner, batch_id)
        if not job.ended:
            raise JobRunning("The batch is not done.", "Wait for its end, or cancel it.")
        job = await self._board.retry(by.owner, batch.job_id, groups=by.groups)
        await requeue(self._items, job)  # workers do so as well
        return await self._details(batch, job)

    async def delete(self, owner: str, batch_id: str) -> None:
        """Delete a batch with all that it made. What is being spoken is stopped.

        Raises:
            BatchNotFound: there is none with this id, or it is somebody else's.
            StorageError, DatabaseError: some of it is left; ask again.
        """
        batch, _ = await self._found(owner, batch_id)
        await see_through(self._erase(batch))

    async def expire(self) -> int:
        """Delete the batches whose time has come; says how many.

        Raises:
            StorageError, DatabaseError: some are left for the next time.
        """
        count = 0
        where = {"expires_at": Span(until=self._clock())}
        while old := (await self._batches.list(where=where, order="expires_at", limit=_PAGE)).items:
            for batch in old:
                await see_through(self._erase(batch))
            count += len(old)
        return count

    async def run(self, run: JobRun) -> JobStatus | None:
        """Speak what is left of a part."""
        return await PartWork(self._bench, run).outcome()

    async def stopped(self, job: Job) -> None:
        """What was not spoken is cancelled, or waits for another try."""
        now = await self._board.find(job.id)
        if now is not None and now.ended and now.runs == job.runs:
            await let_go(self._items, now)

    async def _found(self, owner: str, batch_id: str) -> tuple[Batch, Job]:
        batch = await self._batches.get(batch_id) if is_id(batch_id) else None
        job = None
        if batch is not None and batch.owner == owner:
            job = await self._board.find(batch.job_id)
        if batch is None or job is None:
            raise BatchNotFound(f"There is no batch {batch_id[:64]!r}.", f"GET {PATH} lists them.")
        return batch, job

    async def _known(self, job: Job) -> tuple[BatchDetails, Job]:
        batch, job = await self._found(job.owner, job.subject_id)
        return await self._details(batch, job), job

    async def _store(self, batch: Batch, job: Job, items: Sequence[BatchItem]) -> Job:
        """The batch is seen when its job is there. Without one it is deleted when its time comes.

        Returns the job, or the one that had the same key first.
        """
        try:
            await self._batches.add(batch)
            await self._items.add_all(items)
            stored = await self._board.submit(job)
        except DatabaseError:  # the job may be there, and run
            raise
        except AppError:
            await self._forget(batch)
            raise
        if stored.id != job.id:
            await self._forget(batch)
        return stored

    async def _forget(self, batch: Batch) -> None:
        await self._items.delete_where({"batch_id": batch.id})
        await self._batches.delete(batch.id)

    async def _erase(self, batch: Batch) -> None:
        """The batch itself last: who finds it again can go on, and so does `expire`."""
        with suppress(JobNotFound, JobEnded):
            await self._board.cancel(batch.owner, batch.job_id)
        async for item in in_order(self._items, {"batch_id": batch.id}):
            if item.attempts:
                await self._outputs.delete(output_name(item))
        await self._items.delete_where({"batch_id": batch.id})
        await self._board.delete(batch.job_id)
        await self._batches.delete(batch.id)

    async def _spoken(self, batch: Batch) -> Sequence[BatchItem]:
        where = {"batch_id": batch.id, "status": ItemStatus.SUCCEEDED}
        return [item async for item in in_order(self._items, where)]

    async def _chapters(self, batch: Batch, job: Job) -> Sequence[Chapter] | None:
        options = BatchDefaults.model_validate(batch.options)
        if not options.concatenate or not job.ended:
            return None
        return chapters_of(await self._spoken(batch), options.pause_s)

    def _joined_rate(self, options: BatchDefaults) -> int:
        fmt = options.concatenate_format.audio
        return check_rate(fmt, options.sample_rate, self._options.sample_rate)

    async def _details(
        self, batch: Batch, job: Job, chapters: Sequence[Chapter] | None = None
    ) -> BatchDetails:
        return batch_details(batch, job, await standing(self._items, job), chapters)


def _gone() -> AudioNotKept:
    return AudioNotKept("The audio is gone, with its voice or by age.")
