"""The checker of the Bicep templates finds what is broken in them."""

import shutil
from pathlib import Path

import pytest

from tools.check_bicep import findings

BICEP = Path(__file__).parents[2] / "deploy" / "azure" / "bicep"


def test_the_templates_are_sound():
    assert list(findings(BICEP)) == []


def test_a_setting_that_is_not_there_is_refused(tmp_path):
    copy = Path(shutil.copytree(BICEP, tmp_path / "bicep"))
    file = copy / "modules" / "apps.bicep"
    file.write_text(file.read_text().replace("'JOBS_WORKER'", "'JOB_WORKER'"))

    assert list(findings(copy)) == ["modules/apps.bicep: there is no setting JOB_WORKER"]


@pytest.mark.services
@pytest.mark.parametrize(
    ("file", "right", "wrong", "told"),
    [
        ("main.bicep", "param tags object = {}", "param tags object = {", "not understood"),
        (
            "main.bicep",
            "'modules/redis.bicep'",
            "'modules/cache.bicep'",
            "cache.bicep is not there",
        ),
        ("main.bicep", "    zoneId: network", "    zone: network", "zoneId is not given"),
        ("main.bicep", "    zoneId: network", "    zone: network", "no parameter zone"),
        ("main.bicep", "outputs.uri", "outputs.url", "has no output url"),
        ("main.bicep", "value: authMode", "value: mode", "there is no mode"),
        ("main.bicep", "value: consentPolicy", "value: 'off'", "consentPolicy is not used"),
        ("main.bicep", "'CONSENT_POLICY'", "'CONSENT'", "there is no setting CONSENT"),
        ("main.bicep", "kv:metrics-token", "kv:metrics", "no secret metrics is put"),
        ("main.bicep", "'azure-speech-key'\n", "'speech-key'\n", "no secret azure-speech-key"),
        (
            "main.bicep",
            "name: 'LOG_FORMAT', value: 'json'",
            "name: 'LOG_FORMAT', value: 'kv:redis-url'",
            "LOG_FORMAT cannot name a secret",
        ),
        (
            "main.bicep",
            "@secure()\nparam webhookSecret",
            "param webhookSecret",
            "webhookSecret is not @secure()",
        ),
        ("main.bicepparam", "param redis", "param cache", "there is no parameter cache"),
        ("main.bicepparam", "param metricsToken", "//", "metricsToken is not given"),
        (
            "modules/redis.bicep",
            "redisEnterprise@2025-07-01",
            "redisEnterprise",
            "has not the form",
        ),
        ("modules/storage.bicep", "= account.name", "= accounts.name", "there is no accounts"),
    ],
)
def test_what_is_broken_is_found(tmp_path, file, right, wrong, told):
    copy = Path(shutil.copytree(BICEP, tmp_path / "bicep"))
    text = (copy / file).read_text()
    assert right in text
    (copy / file).write_text(text.replace(right, wrong))

    assert any(told in finding for finding in findings(copy))
