"""Whether what was heard is the statement that was to be read."""

import re
import unicodedata
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from app.consents.statements import spoken_digits, statement
from app.text.languages import primary

_WORD: Final = re.compile(r"[^\W_]+")
_NO_SPACES: Final = frozenset({"ja", "zh"})


@dataclass(frozen=True, slots=True)
class Heard:
    """How near a transcript is to the statement.

    Attributes:
        words: share of the statement's words, names and code apart, that are there in order.
        speaker, company: likeness of the best passage to the name, 0 to 1.
        code: whether the digits that were asked for are said at the end, all of them, in order.
    """

    words: float
    speaker: float
    company: float
    code: bool


def compare(transcript: str, *, language: str, speaker: str, company: str, code: str) -> Heard:
    """See `Heard`. Linear but for the alignment of some dozens of words.

    Args:
        transcript: what a recogniser has written, at most some hundred characters.
        language: BCP-47 tag of the statement.
    """
    frame = statement(language, speaker=" ", company=" ", code="")
    heard = _tokens(transcript, language)
    wanted = _tokens(frame, language)
    rest = [token for token in heard if not token.isdecimal()]
    blocks = SequenceMatcher(None, wanted, rest, autojunk=False).get_matching_blocks()
    matched = sum(block.size for block in blocks)
    said = "".join(token for token in heard if token.isdecimal())
    plain = _letters(transcript)
    return Heard(
        words=matched / max(len(wanted), 1),
        speaker=_likeness(_letters(speaker), plain),
        company=_likeness(_letters(company), plain),
        code=said.endswith(code),  # there may be figures in a name
    )


def _tokens(text: str, language: str) -> list[str]:
    """Words without marks; figures digit by digit, whether written or spelled out."""
    digits = spoken_digits(language)
    tokens: list[str] = []
    for word in _WORD.findall(unicodedata.normalize("NFKC", text).casefold()):
        if word.isdecimal():
            tokens += [str(unicodedata.decimal(char)) for char in word]
        elif word in digits:
            tokens.append(digits[word])
        elif primary(language) in _NO_SPACES:
            tokens += [digits.get(char, char) for char in word]
        else:
            tokens.append(word)
    return tokens


def _letters(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in plain if char.isalnum())


def _likeness(name: str, text: str) -> float:
    """Of the passage of the text that is most like the name."""
    if not name:
        return 0.0
    if name in text:
        return 1.0
    return max(
        (
            SequenceMatcher(None, name, text[at : at + len(name)], autojunk=False).ratio()
            for at in range(max(1, len(text) - len(name) + 1))
        ),
        default=0.0,
    )
