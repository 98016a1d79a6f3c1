"""Personal voices at Azure: projects, consents and voices, made and deleted."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

from pydantic import BaseModel, ValidationError

from app.core.exceptions import EngineFailed, EngineUnavailable
from app.engines.azure.contract import (
    ENDED,
    SUCCEEDED,
    BaseModels,
    Consent,
    PersonalVoice,
    PersonalVoices,
    Project,
    Resource,
)
from app.engines.azure.errors import refusal, senseless, unmade
from app.engines.azure.http import Answer, AzureHttp, Call, File
from app.engines.azure.locales import consent_locale
from app.engines.base import Agreement

_PERSONAL: Final = "PersonalVoice"
_GROWTH, _LONGEST_POLL_S = 1.5, 10.0
_TYPE: Final = "audio/wav"

ModelT = TypeVar("ModelT", bound=BaseModel)
ResourceT = TypeVar("ResourceT", bound=Resource)


@dataclass(frozen=True, slots=True)
class Statement:
    """A speaker's recording of the statement. `audio`: a WAV file."""

    speaker: str
    company: str
    locale: str
    filename: str
    audio: bytes = field(repr=False)

    @classmethod
    def of(cls, agreement: Agreement) -> "Statement":
        """Raises `UnsupportedLanguage`: there is no statement in the language."""
        return cls(
            agreement.speaker,
            agreement.company,
            consent_locale(agreement.language),
            agreement.filename,
            agreement.recording,
        )


