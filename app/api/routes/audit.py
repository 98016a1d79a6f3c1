"""The audit trail, for administrators."""

import re
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BeforeValidator

from app.api.access import GuardedRoute, access
from app.api.dependencies import Audit
from app.api.errors import problems
from app.core.exceptions import DatabaseError
from app.models.access import Permission
from app.models.audit import Action, AuditEntry, AuditPage, AuditVerdict
from app.models.audit_chain import Line, json_lines
from app.models.audit_check import noted
from app.services.audit import AuditFilter


def _written(value: Any) -> Any:
    """Pydantic would take a number for seconds since 1970."""
    if isinstance(value, str) and not re.match(r"\d{4}-", value):
        raise ValueError("write it like 2026-01-15T10:30:00Z")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_written)]

_LINES: Final = "text/plain"  # clients know no type of JSON Lines
_EXPORT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "An event on each line.",
        "content": {_LINES: {"schema": {"type": "string"}}},
    }
}

router = APIRouter(prefix="/api/v1/audit", tags=["audit"], route_class=GuardedRoute)


def _filter(
    subject_id: Annotated[str | None, Query(description="Id of a voice or key.")] = None,
    actor: Annotated[str | None, Query(description="Subject of who did it.")] = None,
    action: Action | None = None,
    since: Annotated[Moment | None, Query(description="The earliest moment.")] = None,
    until: Annotated[Moment | None, Query(description="Written before it.")] = None,
) -> AuditFilter:
    return AuditFilter(subject_id, actor, action, since, until)


@router.get("", operation_id="list_audit_events", responses=problems(DatabaseError))
@access(Permission.AUDIT_READ)
async def list_audit_events(
    audit: Audit,
    wanted: Annotated[AuditFilter, Depends(_filter)],
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[str | None, Query(description="From the page before.")] = None,
) -> AuditPage:
    """Who created, used, trained or deleted which voice, and who created or revoked which key.
    Newest first, of all owners.
    """
    page = await audit.list(wanted, limit=limit, cursor=cursor or None)
    return AuditPage(items=[AuditEntry.of(event) for event in page.items], cursor=page.cursor)


@router.get(
    "/export",
    operation_id="export_audit_events",
    response_class=Response,
    responses=_EXPORT | problems(DatabaseError),
)
@access(Permission.AUDIT_READ)
async def export_audit_events(
    audit: Audit,
    since: Annotated[Moment | None, Query(description="The earliest moment.")] = None,
    until: Annotated[Moment | None, Query(description="Written before it.")] = None,
) -> Response:
    """The events with all that it takes to verify them, oldest first, as JSON Lines:
    `voice-cloning audit verify --file FILE` does. Those in between that are a little older or
    younger are among them.
    """
    pages = audit.export(since, until)
    first: Sequence[Line] = await anext(pages, [])
    return StreamingResponse(
        _lines(first, pages),
        media_type=_LINES,
        headers={"Content-Disposition": 'attachment; filename="audit.jsonl"'},
    )


@router.get("/verify", operation_id="verify_audit_events", responses=problems(DatabaseError))
@access(Permission.AUDIT_READ)
async def verify_audit_events(
    audit: Audit,
    expect: Annotated[
        str | None,
        Query(description="An event that was noted, `NUMBER:DIGEST`: it must be there."),
    ] = None,
) -> AuditVerdict:
    """Whether the whole trail is as it was written, and what is wrong with it. That its end was
    cut off is seen only with `expect`.
    """
    return await audit.verify(noted(expect) if expect else None)


async def _lines(first: Sequence[Line], pages: AsyncIterator[Sequence[Line]]) -> AsyncIterator[str]:
    yield json_lines(first)
    async for page in pages:
        yield json_lines(page)
