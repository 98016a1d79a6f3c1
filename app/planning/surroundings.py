"""What a request names besides its own voice: other voices, lexicons."""

from app.consents.permit import Permit
from app.db.base import Collection
from app.db.voices import find_voice
from app.engines.base import Engine
from app.lexicons.shelf import Attached, LexiconShelf
from app.models.voice import Voice
from app.planning.draft import Draft
from app.planning.plan import Plan

_Key = tuple[str, tuple[str, ...] | None, tuple[str, ...]]


class Surroundings:
    """Looks them up: each once, for as many requests as it is used for."""

    def __init__(
        self, voices: Collection[Voice], lexicons: LexiconShelf, engine: Engine, permit: Permit
    ) -> None:
        self._collection = voices
        self._shelf = lexicons
        self._engine = engine
        self._permit = permit
        self._voices: dict[tuple[str, str], Voice] = {}
        self._attached: dict[_Key, Attached] = {}

    async def plan(self, draft: Draft) -> Plan:
        """The request with all that belongs to it, unchecked.

        Raises:
            VoiceNotFound, LexiconNotFound
            ConsentRequired, VoiceSuspended: a voice may not speak.
        """
        owner, own = draft.owner, draft.voice
        voices = {own.id: own} if own else {}
        for voice_id in draft.voice_ids:
            voices[voice_id] = await self._voice(owner, voice_id)
        for voice in voices.values():
            self._permit.check(voice)
        key = owner, draft.lexicon_ids, own.lexicon_ids if own else ()
        if key not in self._attached:
            self._attached[key] = await self._shelf.matcher(*key)
        return Plan(draft, voices, self._attached[key], self._engine)

    async def _voice(self, owner: str, voice_id: str) -> Voice:
        key = owner, voice_id
        if key not in self._voices:
            self._voices[key] = await find_voice(self._collection, owner, voice_id)
        return self._voices[key]
