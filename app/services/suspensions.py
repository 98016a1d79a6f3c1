"""Suspending owners, principals, keys and voices, and lifting that."""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from app.abuse.barred import Barred
from app.core.exceptions import (
    Conflict,
    JobEnded,
    JobNotFound,
    KeyNotFound,
    SuspensionNotFound,
    VersionConflict,
    VoiceNotFound,
)
from app.core.ids import is_id
from app.core.tasks import see_through
from app.db.audit import AuditTrail
from app.db.base import Collection, Page, every
from app.db.voices import update_voice
from app.jobs.board import JobBoard
from app.models.access import Principal
from app.models.api_key import ApiKey
from app.models.audit import Action
from app.models.base import Record
from app.models.batch import BatchItem
from app.models.job import ASKED_BY, Job, JobKind, JobStatus
from app.models.suspension import SUSPENDED, NewSuspension, Suspension, SuspensionKind
from app.models.voice import Voice

_PAGE: Final = 500
_TRIES: Final = 20  # when others change the same voice


@dataclass(frozen=True, slots=True)
class SuspensionTools:
    """What suspensions are about, and what they stop."""

    suspensions: Collection[Suspension]
    voices: Collection[Voice]
    keys: Collection[ApiKey]
    items: Collection[BatchItem]
    jobs: JobBoard
    barred: Barred
    audit: AuditTrail


