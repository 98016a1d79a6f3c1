"""Importing the server loads no engine: it starts fast, and without them installed."""

import subprocess
import sys

import pytest

HEAVY = {"onnxruntime", "hibari", "torch", "faster_whisper", "ctranslate2", "scipy", "phonemizer"}


def python(code: str) -> str:
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return run.stdout


def test_the_server_and_the_command_line_import_no_engine_library() -> None:
    loaded = python("import sys, app.main, app.cli; print(*sys.modules)").split()

    assert "app.main" in loaded
    assert {name.partition(".")[0] for name in loaded} & HEAVY == set()


@pytest.mark.services
def test_the_server_is_made_where_no_engine_library_is_installed() -> None:
    gone = f"sys.modules.update(dict.fromkeys({sorted(HEAVY)}))"

    assert python(f"import sys; {gone}; from app.main import create_app; print(create_app())")
