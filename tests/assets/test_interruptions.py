"""Pulls that meet another one, are killed, or find no room."""

import errno
import multiprocessing
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from app.assets.manifest import Manifest
from app.assets.store import AssetStore, PullProgress, PullStage
from app.core.exceptions import AssetError
from tests.assets.site import asset, distribution, package_source, wheel

MODEL = bytes(range(256)) * 1024  # 256 KiB: several reads
WHEEL = wheel({"weights/model.bin": MODEL})
PART = distribution(WHEEL, "weights/model.bin")
FILE = f"/files/{PART.file}"


def final_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*") if path.is_file())


def test_two_threads_at_once_fetch_once(site, store):
    site.publish(PART, WHEEL)
    models = store(asset(MODEL, package_source(PART)))
    other_waits = threading.Event()
    fetched: list[str] = []

    def watch(progress: PullProgress) -> None:
        if progress.stage is PullStage.WAITING:
            other_waits.set()
        elif progress.stage is PullStage.DOWNLOADING:
            other_waits.wait(10)

    def pull() -> None:
        fetched.extend(models.pull(progress=watch))

    threads = [threading.Thread(target=pull) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert other_waits.is_set()
    assert fetched == ["model"]
    assert site.requests(FILE) == [None]
    assert models.verified_path("model").read_bytes() == MODEL


def _pull_in_process(folder: Path, manifest: Manifest) -> None:
    AssetStore(folder, manifest, retry_pause_s=0.01).pull()


@pytest.mark.services
def test_two_processes_at_once_fetch_once(site, store):
    site.publish(PART, WHEEL)
    site.delay_s = 1.0  # so that both are at it at the same time
    models = store(asset(MODEL, package_source(PART)))
    spawn = multiprocessing.get_context("spawn")
    processes = [
        spawn.Process(target=_pull_in_process, args=(models._folder, models._manifest))
        for _ in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert site.requests(FILE) == [None]
    assert models.verified_path("model").read_bytes() == MODEL


def run_pull(models: AssetStore, before: str, progress: str) -> subprocess.CompletedProcess[str]:
    """Pull in a process of its own, which may come to harm."""
    code = textwrap.dedent(f"""
        import os, resource, signal, sys
        from pathlib import Path
        from app.assets.manifest import Manifest
        from app.assets.store import AssetStore
        {before}
        manifest = Manifest.model_validate_json(sys.stdin.read())
        AssetStore(Path(sys.argv[1]), manifest).pull(progress=lambda p: {progress})
    """)
    return subprocess.run(
        [sys.executable, "-c", code, str(models._folder)],
        input=models._manifest.model_dump_json(),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_killed_process_leaves_nothing_half_and_the_next_resumes(site, store):
    site.publish(PART, WHEEL)
    models = store(asset(MODEL, package_source(PART)))
    kill = "p.done > 100_000 and os.kill(os.getpid(), signal.SIGKILL)"
    assert run_pull(models, "", kill).returncode == -9
    assert final_files(models._folder) == []
    site.seen.clear()
    models.pull()
    (resumed,) = site.requests(FILE)
    assert resumed is not None
    assert models.verified_path("model").read_bytes() == MODEL


@pytest.mark.skipif(sys.platform == "win32", reason="limits of the file size")
@pytest.mark.parametrize("limit", [100_000, len(WHEEL) - 100])
def test_full_disk_is_an_error_and_leaves_nothing_half(site, store, limit):
    site.publish(PART, WHEEL)
    models = store(asset(MODEL, package_source(PART)))
    done = run_pull(models, f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit},) * 2)", "None")
    assert done.returncode == 1
    assert "AssetError: The model files cannot be written: the disk is full." in done.stderr
    assert final_files(models._folder) == []
    assert list((models._folder / ".downloads").glob("*.tmp")) == []


def test_folder_that_cannot_be_made(site, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    models = AssetStore(
        tmp_path / "file" / "models", Manifest(assets=(asset(MODEL, package_source(PART)),))
    )
    with pytest.raises(AssetError, match=os.strerror(errno.ENOTDIR)):
        models.pull()
