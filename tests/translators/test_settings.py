"""Settings of translators and chat models that contradict each other, or mean nothing."""

from typing import Any

import pytest

from app.core.config import Settings
from app.core.config.checks import check
from app.core.exceptions import ConfigurationError

WRONG: list[dict[str, Any]] = [
    {"translator": "azure"},
    {"translator": "openai", "azure_openai_endpoint": "https://n.openai.azure.com"},
    {"translator": "openai", "openai_base_url": "http://127.0.0.1/v1"},
    {"openai_base_url": "127.0.0.1/v1", "openai_model": "m"},
    {"translator": "fake", "environment": "production", "auth_mode": "api_key"},
    {
        "azure_translator_endpoint": "http://translator.example.org",
        "environment": "production", "auth_mode": "api_key",
    },
    {
        "openai_base_url": "http://models.example.org/v1", "openai_api_key": "sk-123",
        "environment": "production", "auth_mode": "api_key",
    },
]  # fmt: skip


@pytest.mark.parametrize("settings", WRONG)
def test_the_start_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        check(Settings(_env_file=None, **settings))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            {"azure_openai_endpoint": "https://n.openai.azure.com", "azure_openai_api_key": "k-1"},
            "AZURE_OPENAI_DEPLOYMENT",
        ),
        ({"openai_base_url": "http://models:11434/v1"}, "OPENAI_MODEL"),
    ],
)
def test_what_is_of_no_use_is_warned_of(settings: dict[str, Any], told: str) -> None:
    assert any(told in warning for warning in check(Settings(_env_file=None, **settings)))
