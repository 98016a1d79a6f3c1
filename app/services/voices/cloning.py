"""Voices of many recordings: usable at once, and then trained."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

from app.consents.desk import agreed, consent_for
from app.core.exceptions import (
    DatabaseError,
    InvalidRequest,
    JobEnded,
    JobNotFound,
    RecordingTooShort,
    VersionConflict,
    VoiceEngineMismatch,
    VoiceInTraining,
)
from app.core.logging import actor, get_logger, request_id
from app.core.tasks import in_thread, see_through
from app.db.voices import find_voice, update_voice
from app.engines.base import VoiceState, trainer
from app.models.job import ASKED_BY, Job, JobKind
from app.models.voice import Voice, VoiceSample
from app.services.voices.enrolling import agreement_for, enrolled
from app.services.voices.hearing import Heard, duplicates_of
from app.services.voices.others import OtherEngines
from app.services.voices.receiving import Sent, received
from app.services.voices.shelf import NewVoice, Shelf, cast_of, first_version
from app.services.voices.tools import VoiceTools
from app.services.voices.watching import listened
from app.services.voices.words import consent_of, description_of, language_of, name_of

log = get_logger(__name__)

MIN_MINUTES: Final = 0.1
_TRIES: Final = 20  # when others change the same voice


@dataclass(frozen=True, slots=True)
class TrainAgain:
    """How a voice is to be trained. No minutes: as many as is usual here.

    Attributes:
        asked_by: another owner, who may manage the voice. Their keys are not the owner's.
    """

    minutes: float | None = None
    seed: int = 0
    webhook_url: str | None = None
    idempotency_key: str | None = None
    asked_by: str | None = None

    @property
    def key(self) -> str | None:
        """Of idempotency, among all of the owner."""
        if self.idempotency_key is None or self.asked_by is None:
            return self.idempotency_key
        return sha256(f"{self.asked_by}\n{self.idempotency_key}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class TrainOrder(TrainAgain):
    """What a voice is to be made of, and how."""

    files: Sequence[Sent] = ()
    name: str | None = None
    description: str | None = None
    language: str | None = None
    engine: str | None = None
    consent: str | None = None
    consent_id: str | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A voice, its training, and what became of each recording.

    Attributes:
        samples: those that are kept, refused ones among them.
        duplicates: name of a file, and of what it is the same as.
        ignored: names of files that are no recordings.
    """

    voice: Voice
    job: Job
    samples: list[VoiceSample]
    duplicates: list[tuple[str, str]]
    ignored: list[str]


