"""What becomes of files when the certificate expires while the service runs."""

from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest

from app.audio.types import AudioFormat
from app.core.config import Settings
from app.core.exceptions import ConfigurationError, ProvenanceUnavailable
from app.core.metrics import Metrics
from app.provenance.certificates import test_identity as identity_for_tests
from app.provenance.claim import Claim
from app.provenance.credentials import Credentials
from app.provenance.opening import open_provenance
from tests.api.test_provenance import plain
from tests.provenance.authority import issued

CLAIM = Claim(("voice",), "request", "synthesis")
LATER = datetime.now(UTC) + timedelta(days=40)


def credentials(folder: Path, *, required: bool, metrics: Metrics) -> Credentials:
    """Forty days from now, when the certificate is valid no more."""
    settings = Settings(_env_file=None, data_dir=folder, **issued().settings(folder))
    signing = open_provenance(settings, test_engine=True, metrics=metrics).signing
    assert signing is not None
    return Credentials(
        lambda: signing().signer, required=required, metrics=metrics, clock=lambda: LATER
    )


@pytest.mark.anyio
async def test_where_signing_is_asked_for_nothing_is_made_for_nothing(tmp_path: Path) -> None:
    expired = credentials(tmp_path, required=True, metrics=Metrics())
    await expired.open()

    assert expired.state == "expired"
    for refused in (
        lambda: expired.check(AudioFormat.MP3),
        lambda: expired.signed(plain(), AudioFormat.WAV, CLAIM),
    ):
        with pytest.raises(ProvenanceUnavailable, match="expired") as told:
            refused()
        assert "C2PA_CERTIFICATE" in (told.value.suggestion or "")
    with pytest.raises(ProvenanceUnavailable):
        await expired.ready()
    expired.check(AudioFormat.OPUS)


@pytest.mark.anyio
async def test_elsewhere_files_go_without_a_manifest_and_that_is_counted(tmp_path: Path) -> None:
    metrics = Metrics()
    expired = credentials(tmp_path, required=False, metrics=metrics)
    await expired.open()

    expired.check(AudioFormat.WAV)
    await expired.ready()
    assert expired.signed(plain(), AudioFormat.WAV, CLAIM) == plain()
    assert 'c2pa_files_total{outcome="failed"} 1.0' in metrics.exposition()[0].decode()


@pytest.mark.parametrize("required", [True, False], ids=["always", "auto"])
def test_a_timestamp_authority_that_does_not_answer_is_like_an_expired_certificate(
    tmp_path: Path, required: bool
) -> None:
    settings = Settings(
        _env_file=None,
        data_dir=tmp_path,
        c2pa="always" if required else "auto",
        **issued().settings(tmp_path, c2pa_timestamp_url="http://127.0.0.1:9/"),
    )
    signer = open_provenance(settings, test_engine=True, metrics=Metrics()).credentials
    if required:
        with pytest.raises(ProvenanceUnavailable):
            signer.signed(plain(), AudioFormat.WAV, CLAIM)
    else:
        assert signer.signed(plain(), AudioFormat.WAV, CLAIM) == plain()


def test_the_certificate_for_tests_is_made_anew_when_it_has_expired(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    first = identity_for_tests(tmp_path, now=now)

    assert identity_for_tests(tmp_path, now=now) == first
    later = identity_for_tests(tmp_path, now=first.expires)
    assert later.serial != first.serial
    assert later.expires > first.expires


def test_the_same_secret_gives_the_same_hash_with_another_certificate(tmp_path: Path) -> None:
    hashes = []
    for name, secret in (("a", "s3cr"), ("b", "s3cr"), ("b", None), ("a", None)):
        given = issued(name).settings(tmp_path / name, c2pa_voice_secret=secret)
        signing = open_provenance(
            Settings(_env_file=None, data_dir=tmp_path, **given),
            test_engine=True,
            metrics=Metrics(),
        ).signing
        assert signing is not None
        hashes.append(signing().signer.voice_hash("voice"))

    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3


def test_production_signs_with_no_certificate_for_tests(tmp_path: Path) -> None:
    production = {"environment": "production", "data_dir": tmp_path, "_env_file": None}

    opened = open_provenance(Settings(**production), test_engine=False, metrics=Metrics())
    assert opened.credentials.state == "no-certificate"
    target = BytesIO()
    assert not opened.credentials.sign(BytesIO(plain()), target, AudioFormat.WAV, CLAIM)
    with pytest.raises(ConfigurationError, match="C2PA_CERTIFICATE"):
        open_provenance(Settings(c2pa="always", **production), test_engine=False, metrics=Metrics())
    assert list(tmp_path.iterdir()) == []
