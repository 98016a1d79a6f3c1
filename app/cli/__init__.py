"""The command line: `voice-cloning --help`."""

import sys
from typing import Annotated

import typer
from pydantic import ValidationError

from app.cli import (  # noqa: F401 - they add their commands
    adapt,
    audit,
    config,
    consents,
    database,
    keys,
    models,
    storage,
    voices,
    worker,
)
from app.cli.console import cli, command, give, tell
from app.core.config import Settings
from app.core.exceptions import AppError
from app.core.logging import setup_logging


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Default: HOST, or 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Default: PORT, or 8000.")] = None,
) -> None:
    """Serve the HTTP API."""
    from app.serve import serve as serve_api

    serve_api(host=host, port=port)


@command(cli, "doctor")
async def doctor() -> None:
    """Check this installation, and speak one sentence."""
    from app.doctor import examine

    healthy = True
    async for finding in examine(Settings()):
        healthy &= finding.ok
        mark = "ok  " if finding.ok else "FAIL"
        give(f"{mark} {finding.what}: {finding.detail}")
    if not healthy:
        raise typer.Exit(1)


def main() -> None:
    """Run; errors of ours are told in words, and end with status 1."""
    setup_logging("warning", "pretty", personal=True)  # it is the caller's own terminal
    try:
        cli()
    except AppError as error:
        tell(f"{error.title}: {error.detail}", "red")
        if error.suggestion:
            tell(error.suggestion)
        sys.exit(1)
    except ValidationError as error:
        for item in error.errors():
            where = ".".join(str(part) for part in item["loc"])
            if error.title == Settings.__name__:  # by the name that can be set
                where = where.upper()
            tell(f"{error.title}: {where}: {item['msg']}", "red")
        sys.exit(1)
