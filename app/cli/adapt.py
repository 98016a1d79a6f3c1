"""The command that trains a voice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from app.cli.console import VoiceArg, cli, command, err, find, tell
from app.context import open_context
from app.core.config import Settings
from app.engines.base import TrainingEvent, TrainingOptions
from app.models.base import LOCAL_OWNER
from app.services.training import MAX_MINUTES, MAX_SEED, MIN_MINUTES
from app.speaker.similarity import describe

_LINE_EVERY = 0.1
_COLUMNS = (
    TextColumn("{task.description}", markup=False),
    BarColumn(),
    TaskProgressColumn(),
    TimeElapsedColumn(),
)


@command(cli, "adapt")
async def adapt(
    voice: VoiceArg,
    minutes: Annotated[
        float, typer.Option(min=MIN_MINUTES, max=MAX_MINUTES, help="How long to train.")
    ] = 3.0,
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED)] = 0,
) -> None:
    """Train a voice on its recordings, to be more like the speaker; Ctrl-C leaves it as it was."""
    async with open_context(Settings()) as context:
        before = await find(context, voice)
        options = TrainingOptions(minutes, seed)
        try:
            async with aclosing(context.training.adapt(LOCAL_OWNER, before.id, options)) as events:
                await _show(events)
        except asyncio.CancelledError:
            now = await context.voices.get(LOCAL_OWNER, before.id)
            unchanged = now.state_blob == before.state_blob
            tell(
                f"stopped: {before.name!r} is as it was"
                if unchanged
                else f"stopped too late: {before.name!r} is adapted"
            )
            raise
        after = await context.voices.get(LOCAL_OWNER, before.id)
    if after.active_version == before.active_version:
        tell(f"{before.name!r} is as it was: what came of it is kept as another version")
    else:
        tell(
            f"adapted {before.name!r}: similarity {_likeness(after.similarity)}, "
            f"before {_likeness(before.similarity)}"
        )


async def _show(events: AsyncIterator[TrainingEvent]) -> None:
    """A bar on a terminal, a line now and then elsewhere."""
    stage, shown = "", 0.0
    with Progress(*_COLUMNS, console=err, disable=not err.is_terminal) as bar:
        task = bar.add_task("preparing", total=1.0)
        async for event in events:
            text = event.message
            if event.similarity is not None:
                text += f", similarity {event.similarity:.2f}"
            bar.update(task, completed=event.progress, description=text)
            news = event.stage != stage or event.progress >= shown + _LINE_EVERY
            if news and not err.is_terminal:
                tell(f"{event.progress:.0%} {text}")
                stage, shown = event.stage, event.progress


def _likeness(similarity: float | None) -> str:
    return "not measured" if similarity is None else f"{similarity:.2f} ({describe(similarity)})"
