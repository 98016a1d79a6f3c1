"""`voice-cloning doctor --azure`, over fakes of all services."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.azure_fake import chat, speech, translator
from tests.azure_fake.faults import Fault, refused
from tests.azure_fake.together import Fakes, running
from tests.cli.conftest import Outcome
from tests.conftest import recording
from tests.servers.blobs import azurite

pytest.importorskip("azure.keyvault.secrets")

PARTS = ("Key Vault", "settings", "Cosmos DB", "Speech", "Translator", "Chat model")


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fakes]:
    with running(tmp_path_factory.mktemp("vault")) as fakes:
        yield fakes


@pytest.fixture
def fakes(started: Fakes, monkeypatch: pytest.MonkeyPatch) -> Fakes:
    """As they are at first, and set."""
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "AZURE_FEDERATED_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (started.settings | started.environment).items():
        monkeypatch.setenv(name, value)
    started.speech.reset()
    started.translator.faults.clear()
    started.chat.faults.clear()
    started.cosmos.databases.clear()
    started.cosmos.consistency = "Strong"
    return started


def findings(outcome: Outcome) -> dict[str, tuple[str, str]]:
    """What was looked at -> `ok`, `FAIL` or `--`, and the words."""
    found = {}
    for line in outcome.text.splitlines():
        what, _, detail = line[5:].partition(": ")
        found[what] = (line[:4].strip(), detail)
    return found


def test_a_good_account_is_found_good_and_left_as_it_was(run, fakes: Fakes) -> None:
    assert run("database", "upgrade").status == 0

    outcome = run("doctor", "--azure")

    found = findings(outcome)
    assert outcome.status == 0, outcome.text
    assert {mark for mark, _ in found.values()} == {"ok"}, outcome.text
    assert list(dict.fromkeys(what.partition(",")[0] for what in found)) == list(PARTS)
    assert "'de', by translating into English" in found["Translator, detecting"][1]
    assert "412 x1" in found["Cosmos DB, answers"][1]
    assert "Default wants 20 utterances" in found["Speech, training recipe"][1]
    secrets = (speech.KEY, translator.KEY, chat.KEY, fakes.cosmos.key, "THE-SIGNATURE")
    assert not [one for one in secrets if one in outcome.text + outcome.stderr]
    (containers,) = fakes.cosmos.databases.values()
    assert not [name for name, one in containers.items() if one.documents]
    assert (fakes.speech.account.is_bare, fakes.speech.account.projects) == (True, {})


def test_a_wrong_key_of_each_part_is_named_and_stops_no_other(
    run, fakes: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = {
        "KEY_VAULT_CLIENT_SECRET": "wrong",
        "METRICS_TOKEN": "kv:metrics-token",
        "AZURE_SPEECH_KEY": "wrong",
        "AZURE_SPEECH_TRAINING_CONTAINER_URL": f"{fakes.speech.url}/container?sig=wrong",
        "AZURE_TRANSLATOR_KEY": "wrong",
        "AZURE_OPENAI_API_KEY": "wrong",
        "COSMOS_DB_KEY": "d3Jvbmc=",
        "APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=wrong",
        "AZURE_STORAGE_CONNECTION_STRING": "AccountName=a;AccountKey=wrong!",
    }
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)

    outcome = run("doctor", "--azure")

    assert outcome.status == 1
    problems = {
        what: detail for what, (mark, detail) in findings(outcome).items() if mark == "FAIL"
    }
    for what, setting in {
        "Key Vault, METRICS_TOKEN": "KEY_VAULT_CLIENT_SECRET",
        "Blob Storage": "AZURE_STORAGE_CONNECTION_STRING",
        "Cosmos DB, account": "COSMOS_DB_KEY",
        "Speech, models": "AZURE_SPEECH_KEY",
        "Speech, stock voice": "AZURE_SPEECH_KEY",
        "Speech, training container": "AZURE_SPEECH_TRAINING_CONTAINER_URL",
        "Translator, detecting": "AZURE_TRANSLATOR_KEY",
        "Chat model, one answer": "AZURE_OPENAI_API_KEY",
        "Application Insights, connection string": "APPLICATIONINSIGHTS_CONNECTION_STRING",
    }.items():
        assert setting in problems[what]
    assert "PROVIDER-SECRET-WORDS" not in outcome.text + outcome.stderr
    assert "Traceback" not in outcome.stderr


@pytest.mark.parametrize(("failures", "mark"), [(0, "ok"), (1, "FAIL")])
def test_batch_synthesis_is_tried_where_it_is_used(
    run, fakes: Fakes, monkeypatch: pytest.MonkeyPatch, failures: int, mark: str
) -> None:
    monkeypatch.setenv("AZURE_SPEECH_BATCH_FROM", "20")
    monkeypatch.setenv("AZURE_SPEECH_POLL_S", "0.01")
    fakes.speech.batches.fail_whole = failures

    outcome = run("doctor", "--azure")

    assert findings(outcome)["Speech, batch synthesis"][0] == mark
    assert fakes.speech.batches.jobs == {}
    assert "PROVIDER-SECRET-WORDS" not in outcome.text + outcome.stderr


def test_points_that_the_contracts_leave_open_are_told_with_their_settings(
    run, fakes: Fakes
) -> None:
    fakes.speech.faults.add("POST /tts/cognitiveservices/v1", Fault(404))
    fakes.translator.faults.add("*/translate", refused(404, 404000))
    fakes.chat.faults.add("*/completions", refused(400, "unsupported"))
    fakes.cosmos.consistency = "Eventual"

    outcome = run("doctor", "--azure")

    found = findings(outcome)
    assert outcome.status == 1
    elsewhere = f"AZURE_SPEECH_URL={fakes.speech.url}/cognitiveservices/v1"
    assert elsewhere in found["Speech, stock voice"][1]
    assert "AZURE_TRANSLATOR_PATH=translator/text" in found["Translator, detecting"][1]
    assert "OPENAI_RESPONSE_FORMAT" in found["Chat model, one answer"][1]
    assert "Eventual" in found["Cosmos DB, account"][1]
    mark, detail = found["Cosmos DB, containers"]  # nobody has made them yet
    assert (mark, "database upgrade" in detail) == ("--", True)
    assert not fakes.cosmos.databases


def test_a_personal_voice_is_made_only_if_it_is_asked_for_and_deleted(
    run, fakes: Fakes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [str(tmp_path / "consent.wav"), str(tmp_path / "voice.wav")]
    for file in files:
        Path(file).write_bytes(recording(seconds=8.0))

    monkeypatch.setenv("AZURE_SPEECH_POLL_S", "0.01")
    who = ("--speaker", "Jane Smith", "--company", "Contoso")
    refused_ = run("doctor", "--azure", "--azure-voice", *files)
    outcome = run("doctor", "--azure", "--azure-voice", *files, *who)

    refused_.refused("--speaker")
    found = findings(outcome)
    made = {what: mark for what, (mark, _) in found.items() if what.startswith("Personal voice")}
    assert set(made.values()) == {"ok"}, outcome.text
    assert len(made) == 4
    assert "speaks no more" in found["Personal voice, delete"][1]
    assert fakes.speech.account.is_bare
    assert len(fakes.speech.account.spoken) == 2  # the stock voice, and this one


def test_without_a_setting_there_is_nothing_to_check(run) -> None:
    outcome = run("doctor", "--azure")

    assert outcome.status == 0
    assert "no setting names a service of Azure" in outcome.text


@pytest.mark.services
def test_a_blob_is_put_linked_to_and_deleted(run, monkeypatch: pytest.MonkeyPatch) -> None:
    with azurite() as server:
        server.create_container("voice-cloning")
        monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", server.connection_string)

        good = run("doctor", "--azure")
        left = server.names("voice-cloning")
        wrong = server.connection_string.replace("AccountKey=E", "AccountKey=F")
        monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", wrong)
        bad = run("doctor", "--azure")

    assert (good.status, left) == (0, []), good.text
    assert [line for line in good.text.splitlines() if "without credentials" in line]
    assert bad.status == 1
    assert "AZURE_STORAGE_CONNECTION_STRING" in findings(bad)["Blob Storage, write"][1]


@pytest.mark.services
@pytest.mark.skipif(sys.platform == "win32", reason="is stopped by a signal")
def test_the_fakes_run_by_hand_and_print_settings() -> None:
    command = [sys.executable, "-m", "tests.azure_fake"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed = []
        for line in process.stdout:
            printed.append(line)
            if line.startswith("# export REQUESTS_CA_BUNDLE="):
                break
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert any(line.startswith('COSMOS_DB_ENDPOINT="http://127.0.0.1:') for line in printed)
