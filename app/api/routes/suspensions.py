"""Suspensions, for administrators."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.api.access import GuardedRoute, access
from app.api.dependencies import Caller, Suspensions
from app.api.errors import problems
from app.core import exceptions as err
from app.models.access import Permission
from app.models.suspension import (
    NewSuspension,
    SuspensionDetails,
    SuspensionKind,
    SuspensionPage,
)

router = APIRouter(prefix="/api/v1/suspensions", tags=["abuse"], route_class=GuardedRoute)


@router.post(
    "",
    status_code=201,
    operation_id="create_suspension",
    responses=problems(err.VoiceNotFound, err.KeyNotFound, err.Conflict, err.DatabaseError),
)
@access(Permission.ABUSE_MANAGE)
async def create_suspension(
    suspensions: Suspensions, caller: Caller, body: NewSuspension
) -> SuspensionDetails:
    """Suspend an owner, a principal, a key or a voice, of whatever owner. Every process follows
    within two seconds. Jobs that wait or run under it are cancelled. Doing it again changes
    nothing.
    """
    return SuspensionDetails.of(await suspensions.suspend(caller, body))


@router.get("", operation_id="list_suspensions", responses=problems(err.DatabaseError))
@access(Permission.ABUSE_MANAGE)
async def list_suspensions(
    suspensions: Suspensions,
    kind: SuspensionKind | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[str | None, Query(description="From the page before.")] = None,
) -> SuspensionPage:
    """The suspensions that hold, newest first."""
    page = await suspensions.list(kind, limit=limit, cursor=cursor or None)
    items = [SuspensionDetails.of(one) for one in page.items]
    return SuspensionPage(items=items, cursor=page.cursor)


@router.delete(
    "/{suspension_id}",
    status_code=204,
    operation_id="lift_suspension",
    responses=problems(err.SuspensionNotFound, err.VersionConflict, err.DatabaseError),
)
@access(Permission.ABUSE_MANAGE)
async def lift_suspension(suspensions: Suspensions, suspension_id: str) -> None:
    """Lift a suspension. A voice that something else forbids, a revoked consent for one, stays
    silent; cancelled jobs stay cancelled.
    """
    await suspensions.lift(suspension_id)
