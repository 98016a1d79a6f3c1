"""`voice-cloning database`: where the schema is, and bringing it up to date."""

import asyncio

import pytest

from app.context import open_context
from app.core.config import Settings
from app.models.job import JobKind
from app.upkeep import working
from tests.azure_fake.cosmos import KEY, State, cosmos_app
from tests.azure_fake.serving import served
from tests.jobs.parts import job_of
from tests.servers.postgres import BOTH


@pytest.fixture(params=BOTH)
def url(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path) -> str:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'folder' / 'voices.db'}"
    else:
        url = request.getfixturevalue("postgres_url")
    monkeypatch.setenv("DATABASE_URL", url)
    return url


@pytest.mark.usefixtures("url")
def test_the_schema_is_missing_then_brought_up_to_date_then_left_alone(run):
    before = run("database", "check")
    upgraded = run("database", "upgrade")
    again = run("database", "upgrade")
    after = run("database", "check")

    assert (before.status, upgraded.status, again.status, after.status) == (1, 0, 0, 0)
    newest = before.text.split()[-1]
    assert before.text == f"schema none, newest {newest}\n"
    assert upgraded.text == f"none -> {newest}\n"
    assert again.text == f"{newest}: nothing to do\n"
    assert after.text == f"schema {newest}, newest {newest}\n"


@pytest.mark.services
@pytest.mark.usefixtures("url")
def test_a_server_that_may_not_change_schemas_works_on_jobs_behind_it(run, monkeypatch):
    async def works() -> None:
        async with open_context(Settings(_env_file=None)) as context, working(context):
            job = await context.jobs.submit(job_of(kind=JobKind.TRAINING))
            while not (await context.jobs.get(job.owner, job.id)).ended:  # it has no such voice
                await asyncio.sleep(0.05)

    assert run("database", "upgrade").status == 0
    monkeypatch.setenv("DATABASE_MIGRATE", "false")
    asyncio.run(works())


def test_a_database_that_is_not_there_is_told_in_words(run, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://voice:s3cr3t@127.0.0.1:1/voices")

    outcome = run("database", "check")

    outcome.refused("cannot be reached", "DATABASE_URL")
    assert "s3cr3t" not in outcome.stderr


def test_the_containers_of_cosmos_db_are_named_if_missing_and_then_created(run, monkeypatch):
    with served(cosmos_app(State())) as address:
        monkeypatch.setenv("COSMOS_DB_ENDPOINT", address)
        monkeypatch.setenv("COSMOS_DB_KEY", KEY)
        before = run("database", "check")
        upgraded = run("database", "upgrade")
        after = run("database", "check")
        made = run("keys", "create", "--name", "first", "--scope", "admin")
        listed = run("keys", "list")

    before.refused("voices", "voice-cloning database upgrade")
    assert (upgraded.status, after.status, made.status) == (0, 0, 0)
    assert upgraded.text == after.text == "Cosmos DB: all containers are in voice-cloning\n"
    assert "first" in listed.text