class CloningService:
    """Makes voices and has them trained."""

    def __init__(self, tools: VoiceTools) -> None:
        self._tools = tools
        self._shelf = Shelf(tools)

    async def train(self, owner: str, order: TrainOrder) -> Begun:
        """Make a voice of recordings, to be spoken at once, and submit its training.

        Raises:
            TrainingUnsupported, InvalidRequest, UnsupportedLanguage, WebhookRefused,
                IdempotencyMismatch: before anything was done.
            ArchiveInvalid, UploadTooLarge, UnreadableAudio, UnsuitableRecording: no voice can be
                made of what came.
            ConsentRequired, ConsentNotFound, ConsentUnusable, ConsentMismatch: not with this
                consent.
            SpeakerDenied: the speaker may not be cloned.
            EngineBusy: too many recordings are being listened to.
            TooManyJobs, EngineError, AssetError, StorageError, DatabaseError: it failed. Nothing
                is left of it.
        """
        trainer(self._tools.engine)
        order = self._checked(order)
        await self._tools.jobs.check_webhook(order.webhook_url)
        fingerprint = await self._fingerprint(order)
        known = await self._tools.jobs.known(owner, order.key, fingerprint)
        if known is not None:
            return await self._known(owner, known)
        with self._tools.counted():
            return await self._train(owner, order, fingerprint)

    async def again(self, owner: str, voice_id: str, order: TrainAgain) -> tuple[Voice, Job]:
        """Train a voice once more, on all recordings it has now.

        Raises:
            VoiceNotFound: there is none with this id, or it is somebody else's.
            VoiceSuspended: somebody has stopped it.
            VoiceInTraining: a training of it has not ended.
            TrainingUnsupported, VoiceEngineMismatch, InvalidRequest, WebhookRefused,
                IdempotencyMismatch, TooManyJobs, DatabaseError
        """
        voice = await find_voice(self._tools.voices, owner, voice_id)
        self._tools.permit.check_not_suspended(voice)
        trainer(self._tools.engine)
        running = self._tools.engine.info.name
        if voice.engine != running:
            raise VoiceEngineMismatch(
                f"The voice was made by the engine {voice.engine!r}; {running!r} is running.",
                "Start the server with that engine, or register the recordings again.",
            )
        minutes = self._minutes(order.minutes)
        await self._tools.jobs.check_webhook(order.webhook_url)
        asked = (voice.id, minutes, order.seed, order.webhook_url)
        fingerprint = sha256(repr(asked).encode()).hexdigest()
        known = await self._tools.jobs.known(owner, order.key, fingerprint)
        if known is not None:
            return voice, known
        self._check_ended(await self._tools.jobs.under_way(JobKind.TRAINING, voice.id))
        if all(sample.refused for sample in await self._shelf.samples(voice)):
            raise RecordingTooShort("The voice has no recording to learn from.", "Add some.")
        job = _job(voice, replace(order, minutes=minutes), fingerprint)
        return await see_through(self._submit_again(voice, job))

    def _checked(self, order: TrainOrder) -> TrainOrder:
        running = self._tools.engine.info.name
        if order.engine and order.engine != running:
            raise InvalidRequest(
                f"The engine that runs is {running!r}, not {order.engine[:100]!r}.",
                f"Leave `engine` out or send {running!r}; GET /api/v1/engines describes it.",
                engine=running,
            )
        first = order.files[0].filename if order.files else ""
        return replace(
            order,
            minutes=self._minutes(order.minutes),
            name=name_of(order.name, first),
            description=description_of(order.description),
            language=language_of(order.language, self._tools.engine),
            consent=consent_of(order.consent),
        )

    def _minutes(self, minutes: float | None) -> float:
        limits = self._tools.limits
        chosen = min(limits.minutes, limits.max_minutes) if minutes is None else minutes
        if not MIN_MINUTES <= chosen <= limits.max_minutes:
            raise InvalidRequest(
                f"A training takes {MIN_MINUTES:g} to {limits.max_minutes:g} minutes.",
                "A few minutes are usual.",
                limit=limits.max_minutes,
            )
        return chosen

    async def _fingerprint(self, order: TrainOrder) -> str:
        """Of all that was asked for. Files are read for it only where somebody will look."""
        asked: list[Any] = [
            order.name, order.description, order.language, order.engine, order.consent,
            order.consent_id, order.minutes, order.seed, order.webhook_url,
        ]  # fmt: skip
        if order.idempotency_key is not None:
            for sent in order.files:
                asked += [sent.filename, await in_thread(None, sent.digest)]
        return sha256(repr(asked).encode()).hexdigest()

    async def _known(self, owner: str, job: Job) -> Begun:
        voice = await find_voice(self._tools.voices, owner, job.subject_id)
        return Begun(voice, job, await self._shelf.samples(voice), [], [])

    async def _train(self, owner: str, order: TrainOrder, fingerprint: str) -> Begun:
        tools = self._tools
        consent = await consent_for(tools.desk, owner, order.consent_id)
        with tools.admission.enter():
            agreement = await agreement_for(tools, consent, tools.engine)
            came = await in_thread(None, received, order.files, tools.limits)
            room_s = tools.limits.speech_s
            found = await listened(tools, owner, came.recordings, speech_s=room_s)
            heard, good = found.heard, found.good
            recordings = [one.recording for one in good if one.recording is not None]
            if consent is not None:
                tools.desk.check_speaker(consent, [one.speaker for one in good])
            state = await enrolled(tools.engine, recordings, agreement)
        voice = _voice(owner, order, good[0], state)
        job = _job(voice, order, fingerprint)
        voice = voice.model_copy(update={"training_job_id": job.id, **agreed(consent)})
        kept = cast_of(heard, voice)
        new = NewVoice(voice, kept, [first_version(voice, state)], found.sighting)
        begun = await see_through(self._begin(new, job, heard, came.ignored))
        if begun.job.id == job.id:
            begun = replace(begun, voice=await OtherEngines(tools).hold_all(begun.voice))
        return begun

    async def _begin(
        self, new: NewVoice, job: Job, heard: Sequence[Heard], ignored: list[str]
    ) -> Begun:
        """The voice, then the job; without the job the voice goes again."""
        await self._shelf.add(new)
        try:
            submitted = await self._tools.jobs.submit(job)
        except BaseException:
            await self._forget(job)
            await self._shelf.undo(new)
            raise
        if submitted.id != job.id:  # the same request came twice at once, and this is the second
            await self._shelf.undo(new)
            return await self._known(new.voice.owner, submitted)
        samples = [kept.sample for kept in new.recordings]
        return Begun(new.voice, submitted, samples, duplicates_of(heard), ignored)

    async def _submit_again(self, voice: Voice, job: Job) -> tuple[Voice, Job]:
        """The job, then its name in the voice: of two at once, the second finds the voice changed,
        and takes its job back.
        """
        submitted = await self._tools.jobs.submit(job)
        if submitted.id != job.id:
            return voice, submitted
        try:
            return await self._claim(voice, job), submitted
        except BaseException:
            await self._cancel(job)
            raise

    async def _claim(self, voice: Voice, job: Job) -> Voice:
        for _ in range(_TRIES):
            try:
                changed = voice.model_copy(update={"training_job_id": job.id})
                return await update_voice(self._tools.voices, changed)
            except VersionConflict:
                before = voice.training_job_id
                voice = await find_voice(self._tools.voices, voice.owner, voice.id)
                now = voice.training_job_id
                if now is not None and now != before:
                    self._check_ended(await self._tools.jobs.find(now))
        raise VersionConflict("The voice is changed by too many at once.", "Try again.")

    def _check_ended(self, job: Job | None) -> None:
        if job is not None and not job.ended:
            raise VoiceInTraining(
                "The voice is in training already.",
                f"Wait for the end of the job {job.id}, or cancel it.",
                job_id=job.id,
            )

    async def _cancel(self, job: Job) -> None:
        try:
            await self._tools.jobs.cancel(job.owner, job.id)
        except (DatabaseError, JobEnded, JobNotFound) as error:
            log.warning("a job that nobody waits for goes on", job=job.id, code=error.code)

    async def _forget(self, job: Job) -> None:
        """It may have been added though that failed: a repeated request must not find it."""
        try:
            await self._tools.jobs.delete(job.id)
        except DatabaseError as error:
            log.warning("a job without its voice stays", job=job.id, code=error.code)


def _voice(owner: str, order: TrainOrder, first: Heard, state: VoiceState) -> Voice:
    assert order.name is not None  # noqa: S101 - it was checked
    assert first.report is not None  # noqa: S101 - it is usable
    return Voice(
        owner=owner,
        name=order.name,
        description=order.description,
        filename=first.incoming.filename,
        duration_s=first.report.duration_s,
        sample_rate=first.report.sample_rate,
        engine=state.engine,
        state_format=state.format,
        similarity=state.similarity,
        report=first.report,
        language=order.language,
        consent=order.consent,
    )


def _job(voice: Voice, order: TrainAgain, fingerprint: str) -> Job:
    return Job(
        owner=voice.owner,
        kind=JobKind.TRAINING,
        subject_id=voice.id,
        options={"minutes": order.minutes, "seed": order.seed}
        | ({ASKED_BY: order.asked_by} if order.asked_by else {}),
        idempotency_key=order.key,
        fingerprint=fingerprint,
        webhook_url=order.webhook_url,
        actor=actor.get(),
        request_id=request_id.get(),
    )
