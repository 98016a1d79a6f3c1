"""One training: from the recordings of a voice to a version of it."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

from app.audio.ears import Ears
from app.consents.desk import ConsentDesk, consent_for
from app.core.clock import Clock
from app.core.exceptions import EngineFailed, VersionConflict, VoiceNotFound
from app.core.logging import get_logger
from app.db.audit import AuditTrail
from app.db.base import Collection
from app.db.voices import find_voice
from app.engines.base import (
    TRAINED,
    Agreement,
    AgreementBound,
    Engine,
    TrainingEvent,
    TrainingOptions,
    VoiceState,
    trainer,
)
from app.engines.remote import abandon
from app.engines.stored import stored_state
from app.models.audit import Action
from app.models.voice import VersionMetrics, Voice, VoiceSample, VoiceVersion
from app.storage.base import BlobStore
from app.training.agreement import agreement_for
from app.training.checkpoint import Checkpoint, Checkpoints
from app.training.measuring import Measured, Measuring, Verdict, compare
from app.training.recordings import Material, gather
from app.training.versions import Versions

log = get_logger(__name__)

CHECKPOINT_EVERY_S: Final = 10.0
_SHORTEST_S: Final = 6.0
"""What the engine gets, however little is left: it must come to its end."""
_MOST_MEASURING: Final = 0.2  # of the time, that is kept for measuring the trained voice


@dataclass(frozen=True, slots=True)
class Workshop:
    """What trainings work with."""

    voices: Collection[Voice]
    samples: Collection[VoiceSample]
    versions: Versions
    recordings: BlobStore
    states: BlobStore
    engine: Engine
    ears: Ears
    measuring: Measuring
    audit: AuditTrail
    desk: ConsentDesk
    clock: Clock


class Training:
    """A training of a voice, in this order: `begin`, `events`, `judge`, `store`.

    With a job, how far it is is stored again and again, and a training of the same job that was
    killed is gone on with: all of them together take no longer than was asked for. A provider who
    trains takes as long as it does.

    Args:
        options: `run` names what a provider is to go on with; the agreement is found here.
    """

    def __init__(
        self, shop: Workshop, voice: Voice, options: TrainingOptions, *, job_id: str | None = None
    ) -> None:
        self._shop = shop
        self._voice = voice
        self._options = options
        self._job_id = job_id
        self._checkpoints = Checkpoints(shop.states, voice.id, job_id) if job_id else None
        self._began = shop.clock()
        self._saved = -CHECKPOINT_EVERY_S
        self._spent_before = 0.0
        self._last: TrainingEvent | None = None
        self._remote = shop.engine.info.trains_remotely
        self._is_kept = False

    @property
    def last(self) -> TrainingEvent:
        """The engine's last event, with the trained voice.

        Raises:
            EngineFailed: there is none.
        """
        if self._last is None or self._last.state is None:
            raise EngineFailed("The training gave no voice.")
        return self._last

    @property
    def total_s(self) -> float:
        """What was asked for."""
        return 60 * self._options.minutes

    @property
    def spent_s(self) -> float:
        """What it has taken up to now, those that were killed included."""
        return self._spent_before + self._shop.clock() - self._began

    @property
    def left_s(self) -> float:
        return max(0.0, self.total_s - self.spent_s)

    @property
    def eta_s(self) -> float | None:
        """None: nobody knows."""
        return None if self._remote else self.left_s

    @property
    def share(self) -> float:
        """How much of it was done before it was begun here. A provider tells of all of it."""
        return 0.0 if self._remote else min(self.spent_s / self.total_s, 0.9)

    async def begin(self) -> None:
        """Listen to the recordings, and measure the voice as it is.

        Raises:
            TrainingUnsupported, VoiceEngineMismatch: the engine that runs cannot do it.
            ConsentRequired, ConsentUnusable: the engine's provider wants to hear the speaker agree.
            UnsuitableRecording: no recording can be used.
            VoiceNotFound, EngineError, AssetError, StorageError, DatabaseError
        """
        self._engine = trainer(self._shop.engine)
        self._options = replace(self._options, agreement=await self._agreement())
        saved = None if self._checkpoints is None else await self._checkpoints.load()
        self._spent_before = 0.0 if saved is None else saved.spent_s
        base = await self._shop.versions.active(self._voice)
        start = await self._stored(self._voice)
        self.material = await gather(
            self._voice,
            samples=self._shop.samples,
            recordings=self._shop.recordings,
            ears=self._shop.ears,
        )
        if saved is None:
            measured_from = self._shop.clock()
            before = await self._shop.measuring.measure(start, self.material.judging)
            took_s = self._shop.clock() - measured_from
            saved = Checkpoint(0.0, base.number, before, took_s)
        self._now = saved

    async def _agreement(self) -> Agreement | None:
        shop, voice = self._shop, self._voice
        if not isinstance(shop.engine, AgreementBound):
            return None
        consent = await consent_for(shop.desk, voice.owner, voice.consent_id)
        return await agreement_for(shop.engine, consent, ears=shop.ears, recordings=shop.recordings)

    async def events(self) -> AsyncGenerator[TrainingEvent, None]:
        """What the engine tells, but for its last event."""
        await self._save()
        start = self._now.state or await self._stored(self._voice)
        events = self._engine.train(self.material.learning, start, options=self._rest())
        async with aclosing(events) as telling:
            async for event in telling:
                if event.stage == TRAINED:
                    self._last = event
                    return
                if event.state is not None:
                    self._now = replace(self._now, state=event.state)
                if self._shop.clock() - self._saved >= CHECKPOINT_EVERY_S:
                    await self._save()
                yield event

    async def judge(self) -> VersionMetrics:
        """Measure the trained voice against the one that is spoken now.

        Raises:
            EngineFailed: there is none.
        """
        judging = self.material.judging
        after = await self._shop.measuring.measure(self._trained, judging)
        now = await find_voice(self._shop.voices, self._voice.owner, self._voice.id)
        before = self._now.before
        self._over = now.active_version
        if self._over != self._now.made_from:  # another one was activated meanwhile
            before = await self._shop.measuring.measure(await self._stored(now), judging)
            if before.likeness is None:
                verdict = Verdict(False, "Another version was activated meanwhile.")
                return self._metrics(before, after, verdict)
        verdict = compare(before, after, held_out=len(self.material.held))
        return self._metrics(before, after, verdict)

    async def store(self, metrics: VersionMetrics) -> VoiceVersion:
        """Keep the version, and activate it if it is better. To be seen through.

        Raises:
            VoiceNotFound: the voice was deleted meanwhile. Nothing of it is left.
            StorageError, DatabaseError
        """
        async with self._shop.audit.recorded(Action.VOICE_TRAINED, self._voice):
            version = await self._shop.versions.add(
                self._voice,
                self._trained,
                method=self.last.method,
                compared_with=self._over,
                metrics=metrics,
                job_id=self._job_id,
            )
            self._is_kept = True
            await self.settle(version)
        log.info(
            "trained",
            voice=self._voice.id,
            engine=version.engine,
            version=version.number,
            method=version.method.value,
            minutes=self._minutes,
            better=metrics.better,
            before=metrics.similarity_before,
            after=metrics.similarity_after,
        )
        return version

    async def abandon(self) -> None:
        """Have a provider delete what it has begun, if no version has come of it."""
        if self._options.run is not None and not self._is_kept:
            await abandon(self._shop.engine, self._options.run)

    async def settle(self, version: VoiceVersion) -> None:
        """Do what follows once a version is kept. Twice is once."""
        if version.metrics is not None and version.metrics.better:
            voice = await find_voice(self._shop.voices, version.owner, version.voice_id)
            # A training that was killed right here may have activated it already.
            done = voice.adapted_at is not None and voice.adapted_at >= version.created_at
            if not done:
                await self._activate(version)
        if self._checkpoints is not None:
            await self._checkpoints.delete()

    async def _activate(self, version: VoiceVersion) -> None:
        try:
            await self._shop.versions.activate(
                version, over=version.compared_with, minutes=self._minutes
            )
        except VersionConflict as error:  # in the moment since it was compared
            log.info("a trained voice was not activated", voice=version.voice_id, code=error.code)
        except VoiceNotFound:
            await self._shop.versions.forget(version)
            self._is_kept = False
            raise

    def _metrics(self, before: Measured, after: Measured, verdict: Verdict) -> VersionMetrics:
        material: Material = self.material
        return VersionMetrics(
            similarity_before=before.likeness,
            similarity_after=after.likeness,
            wer_before=before.word_errors,
            wer_after=after.word_errors,
            seconds=round(self.spent_s, 2),
            speech_s=round(sum(heard.speech_s for heard in material.learnt), 2),
            held_out=[heard.sample_id for heard in material.held],
            used=[heard.sample_id for heard in material.learnt],
            refused=dict(material.refused),
            better=verdict.better,
            verdict=verdict.reason,
        )

    @property
    def _trained(self) -> VoiceState:
        state = self.last.state
        assert state is not None  # noqa: S101 - or there would be no last event
        return state

    @property
    def _minutes(self) -> float:
        """That the voice was trained."""
        return round(self.spent_s / 60, 1) if self._remote else self._options.minutes

    def _rest(self) -> TrainingOptions:
        """What is left for the engine, when as long is kept for measuring as it took before. What a
        provider has begun is not cut off.
        """
        if self._remote:
            return self._options
        measuring_s = min(self._now.measuring_s, _MOST_MEASURING * self.total_s)
        rest_s = max(_SHORTEST_S, self.left_s - measuring_s)
        return replace(self._options, minutes=rest_s / 60)

    async def _save(self) -> None:
        """Charged in advance for the time up to the next one: a kill does not make it longer."""
        if self._checkpoints is None:
            return
        if await self._shop.voices.get(self._voice.id) is None:
            raise VoiceNotFound(f"The voice {self._voice.id!r} was deleted meanwhile.")
        self._saved = self._shop.clock()
        spent_s = self.spent_s + CHECKPOINT_EVERY_S
        if not self._remote:
            spent_s = min(spent_s, self.total_s)
        await self._checkpoints.save(replace(self._now, spent_s=spent_s))

    async def _stored(self, voice: Voice) -> VoiceState:
        return await stored_state(
            voice, self._shop.engine.info, voices=self._shop.voices, states=self._shop.states
        )
