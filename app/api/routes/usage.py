"""How much was spoken."""

import re
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from app.api.access import GuardedRoute, access, check
from app.api.dependencies import Caller, Owner, Usage
from app.api.errors import problems
from app.core import exceptions as err
from app.models.access import Permission
from app.models.history import UsageGroup, UsageReport
from app.services.usage import UsageFilter

router = APIRouter(prefix="/api/v1/usage", tags=["history"], route_class=GuardedRoute)


def _written(value: Any) -> Any:
    """Pydantic would take a number for seconds since 1970."""
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        raise ValueError("write it like 2026-01-15")
    return value


_Day = Annotated[date, BeforeValidator(_written)]


class _Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid")

    since: _Day | None = Field(
        None, description="First day, UTC; default: 30 days up to the last one."
    )
    until: _Day | None = Field(None, description="Last day; default: today.")
    group_by: list[UsageGroup] | None = Field(
        None,
        max_length=3,
        description="What to add up by; repeat it for more than one. Default: day and voice, "
        "with `all` owner as well.",
    )
    all: bool = Field(False, description="Of all owners; needs `owners:any`.")


@router.get("", operation_id="get_usage", responses=problems(err.DatabaseError))
@router.get("/", include_in_schema=False)
@access(Permission.HISTORY_READ)
async def get_usage(
    usage: Usage, caller: Caller, owner: Owner, query: Annotated[_Wanted, Query()]
) -> UsageReport:
    """Requests, characters and seconds of audio by day, voice or owner, newest first. They count
    however little is kept of what was said.
    """
    if query.all:
        check(caller, Permission.OWNERS_ANY)
        if owner != caller.owner:
            raise err.InvalidRequest("Ask for one owner or for all of them, not for both.")
    by = query.group_by or [UsageGroup.DAY, UsageGroup.VOICE, *([UsageGroup.OWNER] * query.all)]
    wanted = UsageFilter(None if query.all else owner, query.since, query.until)
    return await usage.report(wanted, by)
