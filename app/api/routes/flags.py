"""Flags, for administrators; reports, by everybody."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.api.access import GuardedRoute, access
from app.api.dependencies import Caller, FlagsShown
from app.api.errors import problems
from app.core import exceptions as err
from app.limits.base import Rate
from app.models.access import Permission
from app.models.flag import (
    FlagClosing,
    FlagDetails,
    FlagKind,
    FlagPage,
    FlagStatus,
    NewReport,
    ReportTaken,
)

router = APIRouter(prefix="/api/v1", tags=["abuse"], route_class=GuardedRoute)

_Text = Annotated[str | None, Query(max_length=200, pattern=r"^[!-~]+$")]


@router.get("/flags", operation_id="list_flags", responses=problems(err.DatabaseError))
@access(Permission.ABUSE_MANAGE)
async def list_flags(
    flags: FlagsShown,
    kind: FlagKind | None = None,
    status: FlagStatus | None = None,
    owner: _Text = None,
    subject: _Text = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[str | None, Query(description="From the page before.")] = None,
) -> FlagPage:
    """What administrators should look at, of all owners, newest first."""
    wanted = {"kind": kind, "status": status, "owner": owner, "subject": subject}
    where = {name: value for name, value in wanted.items() if value is not None}
    page = await flags.list(where, limit=limit, cursor=cursor or None)
    return FlagPage(items=[FlagDetails.of(flag) for flag in page.items], cursor=page.cursor)


@router.post(
    "/flags/{flag_id}/close",
    operation_id="close_flag",
    responses=problems(err.FlagNotFound, err.Conflict, err.VersionConflict, err.DatabaseError),
)
@access(Permission.ABUSE_MANAGE)
async def close_flag(
    flags: FlagsShown, caller: Caller, flag_id: str, body: FlagClosing | None = None
) -> FlagDetails:
    """Say that you have looked, and what came of it."""
    return FlagDetails.of(await flags.close(caller, flag_id, body.note if body else None))


@router.post(
    "/reports",
    status_code=201,
    operation_id="create_report",
    responses=problems(err.DatabaseError),
)
@access(Permission.REPORTS_WRITE, Rate.REPORTS)
async def create_report(flags: FlagsShown, caller: Caller, body: NewReport) -> ReportTaken:
    """Tell the administrators of a voice, of something that was spoken, or of anything else."""
    flag = await flags.report(caller, body)
    return ReportTaken(id=flag.id, created_at=flag.created_at)
