"""The whole service with its files in a container of Azure Blob Storage."""

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from app.core.config import Settings
from app.main import create_app
from tests.conftest import recording
from tests.servers.blobs import azurite

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
