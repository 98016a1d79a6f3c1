"""Commands about model files."""

from typing import Annotated

import typer
from rich.progress import Progress
from rich.table import Table

from app.assets.manifest import Purpose
from app.assets.store import PULL, AssetState, AssetStore, PullProgress, PullStage
from app.cli.console import cli, err, give, print_table, tell
from app.core.config import Settings

models = typer.Typer(no_args_is_help=True, help="Model files.")
cli.add_typer(models, name="models")


@models.command("list")
def list_models() -> None:
    """List the model files and whether they are here."""
    table = Table("name", "state", "MB", "licence", "needed for", box=None)
    for asset in AssetStore(Settings().models).status():
        table.add_row(
            asset.name,
            asset.state.value,
            f"{asset.size / 1e6:.1f}",
            asset.licence,
            asset.purpose.value,
        )
    print_table(table)


@models.command("pull")
def pull_models(
    train: Annotated[
        bool, typer.Option("--train", help="Also what adapting voices needs.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Everything: also what only benchmarks need.")
    ] = False,
) -> None:
    """Fetch missing or damaged model files, and check them by sha256."""
    store = AssetStore(Settings().models)
    wanted = (Purpose.SPEECH, Purpose.TRAINING) if train else (Purpose.SPEECH,)
    names = store.names() if everything else store.names(*wanted)
    with Progress(console=err, disable=not err.is_terminal) as bar:
        tasks = {name: bar.add_task(name, total=None, visible=False) for name in names}

        def show(progress: PullProgress) -> None:
            done = progress.stage is PullStage.DONE
            bar.update(
                tasks[progress.asset],
                completed=progress.total if done else progress.done,
                total=progress.total or None,
                visible=True,
            )
            if done and not err.is_terminal:
                tell(f"fetched {progress.asset}")

        fetched = store.pull(names, show)
    tell(f"{len(fetched)} fetched, {len(names) - len(fetched)} already here")


@models.command("verify")
def verify_models() -> None:
    """Read every model file that is here and compare its sha256."""
    wrong: set[Purpose] = set()
    for asset in AssetStore(Settings().models).status(verify=True):
        if asset.state is AssetState.MISSING and asset.purpose is not Purpose.SPEECH:
            continue
        if asset.state is not AssetState.PRESENT:
            wrong.add(asset.purpose)
        give(f"{asset.state.value:8} {asset.name}")
    for purpose in Purpose:
        if purpose in wrong:
            tell(PULL[purpose])
    if wrong:
        raise typer.Exit(1)
