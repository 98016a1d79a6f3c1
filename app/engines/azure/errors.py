"""What our callers see of Azure's refusals. Nothing of what it says in words is told: that could
hold names or text. Its number of the request may be.
"""

import math
import re
from collections.abc import Mapping
from typing import Any, Final

from app.core.exceptions import (
    AppError,
    ConsentMismatch,
    ConsentUnusable,
    EngineBusy,
    EngineFailed,
    EngineUnavailable,
    RecordingTooShort,
)
from app.core.retrying import asked_wait_s

_REQUEST_IDS: Final = ("apim-request-id", "x-requestid", "x-ms-request-id", "x-ms-requestid")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.:-]{1,80}")
_USUAL_WAIT_S: Final = 10
_AGAIN: Final = "Try again later; the operator can look up the state of Azure AI Speech."


def request_id_of(headers: Mapping[str, str]) -> str | None:
    """Azure's number of the request, to ask them about it."""
    found = (headers.get(name, "") for name in _REQUEST_IDS)
    return next((text for text in found if _PLAIN.fullmatch(text)), None)


def refusal(status: int, headers: Mapping[str, str]) -> AppError:
    """What a status means that is not the one of success."""
    number = request_id_of(headers)
    more: dict[str, Any] = {"provider_status": status}
    if number is not None:
        more["provider_request_id"] = number
    if status == 429:
        wait = asked_wait_s(headers)
        return EngineBusy(
            "Azure AI Speech takes no more requests at this moment.",
            "Try again later; the operator can have the quota raised.",
            retry_after_s=max(1, math.ceil(_USUAL_WAIT_S if wait is None else wait)),
            **more,
        )
    if status in _OPERATORS:
        detail, suggestion = _OPERATORS[status]
        return EngineUnavailable(detail, suggestion, **more)
    if status >= 500:
        return EngineUnavailable(f"Azure AI Speech has failed ({status}).", _AGAIN, **more)
    detail = f"Azure AI Speech has not taken the request ({status})."
    return EngineFailed(detail, _REFUSED.get(status), **more)


_OPERATORS: Final[Mapping[int, tuple[str, str]]] = {
    401: (
        "Azure AI Speech does not know who asks (401).",
        "The operator must check AZURE_SPEECH_KEY and AZURE_SPEECH_REGION, or the identity and "
        "AZURE_SPEECH_RESOURCE_ID.",
    ),
    403: (
        "The account of Azure AI Speech may not do this (403).",
        "Personal voice must be applied for, and its identity needs the role `Cognitive Services "
        "Speech Contributor`: docs/azure.md.",
    ),
}
_REFUSED: Final[Mapping[int, str]] = {
    400: "Where a voice was to be made: look at names, language and recordings. Where a text was "
    "to be spoken: the voice or the base model may be gone from Azure; ask the operator.",
    404: "It may have been deleted at Azure; else the operator must check the address and region.",
    409: "Something of that name is being made or deleted at Azure; try again.",
}


def unreachable(kind: str) -> EngineUnavailable:
    """There was no answer. `kind`: of error, a name of a class."""
    if "Timeout" in kind:
        return EngineUnavailable("Azure AI Speech did not answer in time.", _AGAIN)
    return EngineUnavailable(f"Azure AI Speech cannot be reached: {kind}.", _AGAIN)


def senseless(what: str) -> EngineFailed:
    """An answer that is not as it is described."""
    return EngineFailed(f"Azure AI Speech has answered with {what}.", _AGAIN)


def unmade(what: str, reason: str | None) -> AppError:
    """Azure has tried, and not made it.

    Args:
        what: `consent` or `voice`.
        reason: the service's `failureReason`.
    """
    known = reason if reason and _PLAIN.fullmatch(reason) else "None"
    more = {"provider_reason": known}
    if known == "AudioAndScriptNotMatch":
        return ConsentUnusable(
            "Azure did not hear its statement in the recording of it, or other names.",
            "GET /api/v1/consents/statement gives `provider_statement`: it must be read word "
            "for word, with the names of the consent. Then register with a new consent.",
            **more,
        )
    if known == "SpeakerVerificationFailed":
        return ConsentMismatch(
            "Azure hears somebody else in the recording of the voice than in that of the consent.",
            "Both must be of the same speaker, as clear as can be.",
            **more,
        )
    if known == "DataNotEnough":
        return RecordingTooShort(
            "Azure finds too little speech in the recording.",
            "Send 5 to 90 seconds of clear speech.",
            **more,
        )
    told = _UNMADE.get(known, f"Azure did not make the {what}, and does not say why.")
    return EngineFailed(told, "Try again; if it happens again, ask the operator.", **more)


_UNMADE: Final[Mapping[str, str]] = {
    "DataNotReady": "Azure had not yet read the recording.",
    "InaccessibleCustomerStorage": "Azure could not fetch the recording.",
    "TerminateByUser": "Somebody has stopped it at Azure.",
    "Internal": "Something failed inside Azure.",
}
