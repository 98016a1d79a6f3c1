"""The command line: `voice-cloning --help`."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import Annotated, ParamSpec

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from app.assets.store import AssetState, AssetStore, PullProgress, PullStage
from app.audio.types import AudioFormat
from app.context import AppContext, open_context
from app.core.config import Settings
from app.core.exceptions import AppError, InvalidRequest, VoiceNotFound
from app.core.logging import setup_logging
from app.models.base import LOCAL_OWNER
from app.models.voice import SpeakRequest, Voice
from app.services.voices import Upload
from app.speaker.similarity import describe

P = ParamSpec("P")

cli = typer.Typer(no_args_is_help=True, add_completion=False, help="Self-hosted voice cloning.")
voices = typer.Typer(no_args_is_help=True, help="Registered voices.")
models = typer.Typer(no_args_is_help=True, help="Model files.")
cli.add_typer(voices, name="voices")
cli.add_typer(models, name="models")

out = Console()
err = Console(stderr=True)


def command(app: typer.Typer, name: str) -> Callable[[Callable[P, Awaitable[None]]], None]:
    """Register a coroutine as a command."""

    def register(function: Callable[P, Awaitable[None]]) -> None:
        @app.command(name)
        @wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> None:
            asyncio.run(function(*args, **kwargs))  # type: ignore[arg-type]

    return register


@asynccontextmanager
async def _context() -> AsyncIterator[AppContext]:
    async with open_context(Settings()) as context:
        yield context


VoiceArg = Annotated[str, typer.Argument(help="Id or name of the voice.")]


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Default: HOST, or 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Default: PORT, or 8000.")] = None,
) -> None:
    """Serve the HTTP API."""
    from app.main import main as serve_app

    serve_app(host=host, port=port)


@command(cli, "clone")
async def clone(
    file: Annotated[Path, typer.Argument(help="A recording of one person speaking.")],
    name: Annotated[str | None, typer.Option(help="Default: the file's name.")] = None,
    description: Annotated[str | None, typer.Option()] = None,
) -> None:
    """Register a voice from a recording; prints its id."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be read: {error.strerror}.") from error
    async with _context() as context:
        with err.status("Listening and cloning …"):
            upload = Upload(content, file.name, name, description)
            voice = await context.voices.register(LOCAL_OWNER, upload)
    for warning in voice.report.warnings:
        err.print(f"note: {warning}", style="yellow", markup=False)
    err.print(
        f"registered {voice.name!r}{_likeness(voice)}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    out.print(voice.id, markup=False, highlight=False, soft_wrap=True)


@command(cli, "say")
async def say(
    voice: VoiceArg,
    text: Annotated[str, typer.Argument(help="What to say; - reads it from standard input.")],
    output: Annotated[
        str, typer.Option("--output", "-o", help="File, its ending is the format; - is stdout.")
    ] = "speech.wav",
    format: Annotated[
        AudioFormat | None, typer.Option(help="Default: by the file's ending, else wav.")
    ] = None,
    sample_rate: Annotated[int | None, typer.Option(help="8000 to 48000 Hz.")] = None,
    speed: Annotated[float, typer.Option(min=0.5, max=2.0)] = 1.0,
    pitch: Annotated[float, typer.Option(min=-12.0, max=12.0, help="Semitones.")] = 0.0,
    language: Annotated[str | None, typer.Option(help="BCP-47 tag.")] = None,
) -> None:
    """Speak a text in a voice."""
    request = SpeakRequest(
        text=sys.stdin.read() if text == "-" else text,
        format=format or _format_of(output),
        sample_rate=sample_rate,
        speed=speed,
        pitch_semitones=pitch,
        language=language,
        stream=output == "-",
    )
    async with _context() as context:
        speech = await context.synthesis.speak(await _find(context, voice), request)
        if output == "-":
            async for data in speech.encoded():
                sys.stdout.buffer.write(data)
                sys.stdout.buffer.flush()
            return
        with err.status("Speaking …"):
            data = b"".join([piece async for piece in speech.encoded()])
    try:
        Path(output).write_bytes(data)  # noqa: ASYNC240 - nothing else runs here
    except OSError as error:
        raise InvalidRequest(f"{output} cannot be written: {error.strerror}.") from error
    err.print(f"{output}: {speech.duration_s:.1f} s", markup=False, highlight=False, soft_wrap=True)


@command(voices, "list")
async def list_voices() -> None:
    """List the voices, newest first."""
    table = Table("id", "name", "seconds", "likeness", "created", box=None)
    async with _context() as context:
        async for voice in _all(context):
            likeness = "" if voice.similarity is None else describe(voice.similarity)
            table.add_row(
                voice.id,
                voice.name,
                f"{voice.duration_s:.1f}",
                likeness,
                f"{voice.created_at:%F %R}",
            )
    _print_table(table)


@command(voices, "show")
async def show_voice(voice: VoiceArg) -> None:
    """Show all that is known of a voice, as JSON."""
    async with _context() as context:
        found = await _find(context, voice)
    out.print(found.model_dump_json(indent=2), markup=False, highlight=False, soft_wrap=True)


@command(voices, "delete")
async def delete_voice(voice: VoiceArg) -> None:
    """Delete a voice, its recording, and all that was made of it."""
    async with _context() as context:
        found = await _find(context, voice)
        await context.voices.delete(LOCAL_OWNER, found.id)
    err.print(f"deleted {found.name!r}", markup=False, highlight=False, soft_wrap=True)


@models.command("list")
def list_models() -> None:
    """List the model files and whether they are here."""
    table = Table("name", "state", "MB", "licence", "needed", box=None)
    for asset in AssetStore(Settings().models).status():
        needed = "benchmarks" if asset.optional else "yes"
        table.add_row(
            asset.name, asset.state.value, f"{asset.size / 1e6:.1f}", asset.licence, needed
        )
    _print_table(table)


@models.command("pull")
def pull_models(
    everything: Annotated[
        bool, typer.Option("--all", help="Also what only benchmarks and slow tests need.")
    ] = False,
) -> None:
    """Fetch missing or damaged model files, and check them by sha256."""
    store = AssetStore(Settings().models)
    names = store.names(optional=everything)
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
                err.print(
                    f"fetched {progress.asset}", markup=False, highlight=False, soft_wrap=True
                )

        fetched = store.pull(names, show)
    err.print(f"{len(fetched)} fetched, {len(names) - len(fetched)} already here", highlight=False)


@models.command("verify")
def verify_models() -> None:
    """Read every model file that is here and compare its sha256."""
    damaged = missing = 0
    for asset in AssetStore(Settings().models).status(verify=True):
        if asset.state is AssetState.MISSING and asset.optional:
            continue
        damaged += asset.state is AssetState.CORRUPT
        missing += asset.state is AssetState.MISSING
        out.print(
            f"{asset.state.value:8} {asset.name}", markup=False, highlight=False, soft_wrap=True
        )
    if damaged or missing:
        err.print("Run `voice-cloning models pull`.", markup=False)
        raise typer.Exit(1)


@command(cli, "doctor")
async def doctor() -> None:
    """Check this installation, and speak one sentence."""
    from app.doctor import examine

    healthy = True
    async for finding in examine(Settings()):
        healthy &= finding.ok
        mark = "ok  " if finding.ok else "FAIL"
        out.print(
            f"{mark} {finding.what}: {finding.detail}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    if not healthy:
        raise typer.Exit(1)


async def _all(context: AppContext) -> AsyncIterator[Voice]:
    cursor: str | None = None
    while True:
        page = await context.voices.list(LOCAL_OWNER, limit=100, cursor=cursor)
        for voice in page.items:
            yield voice
        if page.cursor is None:
            return
        cursor = page.cursor


async def _find(context: AppContext, id_or_name: str) -> Voice:
    """By id, else by a name that only one voice has."""
    try:
        return await context.voices.get(LOCAL_OWNER, id_or_name)
    except VoiceNotFound:
        named = [voice async for voice in _all(context) if voice.name == id_or_name]
        if not named:
            raise
        if len(named) > 1:
            ids = ", ".join(voice.id for voice in named)
            raise InvalidRequest(
                f"{len(named)} voices are called {id_or_name!r}.", f"Give an id: {ids}."
            ) from None
        return named[0]


def _format_of(output: str) -> AudioFormat:
    ending = Path(output).suffix.lower().lstrip(".")
    if not ending:
        return AudioFormat.WAV
    endings = {"ogg": "opus", "ulaw": "mulaw", "raw": "pcm"}
    try:
        return AudioFormat(endings.get(ending, ending))
    except ValueError:
        raise InvalidRequest(
            f"{output}: unknown audio format {ending!r}.",
            f"Use one of: {', '.join(AudioFormat)}, or --format.",
        ) from None


def _likeness(voice: Voice) -> str:
    if voice.similarity is None:
        return ""
    return f", similarity {voice.similarity:.2f}: {describe(voice.similarity)}"


def _print_table(table: Table) -> None:
    """Aligned on a terminal, tab-separated lines elsewhere: nothing is cut off or wrapped."""
    if out.is_terminal:
        out.print(table)
        return
    columns = [list(column.cells) for column in table.columns]
    for row in zip(*columns, strict=True):
        typer.echo("\t".join(str(cell) for cell in row))


def main() -> None:
    """Run; errors of ours are told in words, and end with status 1."""
    setup_logging("WARNING")
    try:
        cli()
    except AppError as error:
        err.print(
            f"{error.title}: {error.detail}",
            style="red",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        if error.suggestion:
            err.print(error.suggestion, markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)
    except ValidationError as error:
        for item in error.errors():
            where = ".".join(str(part) for part in item["loc"])
            err.print(f"{error.title}: {where}: {item['msg']}", style="red", markup=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
