"""Training voices: as jobs, at once in this process, or a little when nobody needs the engine."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from typing import Final
from uuid import uuid4

from app.core.exceptions import AppError, EngineBusy, InvalidRequest, VoiceInTraining
from app.core.logging import get_logger
from app.core.metrics import Metrics, TrainingState, outcome_of
from app.core.tasks import see_through
from app.db.voices import find_voice
from app.engines.base import Refinable, TrainingEvent, TrainingOptions
from app.engines.remote import abandon
from app.engines.stored import stored_state
from app.jobs.base import JobRun
from app.models.audit import Action
from app.models.job import Job, JobStatus
from app.models.voice import Voice, VoiceMethod, VoiceVersion
from app.training.checkpoint import Checkpoints
from app.training.recordings import gather
from app.training.session import Training, Workshop

log = get_logger(__name__)

MIN_MINUTES = 0.1
MAX_MINUTES = 60.0
MAX_SEED = 2**32 - 1
_BUSY_RETRY_S = 60
_MAX_REFINEMENTS = 8  # waiting
_REPORT_EVERY_S: Final = 1.0
_PREPARED: Final = 0.02  # of the progress
_TRAINED: Final = 0.95


class TrainingService:
    """Makes stored voices more like their speakers. Does the jobs of `JobKind.TRAINING`.

    Until a training has ended its voice is as it was, and can be spoken. One at a time: it takes
    all the cores there are.
    """

    def __init__(
        self, shop: Workshop, *, refines: bool = True, metrics: Metrics | None = None
    ) -> None:
        self._shop = shop
        self._metrics = metrics or Metrics()
        self._working = asyncio.Lock()
        self._in_training: str | None = None
        self._refining: set[asyncio.Task[None]] = set()
        self._refines = refines
        self._refinement = asyncio.Lock()  # one at a time

    async def run(self, run: JobRun) -> JobStatus | None:
        """Train the voice that a job is about, or go on with that.

        Raises:
            VoiceNotFound: there is no such voice any more. Nothing of the training is left.
            TrainingUnsupported, VoiceEngineMismatch: the engine that runs cannot do it.
            UnsuitableRecording, EngineError, AssetError, StorageError, DatabaseError: it failed.
        """
        job = run.job
        voice = await find_voice(self._shop.voices, job.owner, job.subject_id)
        version = await self._shop.versions.of_job(voice.id, job.id)
        training = Training(self._shop, voice, _options_of(job), job_id=job.id)
        if version is not None:  # and then it was killed
            await see_through(training.settle(version))
        else:
            async with self._alone(voice.id):
                version = await self._work(run, voice)
        verdict = None if version.metrics is None else version.metrics.verdict
        await run.report(1.0, "done", message=verdict, eta_s=0.0)
        return JobStatus.SUCCEEDED

    async def stopped(self, job: Job) -> None:
        """The voice is as it was; how far the training was is forgotten, at a provider too."""
        await Checkpoints(self._shop.states, job.subject_id, job.id).delete()
        if await self._shop.versions.of_job(job.subject_id, job.id) is None:
            await abandon(self._shop.engine, _run_of(job))

    async def _work(self, run: JobRun, voice: Voice) -> VoiceVersion:
        training = Training(self._shop, voice, _options_of(run.job), job_id=run.job.id)
        with self._counted("adapting"):
            await run.report(0.0, "listening", message="Listening to the recordings")
            await training.begin()
            reported = -_REPORT_EVERY_S
            first = training.share
            async with aclosing(training.events()) as events:
                async for event in events:
                    if self._shop.clock() - reported < _REPORT_EVERY_S:
                        continue
                    reported = self._shop.clock()
                    share = first + (1 - first) * event.progress
                    progress = _PREPARED + (_TRAINED - _PREPARED) * share
                    await run.report(
                        progress, event.stage, message=event.message, eta_s=training.eta_s
                    )
            await run.report(_TRAINED, "judging", message="Judging the voice")
            metrics = await training.judge()
            storing = asyncio.ensure_future(training.store(metrics))
            with suppress(asyncio.CancelledError):  # it comes too late: the version is there
                await see_through(storing)
            return storing.result()

    async def adapt(
        self, owner: str, voice_id: str, options: TrainingOptions
    ) -> AsyncGenerator[TrainingEvent, None]:
        """Train a voice in this process. Close the generator to stop.

        The last event comes when the version has been stored; its message is the verdict. Whatever
        ends the training before leaves the voice as it was.

        Raises:
            InvalidRequest: minutes or seed out of range.
            VoiceInTraining, EngineBusy: this process trains it already, or another one.
            As `run`.
        """
        _check(options)
        self._check_free(voice_id)
        async with self._alone(voice_id):
            voice = await find_voice(self._shop.voices, owner, voice_id)
            training = Training(self._shop, voice, replace(options, run=uuid4().hex))
            with self._counted("adapting"):
                try:
                    await training.begin()
                    async with aclosing(training.events()) as events:
                        async for event in events:
                            yield event
                    metrics = await training.judge()
                    # Cancelled in the middle, it is seen through: a commit cannot be called back.
                    await see_through(training.store(metrics))
                except BaseException:
                    await see_through(training.abandon())
                    raise
        yield replace(training.last, message=metrics.verdict)

    def refine_later(self, voice: Voice) -> None:
        """Look for a better voice when the engine has nothing else to do. Nobody waits for it:
        what comes in between, or goes wrong, leaves the voice as it is.
        """
        if self._refines and len(self._refining) < _MAX_REFINEMENTS:
            task = asyncio.create_task(self._refine(voice))
            self._refining.add(task)
            task.add_done_callback(self._refining.discard)

    async def refined(self) -> None:
        """Wait for all that `refine_later` was asked for."""
        await asyncio.gather(*self._refining)

    async def close(self) -> None:
        for task in self._refining:
            task.cancel()
        await asyncio.gather(*self._refining, return_exceptions=True)
        await self._shop.measuring.close()

    async def _refine(self, voice: Voice) -> None:
        engine = self._shop.engine
        if not isinstance(engine, Refinable):
            return
        try:
            async with self._refinement:
                with self._counted("refining"):
                    await self._look(engine, voice)
        except AppError as error:
            log.info("voice stays as it is", voice=voice.id, code=error.code)

    async def _look(self, engine: Refinable, voice: Voice) -> None:
        """What is found becomes a version. The engine itself has compared the two."""
        shop = self._shop
        start = await stored_state(voice, shop.engine.info, voices=shop.voices, states=shop.states)
        material = await gather(
            voice, samples=shop.samples, recordings=shop.recordings, ears=shop.ears
        )
        recordings = [heard.recording for heard in (*material.learnt, *material.held)]
        better = await engine.refine(recordings, start)
        if better is None:
            return

        async def store() -> None:
            over = voice.active_version
            async with shop.audit.recorded(Action.VOICE_TRAINED, voice):
                version = await shop.versions.add(
                    voice, better, method=VoiceMethod.SEARCH, compared_with=over
                )
                await shop.versions.activate(version, over=over)

        await see_through(store())

    @contextmanager
    def _counted(self, state: TrainingState) -> Iterator[None]:
        """A job is in this state meanwhile."""
        self._metrics.training_entered(state)
        try:
            yield
        except BaseException as error:
            self._metrics.training_ended(state, outcome_of(error))
            raise
        else:
            self._metrics.training_ended(state, "ok")
        finally:
            self._metrics.training_left(state)

    @asynccontextmanager
    async def _alone(self, voice_id: str) -> AsyncIterator[None]:
        async with self._working:
            self._in_training = voice_id
            try:
                yield
            finally:
                self._in_training = None

    def _check_free(self, voice_id: str) -> None:
        if self._in_training == voice_id:
            raise VoiceInTraining(
                "The voice is being adapted already.", "Wait for its end, or cancel it."
            )
        if self._working.locked():
            raise EngineBusy(
                "Another training is under way.",
                "Try again after the seconds of `Retry-After`.",
                retry_after_s=_BUSY_RETRY_S,
            )


def _options_of(job: Job) -> TrainingOptions:
    usual = TrainingOptions()
    return TrainingOptions(
        float(job.options.get("minutes", usual.minutes)),
        int(job.options.get("seed", usual.seed)),
        run=_run_of(job),
    )


def _run_of(job: Job) -> str:
    """One that is tried again after its end begins anew."""
    return f"{job.id}-{job.runs}"


def _check(options: TrainingOptions) -> None:
    if not MIN_MINUTES <= options.minutes <= MAX_MINUTES:  # nor NaN
        raise InvalidRequest(
            f"A training takes {MIN_MINUTES:g} to {MAX_MINUTES:g} minutes, not "
            f"{options.minutes:g}.",
            "A few minutes are usual.",
            measured=options.minutes,
            limit=MAX_MINUTES,
        )
    if not 0 <= options.seed <= MAX_SEED:
        raise InvalidRequest(f"The seed must be from 0 to {MAX_SEED}.", limit=MAX_SEED)