class CustomVoice:
    """The part of the custom voice API that personal voices need.

    Args:
        project: None: that of personal voices. kind: of it. setting: that names it.
    """

    def __init__(
        self,
        http: AzureHttp,
        project: str | None = None,
        *,
        kind: str = _PERSONAL,
        setting: str = "AZURE_SPEECH_PROJECT",
    ) -> None:
        self._http = http
        self._project = project or http.options.project_id
        self._kind, self._setting = kind, setting
        self._project_there = False
        self._preparing = asyncio.Lock()

    async def base_models(self) -> tuple[str, ...]:
        """Names of those that speak personal voices. Asked once: whoever waits can ask again."""
        answer = await self._http.call(Call("GET", "/basemodels"), ok=(200,), tries=1)
        return tuple(
            model.name
            for model in read(answer, BaseModels).value
            if not model.capabilities or _PERSONAL in model.capabilities
        )

    async def need_project(self) -> None:
        """Make the project if it is not there.

        Raises:
            EngineUnavailable: it is there, of another kind.
        """
        async with self._preparing:
            if self._project_there:
                return
            if not await self.has_project():
                path = f"/projects/{self._project}"
                body = {"kind": self._kind, "description": "Voices of the voice-cloning API"}
                answer = await self._http.call(Call("PUT", path, json=body), ok=(200, 201))
                self._check_project(answer)
            self._project_there = True

    async def has_project(self) -> bool:
        """Whether the project is there.

        Raises:
            EngineUnavailable: it is there, of another kind.
        """
        call = Call("GET", f"/projects/{self._project}")
        answer = await self._http.call(call, ok=(200, 404))
        if answer.status == 404:
            return False
        self._check_project(answer)
        return True

    async def find_consent(self, consent_id: str) -> Consent | None:
        """A consent that is there already."""
        path = f"/consents/{consent_id}"
        answer = await self._http.call(Call("GET", path), ok=(200, 404))
        return read(answer, Consent) if answer.status == 200 else None

    async def make_consent(self, consent_id: str, said: Statement) -> None:
        """Send the recording, and wait until it has been judged.

        Raises:
            ConsentUnusable: it does not say what it should.
            EngineFailed, EngineUnavailable, EngineBusy
        """
        fields = {
            "projectId": self._project,
            "voiceTalentName": said.speaker,
            "companyName": said.company,
            "locale": said.locale,
        }
        files = [("audiodata", (said.filename, said.audio, _TYPE))]
        await self._post(f"/consents/{consent_id}", fields, files)
        await self.wait_consent(consent_id)

    async def wait_consent(self, consent_id: str) -> None:
        """Wait until a consent has been judged; raises as `make_consent`."""
        await self._wait(f"/consents/{consent_id}", Consent, "consent")

    async def make_voice(self, voice_id: str, consent_id: str, audio: Sequence[bytes]) -> str:
        """Make a voice of WAV files, and wait until it can speak; gives its speaker profile.

        Raises:
            ConsentMismatch: its speaker is not that of the consent.
            RecordingTooShort, EngineFailed, EngineUnavailable, EngineBusy
        """
        fields = {"projectId": self._project, "consentId": consent_id}
        files = [
            ("audiodata", (f"prompt-{number}.wav", content, _TYPE))
            for number, content in enumerate(audio, 1)
        ]
        await self._post(f"/personalvoices/{voice_id}", fields, files)
        made = await self._wait(f"/personalvoices/{voice_id}", PersonalVoice, "voice")
        if not made.speaker_profile_id:
            raise senseless("a voice that has no speaker profile")
        return made.speaker_profile_id

    async def delete_voice(self, voice_id: str) -> None:
        """Delete a voice; one that is not there is deleted."""
        await self._http.call(Call("DELETE", f"/personalvoices/{voice_id}"), ok=GONE)

    async def delete_consent(self, consent_id: str) -> None:
        """Delete a consent; one that is not there is deleted."""
        await self._http.call(Call("DELETE", f"/consents/{consent_id}"), ok=GONE)

    async def uses(self, consent_id: str) -> bool:
        """Whether a voice of the project has a consent."""
        async for voice in self.voices():
            if voice.consent_id == consent_id:
                return True
        return False

    async def voices(self) -> AsyncIterator[PersonalVoice]:
        """Those of the project."""
        query = {"filter": f"projectId eq '{self._project}'"}
        call = Call("GET", "/personalvoices", query)
        while True:
            page = read(await self._http.call(call, ok=(200,)), PersonalVoices)
            for voice in page.value:
                yield voice
            if not page.next_link:
                return
            # Only what it asks for: our key goes to no other host than ours.
            asked = parse_qsl(urlsplit(page.next_link).query)
            call = Call("GET", "/personalvoices", dict(asked))

    def _check_project(self, answer: Answer) -> None:
        if read(answer, Project).kind != self._kind:
            raise EngineUnavailable(
                f"The project {self._project!r} at Azure is not of the kind {self._kind}.",
                f"The operator must set {self._setting} to another name.",
            )

    async def _post(self, path: str, fields: dict[str, str], files: Sequence[File]) -> None:
        call = Call("POST", path, fields=fields, files=files, operation_id=uuid4().hex)
        answer = await self._http.call(call, ok=(200, 201, 202, 400, 409))
        # Or an earlier try got through, and only its answer was lost.
        if answer.status == 400 and not await self._is_there(path):
            raise refusal(400, {})

    async def _is_there(self, path: str) -> bool:
        return (await self._http.call(Call("GET", path), ok=(200, 404))).status == 200

    async def _wait(self, path: str, kind: type[ResourceT], what: str) -> ResourceT:
        """Look until it is done."""
        waited_s, next_s = 0.0, self._http.options.poll_s
        while True:
            answer = await self._http.call(Call("GET", path), ok=(200,))
            found = read(answer, kind)
            if found.status == SUCCEEDED:
                return found
            if found.status in ENDED:
                raise unmade(what, found.reason)
            pause_s = next_s
            if answer.retry_after_s is not None:  # 0 as well: that would be a wait without an end
                pause_s = max(self._http.options.poll_s, answer.retry_after_s)
            if waited_s + pause_s > self._http.options.enrol_s:
                raise EngineUnavailable(
                    f"Azure did not finish the {what} in time.", "Register the voice again later."
                )
            await self._http.pause(pause_s)
            waited_s += pause_s
            next_s = min(_LONGEST_POLL_S, next_s * _GROWTH)


GONE: Final = (200, 202, 204, 404)


def read(answer: Answer, kind: type[ModelT]) -> ModelT:
    """What an answer says.

    Raises:
        EngineFailed: it cannot be read.
    """
    try:
        return kind.model_validate_json(answer.content)
    except ValidationError:
        raise _unreadable(answer) from None


def _unreadable(answer: Answer) -> EngineFailed:
    return senseless("something that is not as it is described" if answer.content else "nothing")
