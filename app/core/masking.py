"""Taking secrets out of what is about to be written down: by their form, and by the name of the
field they stand in.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

MASK: Final = "***"
_SHORTEST = 8  # characters, of what is looked into

_WORDS = r"(?:[\w-]*(?:key|secret|token|password|passwd|pwd|signature|credentials?|assertion)|sig)"
_FORMS = re.compile(
    r"\bvc_[\w-]+"  # API keys of this service
    r"|\beyJ[\w-]{8,}(?:\.[\w-]*)*"  # JSON Web Tokens, whole or cut off
    r"|(?<=://)[^\s\"'<>]{0,512}@",  # user and password of an address
    re.ASCII,
)
_SCHEMES = re.compile(r"\b(bearer|basic|negotiate|apikey|sharedkey)(\s+)[\w.~+/=:-]{8,}", re.I)
_ASSIGNED = re.compile(
    rf"(?<![\w-])({_WORDS})([\"']?\s*[=:]\s*)(?:\"(?:[^\"\\]|\\.)*\"?|'[^']*'?|[^\s\"'&;,]+)", re.I
)
_SECRET_FIELD = re.compile(rf"{_WORDS}|[\w-]*(?:authorization|cookie)", re.I)


def masked_text(text: str) -> str:
    """The text without keys, tokens, passwords and signatures."""
    if len(text) < _SHORTEST:
        return text
    text = _FORMS.sub(_address_or_mask, text)
    text = _SCHEMES.sub(rf"\1\2{MASK}", text)
    return _ASSIGNED.sub(rf"\1\2{MASK}", text)


def masked(value: Any) -> Any:
    """The same tree of mappings and lists, with every secret in it masked."""
    if isinstance(value, str):
        return masked_text(value)
    if isinstance(value, Mapping):
        return {name: masked_field(str(name), inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [masked(inner) for inner in value]
    return value


def masked_field(name: str, value: Any) -> Any:
    """The value of a field or header; nothing of it if the name says that it is a secret."""
    if value is not None and _SECRET_FIELD.fullmatch(name):
        return MASK
    return masked(value)


def _address_or_mask(found: re.Match[str]) -> str:
    return f"{MASK}@" if found[0].endswith("@") else MASK
