"""Kinds of values that several settings share."""

from typing import Annotated, Any, Final

from pydantic import BeforeValidator
from pydantic_settings import NoDecode


def _split(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(part for part in (piece.strip() for piece in value.split(",")) if part)
    return value


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


Strings = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""Separated by commas."""

ANY_CASE: Final = BeforeValidator(_lower)
SPLIT: Final = BeforeValidator(_split)
