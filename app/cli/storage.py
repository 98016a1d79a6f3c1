"""`voice-cloning storage`: the files of the voices."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, get_args

import typer
from rich.table import Table

from app import upkeep
from app.cli.console import cli, command, err, give, print_table, tell
from app.context import open_context
from app.core.config import Settings
from app.core.exceptions import InvalidRequest
from app.storage.copying import copy_blobs
from app.storage.stores import Backend, StorageOptions, Stores, open_folder, open_stores

storage = typer.Typer(no_args_is_help=True, help="The files of the voices.")
cli.add_typer(storage, name="storage")

_PLACES = "local, azure, s3, or a folder such as ./backup"


@command(storage, "copy")
async def copy(
    to: Annotated[str, typer.Option(help=f"{_PLACES}.")],
    source: Annotated[
        str | None, typer.Option("--from", help=f"{_PLACES}. Default: the store in use.")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read every file of both, and compare the bytes.")
    ] = False,
) -> None:
    """Copy the files of all voices to another store. Stopped in the middle, run it again.

    Both stores are the ones that the settings name, whichever of them is in use. Nothing is
    deleted, and files that are there already are not sent again.
    """
    options = StorageOptions.of(Settings())
    source = source or options.chosen()
    if source == to:
        raise InvalidRequest(f"{source} is where the files are.", f"Copy --to one of: {_PLACES}.")
    origin, target = _stores(source, options, must_exist=True), _stores(to, options)
    table = Table("", "copied", "bytes", "there already", box=None)
    for (kind, store), (_, other) in zip(origin.each(), target.each(), strict=True):
        with err.status(f"Copying {kind} …"):
            done = await copy_blobs(store, other, compare=verify)
        table.add_row(kind, str(done.copied), str(done.bytes), str(done.present))
    print_table(table)
    tell(f"copied from {source} to {to}; nothing was deleted")


@command(storage, "sweep")
async def sweep() -> None:
    """Erase what is due, as the server does from time to time: leftovers of crashes; outputs,
    history and audit events that were kept long enough; batches whose time has come; consents that
    were revoked long enough ago, with their voices.
    """
    async with open_context(Settings()) as context:
        swept = await upkeep.sweep(context)
    files = swept.files
    give(
        f"{files.leftovers} leftovers and {files.expired} expired outputs, {files.bytes} bytes; "
        f"{files.unfinished} unfinished files"
    )
    for count, what in (
        (swept.history, "entries of the history"),
        (swept.events, "audit events"),
        (swept.batches, "batches"),
        (swept.consents, "consents, with their voices"),
    ):
        if count:
            give(f"{count} {what}")


def _stores(place: str, options: StorageOptions, *, must_exist: bool = False) -> Stores:
    for backend in get_args(Backend):
        if place == backend != "auto":
            return open_stores(replace(options, backend=backend))
    folder = Path(place)
    if not ("/" in place or "\\" in place):  # a name that was mistyped is not a new folder
        raise InvalidRequest(f"There is no store {place!r}.", f"Use one of: {_PLACES}.")
    if must_exist and not folder.is_dir():
        raise InvalidRequest(f"There is no folder {place}.")
    return open_folder(folder)
