"""What a request comes to: which voices, which words, in which pieces."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from app.abuse.terms import Passage
from app.core.exceptions import MarkupInvalid, TextBlocked, UnspeakableText, UnsupportedLanguage
from app.engines.base import Engine, EngineInfo, Phonetic, SynthesisRequest, VoiceState
from app.engines.controls import check_spans
from app.engines.stored import check_engine
from app.lexicons.shelf import Attached
from app.models.speech import Normalize
from app.models.voice import Voice
from app.planning.draft import Draft
from app.text.frontend import Abilities, FrontEnd, Wording, part_of
from app.text.languages import by_script, detect
from app.text.normalization import coverage
from app.text.plan import Piece, pieces
from app.text.spoken import SpokenText


@dataclass(frozen=True, slots=True)
class Worded:
    """A piece, and what is said of it: nothing if it is a mere pause."""

    piece: Piece
    language: str
    wording: Wording
    last: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """A request with all that belongs to it.

    Attributes:
        draft: what it says.
        voices: all that speak, by id.
        attached: the lexicons that apply.
    """

    draft: Draft
    voices: Mapping[str, Voice]
    attached: Attached
    engine: Engine

    @property
    def info(self) -> EngineInfo:
        return self.engine.info

    @property
    def language(self) -> str:
        """Of what has no other."""
        return self.draft.language or self.info.languages[0]

    @property
    def normalized(self) -> bool:
        """Whether numbers and the like are put into words, by rules of the language."""
        return self.draft.request.normalize is not Normalize.OFF and bool(coverage(self.language))

    def asked(self, state: VoiceState) -> SynthesisRequest:
        """What is asked of the engine, but for the text, its language and its prosody."""
        return SynthesisRequest("", state, language=self.language, seed=self.draft.request.seed)

    def worded(self) -> Iterator[Worded]:
        """The pieces with their words, made one by one as they are asked for."""
        front = self._front()
        before: tuple[Piece, str] | None = None
        for found in self._pieces():
            if before is not None:
                yield self._worded(front, *before, last=False)
            before = found
        if before is not None:
            yield self._worded(front, *before, last=True)

    def without(self, worded: Worded, entry_id: str) -> SpokenText:
        """How a piece would be said if an entry of a lexicon was not there."""
        edits = (passage.edit for passage in worded.wording.spoken.passages)
        others = [edit for edit in edits if edit and edit.entry != entry_id]
        return self._front().said(worded.piece.text, worded.language, others)

    def plainly(self, text: str, language: str) -> SpokenText:
        """How a passage would be said if no lexicon applied."""
        return self._front().said(text, language)

    def check(self) -> None:
        """Refuse what cannot or may not be spoken, before anything is. The engine is open.

        Linear in the text, and quick: words are made only of what seems unspeakable as it stands;
        of all where there is a list of blocked terms.

        Raises:
            TextBlocked: it has terms of that list, as it is written or as it would be said.
            UnspeakableText, UnsupportedControl, UnsupportedLanguage, MarkupInvalid
            VoiceEngineMismatch: a voice was made by another engine.
        """
        for voice in self.voices.values():
            check_engine(voice, self.info)
        script = self.draft.script
        check_spans(self.info, self.draft.request.seed, script.spans)
        self._check_normalization()
        for edit in script.edits:
            if edit.phonemes and (missing := self._missing(edit.phonemes, self.language)):
                raise MarkupInvalid(
                    f"The engine has no sound for {', '.join(missing)} in <phoneme>.",
                    "POST /api/v1/lexicon/validate says which phonemes a word has.",
                    phonemes=list(missing),
                )
        languages = {span.language for span in script.spans if span.language} | {self.language}
        for language in languages:
            self.engine.check("a", language)
        if self.draft.request.reworded:
            self._check_source()
            return
        self._check_speakable(languages)
        if self.draft.terms:
            self._check_terms()

    def _check_source(self) -> None:
        """What can be told of a text that others words will be made of."""
        if not self.draft.script.text.strip():
            raise _nothing()
        if self.draft.terms and (found := self.draft.terms.find(self.draft.script.text)):
            raise _blocked(found, "written")

    def _check_speakable(self, languages: Set[str]) -> None:
        script = self.draft.script
        if self.draft.detects or len(languages) > 1:
            self._check_each()
            return
        try:
            self.engine.check(script.text, self.language)
        except UnspeakableText:
            self._check_each()

    def _check_each(self) -> None:
        """Piece by piece, those with letters that may be foreign, as they will be read."""
        front, said = self._front(), False
        for whole in self._cut():
            if whole.text.isascii() and not whole.edits:
                said = said or whole.speakable
                continue
            for piece, language in self._by_language(whole):
                wording = front.word(piece, language, self._able(language))
                if wording.parts:
                    said = True
                    self.engine.check(wording.spoken.text, language)
        if not said:
            raise _nothing()

    def _check_terms(self) -> None:
        if found := self.draft.terms.find(self.draft.script.text):
            raise _blocked(found, "written")
        texts, starts, said, length = list[str](), list[int](), list[Worded](), 0
        for worded in self.worded():
            if worded.wording.parts:
                texts.append(worded.wording.spoken.text)
                starts.append(length)
                said.append(worded)
                length += len(texts[-1]) + 1
        # All at once: a phrase must not get through because a sentence ends in it.
        if found := self.draft.terms.find("\n".join(texts)):
            raise _blocked([_written(one, starts, said) for one in found], "spoken")

    def _check_normalization(self) -> None:
        wanted = self.draft.request.normalize is Normalize.ON and not self.draft.detects
        if wanted and not coverage(self.language):
            raise UnsupportedLanguage(
                f"There are no rules of normalization for {self.language}.",
                "Send `normalize` as auto or off; GET /api/v1/languages says what has rules.",
            )

    def _front(self) -> FrontEnd:
        return FrontEnd(
            self.attached.matcher if self.attached.lexicons else None,
            normalizes=self.draft.request.normalize is not Normalize.OFF,
            max_chars=self.info.max_chars,
        )

    def _cut(self) -> Iterator[Piece]:
        return pieces(self.draft.script, max_chars=self.info.max_chars, language=self.language)

    def _pieces(self) -> Iterator[tuple[Piece, str]]:
        for piece in self._cut():
            yield from self._by_language(piece)

    def _by_language(self, piece: Piece) -> Iterator[tuple[Piece, str]]:
        if piece.language is not None or not self.draft.detects:
            yield piece, piece.language or self.language
            return
        among = self.info.languages
        language = detect(piece.text, among, self.language)
        for start, end, tongue in by_script(piece.text, among, language):
            if (part := part_of(piece, start, end)) is not None:
                yield part, tongue

    def _worded(self, front: FrontEnd, piece: Piece, language: str, *, last: bool) -> Worded:
        if not piece.speakable:
            return Worded(piece, language, Wording(SpokenText("", ()), ()), last)
        return Worded(piece, language, front.word(piece, language, self._able(language)), last)

    def _able(self, language: str) -> Abilities:
        engine = self.engine
        if not isinstance(engine, Phonetic) or "pronunciations" not in self.info.controls:
            return Abilities()
        return Abilities(
            missing=lambda phonemes: engine.missing_phonemes(phonemes, language),
            parts_of_speech=lambda text: engine.parts_of_speech(text, language),
        )

    def _missing(self, phonemes: str, language: str) -> Sequence[str]:
        missing = self._able(language).missing
        return missing(phonemes) if missing else ()


def _written(passage: Passage, starts: Sequence[int], said: Sequence[Worded]) -> Passage:
    """What is written where something would be said."""
    first = bisect_right(starts, passage.start) - 1
    last = bisect_right(starts, passage.end - 1) - 1
    one, other = said[first], said[last]
    whole = len(one.wording.spoken.text)
    stop = passage.end - starts[first] if first == last else whole
    start, end = one.wording.spoken.origin(passage.start - starts[first], stop)
    if first != last:
        _, end = other.wording.spoken.origin(0, passage.end - starts[last])
    return Passage(one.piece.start + start, other.piece.start + end)


def _nothing() -> UnspeakableText:
    return UnspeakableText(
        "There is nothing in the text that is spoken.",
        "Send text with at least one word or number.",
    )


def _blocked(found: Sequence[Passage], form: str) -> TextBlocked:
    first = found[0]
    return TextBlocked(
        f"What is {form} from offset {first.start} to {first.end} of the text may not be spoken.",
        "Change that passage, or what a lexicon or the markup makes of it. What this server does "
        "not speak is its operator's choice.",
        matches=[{"start": one.start, "end": one.end} for one in found],
        form=form,
    )
