"""What a speaker reads aloud to agree, in several languages, with a code that is good for minutes.

The wording is our own. It names the speaker, who will use the voice, and that it will be synthetic;
the purpose is written in the record, not spoken.
"""

import json
import secrets
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from app.core.exceptions import UnsupportedLanguage
from app.text.languages import primary

CODE_DIGITS: Final = 6
_HAN: Final = {char: str(digit) for digit, char in enumerate("零一二三四五六七八九")} | {"〇": "0"}
# What the library does not know.
_MORE_DIGITS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {"en": {"oh": "0"}, "ja": _HAN, "zh": _HAN}
)


@cache
def _statements() -> Mapping[str, str]:
    """By primary subtag; `{speaker}`, `{company}` and `{code}` stand for what is put in."""
    texts: dict[str, str] = json.loads(
        files(__package__).joinpath("statements.json").read_text("utf-8")
    )
    return MappingProxyType(texts)


def languages() -> tuple[str, ...]:
    """Primary subtags of those that there is a statement in."""
    return tuple(_statements())


def new_code() -> str:
    """Digits that nobody can guess beforehand."""
    return "".join(str(secrets.randbelow(10)) for _ in range(CODE_DIGITS))


def check_language(language: str) -> None:
    """Raise `UnsupportedLanguage` if there is no statement in a language."""
    if primary(language) not in _statements():
        raise UnsupportedLanguage(
            f"There is no statement in {language[:35]}.", f"There are: {', '.join(_statements())}."
        )


def statement(language: str, *, speaker: str, company: str, code: str) -> str:
    """What is read aloud; the digits of the code stand apart.

    Args:
        language: BCP-47 tag.

    Raises:
        UnsupportedLanguage: there is no statement in it.
    """
    check_language(language)
    return _statements()[primary(language)].format(
        speaker=speaker, company=company, code=" ".join(code)
    )


@cache
def spoken_digits(language: str) -> Mapping[str, str]:
    """Words of a language to the digits that they are: `four` -> `4`; few where it is not known."""
    from num2words import num2words

    words = dict(_MORE_DIGITS.get(primary(language), {}))
    for digit in range(10):
        try:
            words[num2words(digit, lang=primary(language)).casefold()] = str(digit)
        except NotImplementedError:
            break
    return MappingProxyType(words)
