"""The command line: `voice-cloning --help`."""

import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

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
from app.cli.console import cli, command, file_bytes, give, tell
from app.core.config import Settings
from app.core.exceptions import AppError, InvalidRequest
from app.core.logging import setup_logging

_MARKS: Final[Mapping[bool | None, str]] = {True: "ok  ", False: "FAIL", None: "--  "}


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Default: HOST, or 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Default: PORT, or 8000.")] = None,
) -> None:
    """Serve the HTTP API."""
    from app.serve import serve as serve_api

    serve_api(host=host, port=port)


@command(cli, "doctor")
async def doctor(
    azure: Annotated[
        bool,
        typer.Option(
            help="Check the services of Azure that the settings name instead, by using them: "
            "docs/azure.md says what that makes and deletes."
        ),
    ] = False,
    azure_voice: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            metavar="CONSENT_WAV VOICE_WAV",
            help="With --azure: make a personal voice too, have it speak, and delete it.",
        ),
    ] = None,
    speaker: Annotated[str, typer.Option(help="Whose voice, as CONSENT_WAV says it.")] = "",
    company: Annotated[str, typer.Option(help="As CONSENT_WAV says it.")] = "",
    language: Annotated[str, typer.Option(help="Of CONSENT_WAV.")] = "en-US",
) -> None:
    """Check this installation, and speak one sentence."""
    from app.doctor.azure.account import examine_azure
    from app.doctor.azure.personal import VoiceToMake
    from app.doctor.installation import examine

    voice = None
    if azure_voice is not None:
        if not (azure and speaker and company):
            raise InvalidRequest("--azure-voice needs --azure, --speaker and --company.")
        consent, recording = map(file_bytes, azure_voice)
        voice = VoiceToMake(consent, recording, speaker, company, language)
    logging.getLogger("azure").setLevel(logging.CRITICAL)  # it would print what Entra ID says
    healthy = True
    async for finding in examine_azure(voice) if azure else examine(Settings()):
        healthy &= finding.ok is not False
        give(f"{_MARKS[finding.ok]} {finding.what}: {finding.detail}")
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
