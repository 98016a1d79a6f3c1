"""The audit trail, for administrators."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BeforeValidator

from app.api.access import GuardedRoute, access
from app.api.dependencies import Audit
from app.api.errors import problems
from app.core.exceptions import DatabaseError
from app.models.access import Permission
from app.models.audit import Action, AuditEntry, AuditPage
from app.services.audit import AuditFilter


def _written(value: Any) -> Any:
    """Pydantic would take a number for seconds since 1970."""
    if isinstance(value, str) and not re.match(r"\d{4}-", value):
        raise ValueError("write it like 2026-01-15T10:30:00Z")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_written)]

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
