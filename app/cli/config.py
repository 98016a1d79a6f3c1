"""`voice-cloning config`: the settings in effect."""

import typer
from rich.table import Table

from app.cli.console import cli, print_table, tell
from app.core.config import Settings
from app.core.config.checks import check
from app.core.config.show import effective

config = typer.Typer(no_args_is_help=True, help="Show the settings.")
cli.add_typer(config, name="config")


@config.command("show")
def show() -> None:
    """Print every setting, secrets masked; then check them as a start of the server would."""
    settings = Settings()
    table = Table("setting", "value", "")
    for shown in effective(settings):
        table.add_row(shown.name, shown.value, "set" if shown.is_set else "default")
    print_table(table)
    for warning in check(settings):
        tell(warning, "yellow")
