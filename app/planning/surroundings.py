"""What a request names besides its own voice: other voices, lexicons."""

from app.consents.permit import Permit
from app.db.voices import VoiceReach
from app.engines.base import Engine
from app.lexicons.shelf import Attached, LexiconShelf
from app.models.access import Party
from app.models.voice import Voice
from app.planning.draft import Draft
from app.planning.plan import Plan

_Key = tuple[str, tuple[str, ...] | None, str | None]


class Surroundings:
    """Looks them up: each once, for as many requests as it is used for."""

    def __init__(
        self, reach: VoiceReach, lexicons: LexiconShelf, engine: Engine, permit: Permit
    ) -> None:
        self._reach = reach
        self._shelf = lexicons
        self._engine = engine
        self._permit = permit
        self._voices: dict[tuple[Party, str], Voice] = {}
        self._attached: dict[_Key, Attached] = {}

    async def plan(self, draft: Draft) -> Plan:
        """The request with all that belongs to it, unchecked.

        Raises:
            VoiceNotFound, LexiconNotFound
            ConsentRequired, VoiceSuspended: a voice may not speak.
        """
        party, own = draft.party, draft.voice
        voices = {own.id: own} if own else {}
        for voice_id in draft.voice_ids:
            voices[voice_id] = await self._voice(party, voice_id)
        for voice in voices.values():
            self._permit.check(voice)
        engine = self._engine.info.name
        voices = {voice_id: voice.held_by(engine) for voice_id, voice in voices.items()}
        key = party.owner, draft.lexicon_ids, own.id if own else None
        if key not in self._attached:
            self._attached[key] = await self._shelf.matcher(
                party.owner,
                draft.lexicon_ids,
                own.lexicon_ids if own else (),
                voice_owner=own.owner if own else None,
            )
        return Plan(draft, voices, self._attached[key], self._engine)

    async def _voice(self, party: Party, voice_id: str) -> Voice:
        key = party, voice_id
        if key not in self._voices:
            self._voices[key] = await self._reach.find(party, voice_id)
        return self._voices[key]
