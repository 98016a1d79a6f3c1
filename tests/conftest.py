import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr

from app.core.config import Settings
from app.engines.base import Engine
from app.models.consent import ConsentMethod
from app.models.voice import Voice
from tests.audio.signals import encoded, talk
from tests.azure_fake import violations
from tests.azure_fake.cosmos import KEY, State, cosmos_app
from tests.azure_fake.serving import served
from tests.schema import schema_in
from tests.speaking import azure_instead, create_app, engine_settings

pytest_plugins = ["tests.servers.postgres", "tests.servers.redis"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--consent-policy",
        choices=("off", "attest", "recorded"),
        help="Run under this policy. With `recorded` every voice that a test makes has a consent; "
        "tests of voices without one are left out.",
    )
    parser.addoption(
        "--cosmos",
        action="store_true",
        help="Servers of tests have their records in Cosmos DB: in a fake of it, served here.",
    )
    parser.addoption(
        "--speech-engine",
        choices=("fake", "azure"),
        default="fake",
        help="Servers of tests speak with this engine: `azure` over a fake of Azure AI Speech.",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--speech-engine") == "azure":
        during = ExitStack()
        during.enter_context(azure_instead())
        config.add_cleanup(during.close)
    if config.getoption("--consent-policy") == "recorded":
        Voice.model_fields["consent_method"].default = ConsentMethod.RECORDED
        Voice.model_rebuild(force=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--cosmos"):
        left_out = pytest.mark.skip(reason="about SQL databases")
        for item in items:
            if item.get_closest_marker("sql"):
                item.add_marker(left_out)
    if config.getoption("--speech-engine") != "fake":
        for item in items:
            if found := item.get_closest_marker("only_fake_engine"):
                item.add_marker(pytest.mark.skip(reason=f"only the fake engine: {found.args[0]}"))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    without = collection_path.name == "test_consents.py"
    return (without and config.getoption("--consent-policy") == "recorded") or None


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def cosmos_account(pytestconfig: pytest.Config) -> Iterator[str | None]:
    """Address of the fake account, if tests are to use it."""
    if not pytestconfig.getoption("--cosmos"):
        yield None
        return
    with served(cosmos_app(State())) as address:
        yield address


# But for one: tests of the real engine need its files.
_VARIABLES = {field.upper() for field in Settings.model_fields} - {"MODEL_DIR"}


@pytest.fixture(autouse=True)
def _own_settings(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    pytestconfig: pytest.Config,
    cosmos_account: str | None,
) -> None:
    """No setting of the developer's machine reaches a test, and no test leaves a file here."""
    for name in _VARIABLES & os.environ.keys():
        monkeypatch.delenv(name)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    for field, value in engine_settings().items():
        told = value.get_secret_value() if isinstance(value, SecretStr) else value
        monkeypatch.setenv(field.upper(), told)
    monkeypatch.setenv("JOBS_WORKER", "false")
    if cosmos_account:
        monkeypatch.setenv("COSMOS_DB_ENDPOINT", cosmos_account)
        monkeypatch.setenv("COSMOS_DB_KEY", KEY)
        monkeypatch.setenv("COSMOS_DB_DATABASE", f"test-{uuid4()}")
    if policy := pytestconfig.getoption("--consent-policy"):
        monkeypatch.setenv("CONSENT_POLICY", policy)


@pytest.fixture(autouse=True)
def _as_published() -> Iterator[None]:
    """No call of a fake of Azure goes against what Azure publishes of it."""
    yield
    violations.check()


@pytest.fixture(scope="session")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database without records, to be copied."""
    return schema_in(tmp_path_factory.mktemp("schema"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a server for tests: no limits on how much a test may do."""
    data_dir = tmp_path / "data"
    schema_in(data_dir)
    # What the environment says is another thing in each test.
    cosmos = {name: os.environ[name.upper()] for name in _COSMOS if name.upper() in os.environ}
    if cosmos:
        cosmos["cosmos_db_key"] = SecretStr(KEY)
    return _for_tests().model_copy(update={"data_dir": data_dir, **cosmos})


_COSMOS = ("cosmos_db_endpoint", "cosmos_db_key", "cosmos_db_database")


@cache
def _for_tests() -> Settings:
    """They are copied: to look for each setting in the environment takes as long as a start."""
    return Settings(
        _env_file=None,
        **engine_settings(),
        rate_limiting_enabled=False,
        jobs_worker=False,  # a start that works on jobs takes longer: `working_client`
    )


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    """A client of a server with the fake engine and a data folder of its own."""
    with TestClient(create_app(settings)) as running:
        yield running


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """As `client`, of one server for a module: for tests that do not mind what others leave."""
    folder = tmp_path_factory.mktemp("shared")
    schema_in(folder)
    with TestClient(create_app(_for_tests().model_copy(update={"data_dir": folder}))) as running:
        yield running


@pytest.fixture
def working_client(settings: Settings) -> Iterator[TestClient]:
    """As `client`, of a server that works on jobs as well."""
    works = settings.model_copy(update={"jobs_worker": True, "jobs_poll_s": 0.05})
    with TestClient(create_app(works)) as running:
        yield running


@pytest.fixture
def register(client: TestClient) -> Callable[..., str]:
    """Registers a voice; different `hz` make different voices. Returns its id."""
    return partial(registered, client)


def registered(client: Any, *, hz: float = 120.0, **fields: str) -> str:
    """Id of a new voice, by the older route."""
    file = ("sample.wav", recording(hz=hz, seconds=5.0), "audio/wav")
    response = client.post("/voices", files={"file": file}, data=fields)
    assert response.status_code == 201, response.text
    voice_id: str = response.json()["voice_id"]
    return voice_id


@cache
def recording(*, hz: float = 120.0, seconds: float = 8.0, rate: int = 16_000) -> bytes:
    """A WAV file that passes for speech."""
    samples, _ = talk(rate, hz=hz, seconds=seconds)
    return encoded(samples, rate, container="wav", codec="pcm_s16le")


@contextmanager
def serving(app: FastAPI, **options: Any) -> Iterator[httpx2.Client]:
    """A real server on loopback, for what a test client cannot show: streaming and broken
    connections. The options are those of uvicorn.
    """
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, **options))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        deadline = time.monotonic() + 30
        while not server.started and thread.is_alive() and time.monotonic() < deadline:
            threading.Event().wait(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(10)


def make_app(settings: Settings, engine: Engine) -> FastAPI:
    return create_app(settings, engine=engine)
