"""Commands about the audit trail."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from errno import EEXIST
from pathlib import Path
from tempfile import mkstemp
from typing import Annotated, BinaryIO, Final, TextIO

import typer
from rich.table import Table

from app.cli.console import cli, command, give, print_table, tell
from app.context import open_context
from app.core.config import Settings
from app.core.exceptions import InvalidRequest
from app.core.tasks import in_thread
from app.models.audit import Action, AuditVerdict
from app.models.audit_chain import Link, json_lines
from app.models.audit_check import ChainCheck, line_of, noted
from app.services.audit import AuditFilter

audit = typer.Typer(no_args_is_help=True, help="Who did what to which voice or key.")
cli.add_typer(audit, name="audit")

_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]
_LONGEST_LINE: Final = 64 * 1024  # bytes; an event has 2,000 or so

Since = Annotated[datetime | None, typer.Option(formats=_FORMATS, help="UTC.")]
Until = Annotated[datetime | None, typer.Option(formats=_FORMATS, help="UTC.")]


@command(audit, "list")
async def list_events(
    subject: Annotated[str | None, typer.Option(help="Id of a voice or key.")] = None,
    actor: Annotated[str | None, typer.Option(help="Who did it.")] = None,
    action: Annotated[Action | None, typer.Option()] = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    cursor: Annotated[str | None, typer.Option(help="As told by the list before.")] = None,
) -> None:
    """List events, newest first."""
    wanted = AuditFilter(subject, actor, action, _aware(since), _aware(until))
    heads = ("when", "actor", "action", "subject", "owner", "outcome", "request", "from", "number")
    table = Table(*heads, box=None)
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
            event.source,
            str(event.number),
        )
    print_table(table)
    if page.cursor is not None:
        tell(f"there are more: --cursor {page.cursor}")


@command(audit, "verify")
async def verify(
    expect: Annotated[
        str | None,
        typer.Option(help="NUMBER:DIGEST as an earlier run has printed it: it must be there."),
    ] = None,
    file: Annotated[Path | None, typer.Option(help="An export, instead of the database.")] = None,
) -> None:
    """Look whether the trail is as it was written; status 1 if it is not.

    Keep what it prints somewhere else: without --expect, nobody sees that the end was cut off.
    """
    wanted = noted(expect) if expect else None
    if file is not None:
        with _readable(file) as source:
            verdict = await in_thread(None, _of_a_file, source, wanted)
    else:
        async with open_context(Settings()) as context:
            verdict = await context.audit.verify(wanted)
    _print(verdict)
    if not verdict.valid:
        raise typer.Exit(1)


@command(audit, "export")
async def export(
    output: Annotated[Path, typer.Option(help="A file that is not there yet; - prints.")],
    since: Since = None,
    until: Until = None,
) -> None:
    """Write events as JSON Lines, oldest first, with all that it takes to verify them."""
    count = 0
    async with open_context(Settings()) as context:
        with _writable(output) as target:
            async for lines in context.audit.export(_aware(since), _aware(until)):
                target.write(json_lines(lines))
                count += len(lines)
    tell(f"{count} events")


@command(audit, "erase")
async def erase(
    subject: Annotated[
        str, typer.Argument(help="A principal or owner as the trail names it, or a voice's id.")
    ],
) -> None:
    """Erase who or what is named so from all events. The chain holds; it cannot be undone."""
    async with open_context(Settings()) as context:
        count = await context.audit.erase(subject)
    give(f"erased from {count} events")


def _print(verdict: AuditVerdict) -> None:
    table = Table("fault", "number", "", box=None)
    for fault in verdict.faults:
        table.add_row(fault.kind.value, str(fault.number), fault.detail)
    if verdict.faults:
        print_table(table)
    if (untold := verdict.fault_count - len(verdict.faults)) > 0:
        give(f"and {untold} more")
    if verdict.removed_up_to:
        tell(f"events up to {verdict.removed_up_to} were kept long enough, and removed")
    if verdict.last is None:
        give("0 events")
        return
    told = "as they were written" if verdict.valid else f"faults: {verdict.fault_count}"
    give(f"{verdict.events} events, {verdict.first} to {verdict.last}: {told}")
    give(f"{verdict.last}:{verdict.digest}")


def _of_a_file(source: BinaryIO, expect: Link | None) -> AuditVerdict:
    """Line by line."""
    check, number = ChainCheck(start=None, expect=expect), 0
    while text := source.readline(_LONGEST_LINE):
        number += 1
        line = line_of(text.decode(errors="replace"))
        if line is None:
            check.unreadable(number)
        else:
            check.add(line)
        while not text.endswith(b"\n") and (text := source.readline(_LONGEST_LINE)):
            pass  # the rest of a line that is too long
    return check.verdict()


@contextmanager
def _readable(file: Path) -> Iterator[BinaryIO]:
    try:
        source = file.open("rb")
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be read: {error.strerror}.") from error
    with source:
        yield source


@contextmanager
def _writable(output: Path) -> Iterator[TextIO]:
    """A new file that is there when all of it is; only its user can read it."""
    if str(output) == "-":
        yield sys.stdout
        return
    try:
        if output.exists():
            raise FileExistsError(EEXIST, "there is a file of that name")
        handle, part = mkstemp(prefix=f".{output.name}.", dir=output.parent)
        try:
            with open(handle, "w", encoding="utf-8", newline="\n") as target:  # noqa: PTH123
                yield target
            Path(part).rename(output)
        finally:
            Path(part).unlink(missing_ok=True)
    except OSError as error:
        raise InvalidRequest(f"{output} cannot be written: {error.strerror}.") from error


def _aware(moment: datetime | None) -> datetime | None:
    """With a time zone; UTC where none was given."""
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
