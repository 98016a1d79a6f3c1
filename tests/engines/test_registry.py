"""Engines by name: ours, those of other packages, and what is said when one is missing."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.assets.store import AssetStore
from app.core.exceptions import EngineUnavailable
from app.engines.registry import EngineOptions, create_engine, engine_names

# An engine of somebody else: the fake one under another name.
PLUGIN = """
from dataclasses import replace
from app.engines.fake import FakeEngine

class Parrot(FakeEngine):
    info = replace(FakeEngine.info, name="parrot", title="Parrot")

    def __init__(self, threads):
        self.threads = threads

def create(options):
    return Parrot(options.threads)
"""


@pytest.fixture
def options(tmp_path: Path) -> EngineOptions:
    return EngineOptions(AssetStore(tmp_path / "models"), threads=3, concurrency=2)


def install(folder: Path, module: str, source: str, *, engine: str) -> None:
    """What pip leaves behind of a package with an engine."""
    (folder / f"{module}.py").write_text(source)
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[voice_cloning.engines]\n{engine} = {module}:create\n")


def test_an_unknown_engine_is_an_error_that_names_the_engines(options):
    with pytest.raises(EngineUnavailable) as refused:
        create_engine("festival", options)

    assert "festival" in refused.value.detail
    for name in ("auto", "kokoro", "fake"):
        assert name in str(refused.value.suggestion)


@pytest.mark.parametrize("name", ["", "app.engines.fake:create", "FAKE", "fake "])
def test_nothing_but_a_name_is_taken(options, name):
    with pytest.raises(EngineUnavailable):
        create_engine(name, options)


def test_the_best_engine_is_never_the_fake_one(options):
    assert create_engine("auto", options).info.name == "kokoro"
    assert create_engine("fake", options).info.name == "fake"


def test_an_engine_of_another_package_is_found(options, tmp_path, monkeypatch):
    install(tmp_path, "parrot_engine", PLUGIN, engine="parrot")
    monkeypatch.syspath_prepend(tmp_path)

    engine = create_engine("parrot", options)

    assert engine.info.title == "Parrot"
    assert engine.threads == 3
    assert engine_names() == ["kokoro", "fake", "azure", "parrot"]
    with pytest.raises(EngineUnavailable) as refused:
        create_engine("festival", options)
    assert "parrot" in str(refused.value.suggestion)


def test_an_engine_of_another_package_does_not_replace_ours(options, tmp_path, monkeypatch):
    install(tmp_path, "false_kokoro", PLUGIN, engine="kokoro")
    monkeypatch.syspath_prepend(tmp_path)

    assert create_engine("kokoro", options).info.title.startswith("Kokoro")


def test_a_missing_library_is_an_error_with_the_command_that_installs_it(
    options, tmp_path, monkeypatch
):
    install(tmp_path, "hungry_engine", "import no_such_library_anywhere", engine="hungry")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(EngineUnavailable) as refused:
        create_engine("hungry", options)

    assert "no_such_library_anywhere" in refused.value.detail
    assert "pip install" in str(refused.value.suggestion)


WITHOUT_LIBRARY = """
import sys
from pathlib import Path
sys.modules["onnxruntime"] = None  # as if it were not installed
from app.assets.store import AssetStore
from app.core.exceptions import EngineUnavailable
from app.engines.registry import EngineOptions, create_engine
try:
    create_engine("auto", EngineOptions(AssetStore(Path("nowhere")), 1, 1))
except EngineUnavailable as error:
    print(error.detail, error.suggestion)
"""


def test_our_engine_without_its_library_says_which_one():
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_LIBRARY], capture_output=True, text=True, check=True
    )

    assert "onnxruntime" in run.stdout
    assert "pip install" in run.stdout
