"""The engine `azure`: personal and professional voices of Azure AI Speech, over REST. Text and
recordings leave this machine.
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4
from weakref import WeakValueDictionary

from app.audio.types import Recording, SpeechChunk
from app.core.clock import Clock
from app.core.exceptions import (
    AppError,
    ConfigurationError,
    ConsentRequired,
    EngineError,
    EngineFailed,
    UnspeakableText,
    UnsupportedLanguage,
)
from app.core.logging import get_logger
from app.core.tasks import in_thread, see_through
from app.engines.azure import locales
from app.engines.azure.ahead import Ahead, Document
from app.engines.azure.contract import FAILED
from app.engines.azure.customvoice import CustomVoice, Statement
from app.engines.azure.http import AzureHttp
from app.engines.azure.identity import Signer
from app.engines.azure.options import AzureOptions, AzureTraining
from app.engines.azure.pace import Pause
from app.engines.azure.phonemes import takes_ipa, unknown
from app.engines.azure.professional import FORMAT as PROFESSIONAL
from app.engines.azure.professional import ProfessionalVoiceState
from app.engines.azure.recordings import LONGEST_S, SHORTEST_S, prompts
from app.engines.azure.speech import chunks, output_format
from app.engines.azure.ssml import Speaker, document
from app.engines.azure.training import ProfessionalTraining
from app.engines.base import (
    Agreement,
    EngineInfo,
    Pronunciation,
    ReadWord,
    SynthesisRequest,
    TrainingEvent,
    TrainingOptions,
    VoiceState,
    check_controls,
    trainer,
)
from app.engines.registry import EngineOptions
from app.text.clean import speakable
from app.text.words import written_words

log = get_logger(__name__)

NAME: Final = "azure"
PERSONAL: Final = "azure/personal.v1"
STOCK: Final = "azure/stock.v1"
_MAX_CHARS: Final = 500
"""At half the speed, in the slowest script, some four minutes: Azure cuts off after ten."""


@dataclass(frozen=True, slots=True)
class PersonalVoiceState:
    """What is kept of a voice. `model`: that was set when it was made."""

    project: str
    consent: str
    voice: str
    profile: str
    model: str

    def to_state(self) -> VoiceState:
        names = {name: getattr(self, name) for name in self.__slots__}
        return VoiceState(NAME, PERSONAL, json.dumps(names, sort_keys=True).encode())

    @classmethod
    def from_state(cls, state: VoiceState) -> "PersonalVoiceState":
        return cls(**{name: _named(state, name) for name in cls.__slots__})


class AzureEngine:
    """Implements `Engine`, `AgreementBound`, `Remote` and `SpeaksAhead`; where training is set up,
    `Trainable` and `RemotelyTrainable` as well.
    """

    def __init__(
        self,
        options: AzureOptions,
        *,
        pause: Pause = asyncio.sleep,
        clock: Clock = time.monotonic,
        signs: Signer | None = None,
    ) -> None:
        self._options = options
        self._http = AzureHttp(options, pause=pause, clock=clock, signs=signs)
        self._voices = CustomVoice(self._http)
        # There also where it is not set up: voices of a time when it was can be deleted.
        self._training = ProfessionalTraining(self._http, options.training or AzureTraining())
        self._ahead = Ahead(self._http)
        self._slots = asyncio.Semaphore(options.concurrency)
        self._agreeing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._opening = asyncio.Lock()
        self._is_open = False
        self._info = _info(options)

    @property
    def info(self) -> EngineInfo:
        return self._info

    async def open(self) -> None:
        """Ask Azure whether it knows us."""
        async with self._opening:
            if self._is_open:
                return
            models = await self._voices.base_models()
            if self._options.base_model not in models:
                log.warning("Azure does not list the base model", model=self._options.base_model)
            self._is_open = True

    async def close(self) -> None:
        await self._http.close()

    async def enroll(self, recordings: Sequence[Recording]) -> VoiceState:
        raise ConsentRequired(
            "Azure makes voices only of speakers who have agreed before it.",
            "Register with the `consent_id` of a consent that has a `provider_recording`.",
        )

    def provider_statement(self, language: str, *, speaker: str, company: str) -> str | None:
        try:
            return locales.statement(language, speaker=speaker, company=company)
        except UnsupportedLanguage:
            return None

    async def enroll_under(
        self, recordings: Sequence[Recording], agreement: Agreement
    ) -> VoiceState:
        said = Statement.of(agreement)
        audio = await in_thread(None, prompts, list(recordings))
        consent_id, voice_id = f"consent-{agreement.consent_id}", f"voice-{uuid4()}"
        await self._voices.need_project()
        is_new = await self._agree(consent_id, said)
        try:
            profile = await self._voices.make_voice(voice_id, consent_id, audio)
        except BaseException:
            await see_through(self._take_back(voice_id, consent_id if is_new else None))
            raise
        options = self._options
        return PersonalVoiceState(
            options.project_id, consent_id, voice_id, profile, options.base_model
        ).to_state()

    async def forget(self, state: VoiceState) -> None:
        if state.format == STOCK:
            return
        if state.format == PROFESSIONAL:
            await self._training.forget(state)
            return
        kept = PersonalVoiceState.from_state(state)
        await self._voices.delete_voice(kept.voice)
        if not await self._voices.uses(kept.consent):
            await self._voices.delete_consent(kept.consent)

    async def train(
        self,
        recordings: Sequence[Recording],
        start: VoiceState | None,
        *,
        options: TrainingOptions,
    ) -> AsyncGenerator[TrainingEvent, None]:
        """Begins anew, whatever voice there is: Azure's models are made of recordings alone."""
        trainer(self)
        async with aclosing(self._training.train(recordings, options)) as events:
            async for event in events:
                yield event

    async def abandon(self, run: str) -> None:
        await self._training.abandon(run)

    def sample_voice(self) -> VoiceState:
        named = json.dumps({"voice": self._options.stock_voice})
        return VoiceState(NAME, STOCK, named.encode())

    def check(self, text: str, language: str | None) -> None:
        locales.locale_of(language or locales.LOCALES[0])
        if not speakable(text):
            raise UnspeakableText("There is nothing in the text that can be spoken.", "Send words.")

    async def synthesize(self, request: SynthesisRequest) -> AsyncGenerator[SpeechChunk, None]:
        ssml = self._document(request)
        rate = self._options.sample_rate
        async with (
            self._sound(ssml, to=self._address(request.voice)) as sound,
            aclosing(chunks(sound, request.text, rate)) as spoken,
        ):
            async for chunk in spoken:
                yield chunk

    @property
    def ahead_from(self) -> int:
        return self._options.batch.at_least

    def speak_ahead(
        self,
        requests: Sequence[SynthesisRequest],
        *,
        name: str,
        before: Sequence[SynthesisRequest] = (),
        keep: Callable[[BaseException], Awaitable[bool]],
    ) -> AbstractAsyncContextManager[int]:
        documents, first = list(self._documents(requests)), list(self._documents(before))
        return self._ahead.spoken(documents, name=name, before=first, keep=keep)

    def _documents(self, requests: Sequence[SynthesisRequest]) -> Iterator[Document]:
        """Of those that can be spoken; what is wrong with others is told when they are."""
        for request in requests:
            if request.voice.format not in (PERSONAL, STOCK):
                continue
            with suppress(AppError):
                length = len(request.text.encode(errors="replace")) / request.speed
                yield Document(self._document(request), length)

    def _document(self, request: SynthesisRequest) -> bytes:
        check_controls(self.info, request)
        self.check(request.text, request.language)
        locale = locales.locale_of(request.language or locales.LOCALES[0])
        return document(self._speaker(request.voice), request, locale)

    @asynccontextmanager
    async def _sound(
        self, ssml: bytes, *, to: str | None
    ) -> AsyncGenerator[AsyncGenerator[bytes, None], None]:
        if (known := await self._ahead.sound(ssml)) is not None:
            yield known
            return
        form = output_format(self._options.sample_rate, "raw")
        async with self._slots, self._http.speech(ssml, form, to=to) as sound:
            yield sound

    async def _agree(self, consent_id: str, said: Statement) -> bool:
        """Have the consent there; one that had failed is made anew. Whether it is new."""
        # Of voices that are made at once under one consent, the first makes it.
        async with self._agreeing.setdefault(consent_id, asyncio.Lock()):
            there = await self._voices.find_consent(consent_id)
            if there is not None and there.status != FAILED:
                await self._voices.wait_consent(consent_id)
                return False
            if there is not None:
                await self._voices.delete_consent(consent_id)
            try:
                await self._voices.make_consent(consent_id, said)
            except BaseException:
                await see_through(self._take_back(None, consent_id))
                raise
            return True

    async def _take_back(self, voice_id: str | None, consent_id: str | None) -> None:
        """Delete what was begun; what cannot be deleted is logged."""
        try:
            if voice_id is not None:
                await self._voices.delete_voice(voice_id)
            if consent_id is not None and not await self._voices.uses(consent_id):
                await self._voices.delete_consent(consent_id)
        except EngineError as error:
            log.warning(
                "what failed stays at Azure", voice=voice_id, consent=consent_id, code=error.code
            )

    def _speaker(self, state: VoiceState) -> Speaker:
        if state.format == STOCK:
            return Speaker(_named(state, "voice"))
        if state.format == PROFESSIONAL:
            return Speaker(ProfessionalVoiceState.from_state(state).name)
        kept = PersonalVoiceState.from_state(state)
        return Speaker(self._options.base_model, kept.profile)

    def _address(self, state: VoiceState) -> str | None:
        """Where text for a voice is sent; None: where it is sent as a rule."""
        if state.format != PROFESSIONAL:
            return None
        endpoint = ProfessionalVoiceState.from_state(state).endpoint
        return f"{self._options.professional_url}?deploymentId={quote(endpoint)}"


