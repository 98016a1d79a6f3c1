"""What all tests here have."""

from pathlib import Path
from shutil import copyfile

import pytest


@pytest.fixture(autouse=True)
def _schema(tmp_path: Path, new_database: Path) -> None:
    """A database that is there is opened sooner than one that is made."""
    copyfile(new_database, tmp_path / "voices.db")
