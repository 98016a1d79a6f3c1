"""Adapting voices: training the engine on the recording that a voice was made of."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from typing import Any
from uuid import uuid4

from app.audio.ears import Ears
from app.audio.types import Recording
from app.core.admission import Admission
from app.core.clock import utc_now
from app.core.exceptions import (
    AppError,
    EngineFailed,
    InvalidRequest,
    NotFound,
    StorageError,
    VersionConflict,
    VoiceInTraining,
)
from app.core.logging import get_logger
from app.core.metrics import Metrics, TrainingState, outcome_of
from app.core.tasks import see_through
from app.db.audit import AuditTrail
from app.db.base import Collection
from app.db.voices import find_voice
from app.engines.base import (
    TRAINED,
    Engine,
    Refinable,
    TrainingEvent,
    TrainingOptions,
    VoiceState,
    trainer,
)
from app.engines.stored import stored_state
from app.models.audit import Action
from app.models.voice import Voice
from app.storage.base import BlobStore

log = get_logger(__name__)

MIN_MINUTES = 0.1
MAX_MINUTES = 60.0
MAX_SEED = 2**32 - 1
_MAX_TRAININGS = 1  # it takes all the cores there are
_BUSY_RETRY_S = 60
_MAX_REFINEMENTS = 8  # waiting


class TrainingService:
    """Makes stored voices more like their speakers.

    Until a training has ended its voice is as it was, and can be spoken.
    """

    def __init__(
        self,
        *,
        voices: Collection[Voice],
        recordings: BlobStore,
        states: BlobStore,
        engine: Engine,
        ears: Ears,
        audit: AuditTrail,
        refines: bool = True,
        metrics: Metrics | None = None,
    ) -> None:
        self._voices = voices
        self._recordings = recordings
        self._states = states
        self._engine = engine
        self._ears = ears
        self._audit = audit
        self._metrics = metrics or Metrics()
        self._adapting: set[str] = set()
        self._refining: set[asyncio.Task[None]] = set()
        self._refines = refines
        self._refinement = asyncio.Lock()  # one at a time
        self._admission = Admission(
            _MAX_TRAININGS, doing="training is under way", retry_after_s=lambda: _BUSY_RETRY_S
        )

    async def adapt(
        self, owner: str, voice_id: str, options: TrainingOptions
    ) -> AsyncGenerator[TrainingEvent, None]:
        """Train a voice, from where its last training ended. Close the generator to stop.

        The last event comes when the voice has been stored. Whatever ends the training before
        leaves the voice as it was.

        Raises:
            InvalidRequest: minutes or seed out of range.
            TrainingUnsupported, VoiceEngineMismatch: the engine that runs cannot do it.
            VoiceNotFound: there is no such voice, or it was deleted meanwhile.
            VoiceInTraining, VersionConflict: it is being adapted by somebody else, or was.
            EngineBusy: another voice is being adapted.
            UnsuitableRecording, EngineError, StorageError, DatabaseError: it failed.
        """
        _check(options)
        engine = trainer(self._engine)
        with self._enter(voice_id), self._counted("adapting"):
            voice = await find_voice(self._voices, owner, voice_id)
            start = await stored_state(
                voice, self._engine.info, voices=self._voices, states=self._states
            )
            recording = await self._recording(voice)
            last = None
            async with aclosing(engine.train([recording], start, options=options)) as events:
                async for event in events:
                    if event.stage == TRAINED:
                        last = event
                        break
                    yield event
            if last is None or last.state is None:
                raise EngineFailed("The training gave no voice.")
            # Cancelled in the middle, it is seen through: a commit cannot be called back.
            await see_through(self._store(voice, last.state, minutes=options.minutes))
        yield last

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

    async def _refine(self, voice: Voice) -> None:
        engine = self._engine
        if not isinstance(engine, Refinable):
            return
        try:
            async with self._refinement:
                start = await stored_state(
                    voice, self._engine.info, voices=self._voices, states=self._states
                )
                with self._counted("refining"):
                    better = await engine.refine([await self._recording(voice)], start)
                if better is not None:
                    await see_through(self._store(voice, better))
        except AppError as error:
            log.info("voice stays as it is", voice=voice.id, code=error.code)

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

    @contextmanager
    def _enter(self, voice_id: str) -> Iterator[None]:
        if voice_id in self._adapting:
            raise VoiceInTraining(
                "The voice is being adapted already.", "Wait for its end, or cancel it."
            )
        with self._admission.enter():
            self._adapting.add(voice_id)
            try:
                yield
            finally:
                self._adapting.remove(voice_id)

    async def _recording(self, voice: Voice) -> Recording:
        """What the voice was made of, prepared as it was then."""
        try:
            content = await self._recordings.get(voice.recording_blob)
        except FileNotFoundError as error:
            raise EngineFailed(
                "The recording of the voice is missing.", "Register it again."
            ) from error
        recording, _ = await self._ears.listen(content)
        return recording

    async def _store(
        self, voice: Voice, state: VoiceState, *, minutes: float | None = None
    ) -> None:
        """A new file, then the record, then the old file goes: killed in between, it leaves a voice
        that speaks and a file for the sweep.
        """
        now = await find_voice(self._voices, voice.owner, voice.id)
        if now.state_blob != voice.state_blob:
            raise VersionConflict(
                "The voice was adapted by somebody else meanwhile.",
                "Adapt it again, to go on from there.",
            )
        changes: dict[str, Any] = {
            "state_name": f"state-{uuid4().hex}",
            "state_format": state.format,
            "similarity": state.similarity,
        }
        if minutes is not None:
            changes["adapted_at"] = utc_now()
            changes["adapted_minutes"] = (now.adapted_minutes or 0.0) + minutes
        adapted = now.model_copy(update=changes)
        try:
            await self._states.put(adapted.state_blob, state.payload)
            async with self._audit.recorded(Action.VOICE_TRAINED, adapted):
                await self._voices.update(adapted)
        except (StorageError, NotFound, VersionConflict):
            await self._delete_state(adapted)
            raise  # after any other error the record may have changed: both files stay
        await self._delete_state(now)
        log.info(
            "adapted",
            voice=voice.id,
            engine=state.engine,
            minutes=minutes,
            similarity=state.similarity,
            before=voice.similarity,
        )

    async def _delete_state(self, voice: Voice) -> None:
        try:
            await self._states.delete(voice.state_blob)
        except StorageError:
            log.warning("unused file stays until the next sweep", voice=voice.id)


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
