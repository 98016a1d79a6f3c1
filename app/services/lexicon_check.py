"""Finding out how a text would be said, and whether lexicon entries can be heard."""

from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from app.abuse.refusals import Refusals
from app.audio.encode import encode_all
from app.audio.finish import Finish, finish
from app.audio.types import AudioFormat, Samples
from app.consents.permit import Permit
from app.core.tasks import in_thread
from app.core.turns import Turns
from app.db.base import Collection
from app.db.voices import VoiceReach
from app.engines.base import (
    Engine,
    Phonetic,
    ReadWord,
    SynthesisRequest,
    VoiceState,
)
from app.engines.controls import all_of, pronounced
from app.engines.stored import stored_state
from app.lexicons.hearing import compare
from app.lexicons.shelf import LexiconShelf
from app.models.access import Party
from app.models.audit import Action
from app.models.charge import Charge
from app.models.lexicon_check import (
    MOST_SAMPLES,
    Change,
    CheckedEntry,
    CheckedSentence,
    CheckedWord,
    Unapplied,
    ValidateRequest,
    ValidateResponse,
)
from app.models.speech import SpeechRequest
from app.models.voice import Voice
from app.planning.draft import Drafting
from app.planning.plan import Plan, Worded
from app.planning.surroundings import Surroundings
from app.speaker.judge import Recognise
from app.storage.base import BlobStore
from app.text.normalization import coverage
from app.text.spoken import Edit, SpokenText, spoken
from app.watermark.marking import Watermark


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an entry is applied first."""

    edit: Edit
    worded: Worded

    @property
    def text(self) -> str:
        return self.worded.piece.text[self.edit.start : self.edit.end]


class LexiconCheckService:
    """Words a text as it would be spoken, and speaks samples of it. Keeps nothing."""

    def __init__(
        self,
        *,
        voices: Collection[Voice],
        reach: VoiceReach,
        states: BlobStore,
        lexicons: LexiconShelf,
        engine: Engine,
        turns: Turns,
        drafting: Drafting,
        watermark: Watermark,
        permit: Permit,
        recogniser: Callable[[], Recognise | None],
        refusals: Refusals,
    ) -> None:
        self._voices = voices
        self._reach = reach
        self._states = states
        self._lexicons = lexicons
        self._engine = engine
        self._turns = turns
        self._drafting = drafting
        self._watermark = watermark
        self._permit = permit
        self._recogniser = recogniser
        self._refusals = refusals

    async def check(self, by: Party, asked: ValidateRequest, *, charge: Charge) -> ValidateResponse:
        """How the text would be said.

        Args:
            charge: is awaited with the number of characters of samples before they are spoken.

        Raises:
            TextBlocked: it may not be spoken.
            UnspeakableText, InvalidRequest, UnsupportedLanguage: it cannot be spoken.
            VoiceNotFound, LexiconNotFound, VoiceEngineMismatch
            EngineUnavailable; with samples also EngineBusy, EngineFailed.
        """
        voice = await self._reach.find(by, asked.voice) if asked.voice else None
        request = SpeechRequest(
            text=asked.text,
            voice=asked.voice or "-",
            language=asked.language,
            lexicon_ids=asked.lexicon_ids,
            normalize=asked.normalize,
        )
        draft = await in_thread(None, self._drafting.draft, by, voice, request, streaming=False)
        plan = await self._around().plan(draft)
        await self._engine.open()
        await self._watermark.warm_up()
        async with self._refusals.noted(by.owner, voice):
            answer, places = await in_thread(None, self._worded, plan)
        if asked.audio or asked.verify:
            with self._turns.enter():
                answer.entries = await self._sampled(plan, places, asked, charge)
            answer.more_entries = max(0, len(places) - MOST_SAMPLES)
        return answer

    def _worded(self, plan: Plan) -> tuple[ValidateResponse, list[_Place]]:
        plan.check()
        sentences: list[CheckedSentence] = []
        places: dict[str, _Place] = {}
        for worded in plan.worded():
            sentences.append(self._sentence(worded))
            for edit in worded.wording.applied:
                places.setdefault(edit.entry or "", _Place(edit, worded))
        words = [word for sentence in sentences for word in sentence.words]
        unapplied = [one for sentence in sentences for one in sentence.unapplied]
        answer = ValidateResponse(
            text=plan.draft.request.content,
            spoken=" ".join(s.spoken for s in sentences if s.spoken),
            language=plan.language,
            normalized=plan.normalized,
            normalization=sorted(coverage(plan.language)),
            lexicons=[f"{lexicon}@{revision}" for lexicon, revision in plan.attached.lexicons],
            engine=plan.info.name,
            takes_phonemes="pronunciations" in plan.info.controls,
            sentences=sentences,
            unknown_words=list(dict.fromkeys(word.text for word in words if not word.known)),
            missing_phonemes=list(
                dict.fromkeys(symbol for one in unapplied for symbol in one.missing_phonemes)
            ),
            entries=[],
            more_entries=0,
        )
        return answer, list(places.values())

    def _sentence(self, worded: Worded) -> CheckedSentence:
        piece, wording, language = worded.piece, worded.wording, worded.language
        return CheckedSentence(
            start=piece.start,
            end=piece.end,
            text=piece.text,
            spoken=wording.spoken.text if wording.parts else "",
            language=language,
            changes=list(_changes(worded)),
            unapplied=[
                Unapplied(
                    entry_id=one.rule.id,
                    start=piece.start + one.start,
                    end=piece.start + one.end,
                    text=piece.text[one.start : one.end],
                    reason=one.reason,
                    missing_phonemes=list(self._missing(one.rule.phonemes, language)),
                )
                for one in wording.ignored
            ],
            words=list(self._words(worded)) if wording.parts else [],
        )

    def _missing(self, phonemes: str | None, language: str) -> Sequence[str]:
        if phonemes is None or not isinstance(self._engine, Phonetic):
            return ()
        return self._engine.missing_phonemes(phonemes, language)

    def _words(self, worded: Worded) -> Iterator[CheckedWord]:
        if not isinstance(self._engine, Phonetic):
            return
        said, piece = worded.wording.spoken, worded.piece
        for word in self._engine.read(said.text, worded.language, pronounced(said)):
            start, end = said.origin(word.start, word.end)
            yield CheckedWord(
                text=word.text,
                start=piece.start + start,
                end=piece.start + end,
                phonemes=word.phonemes,
                known=word.known or _given(word, said),
            )

    async def _sampled(
        self, plan: Plan, places: Sequence[_Place], asked: ValidateRequest, charge: Charge
    ) -> list[CheckedEntry]:
        voice = plan.draft.voice
        # An entry may stand for a whole sentence: what is said counts, not what is written.
        said = [len(place.text) + len(place.edit.spoken) for place in places[:MOST_SAMPLES]]
        await charge(max(len(plan.draft.request.content), sum(said)))
        if voice and asked.audio and places:
            await self._refusals.audit.record(Action.VOICE_USED, voice)
        state = (
            await stored_state(voice, plan.info, voices=self._voices, states=self._states)
            if voice
            else self._engine.sample_voice()
        )
        hears = await in_thread(None, self._recogniser) if asked.verify and places else None
        return [
            CheckedEntry(
                entry_id=place.edit.entry or "",
                text=place.text,
                **(await self._samples(plan, place, state) if asked.audio else {}),
                **(await self._verdict(plan, place, state, hears) if asked.verify else {}),
            )
            for place in places[:MOST_SAMPLES]
        ]

    async def _samples(self, plan: Plan, place: _Place, state: VoiceState) -> dict[str, str]:
        """Of the word alone, without its entry and with it."""
        language, edit = place.worded.language, place.edit
        before = plan.plainly(place.text, language)
        after = spoken(place.text, [edit.moved(-edit.start)])
        return {
            f"audio_{when}": await in_thread(
                None, self._file, await self._say(said, state, language), plan.info.sample_rate
            )
            for when, said in (("before", before), ("after", after))
        }

    async def _verdict(
        self, plan: Plan, place: _Place, state: VoiceState, hears: Recognise | None
    ) -> dict[str, Any]:
        """Of the sentence, without the entry and with it."""
        worded, language = place.worded, place.worded.language
        before, after = [
            await self._say(said, state, language)
            for said in (plan.without(worded, place.edit.entry or ""), worded.wording.spoken)
        ]
        hear = partial(hears, language=language) if hears else None
        verdict = await in_thread(None, compare, before, after, plan.info.sample_rate, hear=hear)
        return asdict(verdict)

    async def _say(self, said: SpokenText, state: VoiceState, language: str) -> Samples:
        """float32 (n,), at the rate of the engine."""
        request = SynthesisRequest(
            said.text, state, language=language, seed=None, pronunciations=pronounced(said)
        )
        async with self._turns.turn():
            chunks = await all_of(self._engine, request)
        samples, _ = await in_thread(None, finish, chunks, Finish())
        return samples

    def _around(self) -> Surroundings:
        return Surroundings(self._reach, self._lexicons, self._engine, self._permit)

    def _file(self, samples: Samples, rate: int) -> str:
        marked = self._watermark.mark(samples, rate)
        content = encode_all(marked, AudioFormat.WAV, input_rate=rate, output_rate=rate)
        return b64encode(content).decode()


def _changes(worded: Worded) -> Iterator[Change]:
    piece = worded.piece
    for passage in worded.wording.spoken.passages:
        if (edit := passage.edit) is not None:
            yield Change(
                start=piece.start + edit.start,
                end=piece.start + edit.end,
                text=piece.text[edit.start : edit.end],
                spoken=edit.spoken,
                rule=edit.rule,
                entry_id=edit.entry,
                phonemes=edit.phonemes,
            )


def _given(word: ReadWord, said: SpokenText) -> bool:
    """Whether somebody has said how it is pronounced."""
    return any(one.start < word.end and word.start < one.end for one in pronounced(said))
