"""Training a professional voice at Azure: from recordings to an endpoint that speaks.

It takes about a day, for most of which somebody else works. All that is made there has names that
follow from the name of the training, so whoever goes on with it looks what there is.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC
from typing import Final, TypeVar
from uuid import uuid4

from app.audio.dsp import resample
from app.audio.types import Recording
from app.core.clock import utc_now
from app.core.exceptions import (
    AppError,
    ConsentRequired,
    EngineBusy,
    EngineError,
    EngineFailed,
    EngineUnavailable,
)
from app.core.logging import get_logger
from app.core.tasks import in_thread, see_through
from app.engines.azure.blobs import Container
from app.engines.azure.contract import ENDED, FAILED, SUCCEEDED, Resource
from app.engines.azure.customvoice import Statement
from app.engines.azure.http import AzureHttp
from app.engines.azure.locales import consent_locale
from app.engines.azure.options import AzureTraining
from app.engines.azure.professional import (
    Names,
    ProfessionalVoices,
    ProfessionalVoiceState,
    TrainingSet,
    untrained,
)
from app.engines.azure.recordings import RATE, wav
from app.engines.base import TRAINED, Agreement, TrainingEvent, TrainingOptions, VoiceState

log = get_logger(__name__)

_FIRST_POLL_S, _GROWTH = 10.0, 1.5
_CLEANING_S: Final = 60.0
_OPERATORS: Final = (401, 403)

MadeT = TypeVar("MadeT")
Look = Callable[[], Awaitable[Resource | None]]


@dataclass(frozen=True, slots=True)
class _Stage:
    """A part of it. `begin`, `end`: of the progress. `usual_s`: how long it takes as a rule."""

    name: str
    message: str
    begin: float
    end: float
    usual_s: float = 1.0

    def share(self, elapsed_s: float) -> float:
        """Progress, which comes close to the end and does not reach it."""
        done = 1 - math.exp(-max(0.0, elapsed_s) / self.usual_s)
        return self.begin + (self.end - self.begin) * done


_AGREEING: Final = _Stage("agreeing", "Azure hears the speaker's agreement", 0.0, 0.01)
_SENDING: Final = _Stage("sending", "Sending the recordings to Azure", 0.01, 0.04)
_READING: Final = _Stage("reading", "Azure reads the recordings", 0.04, 0.1, usual_s=1800.0)
_LEARNING: Final = _Stage("training", "Azure trains the voice", 0.1, 0.95, usual_s=43_200.0)
_OPENING: Final = _Stage("deploying", "Azure makes the voice ready", 0.95, 0.99, usual_s=180.0)


_Progress = tuple[_Stage, float]
"""And the seconds for which it has gone on."""


class ProfessionalTraining:
    """Trains voices at Azure, and deletes them there."""

    def __init__(self, http: AzureHttp, training: AzureTraining) -> None:
        self._http = http
        self._training = training
        self._voices = ProfessionalVoices(http, training)

    async def train(
        self, recordings: Sequence[Recording], options: TrainingOptions
    ) -> AsyncGenerator[TrainingEvent, None]:
        """As `Trainable.train`. What has failed, and what nobody can go on with, is deleted."""
        agreement = options.agreement
        if agreement is None:
            raise ConsentRequired(
                "Azure trains voices only of speakers who have agreed before it.",
                "Give the voice a consent that has a `provider_recording`: POST "
                "/api/v1/consents/{consent_id}/voices.",
            )
        if not recordings:
            raise untrained("training set", "DataNotEnough")
        names, began = Names.of(options.run or uuid4().hex), self._http.clock()
        try:
            async with aclosing(self._stages(names, recordings, agreement)) as stages:
                async for stage, taken_s in stages:
                    spent_s = self._http.clock() - began
                    yield TrainingEvent(stage.name, stage.share(taken_s), stage.message, spent_s)
        except BaseException as error:
            if options.run is None or isinstance(error, AppError):
                await see_through(self._clean(names))
            raise
        # Closed here, it is not given up.
        spent_s, state = self._http.clock() - began, self._state(names)
        yield TrainingEvent(TRAINED, 1.0, "The voice is ready", spent_s, state=state)

    async def abandon(self, run: str) -> None:
        """As `RemotelyTrainable.abandon`."""
        await self._clean(Names.of(run))

    async def forget(self, state: VoiceState) -> None:
        """Delete a voice with all it was made of."""
        kept = ProfessionalVoiceState.from_state(state)
        await self._voices.delete_endpoint(kept.endpoint)
        await self._voices.delete_model(kept.model)
        await self._voices.delete_set(kept.training_set)
        await self._voices.delete_consent(kept.consent)

    async def _stages(
        self, names: Names, recordings: Sequence[Recording], agreement: Agreement
    ) -> AsyncGenerator[_Progress, None]:
        voices = self._voices
        model = await self._patiently(lambda: voices.find_model(names), refused_too=False)
        if model is None:  # else nothing of all this is needed any more
            preparing = self._prepared(names, recordings, agreement)
            async with aclosing(preparing) as prepared:
                async for progress in prepared:
                    yield progress
            await voices.make_model(names)
        await self._empty(names)  # also where it was killed just before this
        age_s = 0.0
        if model is not None and model.created_date_time is not None:
            created = model.created_date_time
            if created.tzinfo is None:  # some of Azure's times name no zone
                created = created.replace(tzinfo=UTC)
            age_s = (utc_now() - created).total_seconds()
        training = self._made(lambda: voices.find_model(names), "model", _LEARNING, age_s=age_s)
        async with aclosing(training) as trained:
            async for progress in trained:
                yield progress
        yield _OPENING, 0.0
        if await self._patiently(lambda: voices.find_endpoint(names)) is None:
            await self._patiently(lambda: voices.make_endpoint(names))
        opening = self._made(lambda: voices.find_endpoint(names), "endpoint", _OPENING)
        async with aclosing(opening) as opened:
            async for progress in opened:
                yield progress

    async def _prepared(
        self, names: Names, recordings: Sequence[Recording], agreement: Agreement
    ) -> AsyncGenerator[_Progress, None]:
        """All that a model is made of."""
        yield _AGREEING, 0.0
        await self._agree(names, agreement)
        yield _SENDING, 0.0
        await self._send(names, recordings, consent_locale(agreement.language))
        reading = self._made(lambda: self._taken_in(names), "training set", _READING)
        async with aclosing(reading) as read:
            async for progress in read:
                yield progress

    def _state(self, names: Names) -> VoiceState:
        return ProfessionalVoiceState(
            project=self._training.project_id,
            consent=names.consent,
            training_set=names.training_set,
            model=names.model,
            endpoint=names.endpoint,
            name=names.name,
        ).to_state()

    async def _agree(self, names: Names, agreement: Agreement) -> None:
        """Have the consent there; one that had failed is made anew."""
        consents = self._voices.consents
        await consents.need_project()
        there = await consents.find_consent(names.consent)
        if there is not None and there.status != FAILED:
            return await consents.wait_consent(names.consent)
        if there is not None:
            await consents.delete_consent(names.consent)
        await consents.make_consent(names.consent, Statement.of(agreement))
        return None

    async def _send(self, names: Names, recordings: Sequence[Recording], locale: str) -> None:
        """Have the recordings on their way into the training set."""
        found = await self._voices.find_set(names)
        if found is None:
            await self._voices.make_set(names, locale)
        elif _has_speech(found):
            return
        if await self._voices.find_upload(names) is not None:
            return
        container = self._container()
        # Of a try that was killed: a recording may have been deleted since.
        await container.delete_prefix(names.prefix)
        for number, recording in enumerate(recordings, 1):
            content = await in_thread(None, _file, recording)
            await container.put(f"{names.prefix}{number:04}.wav", content)
        await self._voices.upload(names, self._container_url)

    async def _taken_in(self, names: Names) -> Resource | None:
        """The training set, once what was sent is in it. Before, it is as ready as an empty one."""
        found = await self._voices.find_set(names)
        if found is None or found.status == FAILED or _has_speech(found):
            return found
        upload = await self._voices.find_upload(names)
        if upload is None:  # Azure does not know it any more, or not yet
            return Resource(status="Running")
        return found if upload.status == SUCCEEDED else upload

    async def _made(
        self, look: Look, what: str, stage: _Stage, *, age_s: float = 0.0
    ) -> AsyncGenerator[_Progress, None]:
        """Look until it is done.

        Args:
            age_s: what it had taken before.

        Raises:
            AppError: it is not made, or gone, or takes too long.
        """
        began, next_s = self._http.clock(), _FIRST_POLL_S
        while True:
            found = await self._patiently(look)
            if found is None:
                raise EngineFailed(
                    f"The {what} of the voice is gone from Azure.",
                    "Somebody may have deleted it there. Train the voice again.",
                )
            if found.status == SUCCEEDED:
                return
            if found.status in ENDED:
                raise untrained(what, found.reason)
            taken_s = age_s + self._http.clock() - began
            if taken_s > self._training.hours * 3600:
                raise EngineUnavailable(
                    f"Azure did not finish the {what} in {self._training.hours:g} hours.",
                    "Train the voice again, or ask the operator.",
                )
            yield stage, taken_s
            pause_s = min(next_s, self._training.poll_s)
            await self._http.pause(pause_s)
            next_s = pause_s * _GROWTH

    async def _patiently(
        self, ask: Callable[[], Awaitable[MadeT]], *, refused_too: bool = True
    ) -> MadeT:
        """Ask until Azure can be asked: a day's work is not given up for an hour without it.

        Args:
            refused_too: also where it does not let us in, as while a key is being renewed.
        """
        began, pause_s = self._http.clock(), _FIRST_POLL_S
        while True:
            try:
                return await ask()
            except EngineError as error:
                status = error.extra.get("provider_status")
                senseless = status is None and isinstance(error, EngineFailed)
                passes = senseless or isinstance(error, EngineUnavailable | EngineBusy)
                if status in _OPERATORS and not refused_too:
                    raise
                if not passes or self._http.clock() - began >= self._training.away_s:
                    raise
                log.warning("Azure is asked again later", code=error.code)
            await self._http.pause(pause_s)
            pause_s = min(pause_s * _GROWTH, self._training.poll_s)

    @property
    def _container_url(self) -> str:
        if self._training.container_url is None:
            raise EngineUnavailable(
                "There is no container for recordings.",
                "The operator must set AZURE_SPEECH_TRAINING_CONTAINER_URL.",
            )
        return self._training.container_url()

    def _container(self) -> Container:
        patience_s = self._http.options.timeout_s
        return Container(self._container_url, timeout_s=patience_s, pause=self._http.pause)

    async def _empty(self, names: Names) -> None:
        """Take the recordings out of the container; Azure has read them."""
        if self._training.container_url is None:
            return
        try:
            await self._container().delete_prefix(names.prefix)
        except EngineError as error:
            log.warning("recordings stay in the container", prefix=names.prefix, code=error.code)

    async def _clean(self, names: Names) -> None:
        """Delete all of a training, as far as possible; what cannot be deleted is logged."""
        voices = self._voices
        try:
            async with asyncio.timeout(_CLEANING_S):  # first what costs money while it is there
                await _gone(voices.delete_endpoint, names.endpoint)
                await _gone(voices.delete_model, names.model)
                await _gone(voices.delete_set, names.training_set)
                await _gone(voices.delete_consent, names.consent)
        except TimeoutError:
            log.warning(_STAYS, model=names.model)
        try:
            async with asyncio.timeout(_CLEANING_S):
                await self._empty(names)
        except TimeoutError:
            log.warning("recordings stay in the container", prefix=names.prefix)


_STAYS: Final = "what failed stays at Azure"


async def _gone(delete: Callable[[str], Awaitable[None]], name: str) -> None:
    try:
        await delete(name)
    except EngineError as error:
        log.warning(_STAYS, name=name, code=error.code)


def _has_speech(found: TrainingSet) -> bool:
    counted = found.properties.utterance_count if found.properties else None
    return found.status == SUCCEEDED and bool(counted)


def _file(recording: Recording) -> bytes:
    """A WAV file. Blocks."""
    return wav(resample(recording.samples, recording.sample_rate, RATE))
