"""API keys: make, list, revoke."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from app.api.access import GuardedRoute, access, check
from app.api.dependencies import Caller, Keys, Owner
from app.api.errors import problems
from app.core import exceptions as err
from app.models.access import Permission
from app.models.api_key import ApiKey, KeyCreated, KeyDetails, KeyPage, NewKey

router = APIRouter(prefix="/api/v1/keys", tags=["keys"], route_class=GuardedRoute)


@router.post("", status_code=201, operation_id="create_key", responses=problems(err.DatabaseError))
@access(Permission.KEYS_MANAGE)
async def create_key(
    keys: Keys, caller: Caller, owner: Owner, body: NewKey, response: Response
) -> KeyCreated:
    """Make a key. The answer is the only one that has it: keep it like a password."""
    if body.owner not in (None, owner):
        check(caller, Permission.OWNERS_ANY)
    record, key = await keys.create(caller, body.owner or owner, body)
    response.headers["Cache-Control"] = "no-store"
    return KeyCreated(key=key, **_members(record))


@router.get("", operation_id="list_keys", responses=problems(err.DatabaseError))
@access(Permission.KEYS_MANAGE)
async def list_keys(
    keys: Keys,
    owner: Owner,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[str | None, Query(description="From the page before.")] = None,
) -> KeyPage:
    """Your keys, or those of `X-Owner`; newest first, revoked and expired ones among them."""
    page = await keys.list(owner, limit=limit, cursor=cursor or None)
    return KeyPage(items=[KeyDetails(**_members(key)) for key in page.items], cursor=page.cursor)


@router.delete(
    "/{key_id}",
    status_code=204,
    operation_id="revoke_key",
    responses=problems(err.KeyNotFound, err.Conflict, err.DatabaseError),
)
@access(Permission.KEYS_MANAGE)
async def revoke_key(keys: Keys, owner: Owner, key_id: str) -> None:
    """End a key at once. Its record stays in the list."""
    await keys.revoke(owner, key_id)


def _members(key: ApiKey) -> dict[str, Any]:
    return key.model_dump(include=set(KeyDetails.model_fields))
