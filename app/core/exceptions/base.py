"""What all errors have in common."""

from typing import Any, ClassVar, Final

BEARER: Final = 'Bearer realm="voice-cloning"'


class AppError(Exception):
    """Base of all errors with a meaning for the caller.

    Args:
        detail: what is wrong, safe to show to anybody.
        suggestion: what the caller can do next.
        extra: typed members added to the problem document, e.g. `measured=1.2, limit=3.0`.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Internal error"
    challenge: ClassVar[str | None] = None
    """`WWW-Authenticate` of the answer, by RFC 6750."""

    def __init__(self, detail: str, suggestion: str | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.suggestion = suggestion
        self.extra = extra
        self.retry_after_s: int | None = None


def code_of(error: BaseException) -> str:
    """What kind of error it is: its code if it is ours, else its class; nothing of what it says."""
    return error.code if isinstance(error, AppError) else type(error).__name__