class SuspensionService:
    """One switch for administrators. A suspension holds at once in this process, in others within
    a second; jobs that wait or run under it are cancelled.
    """

    def __init__(self, tools: SuspensionTools) -> None:
        self._tools = tools

    async def suspend(self, principal: Principal, wanted: NewSuspension) -> Suspension:
        """Suspend. What is suspended already stays so, with its first reason; jobs that were begun
        since are cancelled.

        Raises:
            VoiceNotFound, KeyNotFound: there is none with this id.
            Conflict: the caller would suspend themselves, and could not lift it.
            DatabaseError: it may hold in part; suspend again.
        """
        _check_other(principal, wanted)
        hit = await self._hit(wanted)
        suspension = Suspension(
            owner=hit.owner if hit else wanted.subject,
            created_by=principal.subject,
            **wanted.model_dump(),
        )
        return await see_through(self._suspend(suspension, hit))

    async def list(
        self, kind: SuspensionKind | None, *, limit: int, cursor: str | None
    ) -> Page[Suspension]:
        """Those that hold, newest first."""
        where = None if kind is None else {"kind": kind}
        return await self._tools.suspensions.list(where=where, limit=limit, cursor=cursor)

    async def lift(self, suspension_id: str) -> None:
        """End a suspension. A voice speaks again, unless something else forbids it; cancelled jobs
        stay cancelled.

        Raises:
            SuspensionNotFound: there is none with this id.
        """
        found = await self._tools.suspensions.get(suspension_id) if is_id(suspension_id) else None
        if found is None:
            raise SuspensionNotFound(
                f"There is no suspension {suspension_id[:64]!r}.",
                "GET /api/v1/suspensions lists those that hold.",
            )
        await see_through(self._lift(found))

    async def _hit(self, wanted: NewSuspension) -> Record | None:
        """The voice or key that is meant; None for owners and principals, of whom there is none."""
        subject = wanted.subject
        if wanted.kind is SuspensionKind.VOICE:
            voice = await self._tools.voices.get(subject) if is_id(subject) else None
            if voice is None:
                raise VoiceNotFound(f"There is no voice {subject[:64]!r}.", "Check its id.")
            return voice
        if wanted.kind is SuspensionKind.KEY:
            key = await self._tools.keys.get(subject) if is_id(subject) else None
            if key is None:
                raise KeyNotFound(
                    f"There is no API key {subject[:64]!r}.", "GET /api/v1/keys lists them."
                )
            return key
        return None

    async def _suspend(self, suspension: Suspension, hit: Record | None) -> Suspension:
        tools = self._tools
        # The trail names the voice or key, where there is one.
        async with tools.audit.recorded(Action.SUSPENDED, hit or suspension):
            try:
                await tools.suspensions.add(suspension)
            except Conflict:
                suspension = await self._there(suspension) or suspension
            tools.barred.changed()
            if suspension.kind is SuspensionKind.VOICE:
                await self._mark(suspension.subject, None, SUSPENDED)
            for job in [job async for job in self._jobs(suspension)]:
                with suppress(JobEnded, JobNotFound):
                    await tools.jobs.cancel(job.owner, job.id)
        return suspension

    async def _there(self, suspension: Suspension) -> Suspension | None:
        where = {"kind": suspension.kind, "subject": suspension.subject}
        return next(iter((await self._tools.suspensions.list(where=where, limit=1)).items), None)

    async def _lift(self, suspension: Suspension) -> None:
        """The voice first: as long as the record is there, it can be lifted again."""
        tools = self._tools
        hit: Record | None = None
        if suspension.kind is SuspensionKind.VOICE:
            hit = await tools.voices.get(suspension.subject)
        elif suspension.kind is SuspensionKind.KEY:
            hit = await tools.keys.get(suspension.subject)
        async with tools.audit.recorded(Action.SUSPENSION_LIFTED, hit or suspension):
            if suspension.kind is SuspensionKind.VOICE:
                await self._mark(suspension.subject, SUSPENDED, None)
            await tools.suspensions.delete(suspension.id)
            tools.barred.changed()

    async def _mark(self, voice_id: str, was: str | None, becomes: str | None) -> None:
        """Change why a voice may not speak, if it is that: what else forbids it stays."""
        for _ in range(_TRIES):
            voice = await self._tools.voices.get(voice_id)
            if voice is None or voice.suspended != was:
                return
            try:
                changed = voice.model_copy(update={"suspended": becomes})
                await update_voice(self._tools.voices, changed)
            except VersionConflict:
                continue
            except VoiceNotFound:  # deleted meanwhile
                return
            return
        raise VersionConflict("The voice is changed by too many at once.", "Try again.")

    async def _jobs(self, suspension: Suspension) -> AsyncIterator[Job]:
        """Those that wait or run under it."""
        subject = suspension.subject
        if suspension.kind is SuspensionKind.VOICE:
            training = {"kind": JobKind.TRAINING, "subject_id": subject}
            async for job in self._under_way(training):
                yield job
            async for job in self._under_way({"kind": JobKind.BATCH}):
                if await self._speaks(job, subject):
                    yield job
            return
        by = {
            SuspensionKind.OWNER: {"owner": subject},
            SuspensionKind.PRINCIPAL: {"actor": subject},
            SuspensionKind.KEY: {"actor": f"key:{subject}"},
        }
        async for job in self._under_way(by[suspension.kind]):
            yield job
        if suspension.kind is SuspensionKind.OWNER:  # begun on voices that others share with them
            async for job in self._under_way({"kind": JobKind.TRAINING}):
                if job.options.get(ASKED_BY) == subject:
                    yield job

    async def _under_way(self, where: dict[str, Any]) -> AsyncIterator[Job]:
        for status in (JobStatus.QUEUED, JobStatus.RUNNING):
            wanted = {**where, "status": status}
            async for job in every(
                lambda cursor, wanted=wanted: self._tools.jobs.list(  # type: ignore[misc]
                    wanted, limit=_PAGE, cursor=cursor
                )
            ):
                yield job

    async def _speaks(self, job: Job, voice_id: str) -> bool:
        where = {"batch_id": job.subject_id, "voice_id": voice_id}
        return bool((await self._tools.items.list(where=where, order="position", limit=1)).items)


def _check_other(principal: Principal, wanted: NewSuspension) -> None:
    own = {
        SuspensionKind.OWNER: principal.owner,
        SuspensionKind.PRINCIPAL: principal.subject,
        SuspensionKind.KEY: principal.subject.removeprefix("key:"),
    }
    if own.get(wanted.kind) == wanted.subject:
        raise Conflict(
            "You would suspend yourself, and could not lift it.",
            "Have another administrator do it, or revoke the key.",
        )
