"""What a failed call is to whoever asked for a translation."""

import math

from app.core.exceptions import AppError
from app.core.logging import get_logger
from app.translators.http import CallFailed, Reason

log = get_logger(__name__)

_AGAIN = "Try again later."


def told(
    failure: CallFailed,
    *,
    who: str,
    settings: str,
    unavailable: type[AppError],
    failed: type[AppError],
) -> AppError:
    """The error of a caller. It says nothing of the service's own words; the log has its code and
    the id of the request there.

    Args:
        who: the service, as a caller may know it.
        settings: to be looked at by the operator.
        unavailable: class of what is not the text's fault.
        failed: class of an answer that is of no use.
    """
    log.warning(
        "a call failed",
        service=who,
        reason=failure.reason.value,
        status=failure.status,
        code=failure.code,
        request=failure.request_id,
    )
    if failure.reason is Reason.UNREADABLE:
        return failed(f"{who} has sent no usable answer.", _AGAIN)
    if failure.reason is Reason.REFUSED:
        return failed(f"{who} does not take the text.", "Word it otherwise, or send less of it.")
    if failure.reason in (Reason.CREDENTIALS, Reason.NOT_FOUND):
        problem = "does not let us in" if failure.reason is Reason.CREDENTIALS else "is not there"
        return unavailable(f"{who} {problem}.", f"Ask the operator to look at {settings}.")
    busy = "is busy" if failure.reason is Reason.BUSY else "does not answer"
    error = unavailable(f"{who} {busy}.", _AGAIN)
    if failure.retry_after_s is not None:
        error.retry_after_s = max(1, math.ceil(failure.retry_after_s))
    return error
