"""Whom the services of the manifests take a caller for."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

DEPLOY = Path(__file__).parents[2] / "deploy"


def in_kubernetes() -> str:
    config = yaml.safe_load((DEPLOY / "k8s/base/config.yaml").read_text(encoding="utf-8"))
    return str(config["data"]["FORWARDED_ALLOW_IPS"])


def in_app_service() -> str:
    settings = json.loads((DEPLOY / "azure/app-service.settings.json").read_text(encoding="utf-8"))
    return next(one["value"] for one in settings if one["name"] == "FORWARDED_ALLOW_IPS")


@pytest.mark.anyio
@pytest.mark.parametrize("trusted", [in_kubernetes, in_app_service])
@pytest.mark.parametrize("proxy", ["10.1.2.3", "169.254.130.1", "172.16.0.1"])
async def test_a_caller_is_whom_the_proxy_saw_and_not_whom_it_says_it_is(trusted, proxy):
    seen: dict[str, Any] = {}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.update(scope)

    headers = [
        (b"x-forwarded-for", b"203.0.113.9, 198.51.100.7:4711"),
        (b"x-forwarded-proto", b"https"),
    ]
    scope = {"type": "http", "scheme": "http", "headers": headers, "client": (proxy, 1)}
    await ProxyHeadersMiddleware(app, trusted())(scope, None, None)  # type: ignore[arg-type]

    assert seen["client"][0] == "198.51.100.7"
    assert seen["scheme"] == "https"
