"""What a request says by itself: read, checked and cleaned."""

from dataclasses import dataclass, replace
from typing import Final

from app.abuse.terms import NO_TERMS, BlockedTerms
from app.audio.encode import check_rate
from app.core.config import Settings
from app.core.config.speech import EmojiPolicy
from app.core.exceptions import InvalidRequest, MarkupInvalid, TextTooLong
from app.engines.base import EngineInfo
from app.models.access import Party
from app.models.lexicon import MAX_ATTACHED
from app.models.speech import AUTO, SpeechRequest
from app.models.voice import Voice
from app.text.clean import clean
from app.text.normalization import emoji_edits
from app.text.prosody import Prosody
from app.text.spoken import Edit, merged
from app.text.ssml import Script, parse, plain

MOST_VOICES: Final = 20
"""In one request, by `<voice>`."""


@dataclass(frozen=True, slots=True)
class SynthesisLimits:
    """How much may be asked for.

    Attributes:
        max_chars: longest text.
        max_whole_chars: longest text whose audio is returned in one piece.
    """

    max_chars: int
    max_whole_chars: int

    def most(self, streaming: bool) -> int:
        return self.max_chars if streaming else self.max_whole_chars


@dataclass(frozen=True, slots=True)
class Draft:
    """What a request says by itself.

    Attributes:
        party: whose lexicons it can name, and what other voices.
        voice: None for one that belongs to nobody.
        rate: of the audio, in Hz.
        script: cleaned.
        language: BCP-47 tag of what the markup says nothing else of; None if nobody has said.
        detects: whether each sentence has the language that it seems to be in.
        terms: that may not be spoken.
    """

    party: Party
    voice: Voice | None
    request: SpeechRequest
    rate: int
    script: Script
    language: str | None
    detects: bool
    terms: BlockedTerms = NO_TERMS

    @property
    def lexicon_ids(self) -> tuple[str, ...] | None:
        """Those that are asked for; None leaves it to the voice and its owner."""
        asked = self.request.lexicon_ids
        if not self.script.lexicons:
            return asked
        return tuple(dict.fromkeys((*self.script.lexicons, *(asked or ()))))

    @property
    def voice_ids(self) -> tuple[str, ...]:
        """Of the voices in the markup, without that of the request."""
        named = dict.fromkeys(span.voice for span in self.script.spans if span.voice)
        return tuple(one for one in named if self.voice is None or one != self.voice.id)


@dataclass(frozen=True, slots=True)
class Drafting:
    """Reads requests.

    Attributes:
        info: of the engine that will speak.
        native_rate: of audio that nobody has asked for another rate of, in Hz; default: the
            engine's.
        emoji: what becomes of them.
        terms: that may not be spoken.
    """

    info: EngineInfo
    limits: SynthesisLimits
    emoji: EmojiPolicy = "drop"
    terms: BlockedTerms = NO_TERMS
    native_rate: int | None = None

    @classmethod
    def of(
        cls, settings: Settings, info: EngineInfo, *, native_rate: int | None = None
    ) -> "Drafting":
        """As the settings say.

        Raises:
            ConfigurationError: the list of blocked terms cannot be used.
        """
        limits = SynthesisLimits(
            max_chars=settings.max_text_chars, max_whole_chars=settings.max_whole_text_chars
        )
        file = settings.blocked_terms_file
        terms = NO_TERMS if file is None else BlockedTerms.read(file)
        return cls(info, limits, settings.emoji, terms, native_rate)

    def draft(
        self, party: Party, voice: Voice | None, request: SpeechRequest, *, streaming: bool
    ) -> Draft:
        """Read a request. Linear in its length.

        Raises:
            UnspeakableText, TextTooLong, MarkupInvalid, InvalidRequest, UnsupportedFormat
        """
        native_rate = self.native_rate or self.info.sample_rate
        rate = check_rate(request.format, request.sample_rate, native_rate)
        self._check_length(request, streaming)
        own = Prosody(request.speed, request.pitch, request.volume)
        marked = request.ssml is not None
        script = (
            parse(request.content, own, language=self._spoken(voice, request))
            if marked
            else plain(request.content, own)
        )
        language, detects = _language(voice, request, script)
        cleaned = self._cleaned(script, language)
        draft = Draft(party, voice, request, rate, cleaned, language, detects, self.terms)
        if len(draft.voice_ids) >= MOST_VOICES:
            raise InvalidRequest(
                f"There are more than {MOST_VOICES} voices in the SSML.", "Split the text."
            )
        if draft.lexicon_ids is not None and len(draft.lexicon_ids) > MAX_ATTACHED:
            raise InvalidRequest(
                f"There are more than {MAX_ATTACHED} lexicons in the SSML and the request.",
                "Name fewer.",
            )
        return draft

    def _spoken(self, voice: Voice | None, request: SpeechRequest) -> str:
        """The language of a document that does not say it."""
        said = request.language if request.language != AUTO else None
        return said or (voice.language if voice else None) or self.info.languages[0]

    def _check_length(self, request: SpeechRequest, streaming: bool) -> None:
        limit = self.limits.most(streaming)
        if len(request.content) > limit:
            more = f", or stream it: then up to {self.limits.max_chars} are allowed"
            raise TextTooLong(
                f"The text has {len(request.content)} characters; at most {limit} are allowed.",
                f"Split the text{'' if streaming else more}.",
                measured=len(request.content),
                limit=limit,
            )

    def _cleaned(self, script: Script, language: str | None) -> Script:
        """Offsets stay."""
        edits, named = script.edits, list[Edit]()
        if self.emoji != "drop" and not script.text.isascii():
            named = emoji_edits(script.text, language or self.info.languages[0])
        if named and self.emoji == "error":
            raise InvalidRequest(
                f"The text has emoji, the first at offset {named[0].start}.",
                "Leave them out: this server refuses them.",
                offset=named[0].start,
            )
        edits = tuple(merged(edits, named))
        kept = [(edit.start, edit.end) for edit in edits]
        return replace(script, text=clean(script.text, kept=kept), edits=edits)


def _language(
    voice: Voice | None, request: SpeechRequest, script: Script
) -> tuple[str | None, bool]:
    """BCP-47 tag, None if nobody has said; and whether sentences are listened to."""
    asked, marked = request.language or request.translate_to, script.language
    own = voice.language if voice else None
    if asked and asked.lower() == AUTO:
        return marked or own, True
    if asked and marked and asked.lower() != marked.lower():
        raise MarkupInvalid(
            "`xml:lang` of `<speak>` is not the `language` of the request.", "Leave one out."
        )
    return asked or marked or own, False
