"""What a doctor says."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from app.core.exceptions import AppError
from app.core.outgoing import Seen, watched
from app.translators.http import CallFailed

Work = Callable[[], Awaitable[str]]
"""Does it, and says what that has shown."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `ok`: None where it could not be tried."""

    what: str
    ok: bool | None
    detail: str


class Wrong(Exception):
    """What was tried went on, but is not as it should be."""


class Untried(Exception):
    """It could not be tried, and why."""


@dataclass(frozen=True, slots=True)
class Check:
    """Something to try.

    Attributes:
        needed: what comes behind it is of no use without.
    """

    what: str
    work: Work
    needed: bool = False


async def found(part: str, checks: Sequence[Check], seen: Seen) -> AsyncIterator[Finding]:
    """Try one after the other; none stops the others but where it is needed by them.

    Args:
        seen: is told all answers that come in.
    """
    lacking = ""
    for check in checks:
        if lacking:
            finding = Finding(check.what, None, f"not tried without {lacking!r}.")
        else:
            finding = await _tried(check, seen)
            lacking = check.what if check.needed and not finding.ok else ""
        yield Finding(f"{part}, {check.what}", finding.ok, finding.detail)


async def _tried(check: Check, seen: Seen) -> Finding:
    try:
        with watched(seen):
            return Finding(check.what, True, await check.work())
    except Untried as why:
        return Finding(check.what, None, str(why))
    except Wrong as why:
        return Finding(check.what, False, str(why))
    except AppError as error:
        return Finding(check.what, False, told(error))


def told(error: AppError) -> str:
    """An error of ours in one line, with what the provider's support would ask for."""
    facts = [f"{name.removeprefix('provider_')} {error.extra[name]}" for name in _FACTS
             if name in error.extra]  # fmt: skip
    if isinstance(failure := error.__cause__, CallFailed):
        known = {"status": failure.status, "code": failure.code, "request_id": failure.request_id}
        facts = [f"{name} {value}" for name, value in known.items() if value is not None]
    more = f"({', '.join(facts)})" if facts else ""
    return " ".join(filter(None, (error.detail, error.suggestion, more)))


_FACTS = ("provider_status", "provider_request_id", "activity_id")
