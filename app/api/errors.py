"""The one place that turns exceptions into HTTP: `application/problem+json` (RFC 9457)."""

import traceback
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette import exceptions as starlette_exceptions
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from app.api.rates import RETRY_AFTER, rate_headers
from app.core.exceptions import (
    AppError,
    ClientTooSlow,
    EngineBusy,
    HostUnknown,
    IdentityError,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    ShuttingDown,
    UploadTooLarge,
)
from app.core.logging import REQUEST_ID_HEADER, get_logger, request_id

log = get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
PROBLEM_CODE: Final = "problem_code"
"""Key in the state of a request: the code of the problem that it was answered with."""

_RETRY_AFTER_S = 10
_MOST_ERRORS = 100  # that are told of one request
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
# What can happen to any request, before its route sees it.
_ANYWHERE: tuple[type[AppError], ...] = (ClientTooSlow, UploadTooLarge, HostUnknown, ShuttingDown)
_CODES = "Codes: "


class Problem(BaseModel):
    """An error, by RFC 9457. Some codes carry further members, e.g. `measured` and `limit`."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:voice-cloning:problem:voice-not-found",
                    "title": "There is no such voice",
                    "status": 404,
                    "code": "voice-not-found",
                    "detail": "There is no voice '550e8400-e29b-41d4-a716-446655440000'.",
                    "suggestion": "GET /voices lists the voices.",
                    "instance": "urn:request:0f3c1f2e9a7b4c55",
                }
            ]
        },
    )

    type: str = Field(description="URN that ends in the code.")
    title: str
    status: int
    code: str = Field(description="Stable: what a program should look at.")
    detail: str
    suggestion: str | None = Field(None, description="What to do next.")
    instance: str = Field(description="URN of the request; its id is in `X-Request-ID` as well.")


def install(app: FastAPI) -> None:
    """Register the handlers."""
    app.exception_handler(AppError)(_app_error)
    app.exception_handler(RequestValidationError)(_validation_error)
    # What the framework itself raises: unknown paths, wrong methods, unreadable bodies.
    app.exception_handler(starlette_exceptions.HTTPException)(_http_error)  # noqa: TID251 - caught
    app.exception_handler(Exception)(_unexpected)


def problems(*errors: type[AppError]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that can raise these errors, for OpenAPI."""
    codes: dict[int, list[str]] = {}
    declared: list[type[AppError]] = [*errors, InvalidRequest, *_ANYWHERE, AppError]
    for error in declared:
        listed = codes.setdefault(error.status, [])
        if error.code not in listed:
            listed.append(error.code)
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        status: {
            "description": _CODES + ", ".join(f"`{code}`" for code in listed),
            "content": {MEDIA_TYPE: schema},
        }
        for status, listed in sorted(codes.items())
    }


def also(
    declared: dict[int | str, dict[str, Any]], more: dict[int | str, dict[str, Any]]
) -> dict[int | str, dict[str, Any]]:
    """Both: where the two have problems of one status, their codes together."""
    both = declared | more
    for status in declared.keys() & more.keys():
        texts = [str(part[status].get("description", "")) for part in (declared, more)]
        if all(text.startswith(_CODES) for text in texts):
            codes = dict.fromkeys(", ".join(text[len(_CODES) :] for text in texts).split(", "))
            both[status] = more[status] | {"description": _CODES + ", ".join(codes)}
    return both


def problem_response(error: AppError) -> JSONResponse:
    """The document for an error, with `Retry-After` where trying again may help, and
    `WWW-Authenticate` where other credentials may.
    """
    retry_after_s = error.retry_after_s or (_RETRY_AFTER_S if error.status == 503 else None)
    headers = {RETRY_AFTER: str(retry_after_s)} if retry_after_s else {}
    if error.challenge is not None:
        headers["WWW-Authenticate"] = error.challenge
    return _ProblemResponse(problem_document(error), error.status, headers, MEDIA_TYPE)


def problem_document(error: AppError) -> dict[str, Any]:
    """An error as it is told, by RFC 9457."""
    return {
        "type": f"urn:voice-cloning:problem:{error.code}",
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "detail": error.detail,
        "suggestion": error.suggestion,
        "instance": f"urn:request:{request_id.get()}",
        **error.extra,
    }


