"""`voice-cloning storage`."""

import json
import os
import time
from pathlib import Path
from uuid import uuid4

import pytest

from tests.servers.blobs import azurite


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_backup_in_a_folder_brings_the_voices_back(run, clone, data, tmp_path):
    voice = clone()
    originals = {name: files(data / name) for name in ("uploads", "embeddings")}
    backup = str(tmp_path / "backup")

    outcome = run("storage", "copy", "--to", backup)

    assert outcome.status == 0, outcome.stderr
    size = len(originals["uploads"][f"{voice}/original"])
    assert outcome.text.splitlines()[0] == f"recordings\t1\t{size}\t0"
    assert files(tmp_path / "backup" / "recordings") == originals["uploads"]
    assert files(tmp_path / "backup" / "states") == originals["embeddings"]

    for name in originals:  # the files are lost; the database is not
        for path in list((data / name).rglob("*/*")):
            path.unlink()
    assert run("storage", "copy", "--from", backup, "--to", "local", "--verify").status == 0
    assert {name: files(data / name) for name in originals} == originals
    assert run("say", voice, "Hello.", "-o", str(tmp_path / "a.wav")).status == 0
    again = run("storage", "copy", "--from", backup, "--to", "local").text
    assert again.splitlines()[0] == "recordings\t0\t0\t1"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--to", "local"], ["where the files are"]),
        (["--to", "azur"], ["no store 'azur'", "a folder such as ./backup"]),
        (["--to", "auto"], ["no store 'auto'"]),
        (["--to", "azure"], ["AZURE_STORAGE_ACCOUNT"]),
        (["--to", "s3"], ["S3_BUCKET"]),
        (["--from", "./nowhere", "--to", "local"], ["no folder ./nowhere"]),
    ],
    ids=" ".join,
)
def test_a_copy_from_or_to_nowhere_is_refused_with_a_suggestion(run, args, words):
    run("storage", "copy", *args).refused(*words)


def test_a_sweep_says_what_it_deleted(run, clone, data):
    clone()
    before = files(data / "uploads")
    lost = data / "uploads" / str(uuid4()) / "original"
    lost.parent.mkdir()
    lost.write_bytes(b"12345")
    hours_ago = time.time() - 7200
    os.utime(lost, (hours_ago, hours_ago))

    outcome = run("storage", "sweep")

    assert outcome.text == "1 leftovers and 0 expired outputs, 5 bytes; 0 unfinished files\n"
    assert files(data / "uploads") == before


@pytest.mark.services
def test_voices_move_to_azure_and_back(run, clone, data, tmp_path, monkeypatch):
    voice = clone()
    originals = {name: files(data / name) for name in ("uploads", "embeddings")}
    with azurite() as server:
        server.create_container("voice-cloning")
        monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", server.connection_string)

        moved = run("storage", "copy", "--from", "local", "--to", "azure")
        assert moved.status == 0, moved.stderr
        assert "AccountKey" not in moved.stderr
        for name in originals:
            for path in list((data / name).rglob("*/*")):
                path.unlink()

        spoken = run("say", voice, "Hello.", "-o", str(tmp_path / "a.wav"))
        assert spoken.status == 0, spoken.stderr
        back = run("storage", "copy", "--to", "local", "--verify")
        assert back.status == 0, back.stderr
        shown = json.loads(run("voices", "show", voice).text)

    assert shown["id"] == voice
    assert {name: files(data / name) for name in originals} == originals
