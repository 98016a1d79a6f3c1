"""Commands about voices: clone, say, list, show, delete."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from app.audio.types import AudioFormat
from app.cli.console import (
    VoiceArg,
    all_voices,
    cli,
    command,
    err,
    file_bytes,
    find,
    give,
    print_table,
    tell,
)
from app.context import open_context
from app.core.config import Settings
from app.core.exceptions import InvalidRequest
from app.models.base import LOCAL_OWNER
from app.models.speech import Normalize, SpeechRequest
from app.models.voice import Erased, Voice
from app.services.voices import Upload
from app.speaker.similarity import describe

voices = typer.Typer(no_args_is_help=True, help="Registered voices.")
cli.add_typer(voices, name="voices")


@command(cli, "clone")
async def clone(
    file: Annotated[Path, typer.Argument(help="A recording of one person speaking.")],
    name: Annotated[str | None, typer.Option(help="Default: the file's name.")] = None,
    description: Annotated[str | None, typer.Option()] = None,
    consent_id: Annotated[
        str | None, typer.Option(help="Of the speaker's agreement: `voice-cloning consents add`.")
    ] = None,
) -> None:
    """Register a voice from a recording; prints its id."""
    content = file_bytes(file)
    async with open_context(Settings()) as context:
        with err.status("Listening and cloning …"):
            upload = Upload(content, file.name, name, description, consent_id=consent_id)
            voice = await context.voices.register(LOCAL_OWNER, upload)
    for warning in voice.report.warnings:
        tell(f"note: {warning}", "yellow")
    tell(f"registered {voice.name!r}{_likeness(voice)}")
    give(voice.id)


@command(cli, "say")
async def say(  # long: a line for each option
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
    language: Annotated[str | None, typer.Option(help="BCP-47 tag, or auto.")] = None,
    lexicon: Annotated[
        list[str] | None, typer.Option(help="Id of a lexicon; up to three, the first one first.")
    ] = None,
    normalize: Annotated[
        Normalize, typer.Option(help="Put numbers and the like into words.")
    ] = Normalize.AUTO,
    ssml: Annotated[bool, typer.Option("--ssml", help="The text is SSML.")] = False,
) -> None:
    """Speak a text in a voice."""
    streaming = output == "-"
    content = sys.stdin.read() if text == "-" else text
    async with open_context(Settings()) as context:
        found = await find(context, voice)
        request = SpeechRequest(
            text=None if ssml else content,
            ssml=content if ssml else None,
            voice=found.id,
            format=format or _format_of(output),
            sample_rate=sample_rate,
            speed=speed,
            pitch=pitch,
            language=language,
            lexicon_ids=tuple(lexicon) if lexicon else None,
            normalize=normalize,
        )
        speech = await context.synthesis.speak(found, request, streaming=streaming)
        if streaming:
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
    tell(f"{output}: {speech.duration_s:.1f} s")


@command(voices, "list")
async def list_voices() -> None:
    """List the voices, newest first."""
    table = Table("id", "name", "seconds", "likeness", "created", box=None)
    async with open_context(Settings()) as context:
        async for voice in all_voices(context):
            likeness = "" if voice.similarity is None else describe(voice.similarity)
            table.add_row(
                voice.id,
                voice.name,
                f"{voice.duration_s:.1f}",
                likeness,
                f"{voice.created_at:%F %R}",
            )
    print_table(table)


@command(voices, "show")
async def show_voice(voice: VoiceArg) -> None:
    """Show all that is known of a voice, as JSON."""
    async with open_context(Settings()) as context:
        found = await find(context, voice)
    give(found.model_dump_json(indent=2))


@command(voices, "delete")
async def delete_voice(voice: VoiceArg) -> None:
    """Delete a voice, its recording, and all that was made of it."""
    async with open_context(Settings()) as context:
        found = await find(context, voice)
        erased = await context.voices.delete(LOCAL_OWNER, found.id)
    tell(f"deleted {found.name!r}: {_told(erased)}")
    if erased.left:
        tell(f"not erased yet, the next sweep does it: {', '.join(erased.left)}", "yellow")


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


def _told(erased: Erased) -> str:
    kinds = {
        "recording": erased.recordings,
        "state": erased.states,
        "output": erased.outputs,
    }
    parts = [f"{of.files} {kind}(s), {of.bytes:,} bytes" for kind, of in kinds.items()]
    return "; ".join([f"{int(erased.record)} record", *parts])


def _likeness(voice: Voice) -> str:
    if voice.similarity is None:
        return ""
    return f", similarity {voice.similarity:.2f}: {describe(voice.similarity)}"