def _named(state: VoiceState, name: str) -> str:
    """A field of a payload."""
    try:
        fields: dict[str, Any] = json.loads(state.payload)
        found = fields[name]
    except (ValueError, KeyError, TypeError) as error:
        raise _unknown(state) from error
    if state.format not in (PERSONAL, STOCK) or not isinstance(found, str):
        raise _unknown(state)
    return found


def _unknown(state: VoiceState) -> EngineFailed:
    return EngineFailed(
        f"A voice state of the format {state.format!r} cannot be spoken by this engine.",
        "Register the voice again.",
    )


class PhoneticAzureEngine(AzureEngine):
    """With a base model that takes phonemes: implements `Phonetic` as well."""

    def missing_phonemes(self, phonemes: str, language: str | None) -> tuple[str, ...]:
        locales.locale_of(language or locales.LOCALES[0])
        return unknown(phonemes)

    def read(
        self, text: str, language: str | None, pronunciations: Sequence[Pronunciation] = ()
    ) -> tuple[ReadWord, ...]:
        """Azure does not tell how it reads: only what is given has phonemes."""
        self.check(text, language)
        given = {(one.start, one.end): one.phonemes for one in pronunciations}
        return tuple(
            ReadWord(word.text, word.start, word.end, given.get((word.start, word.end), ""), True)
            for word in written_words(text)
        )

    def parts_of_speech(self, text: str, language: str | None) -> tuple[tuple[int, int, str], ...]:
        return ()


