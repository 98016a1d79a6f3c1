"""Starting with certificates that cannot be used, and without the library."""

import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from fastapi.testclient import TestClient

from app.core.config import Settings
from app.core.exceptions import ConfigurationError
from tests.api.test_provenance import VERIFY, plain, spoken
from tests.api.voices import settings_of, trained, voice_server
from tests.provenance.authority import issued
from tests.speaking import create_app


def test_without_the_library_all_but_manifests_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "c2pa", None)  # as if it was not installed
    with voice_server(tmp_path / "auto") as client:
        assert client.get("/health/ready").json()["c2pa"] == "no-library"
        assert spoken(client, trained(client)).startswith(b"RIFF")
        answer = client.post(VERIFY, files={"file": ("a.wav", plain())})
        assert (answer.status_code, answer.json()["code"]) == (503, "provenance-unavailable")
        assert "c2pa-python" in answer.json()["suggestion"]
    with (
        pytest.raises(ConfigurationError, match="c2pa-python"),
        TestClient(create_app(settings_of(tmp_path / "always", c2pa="always"))),
    ):
        pass


def _broken(folder: Path, **changes: Any) -> Settings:
    return settings_of(folder, **issued().settings(folder) | changes)


def _written(folder: Path, content: bytes) -> Path:
    path = folder / "other.pem"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("settings", "detail"),
    [
        (
            lambda folder: settings_of(folder, **issued(days=-1).settings(folder)),
            "C2PA_CERTIFICATE has expired",
        ),
        (
            lambda folder: settings_of(
                folder, **issued(purpose=ExtendedKeyUsageOID.SERVER_AUTH).settings(folder)
            ),
            "C2PA_CERTIFICATE is for another use: its extended key usage",
        ),
        (
            lambda folder: settings_of(folder, **issued(signs=False).settings(folder)),
            "C2PA_CERTIFICATE is for another use: its key usage",
        ),
        (
            lambda folder: settings_of(folder, **issued(ca=True).settings(folder)),
            "C2PA_CERTIFICATE is for another use: it is that of an authority",
        ),
        (
            lambda folder: _broken(folder, c2pa_certificate=folder / "nowhere.pem"),
            "nowhere.pem cannot be read",
        ),
        (
            lambda folder: _broken(folder, c2pa_certificate=_written(folder, b"no PEM")),
            "other.pem holds no certificates in PEM form",
        ),
        (
            lambda folder: _broken(folder, c2pa_private_key=issued("another").key),
            "C2PA_PRIVATE_KEY does not belong to the first certificate",
        ),
        (
            lambda folder: _broken(folder, c2pa_private_key=str(folder / "nowhere.key")),
            "C2PA_PRIVATE_KEY names cannot be read",
        ),
        (
            lambda folder: _broken(folder, c2pa_private_key="-----BEGIN nothing"),
            "C2PA_PRIVATE_KEY holds no private key",
        ),
        (lambda folder: _broken(folder, c2pa_algorithm="ps256"), "C2PA_ALGORITHM=ps256 does not"),
        (
            lambda folder: _broken(folder, c2pa_trust_anchors=_written(folder, b"no PEM")),
            "C2PA_TRUST_ANCHORS",
        ),
    ],
    ids=[
        "expired", "for servers", "for no signatures", "authority", "no file", "no PEM",
        "key of another", "no key file", "no key", "another algorithm", "no anchors",
    ],
)  # fmt: skip
def test_a_certificate_that_cannot_be_used_stops_the_start(
    tmp_path: Path, settings: Any, detail: str
) -> None:
    with pytest.raises(ConfigurationError) as stopped, TestClient(create_app(settings(tmp_path))):
        pass

    assert detail in stopped.value.detail
    assert stopped.value.suggestion
