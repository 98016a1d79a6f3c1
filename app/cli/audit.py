"""Commands about the audit trail."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from app.cli.console import cli, command, print_table, tell
from app.context import open_context
from app.core.config import Settings
from app.models.audit import Action
from app.services.audit import AuditFilter

audit = typer.Typer(no_args_is_help=True, help="Who did what to which voice or key.")
cli.add_typer(audit, name="audit")

_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]


@command(audit, "list")
async def list_events(
    subject: Annotated[str | None, typer.Option(help="Id of a voice or key.")] = None,
    actor: Annotated[str | None, typer.Option(help="Who did it.")] = None,
    action: Annotated[Action | None, typer.Option()] = None,
    since: Annotated[datetime | None, typer.Option(formats=_FORMATS, help="UTC.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=_FORMATS, help="UTC.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    cursor: Annotated[str | None, typer.Option(help="As told by the list before.")] = None,
) -> None:
    """List events, newest first."""
    wanted = AuditFilter(subject, actor, action, _aware(since), _aware(until))
    table = Table("when", "actor", "action", "subject", "owner", "outcome", "request", box=None)
    async with open_context(Settings()) as context:
        page = await context.audit.list(wanted, limit=limit, cursor=cursor)
    for event in page.items:
        table.add_row(
            event.created_at.isoformat(timespec="milliseconds"),
            event.actor,
            event.action.value,
            event.subject_id,
            event.owner,
            event.outcome,
            event.request_id,
        )
    print_table(table)
    if page.cursor is not None:
        tell(f"there are more: --cursor {page.cursor}")


def _aware(moment: datetime | None) -> datetime | None:
    """With a time zone; UTC where none was given."""
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
