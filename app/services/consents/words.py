"""What callers write about a consent: checked before anything is made of it."""

import re
from dataclasses import replace
from typing import Final

from app.consents.statements import check_language
from app.core.exceptions import InvalidRequest, UploadTooLarge
from app.models.consent import MAX_PERSON, MAX_PURPOSE
from app.services.consents.tools import ConsentOrder

MAX_BYTES: Final = 20 * 1024 * 1024
"""Of a recording."""
MAX_VOICES: Final = 20
"""That get a consent in the same request."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def checked(order: ConsentOrder) -> ConsentOrder:
    """An order with its texts cleaned.

    Raises:
        InvalidRequest, UnsupportedLanguage, UploadTooLarge: it cannot be used.
    """
    check_language(order.language)
    if len(order.voice_ids) > MAX_VOICES:
        raise InvalidRequest(
            f"The consent is for {len(order.voice_ids)} voices; at most {MAX_VOICES} at once.",
            "POST /api/v1/consents/{consent_id}/voices takes more.",
        )
    if (size := max(order.size, order.provider_size)) > MAX_BYTES:
        raise UploadTooLarge(
            f"The recording has {size} bytes.", "Read the statement, and nothing else."
        )
    if order.read is None and not order.signed_by:
        raise InvalidRequest(
            "There is neither a recording nor anybody who signs.",
            "Send `file`, the speaker's recording of the statement, with its `statement_id`; or "
            "`signed_by`, the name of who states that the speaker agrees.",
        )
    if order.read is not None and order.signed_by:
        raise InvalidRequest("There is a recording, and somebody who signs.", "Send one of them.")
    return replace(
        order,
        speaker=_named("speaker", order.speaker),
        company=_named("company", order.company),
        purpose=_named("purpose", order.purpose, limit=MAX_PURPOSE),
        signed_by=_named("signed_by", order.signed_by) if order.signed_by else None,
    )


def line(field: str, text: str, *, limit: int = MAX_PERSON) -> str:
    """A text of one line, without blanks around it.

    Raises:
        InvalidRequest: it is too long, or has characters that nobody can read.
    """
    text = text.strip()
    if len(text) > limit or _CONTROL.search(text):
        raise InvalidRequest(
            f"The {field} cannot be used.",
            f"Send one line of at most {limit} characters.",
            field=field,
        )
    return text


def _named(field: str, text: str, *, limit: int = MAX_PERSON) -> str:
    text = line(field, text, limit=limit)
    if not any(char.isalnum() for char in text):
        raise InvalidRequest(f"The {field} is empty.", "Send it as it is spoken.", field=field)
    return text
