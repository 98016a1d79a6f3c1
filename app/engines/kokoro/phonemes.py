"""Text -> phonemes -> tokens of the Kokoro model.

English is read by hibari's dictionaries, other languages by eSpeak NG (an optional extra). Japanese
and Chinese are left out: eSpeak's readings of them are far from what the model was trained on.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from types import MappingProxyType
from typing import Protocol

from app.core.exceptions import EngineFailed, UnspeakableText, UnsupportedLanguage
from app.engines.base import Pronunciation, ReadWord
from app.engines.kokoro import espeak
from app.engines.kokoro.alignment import Reading, Stretch, key_of, stretches
from app.engines.kokoro.english import English, no_reading
from app.engines.kokoro.ipa import to_ipa, to_symbols
from app.engines.kokoro.passages import Marked, filled, mark, moved, split_around
from app.engines.kokoro.symbols import HARMLESS, has_sound, vocabulary
from app.text.clean import speakable, unsupported_characters
from app.text.languages import scripts
from app.text.normalize import english, fold
from app.text.words import written_words

# Longest input of the model, without the pad at each end.
MAX_TOKENS = 510
_READ_AT_ONCE = 300  # characters


@dataclass(frozen=True, slots=True)
class Language:
    """A language the model speaks.

    Attributes:
        tag: BCP-47.
        espeak: the eSpeak voice that reads it; None for English, which needs no extra.
    """

    tag: str
    espeak: str | None = None


LANGUAGES: Mapping[str, Language] = MappingProxyType(
    {
        language.tag: language
        for language in (
            Language("en-US"),
            Language("en-GB"),
            Language("es", espeak="es"),
            Language("fr", espeak="fr-fr"),
            Language("hi", espeak="hi"),
            Language("it", espeak="it"),
            Language("pt-BR", espeak="pt-br"),
        )
    }
)
# Regions whose English is nearer to the American than to the British one.
_AMERICAN = frozenset({"us", "ca", "ph", "pr", "lr", "mx"})


@dataclass(frozen=True, slots=True)
class Piece:
    """Text that fits the model at once.

    Attributes:
        start, end: offsets in the text given to `fit`.
        phonemes: in the model's alphabet.
        tokens: 1 to `MAX_TOKENS` ids, without the pads.
        pause_s: silence that should follow, in seconds; 0 behind the last piece.
        stretches: which tokens are which written words.
    """

    start: int
    end: int
    phonemes: str
    tokens: list[int]
    pause_s: float
    stretches: tuple[Stretch, ...]


class _Reader(Protocol):
    def read(self, marked: Marked) -> Reading: ...

    def alone(self, pieces: Sequence[str]) -> list[list[str]]:
        """Keys of what each piece of a text is spoken as, read by itself."""
        ...


def readers() -> dict[str, str]:
    """What reads each language."""
    english = "dictionaries of hibari, and a network for words outside of them"
    return {tag: "eSpeak NG" if one.espeak else english for tag, one in LANGUAGES.items()}


def unavailable_languages() -> dict[str, str]:
    """Tags of those that could be spoken here, and what to do for that."""
    available = available_languages()
    return {tag: espeak.INSTALL for tag in LANGUAGES if tag not in available}


def available_languages() -> tuple[str, ...]:
    """Tags that can be spoken here: English, and the others where eSpeak NG is installed."""
    extra = espeak.installed()
    return tuple(tag for tag, language in LANGUAGES.items() if extra or language.espeak is None)


def resolve(language: str) -> Language:
    """The language that a tag means, or comes nearest to: `en-AU` -> `en-GB`, `pt` -> `pt-BR`.

    Raises:
        UnsupportedLanguage: the model does not speak it, or the extra for it is not installed.
    """
    parts = language.replace("_", "-").lower().split("-")
    found = next((x for tag, x in LANGUAGES.items() if tag.lower().split("-")[0] == parts[0]), None)
    supported = list(available_languages())
    if found is None:
        raise UnsupportedLanguage(
            f"The engine does not speak {language[:35]!r}.",
            f"Use one of: {', '.join(supported)}.",
            supported=supported,
        )
    if parts[0] == "en" and len(parts) > 1:
        found = LANGUAGES["en-US" if _AMERICAN.intersection(parts[1:]) else "en-GB"]
    if found.tag not in supported:
        raise UnsupportedLanguage(
            f"{found.tag} needs eSpeak NG, which is not installed.",
            espeak.INSTALL,
            supported=supported,
        )
    return found


class Phonemizer:
    """Reads text. Thread-safe; a language is loaded when it is first spoken."""

    def __init__(self) -> None:
        self._readers: dict[str, _Reader] = {}
        self._loading = Lock()

    def load(self, language: str) -> None:
        """Load a language now rather than with its first sentence. Twice is once.

        Raises:
            UnsupportedLanguage, EngineUnavailable
        """
        self._reader(resolve(language))

    def check(self, text: str, language: str) -> None:
        """Refuse a text of any length early: linear, loads nothing, reads no word.

        Raises:
            UnsupportedLanguage
            UnspeakableText: nothing to say, or letters the language does not use.
        """
        known = resolve(language)
        _check_sound(text)
        if not text.isascii() and _foreign("".join(sorted(set(text))), known):
            # Some of them have a reading where they stand: a single Greek letter is a symbol.
            rare = " ".join(dict.fromkeys(w for w in text.split() if not w.isascii()))
            _check_letters(_plain(rare, known), known)

    def phonemize(self, text: str, language: str) -> str:
        """Phonemes of one sentence, in the model's alphabet.

        Raises:
            UnsupportedLanguage
            UnspeakableText: nothing to say, letters the language does not use, or a word that has
                no reading; `characters` names them.
            EngineFailed: the reading is not valid for the model.
        """
        return self._read(text, resolve(language)).phonemes

    def _read(
        self, text: str, language: Language, pronunciations: Sequence[Pronunciation] = ()
    ) -> Reading:
        marked = mark(text, pronunciations, language.tag)
        prepared = self._prepare(marked.text, language)
        if not all(name in prepared for name in marked.said):
            # What is very long without a space was cut, in the middle of a passage.
            marked = mark(text, pronunciations, language.tag, apart=True)
            prepared = self._prepare(marked.text, language)
        reading = self._reader(language).read(replace(marked, text=prepared))
        if not has_sound(reading.phonemes):
            raise UnspeakableText("The text has no reading.", "Send text with words or numbers.")
        self.tokens(reading.phonemes)
        return reading

    def tokens(self, phonemes: str) -> list[int]:
        """Ids of the symbols, without the pads; `HARMLESS` marks are left out.

        Raises:
            EngineFailed: a symbol that the model does not know.
        """
        ids = vocabulary()
        unknown = {symbol for symbol in phonemes if symbol not in ids and symbol not in HARMLESS}
        if unknown:
            codes = ", ".join(f"U+{ord(symbol):04X}" for symbol in sorted(unknown))
            raise EngineFailed(f"The model has no symbol for {codes}.")
        return [ids[symbol] for symbol in phonemes if symbol in ids]

    def fit(
        self, text: str, language: str, pronunciations: Sequence[Pronunciation] = ()
    ) -> list[Piece]:
        """Phonemes and tokens of a text, cut at clauses or words where it exceeds `MAX_TOKENS`.

        Parts of punctuation only are left out.

        Args:
            pronunciations: passages that are spoken otherwise; none is cut.

        Raises:
            as `phonemize`
            UnspeakableText: a pronunciation cannot be spoken, or is too long.
        """
        known = resolve(language)
        reading = self._read(text, known, pronunciations)
        tokens = self.tokens(reading.phonemes)
        if len(tokens) <= MAX_TOKENS:
            spoken = self._stretches(text, known, reading, pronunciations)
            return [Piece(0, len(text), reading.phonemes, tokens, 0.0, spoken)]
        if len(text) < 2:
            raise EngineFailed("One character has a longer reading than the model can take.")
        # By its share of the tokens, with a margin: numbers and signs are longer than they look.
        share = int(len(text) * MAX_TOKENS / len(tokens) * 0.9)
        # White space at the ends counts in `len(text)`: never let one part be the whole again.
        size = max(1, min(share, len(text.strip()) - 1))
        parts = split_around(text, pronunciations, max_chars=size, language=language)
        if len(parts) == 1 and pronunciations:
            raise UnspeakableText(
                "A pronunciation is longer than the engine can speak at once.", "Shorten it."
            )
        pieces: list[Piece] = []
        for part in parts:
            inner = self.fit(part.text, language, moved(pronunciations, part.start, part.end))
            inner[-1] = replace(inner[-1], pause_s=part.pause_s)
            pieces += [
                replace(piece, start=piece.start + part.start, end=piece.end + part.start)
                for piece in inner
            ]
        return pieces

    def words(
        self, text: str, language: str, pronunciations: Sequence[Pronunciation] = ()
    ) -> tuple[ReadWord, ...]:
        """How the words of a text of any length are read. Written words that are spoken as one are
        one here.

        Raises:
            as `fit`
        """
        known, symbols_known = resolve(language), vocabulary()
        self._prepare(filled(text, pronunciations), known)
        found = []
        for part in split_around(text, pronunciations, max_chars=_READ_AT_ONCE, language=language):
            inside = moved(pronunciations, part.start, part.end)
            reading = self._read(part.text, known, inside)
            symbols = [symbol for symbol in reading.phonemes if symbol in symbols_known]
            for one in self._stretches(part.text, known, reading, inside):
                start, end = one.words[0].start, one.words[-1].end
                phonemes = to_ipa("".join(symbols[one.first : one.last]))
                word = part.text[start:end]
                start, end = start + part.start, end + part.start
                found.append(ReadWord(word, start, end, phonemes, one.known))
        return tuple(found)

    def missing(self, phonemes: str, language: str) -> tuple[str, ...]:
        """Symbols of some IPA that the model has no sound for.

        Raises:
            UnsupportedLanguage
        """
        return to_symbols(phonemes, resolve(language).tag)[1]

    def parts_of_speech(self, text: str, language: str) -> tuple[tuple[int, int, str], ...]:
        """As in `app.engines.base.Phonetic`.

        Raises:
            UnsupportedLanguage
        """
        reader = self._reader(resolve(language))
        return reader.parts_of_speech(text) if isinstance(reader, English) else ()

    def _stretches(
        self,
        text: str,
        language: Language,
        reading: Reading,
        pronunciations: Sequence[Pronunciation],
    ) -> tuple[Stretch, ...]:
        words, reader = written_words(text), self._reader(language)
        # Words whose phonemes are given are found by their letters: their sounds are no reading.
        given = {
            word.piece: [key_of(word.text)]
            for word in words
            if any(one.start <= word.start and word.end <= one.end for one in pronunciations)
        }

        def alone(pieces: Sequence[str]) -> list[list[str]]:
            read = iter(reader.alone([piece for piece in pieces if piece not in given]))
            return [given[piece] if piece in given else next(read) for piece in pieces]

        return stretches(words, reading, alone)

    @staticmethod
    def _prepare(text: str, language: Language) -> str:
        text = _plain(text, language)
        _check_sound(text)
        _check_letters(text, language)
        return text

    def _reader(self, language: Language) -> _Reader:
        reader = self._readers.get(language.tag)
        if reader is not None:
            return reader
        with self._loading:
            if language.tag not in self._readers:
                self._readers[language.tag] = self._load(language)
            return self._readers[language.tag]

    def _load(self, language: Language) -> _Reader:
        if language.espeak is not None:
            return espeak.Espeak(language.espeak)
        other = next((r for r in self._readers.values() if isinstance(r, English)), None)
        return English(british=language.tag == "en-GB", like=other)


def _plain(text: str, language: Language) -> str:
    text = fold(text)
    return english(text) if language.espeak is None else text


def _check_sound(text: str) -> None:
    """Refuse what nothing can be heard of."""
    if not speakable(text):
        raise UnspeakableText(
            "The text has no letter or number.", "Send text with at least one word or number."
        )


def _foreign(text: str, language: Language) -> str:
    """Characters that would be lost or read as something else, each once."""
    return unsupported_characters(text, scripts(language.tag)) + "".join(
        char for char in dict.fromkeys(text) if unicodedata.category(char) in ("Cn", "Co", "Cs")
    )


def _check_letters(text: str, language: Language) -> None:
    foreign = _foreign(text, language)
    if foreign:
        raise no_reading(foreign, f"{language.tag} does not use")
