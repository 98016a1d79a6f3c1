"""Versions of records in the headers `ETag` and `If-Match`."""

import re
from typing import Annotated, Any, Final

from fastapi import Header

from app.core.exceptions import InvalidRequest

_TAG = re.compile(r'"([1-9][0-9]{0,9})"')

ETAG: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "headers": {
            "ETag": {
                "description": "The version of the record, for `If-Match`.",
                "schema": {"type": "string"},
            }
        }
    }
}
"""The `responses` of a route that tells the version, for OpenAPI."""

IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", max_length=100, description="The `ETag` of what you have read."),
]


def etag(version: int) -> str:
    return f'"{version}"'


def version_of(sent: int | None, if_match: str | None) -> int | None:
    """The version that the caller has read, None if it does not say.

    Raises:
        InvalidRequest: it says two, or the header has another form.
    """
    tag = None if if_match is None else _TAG.fullmatch(if_match.strip())
    if if_match is not None and tag is None:
        raise InvalidRequest(
            "`If-Match` is not an `ETag` of ours.", 'Send it as it came, e.g. `"2"`.'
        )
    versions = {number for number in (sent, tag and int(tag[1])) if number is not None}
    if len(versions) > 1:
        raise InvalidRequest("`version` and `If-Match` are not the same.", "Send one of them.")
    return next(iter(versions), None)
