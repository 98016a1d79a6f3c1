"""Logging: one structured line for each event, on standard error.

The lines go through the loggers of the standard library, those of other packages too.
`get_logger` gives loggers that take fields: `log.info("spoke", chars=12)`. No field and no event
holds spoken text, names of voices or files; secrets are masked wherever they stand.
"""

import logging
import sys
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final, TextIO, cast

import structlog
from structlog.stdlib import BoundLogger, PositionalArgumentsFormatter, ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

from app.core import exceptions
from app.core.config import Settings
from app.core.exceptions import AppError
from app.core.masking import masked

REQUEST_ID_HEADER = "X-Request-ID"
NOBODY: Final = "-"

request_id: ContextVar[str] = ContextVar("request_id", default="-")
trace_id: ContextVar[str | None] = ContextVar("trace_id", default=None)
"""Of the W3C trace that the request belongs to."""
actor: ContextVar[str] = ContextVar("actor", default="local")
"""Subject of the principal for whom this is done; `-` in a request of nobody known."""
source: ContextVar[str] = ContextVar("source", default="-")
"""Network address from which the request comes; `-` outside one, and where there is none."""
request_scope: ContextVar[Mapping[str, Any] | None] = ContextVar("request_scope", default=None)
"""ASGI scope of the request."""

_SERVERS = ("uvicorn", "uvicorn.error", "uvicorn.asgi", "gunicorn.error")
_ACCESS = ("uvicorn.access", "gunicorn.access")  # the request log has lines of its own
_WORDY = ("alembic.runtime.plugins", "azure", "httpx", "httpx2")
_TWICE = "Exception in ASGI application"
_TRACEBACK = "Traceback (most recent call last)"
_OWN_ERROR = f"\n{exceptions.__name__}."
_MAX_FRAMES = 40


def get_logger(name: str) -> BoundLogger:
    """The logger of the standard library with this name, taking fields as keywords."""
    wrapped = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[
            structlog.stdlib.filter_by_level,
            PositionalArgumentsFormatter(),
            ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=BoundLogger,
    )
    return cast(BoundLogger, wrapped)


def setup_logging(level: str, form: str = "auto", *, personal: bool = False) -> None:
    """Configure the root logger. Again: the last call counts.

    Args:
        level: of this program; other packages say nothing below `info`, where they tell values.
        form: `json`, `pretty`, or `auto`: pretty on a terminal.
        personal: personal data may be logged. Else nothing is told of an exception of another
            package, raised in a request, but its type and place: its message may hold the text
            that was to be spoken.
    """
    pretty = form == "pretty" or (form == "auto" and sys.stderr.isatty())
    handler = _StandardError()
    handler.setFormatter(
        ProcessorFormatter(processors=_pretty(personal) if pretty else _json(personal))
    )
    own = logging.getLevelNamesMapping()[level.upper()]
    logging.getLogger("app").setLevel(own)
    logging.root.setLevel(max(own, logging.INFO))
    for old in [old for old in logging.root.handlers if isinstance(old, _StandardError)]:
        logging.root.removeHandler(old)
    logging.root.addHandler(handler)
    for name in _WORDY:
        logging.getLogger(name).setLevel(max(own, logging.WARNING))
    _take_over_servers()


def setup_logging_for(settings: Settings) -> None:
    """As a server logs with these settings."""
    personal = settings.log_request_body or settings.log_response_body
    setup_logging(settings.log_level, settings.log_format, personal=personal)


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to what `sys.stderr` is at that moment."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr


def _take_over_servers() -> None:
    """No lines of the web server beside ours, and none twice."""
    for name in _SERVERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.removeFilter(_told_once)
        logger.addFilter(_told_once)
    for name in _ACCESS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = False


def _told_once(record: logging.LogRecord) -> bool:
    """Whether the record is not about an error that `app.api.errors` or `app.main` has logged."""
    message = record.getMessage()
    if request_scope.get() is None:  # why the start failed, in the words of an exception of ours
        return not (message.startswith(_TRACEBACK) and _OWN_ERROR in message)
    return not message.startswith(_TWICE)


def _json(personal: bool) -> list[Processor]:
    return [_Line(personal=personal), structlog.processors.JSONRenderer(ensure_ascii=False)]


def _pretty(personal: bool) -> list[Processor]:
    colours = sys.stderr.isatty()
    return [
        _Line(personal=personal),
        _traceback_text,
        structlog.dev.ConsoleRenderer(colors=colours),
    ]


class _Line:
    """Puts a line together: what every line has, the event's own fields, the exception."""

    def __init__(self, *, personal: bool) -> None:
        self._personal = personal

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        record: logging.LogRecord = event.pop("_record")
        event.pop("_from_structlog", None)
        event.pop("stack_info", None)
        error = _error(event.pop("exc_info", None))
        # A lost task is told of when it is cleared away, outside the request.
        in_request = request_scope.get() is not None or record.name == "asyncio"
        told = self._personal or not in_request
        message = str(event.pop("event"))
        if record.name == "asyncio" and not told:
            message = message.partition("\n")[0]  # the other lines show the exception
        line: EventDict = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "event": masked(message),
            "logger": record.name,
            **_request_fields(),
            **masked(event),
        }
        if error is not None:
            line["exception"] = masked(list(_chain(error, told=told)))
        return line


def _request_fields() -> dict[str, Any]:
    fields: dict[str, Any] = {"request_id": request_id.get()}
    if (scope := request_scope.get()) is not None:
        fields["principal"] = actor.get()
        fields["method"] = scope["method"]
        fields["route"] = route_of(scope)
    if (trace := trace_id.get()) is not None:
        fields["trace_id"] = trace
    return fields


def route_of(scope: Mapping[str, Any]) -> str | None:
    """Template of the route, e.g. `/voices/{voice_id}`; None before one is found.

    Never the path: anything can stand in it.
    """
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else None


def _error(given: Any) -> BaseException | None:
    """The exception in any of the forms that loggers take."""
    if given is True:
        return sys.exc_info()[1]
    if isinstance(given, tuple):
        return cast("BaseException | None", given[1])
    return given if isinstance(given, BaseException) else None


def _chain(error: BaseException, *, told: bool) -> Iterator[dict[str, Any]]:
    """An exception and those that led to it, without the values of variables."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        kind = type(current)
        part: dict[str, Any] = {"type": f"{kind.__module__}.{kind.__qualname__}"}
        if told or (isinstance(current, AppError) and current.status >= 500):
            part["message"] = str(current)
        elif isinstance(current, OSError) and current.strerror:
            part["message"] = current.strerror
        part["frames"] = _frames(current)
        if isinstance(current, BaseExceptionGroup):
            part["group"] = [list(_chain(inner, told=told)) for inner in current.exceptions]
        yield part
        current = current.__cause__ or (
            None if current.__suppress_context__ else current.__context__
        )


def _frames(error: BaseException) -> list[str]:
    """Places, the innermost last: `module:line function`."""
    frames = []
    place = error.__traceback__
    while place is not None:
        code = place.tb_frame.f_code
        module = place.tb_frame.f_globals.get("__name__", "?")
        frames.append(f"{module}:{place.tb_lineno} {code.co_qualname}")
        place = place.tb_next
    return frames[-_MAX_FRAMES:]


def _traceback_text(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """The exception as lines, for people."""
    if chain := event.pop("exception", None):
        event["exception"] = "\n".join(
            "\n".join([f"{part['type']}: {part.get('message', '')}", *_indented(part["frames"])])
            for part in chain
        )
    return event


def _indented(frames: list[str]) -> Iterator[str]:
    return (f"    {frame}" for frame in frames)
