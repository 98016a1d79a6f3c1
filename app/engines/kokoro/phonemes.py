"""Text -> phonemes -> tokens of the Kokoro model.

English is read by hibari's dictionaries, other languages by eSpeak NG (an optional extra). Japanese
and Chinese are left out: eSpeak's readings of them are far from what the model was trained on.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from threading import Lock
from types import MappingProxyType
from typing import Any, Protocol

from app.core.exceptions import AppError, EngineFailed, UnspeakableText, UnsupportedLanguage
from app.engines.kokoro import espeak
from app.text.clean import speakable, unsupported_characters
from app.text.normalize import english, fold, plain_letters
from app.text.split import split

# Longest input of the model, without the pad at each end.
MAX_TOKENS = 510

# Marks that carry no sound and that the model has no symbol for: ties, syllabic and non-syllabic
# marks, liaison, word joins. Everything else outside the vocabulary is an error.
HARMLESS = frozenset("\u0361\u035c\u0329\u032f\u200b\u2060-_¡¿'`‘’")
# Symbols of the vocabulary that are no sound by themselves.
_PAUSES = frozenset(' ;:,.!?—…"()“”ˈˌː')


@dataclass(frozen=True, slots=True)
class Language:
    """A language the model speaks.

    Attributes:
        tag: BCP-47.
        scripts: of its letters, as in `app.text.clean.script_of`.
        espeak: the eSpeak voice that reads it; None for English, which needs no extra.
    """

    tag: str
    scripts: frozenset[str] = frozenset({"LATIN"})
    espeak: str | None = None


LANGUAGES: Mapping[str, Language] = MappingProxyType(
    {
        language.tag: language
        for language in (
            Language("en-US"),
            Language("en-GB"),
            Language("es", espeak="es"),
            Language("fr", espeak="fr-fr"),
            Language("hi", frozenset({"DEVANAGARI", "LATIN"}), "hi"),
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
    """

    start: int
    end: int
    phonemes: str
    tokens: list[int]
    pause_s: float


class _Reader(Protocol):
    def phonemize(self, text: str) -> str: ...


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


@lru_cache(maxsize=1)
def vocabulary() -> Mapping[str, int]:
    """Phoneme -> id, a fact of the model: 114 symbols."""
    text = files("hibari").joinpath("assets/vocab.json").read_text("utf-8")
    return MappingProxyType(json.loads(text))


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
        self._prepare(text, resolve(language))

    def phonemize(self, text: str, language: str) -> str:
        """Phonemes of one sentence, in the model's alphabet.

        Raises:
            UnsupportedLanguage
            UnspeakableText: nothing to say, letters the language does not use, or a word that has
                no reading; `characters` names them.
            EngineFailed: the reading is not valid for the model.
        """
        known = resolve(language)
        prepared = self._prepare(text, known)
        phonemes = " ".join(self._reader(known).phonemize(prepared).split())
        if not has_sound(phonemes):
            raise UnspeakableText("The text has no reading.", "Send text with words or numbers.")
        self.tokens(phonemes)
        return phonemes

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

    def fit(self, text: str, language: str) -> list[Piece]:
        """Phonemes and tokens of a text, cut at clauses or words where it exceeds `MAX_TOKENS`.

        Parts of punctuation only are left out.

        Raises:
            as `phonemize`
        """
        phonemes = self.phonemize(text, language)
        tokens = self.tokens(phonemes)
        if len(tokens) <= MAX_TOKENS:
            return [Piece(0, len(text), phonemes, tokens, 0.0)]
        if len(text) < 2:
            raise EngineFailed("One character has a longer reading than the model can take.")
        # By its share of the tokens, with a margin: numbers and signs are longer than they look.
        share = int(len(text) * MAX_TOKENS / len(tokens) * 0.9)
        # White space at the ends counts in `len(text)`: never let one part be the whole again.
        size = max(1, min(share, len(text.strip()) - 1))
        pieces: list[Piece] = []
        for part in split(text, max_chars=size, language=language):
            if not part.speakable:
                continue
            inner = self.fit(part.text, language)
            inner[-1] = _paused(inner[-1], part.pause_s)
            pieces += [_shifted(piece, part.start) for piece in inner]
        return pieces

    @staticmethod
    def _prepare(text: str, language: Language) -> str:
        text = fold(text)
        if language.espeak is None:
            text = english(text)
        _check(text, language)
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
        other = next((r for r in self._readers.values() if isinstance(r, _English)), None)
        return _English(british=language.tag == "en-GB", like=other)


def _paused(piece: Piece, pause_s: float) -> Piece:
    return Piece(piece.start, piece.end, piece.phonemes, piece.tokens, pause_s)


def _shifted(piece: Piece, by: int) -> Piece:
    return Piece(piece.start + by, piece.end + by, piece.phonemes, piece.tokens, piece.pause_s)