def told_late(error: Exception, scope: Scope) -> dict[str, Any]:
    """The document for an error of an answer that has begun: in a stream of events. It is logged
    and counted like others.
    """
    if isinstance(error, AppError):
        _log(error)
        known = error
    else:
        log.error("unexpected error", exc_info=error)
        known = _unexpected_problem()
    scope.setdefault("state", {})[PROBLEM_CODE] = known.code
    return problem_document(known)


class _ProblemResponse(JSONResponse):
    """Leaves its code where the middleware that counts errors finds it."""

    def __init__(self, body: dict[str, Any], *args: Any) -> None:
        super().__init__(body, *args)
        self._code = body["code"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})[PROBLEM_CODE] = self._code
        await super().__call__(scope, receive, send)


async def _app_error(_: Request, error: AppError) -> JSONResponse:
    _log(error)
    return problem_response(error)


def _log(error: AppError) -> None:
    if isinstance(error, EngineBusy | IdentityError):  # not ours, and must not flood the log
        log.warning("busy", code=error.code, detail=error.detail)
    elif error.status == 501:  # nothing is wrong: it is not offered here
        log.info("not supported", code=error.code)
    elif error.status >= 500:
        log.error("failed", code=error.code, detail=error.detail, exc_info=error)


async def _validation_error(_: Request, error: RequestValidationError) -> JSONResponse:
    """Tell each wrong field; the value itself may be private and is not repeated."""
    errors = [
        {"loc": list(item["loc"]), "msg": item["msg"], "type": item["type"]}
        for item in error.errors()[:_MOST_ERRORS]
    ]
    first = errors[0]
    where = ".".join(str(part) for part in first["loc"])
    detail, advice = f"{where}: {first['msg']}", "See /docs for the fields."
    if first["type"] == "json_invalid":
        detail, advice = "The body is not JSON.", "The first mistake is where `errors` says: `loc`."
    elif first["loc"] == ["body"]:
        advice = "Send a JSON object with `Content-Type: application/json`."
    elif first["loc"] == ["body", "file"]:
        advice = "Send a form with a file: curl -F 'file=@recording.wav'."
    return problem_response(InvalidRequest(detail, advice, errors=errors))


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    """Errors that the framework raises by itself."""
    assert isinstance(error, starlette_exceptions.HTTPException)  # noqa: S101, TID251 - for mypy
    if error.status_code == NotFound.status:
        return problem_response(NotFound(f"There is no path {request.url.path!r}.", "See /docs."))
    if error.status_code == MethodNotAllowed.status:
        detail = f"{request.url.path!r} does not take {request.method}."
        response = problem_response(MethodNotAllowed(detail, "See /docs."))
        response.headers["Allow"] = ", ".join(_methods_of(request))
        return response
    if isinstance(error.__cause__, AppError):  # raised while the framework read the body
        return problem_response(error.__cause__)
    return problem_response(InvalidRequest(str(error.detail), "See /docs for the form."))


def _methods_of(request: Request) -> list[str]:
    """What can be asked of a path, over all of its routes; the framework tells those of one."""

    def answered(method: str) -> bool:
        scope = {**request.scope, "method": method}
        return any(route.matches(scope)[0] == Match.FULL for route in request.app.routes)

    taken = [method for method in METHODS if answered(method)]
    if "GET" in taken and "HEAD" not in taken:  # all GET routes answer it
        taken.insert(1, "HEAD")
    return taken


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("unexpected error", exc_info=error)
    extra = {}
    if request.app.state.context.settings.error_include_traceback:
        extra["traceback"] = traceback.format_exception(error)
    response = problem_response(_unexpected_problem(**extra))
    # This handler is outside the middleware.
    response.headers[REQUEST_ID_HEADER] = request_id.get()
    response.headers.update(rate_headers(request.scope))
    return response


def _unexpected_problem(**extra: Any) -> AppError:
    return AppError("Something went wrong on our side.", "Report it with the request id.", **extra)
