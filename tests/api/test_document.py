"""The OpenAPI document against the server: no server error, no answer that is not documented."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.core.config import Settings
from tests.api.access_table import make_key
from tests.conftest import recording, serving
from tests.speaking import create_app, engine_settings

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance,response_headers_conformance,unsupported_method,use_after_free,"
    "negative_data_rejection,missing_required_header"
)


# What is generated hardly ever names a voice that is there, or is SSML. What breaks the schema on
# purpose stays as it is.
HOOKS = """
import schemathesis

@schemathesis.hook
def map_body(context, body):
    if not isinstance(body, dict):
        return body
    body.pop("prepare", None)  # there is no chat model
    voice = body.get("voice")
    if isinstance(voice, str) and 0 < len(voice) <= 100:
        body["voice"] = "{voice_id}"
    if isinstance(body.get("ssml"), str):
        if len(body["ssml"]) % 2 and isinstance(body.get("text"), str):
            del body["text"]
        if len(body["ssml"]) % 3 == 0:
            body["ssml"] = "<speak>" + body["ssml"] + "</speak>"
    return body
"""


def passed(folder: Path, url: str, *options: str) -> int:
    """How many generated requests were answered as the document says: all of them."""
    run = subprocess.run(
        [
            # One worker: in two threads Python 3.11's `ast`, which it uses, can fail.
            *(Path(sys.executable).with_name("schemathesis"), "run", f"{url}/openapi.json"),
            *(f"--checks={CHECKS}", "--mode=all", "--seed=1", "--workers=1"),
            *("--request-timeout=20", *options),
        ],
        cwd=folder,  # where it finds schemathesis.toml, and hooks
        env=os.environ
        | ({"SCHEMATHESIS_HOOKS": "hooks"} if (folder / "hooks.py").exists() else {}),
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr
    counted = re.search(r"(\d+) generated, (\d+) passed", run.stdout)
    assert counted, run.stdout[-2000:]
    assert counted[1] == counted[2]
    return int(counted[1])


@pytest.mark.parametrize("mode", ["off", "api_key"])
def test_every_answer_to_generated_requests_is_documented(tmp_path: Path, mode: str) -> None:
    settings = Settings(
        _env_file=None,
        data_dir=tmp_path / "data",
        **engine_settings(),
        rate_limiting_enabled=False,
        auth_mode=mode,
        translator="fake",
    )
    key = asyncio.run(make_key(settings, "ann", "admin"))
    with serving(create_app(settings)) as client:
        client.headers["X-API-Key"] = key
        url = str(client.base_url)

        everything = (f"--header=X-API-Key: {key}", "--max-examples=25")
        assert passed(tmp_path, url, *everything) > 300

        answer = client.post("/voices", files={"file": ("a.wav", recording(), "audio/wav")})
        voice_id = answer.json()["voice_id"]
        (tmp_path / "schemathesis.toml").write_text(f'[parameters]\nvoice_id = "{voice_id}"\n')
        (tmp_path / "hooks.py").write_text(HOOKS.replace("{voice_id}", voice_id))
        speaking = (
            f"--header=X-API-Key: {key}",
            *(f"--include-operation-id={name}" for name in ("synthesize", "speak", "speak_stream")),
            "--max-examples=100",
            "--phases=examples,coverage,fuzzing",
        )
        assert passed(tmp_path, url, *speaking) > 100
