"""The checker of the manifests finds what is broken in them."""

import shutil
from pathlib import Path

import pytest

from tools.check_manifests import findings

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DEPLOY, tmp_path / "deploy"))


def test_the_manifests_are_sound():
    assert list(findings(DEPLOY)) == []


@pytest.mark.services
@pytest.mark.parametrize(
    ("file", "right", "wrong", "told"),
    [
        ("k8s/base/deployment.yaml", "containerPort: 8000", "containerPort: http", "Deployment"),
        ("k8s/base/deployment.yaml", "runAsNonRoot", "runAsNotRoot", "runAsNotRoot"),
        ("k8s/base/service.yaml", "component: api", "component: app", "selector"),
        ("k8s/base/service.yaml", "targetPort: http", "targetPort: web", "port 'web'"),
        (
            "k8s/base/migration.yaml",
            "name: voice-cloning\n            -",
            "name: v\n            -",
            "ConfigMap 'v'",
        ),
        ("k8s/base/config.yaml", "AUTH_MODE", "AUTHMODE", "no setting AUTHMODE"),
        ("k8s/base/config.yaml", "AUTH_MODE: api_key", "AUTH_MODE: apikey", "AUTH_MODE"),
        ("k8s/base/kustomization.yaml", "  - ingress.yaml\n", "", "ingress.yaml is not listed"),
        ("k8s/overlays/example/kustomization.yaml", "config.yaml", "conf.yaml", "conf.yaml"),
        ("k8s/overlays/example/secrets.env.example", "REDIS_URL", "REDISURL", "REDISURL"),
        ("azure/app-service.settings.json", '"LOG_FORMAT"', '"LOGFORMAT"', "LOGFORMAT"),
        ("azure/container-instance.yaml", "HOST", "HOSTNAME", "HOSTNAME"),
    ],
)
def test_what_is_broken_is_found(copy, file, right, wrong, told):
    text = (copy / file).read_text()
    assert right in text
    (copy / file).write_text(text.replace(right, wrong))

    assert any(told in finding for finding in findings(copy))
