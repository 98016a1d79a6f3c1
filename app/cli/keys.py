"""Commands about API keys. They work on the database itself; no server needs to run."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import typer
from rich.table import Table

from app.cli.console import cli, command, give, print_table, tell
from app.core.clock import utc_now
from app.core.config import Settings
from app.db.audit import AuditTrail
from app.db.base import every
from app.db.opening import database_of
from app.models.access import LOCAL, Role
from app.models.api_key import ApiKey, NewKey
from app.models.audit import AuditEvent
from app.models.base import LOCAL_OWNER
from app.services.keys import KeyService

keys = typer.Typer(no_args_is_help=True, help="API keys.")
cli.add_typer(keys, name="keys")


@command(keys, "create")
async def create_key(
    name: Annotated[str, typer.Option(help="What the key is for.")],
    scope: Annotated[list[Role], typer.Option(help="What it lets do; can be repeated.")],
    owner: Annotated[
        str, typer.Option(help="Whose records it reaches. The default's are those made here.")
    ] = LOCAL_OWNER,
    group: Annotated[
        list[str] | None,
        typer.Option(help="A group that its holder is in: voices can be shared with it."),
    ] = None,
    expires_days: Annotated[
        int | None, typer.Option(help="Days from now; default: it has no end.")
    ] = None,
) -> None:
    """Make a key and print it: this once, nobody can show it again."""
    wanted = NewKey(
        name=name, scopes=scope, owner=owner, groups=group or [], expires_days=expires_days
    )
    async with _service() as service:
        record, key = await service.create(LOCAL, owner, wanted)
    until = f"until {record.expires_at:%F %R} UTC" if record.expires_at else "without an end"
    scopes = ", ".join(record.scopes)
    tell(f"key {record.id} of {owner!r}: {scopes}, {until}; it is not shown again")
    give(key)


@command(keys, "list")
async def list_keys(
    owner: Annotated[str | None, typer.Option(help="Default: those of all owners.")] = None,
) -> None:
    """List the keys, newest first."""
    table = Table(
        "id", "begins", "name", "scopes", "owner", "created", "last used", "state", box=None
    )
    async with _service() as service:
        async for key in every(lambda cursor: service.list(owner, limit=100, cursor=cursor)):
            table.add_row(
                key.id,
                key.prefix,
                key.name,
                ",".join(key.scopes),
                key.owner,
                f"{key.created_at:%F %R}",
                f"{key.last_used_at:%F %R}" if key.last_used_at else "never",
                _state(key),
            )
    print_table(table)


@command(keys, "revoke")
async def revoke_key(
    key: Annotated[str, typer.Argument(help="Id of the key, as in the list.")],
) -> None:
    """End a key at once, in all running servers."""
    async with _service() as service:
        revoked = await service.revoke(None, key)
    tell(f"revoked {revoked.name!r} of {revoked.owner!r}")


@asynccontextmanager
async def _service() -> AsyncIterator[KeyService]:
    settings = Settings()
    database = database_of(settings)
    await database.open(migrate=settings.database_migrate)
    try:
        audit = AuditTrail(database.collection(AuditEvent))
        yield KeyService(keys=database.collection(ApiKey), audit=audit)
    finally:
        await database.close()


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is not None and key.expires_at <= utc_now():
        return "expired"
    return f"until {key.expires_at:%F}" if key.expires_at else "valid"
