"""A database without records, with its schema: a copy is sooner there than one that is made."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from app.db.sql import SqlDatabase

NAME = "voices.db"


def schema_in(folder: Path) -> Path:
    """Put one into a data folder, if none is there."""
    file = folder / NAME
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_bytes(_made())
    return file


@cache
def _made() -> bytes:
    async def make(file: Path) -> None:
        database = SqlDatabase(f"sqlite:///{file}")
        await database.open()
        await database.close()

    with TemporaryDirectory() as folder, ThreadPoolExecutor(1) as pool:
        file = Path(folder) / NAME
        pool.submit(asyncio.run, make(file)).result()  # also where a loop runs already
        return file.read_bytes()
