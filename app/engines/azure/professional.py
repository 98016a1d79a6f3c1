"""Professional voices at Azure: training sets, models and endpoints, made and deleted."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, TypeVar
from uuid import UUID, uuid5

from app.core.exceptions import (
    AppError,
    ConsentMismatch,
    EngineFailed,
    EngineUnavailable,
    RecordingTooShort,
)
from app.engines.azure.contract import Failure, Resource
from app.engines.azure.customvoice import GONE, CustomVoice, read
from app.engines.azure.errors import refusal, senseless, unmade
from app.engines.azure.http import AzureHttp, Call
from app.engines.azure.options import AzureTraining
from app.engines.base import VoiceState

FORMAT: Final = "azure/professional.v1"
_ENGINE: Final = "azure"
_KIND: Final = "ProfessionalVoice"
_SPACE: Final = UUID("6d1d2c3e-6a57-4d0c-9a8b-0f8f6f3f5b1a")  # any, always the same
_BUSY_TRIES, _BUSY_S = 6, 10.0

ResourceT = TypeVar("ResourceT", bound=Resource)


class SetProperties(Failure):
    """What is in a training set."""

    utterance_count: int | None = None


class TrainingSet(Resource):
    """Recordings to learn from."""

    properties: SetProperties | None = None


class Operation(Resource):
    """Something that Azure does in the background."""


class Model(Resource):
    """A trained voice, or one in training."""

    created_date_time: datetime | None = None


class Recipe(Resource):
    """A way to train. What it says of the least amounts may be missing."""

    kind: str
    min_utterance_count: float | None = None
    min_duration_in_seconds: float | None = None


class Recipes(Resource):
    """All of them."""

    value: tuple[Recipe, ...]


class Endpoint(Resource):
    """A model that can be spoken with."""


@dataclass(frozen=True, slots=True)
class Names:
    """What all that belongs to one training is called there. Each training has its own: what it
    leaves can be deleted without a look at others.
    """

    consent: str
    training_set: str
    model: str
    endpoint: str
    name: str
    upload: str
    prefix: str

    @classmethod
    def of(cls, run: str) -> "Names":
        """Of a training; always the same."""
        digest = sha256(run.encode()).hexdigest()[:32]
        return cls(
            consent=f"consent-{digest}",
            training_set=f"set-{digest}",
            model=f"model-{digest}",
            endpoint=str(uuid5(_SPACE, digest)),
            name=f"Voice{digest[:16]}Neural",
            upload=f"upload-{digest}",
            prefix=f"training/{digest}/",
        )


@dataclass(frozen=True, slots=True)
class ProfessionalVoiceState:
    """What is kept of a voice. `name`: by which it speaks at its endpoint."""

    project: str
    consent: str
    training_set: str
    model: str
    endpoint: str
    name: str

    def to_state(self) -> VoiceState:
        names = {name: getattr(self, name) for name in self.__slots__}
        return VoiceState(_ENGINE, FORMAT, json.dumps(names, sort_keys=True).encode())

    @classmethod
    def from_state(cls, state: VoiceState) -> "ProfessionalVoiceState":
        """Raise `EngineFailed` if it is not one."""
        try:
            fields = json.loads(state.payload)
            found = {name: fields[name] for name in cls.__slots__}
        except (ValueError, KeyError, TypeError):
            found = {}
        if not found or not all(isinstance(value, str) for value in found.values()):
            raise EngineFailed("The state of the voice cannot be read.", "Train the voice again.")
        return cls(**found)


class ProfessionalVoices:
    """The part of the custom voice API that professional voices need. Everything may be asked for
    twice.
    """

    def __init__(self, http: AzureHttp, training: AzureTraining) -> None:
        self._http = http
        self._training = training
        self.consents = CustomVoice(
            http, training.project_id, kind=_KIND, setting="AZURE_SPEECH_TRAINING_PROJECT"
        )

    async def recipes(self) -> tuple[Recipe, ...]:
        """What can be asked for."""
        return read(await self._http.call(Call("GET", "/modelrecipes"), ok=(200,)), Recipes).value

    async def find_set(self, names: Names) -> TrainingSet | None:
        return await self._find(f"/trainingsets/{names.training_set}", TrainingSet)

    async def find_upload(self, names: Names) -> Operation | None:
        return await self._find(f"/operations/{names.upload}", Operation)

    async def find_model(self, names: Names) -> Model | None:
        return await self._find(f"/models/{names.model}", Model)

    async def find_endpoint(self, names: Names) -> Endpoint | None:
        return await self._find(f"/endpoints/{names.endpoint}", Endpoint)

    async def make_set(self, names: Names, locale: str) -> None:
        body = {"projectId": self._training.project_id, "locale": locale}
        await self._make(f"/trainingsets/{names.training_set}", body)

    async def upload(self, names: Names, container_url: str) -> None:
        """Have Azure read what lies in the container into the training set."""
        body = {
            "kind": self._training.kind,
            "audios": {
                "containerUrl": container_url,
                "prefix": names.prefix,
                "extensions": [".wav"],
            },
        }
        path = f"/trainingsets/{names.training_set}:upload"
        call = Call("POST", path, json=body, operation_id=names.upload)
        answer = await self._http.call(call, ok=(200, 201, 202, 400, 409))
        # Or an earlier try got through, and only its answer was lost.
        if answer.status != 202 and await self.find_upload(names) is None:
            raise refusal(answer.status, {}) if answer.status >= 400 else senseless("no promise")

    async def make_model(self, names: Names) -> None:
        body = {
            "projectId": self._training.project_id,
            "consentId": names.consent,
            "trainingSetId": names.training_set,
            "recipe": {"kind": self._training.recipe},
            "voiceName": names.name,
        }
        await self._make(f"/models/{names.model}", body)

    async def make_endpoint(self, names: Names) -> None:
        body = {
            "projectId": self._training.project_id,
            "modelId": names.model,
            "properties": {"kind": self._training.endpoint_kind},
        }
        await self._make(f"/endpoints/{names.endpoint}", body)

    async def delete_endpoint(self, endpoint: str) -> None:
        await self._delete(f"/endpoints/{endpoint}")

    async def delete_model(self, model: str) -> None:
        await self._delete(f"/models/{model}")

    async def delete_set(self, training_set: str) -> None:
        await self._delete(f"/trainingsets/{training_set}")

    async def delete_consent(self, consent: str) -> None:
        await self._delete(f"/consents/{consent}")

    async def _find(self, path: str, kind: type[ResourceT]) -> ResourceT | None:
        answer = await self._http.call(Call("GET", path), ok=(200, 404))
        return read(answer, kind) if answer.status == 200 else None

    async def _make(self, path: str, body: Mapping[str, Any]) -> None:
        answer = await self._http.call(Call("PUT", path, json=body), ok=(200, 201, 202, 400, 409))
        # Or an earlier try got through, and only its answer was lost.
        if answer.status >= 400 and await self._find(path, Resource) is None:
            raise refusal(answer.status, {})

    async def _delete(self, path: str) -> None:
        """One that is not there is deleted. What was made of it may still be on its way out."""
        for tried in range(1, _BUSY_TRIES + 1):
            answer = await self._http.call(Call("DELETE", path), ok=(*GONE, 409))
            if answer.status != 409:
                return
            if tried < _BUSY_TRIES:
                await self._http.pause(_BUSY_S)
        raise refusal(409, {})


def untrained(what: str, reason: str | None) -> AppError:
    """Azure has tried, and not made it.

    Args:
        what: `training set`, `model` or `endpoint`.
        reason: the service's `failureReason`.
    """
    more = {"provider_reason": reason}
    if reason == "SpeakerVerificationFailed":
        return ConsentMismatch(
            "Azure hears somebody else in the recordings of the voice than in that of the consent.",
            "All must be of the same speaker. Delete those that are not, and train again.",
            **more,
        )
    if reason == "DataNotEnough":
        return RecordingTooShort(
            "Azure finds too little speech in the recordings for a professional voice.",
            "Add recordings to the voice, and train again: docs/azure.md tells how much it takes.",
            **more,
        )
    if reason == "InaccessibleCustomerStorage":
        return EngineUnavailable(
            "Azure could not read the recordings in the container.",
            "The operator must check AZURE_SPEECH_TRAINING_CONTAINER_URL: its signature must last "
            "for hours and allow to read and list, and its network must let Azure in.",
            **more,
        )
    if reason == "DataNotReady":
        return EngineFailed(
            "Azure had not yet read the recordings when the training began.", "Train again.", **more
        )
    if reason == "TerminateByUser":
        return EngineFailed(
            "Somebody has stopped the training at Azure.",
            "Ask who runs the account there, then train again.",
            **more,
        )
    return unmade(what, reason)