def _info(options: AzureOptions) -> EngineInfo:
    phonetic = takes_ipa(options.base_model)
    return EngineInfo(
        name=NAME,
        title="Azure AI Speech, personal voice",
        version=options.base_model,
        sample_rate=options.sample_rate,
        languages=locales.LOCALES,
        max_chars=_MAX_CHARS,
        reference_s=(SHORTEST_S, LONGEST_S),
        controls=frozenset({"speed", "pronunciations"} if phonetic else {"speed"}),
        concurrency=options.concurrency,
        # Who waits goes first, but nobody gains where a batch is slow.
        background_concurrency=max(1, options.concurrency // 2),
        local=False,
        trainable=options.training is not None,
        trains_remotely=options.training is not None,
        streams=True,
    )


def make_engine(
    options: AzureOptions,
    *,
    pause: Pause = asyncio.sleep,
    clock: Clock = time.monotonic,
    signs: Signer | None = None,
) -> AzureEngine:
    """An engine of an account. `signs`: instead of what the options say."""
    kind = PhoneticAzureEngine if takes_ipa(options.base_model) else AzureEngine
    return kind(options, pause=pause, clock=clock, signs=signs)


def create(options: EngineOptions) -> AzureEngine:
    """The engine of the account in the options.

    Raises:
        ConfigurationError: there is none.
    """
    account = options.azure
    if account is None:
        raise ConfigurationError(
            "The engine azure needs AZURE_SPEECH_KEY and AZURE_SPEECH_REGION.",
            "By identity: AZURE_SPEECH_ENDPOINT and AZURE_SPEECH_RESOURCE_ID. docs/azure.md.",
        )
    return make_engine(account)
