"""Settings whose values lie in Azure Key Vault."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.config import Settings
from app.core.config.show import effective
from app.core.exceptions import ConfigurationError
from app.main import create_app
from tests.azure_fake.vault import TENANT, Vault, vault

pytest.importorskip("azure.keyvault.secrets")

SECRET = "between the two of us, and nobody else"  # noqa: S105 - known to this test alone


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "AZURE_FEDERATED_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    with vault(tmp_path) as running:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
        running.secrets["metrics-token"] = SECRET
        yield running


def settings_with(fake: Vault, folder: Path, **more: Any) -> Settings:
    usual = {
        "data_dir": folder,
        "voice_engine": "fake",
        "jobs_worker": False,
        "auth_mode": "api_key",
        "key_vault_url": fake.url,
        "key_vault_client_id": "an-application",
        "key_vault_client_secret": "its secret",
        "key_vault_tenant_id": TENANT,
        "azure_authority": fake.url,
        "metrics_token": "kv:metrics-token",
    }
    return Settings(_env_file=None, **usual | more)


def metrics(client: TestClient, token: str) -> int:
    return client.get("/metrics", headers={"Authorization": f"Bearer {token}"}).status_code


def test_a_setting_has_the_secret_that_it_names(fake: Vault, tmp_path: Path) -> None:
    settings = settings_with(fake, tmp_path)

    with TestClient(create_app(settings)) as client:
        assert metrics(client, SECRET) == 200
        assert metrics(client, "kv:metrics-token") == 401
    shown = {one.name: one.value for one in effective(settings)}
    assert "kv:metrics-token" in shown["METRICS_TOKEN"]
    assert SECRET not in repr(settings)


def test_a_secret_that_has_changed_holds_once_it_was_read_again(
    fake: Vault, tmp_path: Path
) -> None:
    often = settings_with(fake, tmp_path, key_vault_refresh_minutes=0.0001)
    with TestClient(create_app(often)) as client:
        assert metrics(client, "another one") == 401
        fake.secrets["metrics-token"] = "another one"
        for _ in range(2):  # when it is read for the second time, the first one is in place
            fake.read.clear()
            assert fake.read.wait(20)

        assert metrics(client, "another one") == 200
        assert metrics(client, SECRET) == 401

        fake.status = 503
        fake.secrets["metrics-token"] = "a third one"
        assert metrics(client, "another one") == 200


@pytest.mark.parametrize(
    ("who", "asked"), [("application", "secret"), ("pod", "assertion"), ("machine", "machine")]
)
def test_an_application_a_pod_or_a_machine_asks(
    fake: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, who: str, asked: str
) -> None:
    more: dict[str, Any] = {}
    if who != "application":
        more = {"key_vault_client_secret": None, "key_vault_client_id": None}
    if who == "pod":
        (tmp_path / "token").write_text("assertion of the cluster")
        monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(tmp_path / "token"))
        monkeypatch.setenv("AZURE_AUTHORITY_HOST", fake.url)
        monkeypatch.setenv("AZURE_TENANT_ID", TENANT)
        monkeypatch.setenv("AZURE_CLIENT_ID", "a-pod")
    if who == "machine":
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{fake.url}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "h")

    token = settings_with(fake, tmp_path, **more).metrics_token

    assert token is not None
    assert token.get_secret_value() == SECRET
    assert fake.asked == [asked]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"metrics_token": "kv:nowhere"}, ("nowhere", "METRICS_TOKEN")),
        ({"metrics_token": "kv:a b"}, ("METRICS_TOKEN",)),
        ({"metrics_token": "kv:"}, ("METRICS_TOKEN",)),
        ({"key_vault_url": None}, ("METRICS_TOKEN", "KEY_VAULT_URL")),
        ({"key_vault_client_id": None}, ("KEY_VAULT_CLIENT_ID",)),
        ({"key_vault_client_secret": "wrong"}, ("metrics-token", "METRICS_TOKEN")),
        ({"key_vault_client_secret": "kv:metrics-token"}, ("KEY_VAULT_CLIENT_SECRET",)),
        ({"app_name": "kv:metrics-token"}, ("APP_NAME",)),
        ({"status": 403}, ("metrics-token", "Key Vault Secrets User")),
    ],
    ids=str,
)
def test_what_cannot_be_read_stops_the_start_with_its_name(
    fake: Vault, tmp_path: Path, more: dict[str, Any], told: tuple[str, ...]
) -> None:
    fake.status = more.pop("status", 200)

    with pytest.raises(ConfigurationError) as refused:
        settings_with(fake, tmp_path, **more)

    text = f"{refused.value.detail} {refused.value.suggestion}"
    assert all(part in text for part in told), text
    assert SECRET not in text


def test_an_empty_secret_stops_the_start(fake: Vault, tmp_path: Path) -> None:
    fake.secrets["metrics-token"] = ""

    with pytest.raises(ConfigurationError, match="empty"):
        settings_with(fake, tmp_path)
