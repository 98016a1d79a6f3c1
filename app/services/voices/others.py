"""Voices for other engines than their own, which may speak where that one cannot."""

import asyncio
from dataclasses import dataclass
from typing import Final

from app.consents.desk import consent_for
from app.core.exceptions import AppError, DatabaseError, InvalidRequest, VersionConflict
from app.core.logging import get_logger
from app.core.tasks import see_through
from app.db.voices import find_voice, update_voice
from app.engines.base import Engine, Remote, VoiceState
from app.models.audit import Action
from app.models.voice import HeldState, Voice
from app.services.voices.enrolling import agreement_for, enrolled
from app.services.voices.shelf import Shelf, new_state_name
from app.services.voices.tools import VoiceTools
from app.training.recordings import gather

log = get_logger(__name__)

_PATIENCE_S: Final = 60.0  # with each engine, while somebody waits for a new voice
_TRIES: Final = 20  # when others change the same voice


@dataclass(frozen=True, slots=True)
class _Made:
    """What an engine has made of a voice."""

    engine: Engine
    held: HeldState
    state: VoiceState


class OtherEngines:
    """Has voices made for the engines that stand by, and takes them away again."""

    def __init__(self, tools: VoiceTools) -> None:
        self._tools = tools
        self._shelf = Shelf(tools)

    async def hold(self, voice: Voice, name: str) -> Voice:
        """Have an engine make the voice of its recordings, anew if it has made it before.

        Raises:
            VoiceNotFound: it was deleted meanwhile.
            InvalidRequest: no such engine stands by, or it is the voice's own.
            ConsentRequired, ConsentUnusable, VoiceSuspended: the voice may not speak, or not
                there.
            UnsuitableRecording: no voice can be made of its recordings.
            EngineBusy, EngineError, AssetError, StorageError, DatabaseError: nothing has changed.
        """
        return await self._hold(voice, self._engine(voice, name))

    async def hold_all(self, voice: Voice) -> Voice:
        """The same for a new voice and all engines that stand by. One that cannot, or takes very
        long, is logged: the voice is there without it.
        """
        for engine in self._tools.standbys:
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    voice = await self._hold(voice, engine)
            except (AppError, TimeoutError) as error:
                log.warning(
                    "a voice has no state for another engine",
                    voice=voice.id,
                    engine=engine.info.name,
                    code=error.code if isinstance(error, AppError) else "too-slow",
                )
        return voice

    async def drop(self, voice: Voice, name: str) -> Voice:
        """Take a voice away from an engine; from one that has none it is taken already.

        Raises:
            VoiceNotFound: it was deleted meanwhile.
            InvalidRequest: it is the voice's own, which stays.
        """
        if name == voice.engine:
            raise InvalidRequest(
                f"The engine {name[:100]!r} is the voice's own.",
                "DELETE /voices/{voice_id} takes the voice away from all of them.",
            )
        return await see_through(self._drop(voice, name))

    def _engine(self, voice: Voice, name: str) -> Engine:
        names = [one.info.name for one in self._tools.standbys]
        found = self._tools.engine_of(name)
        if found is None or name == voice.engine:
            raise InvalidRequest(
                f"The engine {name[:100]!r} is the voice's own."
                if found
                else f"No engine {name[:100]!r} runs here.",
                "GET /api/v1/engines lists those that run."
                if names
                else "The operator sets FALLBACK_ENGINES.",
            )
        return found

    async def _hold(self, voice: Voice, engine: Engine) -> Voice:
        tools = self._tools
        tools.permit.check(voice)
        consent = await consent_for(tools.desk, voice.owner, voice.consent_id)
        await engine.open()
        with tools.admission.enter():
            agreement = await agreement_for(tools, consent, engine)
            material = await gather(
                voice,
                samples=tools.samples,
                recordings=tools.stores.recordings,
                ears=tools.ears,
            )
            recordings = [one.recording for one in (*material.learnt, *material.held)]
            state = await enrolled(engine, recordings, agreement)
        held = HeldState(
            engine=engine.info.name,
            state_name=new_state_name(),
            state_format=state.format,
            similarity=state.similarity,
        )
        return await see_through(self._keep(voice, _Made(engine, held, state)))

    async def _keep(self, voice: Voice, made: _Made) -> Voice:
        """The file first, then the record; the one before goes when nothing names it."""
        states, held = self._tools.stores.states, made.held
        blob = f"{voice.id}/{held.state_name}"
        try:
            await states.put(blob, made.state.payload)
            async with self._tools.audit.recorded(Action.VOICE_CHANGED, voice):
                voice, before = await self._put(voice, held.engine, held)
        except BaseException:
            if not await self._named(voice, held):
                await self._forget(voice, made.engine, made.state)
                await self._shelf.remove(states, blob, voice)
            raise
        if before is not None:
            await self._remove(voice, before)
        return voice

    async def _named(self, voice: Voice, held: HeldState) -> bool:
        """Whether the record may name it: a change that failed may be there all the same."""
        try:
            now = await self._tools.voices.get(voice.id)
        except DatabaseError:
            log.warning("a file may stay until the next sweep", voice=voice.id, engine=held.engine)
            return True
        return now is not None and held in now.other_states

    async def _drop(self, voice: Voice, name: str) -> Voice:
        async with self._tools.audit.recorded(Action.VOICE_CHANGED, voice):
            voice, before = await self._put(voice, name, None)
        if before is not None:
            await self._remove(voice, before)
        return voice

    async def _put(
        self, voice: Voice, engine: str, held: HeldState | None
    ) -> tuple[Voice, HeldState | None]:
        """Note what an engine holds, and what it held before."""
        replaced: HeldState | None = None
        for _ in range(_TRIES):
            before = next((one for one in voice.other_states if one.engine == engine), None)
            if before == held:  # so it was, or it was noted and only the answer was lost
                return voice, replaced
            replaced = before
            others = tuple(one for one in voice.other_states if one.engine != engine)
            now = (*others, held) if held else others
            try:
                changed = voice.model_copy(update={"other_states": now})
                return await update_voice(self._tools.voices, changed), replaced
            except VersionConflict:
                voice = await find_voice(self._tools.voices, voice.owner, voice.id)
                if held is not None:
                    self._tools.permit.check(voice)  # its consent may be gone by now
        raise VersionConflict("The voice is changed by too many at once.", "Try again.")

    async def _remove(self, voice: Voice, held: HeldState) -> None:
        blob = f"{voice.id}/{held.state_name}"
        await self._shelf.forgotten_by(voice, held.engine, held.state_format, blob)
        await self._shelf.remove(self._tools.stores.states, blob, voice)

    async def _forget(self, voice: Voice, engine: Engine, state: VoiceState) -> None:
        """Have a state deleted that no file holds."""
        if not isinstance(engine, Remote):
            return
        try:
            await engine.forget(state)
        except AppError as error:
            log.warning("a voice stays at its provider", voice=voice.id, code=error.code)
