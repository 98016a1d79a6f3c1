"""`voice-cloning database`: the schema, and that of the queue of jobs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import typer

from app.cli.console import cli, command, give
from app.core.config import Settings
from app.db.engine import make_file
from app.db.opening import database_of
from app.db.sql import SqlDatabase
from app.jobs.dbos import DbosQueue, jobs_url

database = typer.Typer(no_args_is_help=True, help="The schema of the database.")
cli.add_typer(database, name="database")


@command(database, "upgrade")
async def upgrade() -> None:
    """Bring the schema up to date, and the queue of jobs; `alembic upgrade head` does the first."""
    settings = Settings()
    told = await (_containers(settings) if settings.cosmos_db_endpoint else _upgraded())
    queue = DbosQueue(jobs_url(settings))
    try:
        await queue.open()
    finally:
        await queue.close()
    give(told)


async def _upgraded() -> str:
    async with _connected() as connected:
        before, _ = await connected.revisions()
        await connected.open()
        after, _ = await connected.revisions()
    return f"{before or 'none'} -> {after}" if before != after else f"{after}: nothing to do"


async def _containers(settings: Settings, *, migrate: bool = True) -> str:
    opened = database_of(settings)
    try:
        await opened.open(migrate=migrate)
    finally:
        await opened.close()
    return f"Cosmos DB: all containers are in {settings.cosmos_db_database}"


@command(database, "check")
async def check() -> None:
    """Print the revision of the schema and the newest one; status 1 if they differ."""
    settings = Settings()
    if settings.cosmos_db_endpoint:
        give(await _containers(settings, migrate=False))
        return
    async with _connected() as connected:
        current, newest = await connected.revisions()
    give(f"schema {current or 'none'}, newest {newest}")
    if current != newest:
        raise typer.Exit(1)


@asynccontextmanager
async def _connected() -> AsyncIterator[SqlDatabase]:
    settings = Settings()
    make_file(settings.database)
    connected = SqlDatabase(settings.database)
    try:
        yield connected
    finally:
        await connected.close()
