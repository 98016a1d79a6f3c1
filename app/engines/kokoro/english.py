"""Phonemes of English by hibari's dictionaries."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from threading import Lock
from typing import Any

from app.core.exceptions import AppError, UnspeakableText
from app.engines.kokoro.alignment import Reading, key_of
from app.engines.kokoro.symbols import has_sound
from app.text.clean import speakable
from app.text.normalize import english, fold, plain_letters
from app.text.words import written_words


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

        self._words = _UnknownWords(british=british)
        self._g2p: Any = G2P(oov=self._words, british=british)
        self._words.lexicon = self._g2p.lexicon
        if like is not None:
            self._g2p.tagger = like._g2p.tagger
            self._g2p.tokenizer = like._g2p.tokenizer

    def read(self, text: str) -> Reading:
        """Read a text prepared by `app.text.normalize.english`.

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
            raise no_reading("".join(c for c in lost if c.isalnum()), "have no reading")
        return Reading.of(_spoken_words(tokens))

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


def _spoken_words(tokens: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """Key and phonemes of each word: hibari's tokens up to a space or a dash."""
    text = sounds = ""
    for token in tokens:
        dash = bool(token.text) and not token.text.strip("—")
        if dash and text:
            yield _key(text), sounds
            text = sounds = ""
        text += token.text
        sounds += token.phonemes or ""
        if token.whitespace or dash:
            yield _key(text), sounds + (" " if token.whitespace else "")
            text = sounds = ""
    yield _key(text), sounds


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
