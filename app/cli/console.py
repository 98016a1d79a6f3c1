"""What all commands share: where they print, how they are run, how a voice is found."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import Annotated, ParamSpec

import typer
from rich.console import Console
from rich.table import Table

from app.context import AppContext
from app.core.exceptions import InvalidRequest, VoiceNotFound
from app.db.base import every
from app.models.base import LOCAL_OWNER
from app.models.voice import Voice

P = ParamSpec("P")

cli = typer.Typer(no_args_is_help=True, add_completion=False, help="Self-hosted voice cloning.")
out = Console(markup=False, emoji=False)  # names are shown as they are
err = Console(stderr=True)

VoiceArg = Annotated[str, typer.Argument(help="Id or name of the voice.")]


def command(app: typer.Typer, name: str) -> Callable[[Callable[P, Awaitable[None]]], None]:
    """Register a coroutine as a command."""

    def register(function: Callable[P, Awaitable[None]]) -> None:
        @app.command(name)
        @wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> None:
            try:
                asyncio.run(_interruptible(function(*args, **kwargs)))
            except asyncio.CancelledError:
                raise KeyboardInterrupt from None

    return register


async def _interruptible(work: Awaitable[None]) -> None:
    """Await, and be cancelled by Ctrl-C.

    asyncio's own handler is not run before the loop wakes, which a signal that the system hands to
    another thread does not do: the loop would wait for ever. A handler of the loop wakes it.
    """
    task = asyncio.current_task()
    # Not where it is ignored, as in the background of a script; not on Windows, which has no such.
    if task is not None and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        with suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, task.cancel)
    await work


def give(text: str) -> None:
    """Print a result as it is."""
    out.print(text, markup=False, highlight=False, soft_wrap=True)


def tell(text: str, style: str | None = None) -> None:
    """Say something about the work, beside its result."""
    err.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def print_table(table: Table) -> None:
    """Aligned on a terminal, tab-separated lines elsewhere: nothing is cut off or wrapped."""
    if out.is_terminal:
        out.print(table)
        return
    columns = [list(column.cells) for column in table.columns]
    for row in zip(*columns, strict=True):
        typer.echo("\t".join(str(cell) for cell in row))


def file_bytes(path: Path) -> bytes:
    """What is in a file.

    Raises:
        InvalidRequest: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}.") from error


def all_voices(context: AppContext) -> AsyncIterator[Voice]:
    return every(lambda cursor: context.voices.list(LOCAL_OWNER, limit=100, cursor=cursor))


async def find(context: AppContext, id_or_name: str) -> Voice:
    """By id, else by a name that only one voice has."""
    try:
        return await context.voices.get(LOCAL_OWNER, id_or_name)
    except VoiceNotFound:
        named = [voice async for voice in all_voices(context) if voice.name == id_or_name]
        if not named:
            raise
        if len(named) > 1:
            ids = ", ".join(voice.id for voice in named)
            raise InvalidRequest(
                f"{len(named)} voices are called {id_or_name!r}.", f"Give an id: {ids}."
            ) from None
        return named[0]
