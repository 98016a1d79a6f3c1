"""The whole service with its files in a container of Azure Blob Storage."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from app.core.config import Settings
from app.main import create_app
from tests.conftest import recording, registered
from tests.servers.blobs import azurite, s3rver

pytestmark = pytest.mark.services


def test_a_voice_lives_in_the_container_and_leaves_nothing_there(settings: Settings) -> None:
    with azurite() as server:
        server.create_container("voice-cloning")
        remote = settings.model_copy(
            update={"azure_storage_connection_string": SecretStr(server.connection_string)}
        )
        with TestClient(create_app(remote)) as client:
            file = ("a.wav", recording(), "audio/wav")
            voice = client.post("/voices", files={"file": file}).json()["voice_id"]
            assert client.get("/health/ready").json()["checks"]["storage"] == "ok"
        with TestClient(create_app(remote)) as client:  # another machine, say
            said = client.post(f"/voices/{voice}/synthesize", json={"text": "Hello."})
            assert said.status_code == 200
            erased = client.delete(f"/voices/{voice}").json()
            assert erased["recordings"] == {"files": 1, "bytes": len(recording())}
            assert erased["states"]["files"] == 1
            assert erased["left"] == []
            assert server.names("voice-cloning") == []

            server.process.kill()
            server.process.wait()
            refused = client.post("/voices", files={"file": file})
            assert refused.status_code == 503
            assert refused.json()["code"] == "storage-unavailable"
            assert "does not answer" in refused.json()["detail"]
            ready = client.get("/health/ready")
            assert ready.status_code == 503
            assert "does not answer" in ready.json()["checks"]["storage"]
    with TestClient(create_app(remote)) as client:  # a start without the store
        assert client.get("/health").status_code == 200
        assert "does not answer" in client.get("/health/ready").json()["checks"]["storage"]
    assert not settings.uploads.exists()


@pytest.mark.parametrize("kind", ["azure", "s3"])
def test_a_link_gives_the_audio_to_whoever_has_it(
    settings: Settings, tmp_path: Path, kind: str
) -> None:
    with linking(kind, tmp_path) as update:
        remote = settings.model_copy(update=update | {"history_keep_audio": True})
        with TestClient(create_app(remote)) as client:
            voice = registered(client)
            said = client.post(f"/voices/{voice}/synthesize", json={"text": "Hello."})
            entry = f"/api/v1/synthesis/history/{said.headers['X-History-ID']}"
            assert client.get(entry).json()["audio_kept"]

            link = client.get(f"{entry}/link", params={"seconds": 120}).json()

            fetched = httpx2.get(link["url"])
            assert (fetched.status_code, fetched.content) == (200, said.content)
            assert link["content_type"] == said.headers["Content-Type"]
            left = datetime.fromisoformat(link["expires_at"]) - datetime.now(UTC)
            assert timedelta(seconds=60) < left <= timedelta(seconds=120)
            if kind == "azure":  # the other server checks no signature
                forged = httpx2.get(link["url"].replace("sp=r", "sp=rw"))
                assert forged.status_code == 403
            client.delete(f"/voices/{voice}")
            assert httpx2.get(link["url"]).status_code == 404
            gone = client.get(f"{entry}/link")
            assert gone.json()["code"] in ("audio-not-kept", "history-not-found")


@contextmanager
def linking(kind: str, folder: Path) -> Iterator[dict[str, Any]]:
    """Settings of a store that makes links."""
    if kind == "azure":
        with azurite() as server:
            server.create_container("voice-cloning")
            yield {"azure_storage_connection_string": SecretStr(server.connection_string)}
        return
    with s3rver(folder / "s3") as bucket:
        yield {
            "s3_bucket": "voices",
            "s3_endpoint": bucket.endpoint,
            "s3_region": "us-east-1",
            "s3_access_key_id": bucket.key,
            "s3_secret_access_key": SecretStr(bucket.key),
        }
