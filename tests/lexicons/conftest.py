"""What all tests here have."""

from pathlib import Path

import pytest

from tests.schema import schema_in


@pytest.fixture(autouse=True)
def _schema(tmp_path: Path) -> None:
    """A database that is there is opened sooner than one that is made."""
    schema_in(tmp_path)
