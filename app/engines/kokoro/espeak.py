"""Phonemes of languages other than English through eSpeak NG: the optional extra `espeak`.

The extra is GPL-3.0 and never imported unless one of its languages is spoken.
"""

import re
from collections.abc import Sequence
from importlib.util import find_spec
from threading import Lock
from typing import Any

from app.core.exceptions import EngineFailed, EngineUnavailable
from app.engines.kokoro.alignment import Reading, key_of
from app.engines.kokoro.passages import Marked
from app.engines.kokoro.symbols import SILENCED
from app.text.normalize import fold

INSTALL = "pip install 'voice-cloning-api[espeak]'"

_TIE = "\u0361"
# The alphabet the model was trained on has one symbol for an affricate or a closing diphthong.
_TIED = {
    "tʃ": "ʧ", "dʒ": "ʤ", "ts": "ʦ", "dz": "ʣ", "tɕ": "ʨ", "dʑ": "ʥ",
    "aɪ": "I", "aʊ": "W", "eɪ": "A", "oʊ": "O", "əʊ": "Q", "ɔɪ": "Y",
}  # fmt: skip
_SIGNS = str.maketrans(
    {
        "«": "“", "»": "”", "„": "“", "‹": "“", "›": "”", "’": "'", "‘": "'", "।": ".", "॥": ".",
        "–": "—", "[": "(", "]": ")", "{": "(", "}": ")",
        # They only announce the mark at the other end.
        "¿": None, "¡": None,
    }
)  # fmt: skip
# Marks between clauses. Not inside a number ("12,50") or an abbreviation: there eSpeak reads them.
_MARKS = re.compile(
    r'(?:^|(?<=\s))["“”(]+|["”“)]*[;:,.!?…—]+["”“)]*(?=\s|$)|["”“)]+(?=\s|$)|—|(?<=\s)-(?=\s)'
)
# A mark that eSpeak would have to see but never occurs: the library must not touch punctuation.
_NO_MARKS = "\ue000"
_SWITCH = re.compile(r"\([a-z-]+\)")


def installed() -> bool:
    """Whether the extra is there; imports nothing."""
    return all(find_spec(name) for name in ("espeakng_loader", "phonemizer"))


class Espeak:
    """One eSpeak voice. Calls are serialised: the library has global state.

    Args:
        voice: eSpeak's name of the language, e.g. `pt-br`.

    Raises:
        EngineUnavailable: the extra is missing or does not load.
    """

    _library = Lock()

    def __init__(self, voice: str) -> None:
        self._voice = voice
        self._backend = self._open(voice)

    @classmethod
    def _open(cls, voice: str) -> Any:
        if not installed():
            raise EngineUnavailable("This language needs eSpeak NG.", INSTALL)
        with cls._library:
            try:
                import espeakng_loader
                from phonemizer.backend import EspeakBackend
                from phonemizer.backend.espeak.wrapper import EspeakWrapper

                EspeakWrapper.set_library(espeakng_loader.get_library_path())
                EspeakWrapper.set_data_path(espeakng_loader.get_data_path())
                return EspeakBackend(
                    voice,
                    punctuation_marks=_NO_MARKS,
                    with_stress=True,
                    tie=True,
                    language_switch="remove-flags",
                )
            except (ImportError, OSError, RuntimeError) as error:
                raise EngineUnavailable("eSpeak NG does not load.", INSTALL) from error

    def read(self, marked: Marked) -> Reading:
        """Phonemes in the model's alphabet, with the punctuation of the text.

        Raises:
            EngineFailed: eSpeak fails.
        """
        parts: list[tuple[str, str]] = []
        touches = False  # what was read last touches what comes next
        for part in marked.cut(marked.text):
            if part in marked.said:
                words = [(key_of(one.text), one.phonemes) for one in marked.said[part].words()]
            else:
                words = _words(self._phonemize(part))
            if parts and touches and not part[0].isspace():
                parts[-1] = parts[-1][0], parts[-1][1].rstrip()
            parts += [(key, f"{sounds} ") for key, sounds in words]
            touches = not part[-1].isspace()
        return Reading.of(parts)

    def alone(self, pieces: Sequence[str]) -> list[list[str]]:
        """Keys of what each piece is spoken as, read by itself. It may be less, or more, than in
        its sentence: eSpeak joins small words, and spells out numbers.

        Raises:
            EngineFailed: eSpeak fails.
        """
        readings = [_words(self._phonemize(fold(piece))) for piece in pieces]
        return [[key for key, _ in reading if key] for reading in readings]

    def _phonemize(self, text: str) -> str:
        text = text.translate(_SIGNS)
        marks = _MARKS.findall(text)
        clauses = _MARKS.split(text)
        spoken = iter(self._read([clause for clause in clauses if clause.strip()]))
        out = ""
        for i, clause in enumerate(clauses):
            if clause.strip():
                lead = " " if clause[0].isspace() else ""
                out += lead + next(spoken) + (" " if clause[-1].isspace() else "")
            else:
                out += " " if clause else ""
            if i < len(marks):
                out += "—" if marks[i] == "-" else marks[i]
        return " ".join(out.split())

    def _read(self, clauses: list[str]) -> list[str]:
        if not clauses:
            return []
        with self._library:
            try:
                read = self._backend.phonemize(clauses, strip=True)
            except (RuntimeError, ValueError, OSError, IndexError) as error:
                raise EngineFailed("eSpeak NG could not read the text.") from error
        if len(read) != len(clauses):
            raise EngineFailed("eSpeak NG lost a part of the text.")
        return [to_model(phonemes) for phonemes in read]


def _words(phonemes: str) -> list[tuple[str, str]]:
    """Keys and phonemes of words: what stands between spaces. Stress, which depends on the
    sentence, is not compared.
    """
    return [(word.translate(SILENCED), word) for word in phonemes.split()]


def to_model(ipa: str) -> str:
    """The symbols of the model for IPA that marks affricates and diphthongs with ties."""
    ipa = _SWITCH.sub("", ipa)
    for pair, symbol in _TIED.items():
        ipa = ipa.replace(f"{pair[0]}{_TIE}{pair[1]}", symbol)
    # "-" marks a liaison, the small line a syllabic consonant: the model has no symbol for either.
    return ipa.replace(_TIE, "").replace("-", "").replace("\u0329", "")