def has_sound(phonemes: str) -> bool:
    """Whether there is more than pauses, stress and length."""
    return any(symbol not in _PAUSES and symbol not in HARMLESS for symbol in phonemes)


def _check(text: str, language: Language) -> None:
    """Refuse what would be lost or read as something else."""
    if not speakable(text):
        raise UnspeakableText(
            "The text has no letter or number.", "Send text with at least one word or number."
        )
    foreign = unsupported_characters(text, language.scripts) + "".join(
        char for char in dict.fromkeys(text) if unicodedata.category(char) in ("Cn", "Co", "Cs")
    )
    if foreign:
        raise _no_reading(foreign, f"{language.tag} does not use")


def _no_reading(characters: str, problem: str) -> UnspeakableText:
    distinct = "".join(dict.fromkeys(characters))[:20]
    return UnspeakableText(
        f"The text has characters that {problem}: {distinct}",
        "Spell these words in the language's own letters, or send the right language.",
        characters=distinct,
    )


class _English:
    """hibari's reader. It keeps no state between calls, so threads may share it.

    Args:
        british: which dictionaries.
        like: a reader of the other variety, to share the part-of-speech tagger with (50 MB).
    """

    def __init__(self, *, british: bool, like: "_English | None" = None) -> None:
        from hibari.g2p import G2P

        self._words = _UnknownWords(british=british)
        self._g2p: Any = G2P(oov=self._words, british=british)
        self._words.lexicon = self._g2p.lexicon
        if like is not None:
            self._g2p.tagger = like._g2p.tagger
            self._g2p.tokenizer = like._g2p.tokenizer

    def phonemize(self, text: str) -> str:
        """Phonemes of a text prepared by `app.text.normalize.english`.

        Raises:
            UnspeakableText: a word has no reading, or hibari fails on the text.
        """
        from hibari.g2p import PUNCT_TAGS, normalize

        try:
            tokens = self._g2p.tokenize(normalize(text))
            for token in tokens:
                # The tagger may take "é" or a number among signs for punctuation: it would be lost.
                if token.tag in PUNCT_TAGS and speakable(token.text):
                    token.tag = "CD" if any(map(str.isdigit, token.text)) else "NN"
            tokens = self._g2p.phonemize_tokens(tokens)
        except AppError:
            raise
        except (
            ArithmeticError,
            AttributeError,
            LookupError,
            RuntimeError,
            TypeError,
            ValueError,
        ) as e:
            raise UnspeakableText(
                "The text has a number or a sign that cannot be read.", "Write it out in words."
            ) from e
        lost = "".join(
            t.text for t in tokens if speakable(t.text) and not has_sound(t.phonemes or "")
        )
        if lost:
            raise _no_reading("".join(c for c in lost if c.isalnum()), "have no reading")
        return "".join((t.phonemes or "") + (" " if t.whitespace else "") for t in tokens).strip()


class _UnknownWords:
    """Readings of words outside the dictionaries, by hibari's network (3 MB, loaded when needed).

    The network by itself drops letters it does not know, cuts a word at 24 letters, and emits a few
    symbols that the model does not have.
    """

    _DROPPED = re.compile(r"[()\d-]")  # traces of language switches in its training data

    def __init__(self, *, british: bool) -> None:
        self.lexicon: Any = None
        self._british = british
        self._network: Any = None
        self._loading = Lock()

    def __call__(self, word: str) -> str:
        plain = plain_letters(word)
        if plain != word and (found := self._look_up(plain)):
            return found
        network = self._open()
        letters = "".join(c if c in network.cin else plain_letters(c) for c in word)
        if any(c not in network.cin and c not in "'’" for c in letters):
            raise _no_reading(
                "".join(c for c in letters if c not in network.cin), "have no reading"
            )
        # Shorter than the network's limit, and parts of about equal length.
        size = -(-len(letters) // -(-len(letters) // (network.maxlen - 4)))
        parts = [letters[i : i + size] for i in range(0, len(letters), size)]
        read = "".join(network(part) or "" for part in parts)
        phonemes = self._DROPPED.sub("", read).replace("ʀ", "ɹ")
        if not has_sound(phonemes):
            raise _no_reading(word, "have no reading")
        return phonemes

    def _look_up(self, plain: str) -> str | None:
        from hibari.g2p import Context

        found, _ = self.lexicon.get_word(plain, "NN", None, Context())
        return found if isinstance(found, str) else None

    def _open(self) -> Any:
        with self._loading:
            if self._network is None:
                from hibari.g2p import ASSETS
                from hibari.g2p.oov import OOV

                name = "oov_gb.onnx" if self._british else "oov.onnx"
                self._network = OOV(f"{ASSETS}/{name}")
        return self._network
