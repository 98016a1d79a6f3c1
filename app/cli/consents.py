"""Commands about consents: ask for a statement, keep an agreement, decide, revoke, delete."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from app.cli.console import VoiceArg, cli, command, err, file_bytes, find, give, print_table, tell
from app.consents.listening import Named
from app.context import AppContext, open_context
from app.core.config import Settings
from app.db.base import every
from app.models.base import LOCAL_OWNER
from app.models.consent import Consent, ConsentStatus
from app.services.consents import ConsentEndings, ConsentOrder, ConsentService

consents = typer.Typer(no_args_is_help=True, help="Agreements of speakers.")
cli.add_typer(consents, name="consents")

ConsentArg = Annotated[str, typer.Argument(help="Id of the consent.")]
Speaker = Annotated[str, typer.Option(help="First and last name, as they are spoken.")]
Company = Annotated[str, typer.Option(help="Who will use the voice.")]
Language = Annotated[str, typer.Option(help="Language of the statement.")]


@command(consents, "statement")
async def statement(
    speaker: Speaker = "", company: Company = "", language: Language = "en"
) -> None:
    """Print what the speaker has to read aloud, and its id; good once, for some minutes."""
    async with _service() as (_, service):
        challenge, text = await service.ask(LOCAL_OWNER, language, Named(speaker, company))
    tell(f"statement {challenge.id}, good until {challenge.expires_at:%F %R} UTC")
    give(text)


@command(consents, "add")
async def add(
    speaker: Speaker,
    company: Company,
    purpose: Annotated[str, typer.Option(help="What the voice is for.")],
    language: Language = "en",
    file: Annotated[
        Path | None, typer.Option(help="The speaker, reading the statement aloud.")
    ] = None,
    statement_id: Annotated[
        str | None, typer.Option(help="Of the statement that was read.")
    ] = None,
    signed_by: Annotated[
        str | None, typer.Option(help="Without a recording: who states that they agree.")
    ] = None,
) -> None:
    """Keep an agreement and print its id: a recording, which is checked, or your own statement."""
    content = None if file is None else file_bytes(file)
    order = ConsentOrder(
        speaker=speaker,
        company=company,
        language=language,
        purpose=purpose,
        statement_id=statement_id,
        read=None if content is None else lambda: content,
        size=len(content or b""),
        signed_by=signed_by,
    )
    async with _service() as (_, service):
        with err.status("Listening …"):
            consent = await service.create(LOCAL_OWNER, order)
    for reason in consent.reasons:
        tell(f"note: {reason}", "yellow")
    tell(f"the consent is {consent.status.value}")
    give(consent.id)
    if consent.status is ConsentStatus.REJECTED:
        raise typer.Exit(1)


@command(consents, "list")
async def list_consents(
    reviews: Annotated[
        bool, typer.Option("--reviews", help="Those of all owners that wait for a decision.")
    ] = False,
) -> None:
    """List consents, newest first."""
    where = {"status": ConsentStatus.NEEDS_REVIEW} if reviews else {"owner": LOCAL_OWNER}
    table = Table("id", "speaker", "company", "language", "method", "status", "owner", box=None)
    async with _service() as (_, service):
        async for one in every(lambda cursor: service.list(where, limit=100, cursor=cursor)):
            told = one.language, one.method.value, one.status.value
            table.add_row(one.id, one.speaker, one.company, *told, one.owner)
    print_table(table)


@command(consents, "show")
async def show(consent: ConsentArg) -> None:
    """Show a consent."""
    async with _service() as (_, service):
        found = await service.get(LOCAL_OWNER, consent)
    hidden = {"embedding", "recording_blob", "version", "scores"}
    table = Table("", "", box=None, show_header=False)
    for name, value in found.model_dump(mode="json", exclude=hidden).items():
        if value not in (None, []):
            table.add_row(name, "; ".join(value) if isinstance(value, list) else str(value))
    print_table(table)


@command(consents, "bind")
async def bind(consent: ConsentArg, voice: VoiceArg) -> None:
    """Let a voice speak under a consent."""
    async with _service() as (context, service):
        bound = await service.bind(LOCAL_OWNER, consent, (await find(context, voice)).id)
    tell(f"{bound.name!r} speaks under the consent {consent}")


@command(consents, "review")
async def review(
    consent: ConsentArg,
    verified: Annotated[bool, typer.Option("--verify/--reject", help="What was decided.")],
    note: Annotated[str, typer.Option(help="Why.")] = "",
) -> None:
    """End the review of a consent, of whichever owner."""
    async with _service() as (_, service):
        decided = await service.decide(consent, verified=verified, note=note)
    tell(f"the consent is {decided.status.value}")


@command(consents, "revoke")
async def revoke(consent: ConsentArg) -> None:
    """Revoke a consent: its voices do not speak any more, in no process, and are erased later."""
    async with _service() as (context, _):
        revoked = await ConsentEndings(context.consent_tools).revoke(LOCAL_OWNER, consent)
    tell(f"revoked; erased after {_day(revoked)}")


@command(consents, "delete")
async def delete(consent: ConsentArg) -> None:
    """Revoke a consent, and erase it with its recording and its voices now."""
    async with _service() as (context, _):
        await ConsentEndings(context.consent_tools).delete(LOCAL_OWNER, consent)
    tell("deleted, with its recording and its voices")


@asynccontextmanager
async def _service() -> AsyncIterator[tuple[AppContext, ConsentService]]:
    async with open_context(Settings()) as context:
        yield context, ConsentService(context.consent_tools)


def _day(consent: Consent) -> str:
    return f"{consent.erase_at:%F}" if consent.erase_at else "the next sweep"
