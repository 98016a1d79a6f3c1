"""Phonemes of English by hibari's dictionaries."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from threading import Lock
from typing import Any, Final

from app.core.exceptions import AppError, EngineFailed, UnspeakableText
from app.engines.kokoro.alignment import Reading, key_of
from app.engines.kokoro.ipa import ending
from app.engines.kokoro.passages import Marked
from app.engines.kokoro.symbols import has_sound
from app.text.clean import speakable
from app.text.normalize import english, fold, plain_letters
from app.text.words import written_words

_GUESSED: Final = 2  # hibari's rating of what its network has read
_ENDINGS: Final = frozenset({"'s", "’s", "'S", "s"})  # of a passage whose phonemes are given
_QUOTES: Final = frozenset('"“”„«»')
_PARTS_OF_SPEECH: Final = {"NN": "noun", "VB": "verb", "JJ": "adjective", "RB": "adverb"}
_SHORT_CHUNK: Final = re.compile(r"(?<!\S)\S{1,100}(?!\S)")


def no_reading(characters: str, problem: str) -> UnspeakableText:
    distinct = "".join(dict.fromkeys(characters))[:20]
    return UnspeakableText(
        f"The text has characters that {problem}: {distinct}",
        "Spell these words in the language's own letters, or send the right language.",
        characters=distinct,
    )


class English:
    """hibari's reader. It keeps no state between calls, so threads may share it.

    Args:
        british: which dictionaries.
        like: a reader of the other variety, to share the part-of-speech tagger with (50 MB).
    """

    def __init__(self, *, british: bool, like: "English | None" = None) -> None:
        from hibari.g2p import G2P

        self._tag = "en-GB" if british else "en-US"
        self._words = _UnknownWords(british=british)
        self._g2p: Any = G2P(oov=self._words, british=british)
        self._words.lexicon = self._g2p.lexicon
        if like is not None:
            self._g2p.tagger = like._g2p.tagger
            self._g2p.tokenizer = like._g2p.tokenizer

    def read(self, marked: Marked) -> Reading:
        """Read a text prepared by `app.text.normalize.english`.

        Raises:
            UnspeakableText: a word has no reading, or hibari fails on the text.
        """
        from hibari.g2p import normalize

        try:
            tokens = self._tokens(replace(marked, text=normalize(marked.text)))
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
            raise no_reading("".join(c for c in lost if c.isalnum()), "have no reading")
        words = list(self._spoken_words(tokens))
        guessed = {number for number, (_, _, known) in enumerate(words) if not known}
        return Reading.of([(key, sounds) for key, sounds, _ in words], guessed=guessed)

    def _tokens(self, marked: Marked) -> list[Any]:
        """The tokens of hibari with their parts of speech; passages with their phonemes, so that
        they decide how the words before them are read.
        """
        from hibari.g2p import PUNCT_TAGS
        from hibari.g2p.token import Tok

        pieces = []
        for text, space in self._g2p.tokenizer(marked.text):
            parts = marked.cut(text)
            pieces += [
                (part, space if at == len(parts) else "") for at, part in enumerate(parts, 1)
            ]
        said = [marked.said.get(text) for text, _ in pieces]
        if len(marked.said) != len([one for one in said if one]):
            raise EngineFailed("The reader lost a pronunciation.")
        written = [one.text if one else text for one, (text, _) in zip(said, pieces, strict=True)]
        tokens: list[Any] = []
        for one, text, (_, space), tag in zip(
            said, written, pieces, self._g2p.tagger(written), strict=True
        ):
            if one is not None:
                words = one.words()
                tokens += [Tok(w.text, tag, " ", phonemes=w.phonemes, rating=5) for w in words]
                tokens[-1].whitespace = space
            elif text in _ENDINGS and tokens and _is_said(tokens[-1]):
                last = tokens[-1]
                last.text, last.whitespace = last.text + text, space
                last.phonemes += ending(last.phonemes, self._tag)
            else:
                if tag in PUNCT_TAGS and speakable(text):
                    # The tagger may take "é" or a number among signs for punctuation: it would be
                    # lost.
                    tag = "CD" if any(map(str.isdigit, text)) else "NN"
                elif text in _QUOTES:
                    # As a noun it would be part of the next word, which no dictionary would have.
                    follows = tokens and not tokens[-1].whitespace and speakable(tokens[-1].text)
                    tag = "``" if text in "„«" or not (space or follows or text in "”»") else "''"
                tokens.append(Tok(text, tag, space))
        return tokens

    def parts_of_speech(self, text: str) -> tuple[tuple[int, int, str], ...]:
        """Start, end and part of speech of the words of a sentence. What has more than 100
        characters without a space has none.
        """
        pieces: list[tuple[int, str]] = []
        for chunk in _SHORT_CHUNK.finditer(text):
            at = chunk.start()
            for word in self._g2p.tokenizer.split(chunk[0]):
                pieces.append((at, word))
                at += len(word)
        tags = self._g2p.tagger([word for _, word in pieces])
        return tuple(
            (at, at + len(word), _PARTS_OF_SPEECH.get(tag[:2], "other"))
            for (at, word), tag in zip(pieces, tags, strict=True)
            if speakable(word)
        )

    def alone(self, pieces: Sequence[str]) -> list[list[str]]:
        """Keys of what each piece of a text is spoken as, read by itself: numbers, signs and
        abbreviations as words.
        """
        from hibari.g2p import normalize

        found = []
        for piece in pieces:
            prepared = english(fold(piece))
            # What it cannot expand stays as it is.
            with suppress(ArithmeticError, LookupError, TypeError, ValueError):
                prepared = normalize(prepared)
            found.append([key_of(word.text) for word in written_words(prepared)])
        return found

    def _spoken_words(self, tokens: Sequence[Any]) -> Iterator[tuple[str, str, bool]]:
        """Key and phonemes of each word, and whether a dictionary has them: hibari's tokens up to a
        space or a dash.
        """
        text = sounds = ""
        known = True
        for token in tokens:
            dash = bool(token.text) and not token.text.strip("—")
            if dash and text:
                yield _key(text), sounds, known
                text, sounds, known = "", "", True
            text += token.text
            sounds += token.phonemes or ""
            known = known and (token.rating != _GUESSED or self._words.knows(token.text))
            if token.whitespace or dash:
                yield _key(text), sounds + (" " if token.whitespace else ""), known
                text, sounds, known = "", "", True
        yield _key(text), sounds, known


def _is_said(token: Any) -> bool:
    """Whether its phonemes were given, and nothing stands between it and the next one."""
    return token.phonemes is not None and not token.whitespace


def _key(text: str) -> str:
    return " ".join(key_of(word.text) for word in written_words(text))


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
            raise no_reading("".join(c for c in letters if c not in network.cin), "have no reading")
        # Shorter than the network's limit, and parts of about equal length.
        size = -(-len(letters) // -(-len(letters) // (network.maxlen - 4)))
        parts = [letters[i : i + size] for i in range(0, len(letters), size)]
        read = "".join(network(part) or "" for part in parts)
        phonemes = self._DROPPED.sub("", read).replace("ʀ", "ɹ")
        if not has_sound(phonemes):
            raise no_reading(word, "have no reading")
        return phonemes

    def knows(self, text: str) -> bool:
        """Whether the dictionaries have it without its diacritics, or it has no letters."""
        plain = plain_letters(text)
        return not any(map(str.isalpha, text)) or (
            plain != text and self._look_up(plain) is not None
        )

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
