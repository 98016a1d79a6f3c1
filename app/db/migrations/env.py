"""Alembic runs this: from the `alembic` command, or by `app.db.migrate` with a connection."""

import asyncio
from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection, make_url

from app.core.config import Settings
from app.db.engine import make_engine, make_file, with_driver
from app.db.migrate import exclusively
from app.db.tables import UtcDateTime, metadata


def _render(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """New migrations name SQLAlchemy's own type: they must not change when ours does."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",  # it cannot alter most of a table
        render_item=_render,
    )
    with context.begin_transaction():
        context.run_migrations()


def _run_exclusively(connection: Connection) -> None:
    with exclusively(connection):
        _run(connection)


async def _online(url: str) -> None:
    make_file(url)
    engine = make_engine(url)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_run_exclusively)
    finally:
        await engine.dispose()


def _offline(url: str) -> None:
    """`alembic upgrade head --sql`: print the statements."""
    context.configure(
        dialect_name=make_url(with_driver(url)).get_backend_name(),
        target_metadata=metadata,
        literal_binds=True,
        render_as_batch=True,
    )
    with context.begin_transaction():
        context.run_migrations()


_connection = context.config.attributes.get("connection")
if _connection is not None:
    _run(_connection)
elif context.is_offline_mode():
    _offline(Settings().database)
else:
    asyncio.run(_online(Settings().database))
