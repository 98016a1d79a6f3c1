"""Settings: what is read, what is refused, what is shown."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError
from typer.testing import CliRunner

from app.cli import cli
from app.core.config import Settings
from app.core.config.checks import check, unknown_keys
from app.core.config.show import SECTIONS, env_example
from app.core.exceptions import ConfigurationError
from tools.configuration import documentation

ROOT = Path(__file__).parents[2]
SEEDS = [
    "ENVIRONMENT",
    "APP_VERSION",
    "HOST",
    "PORT",
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_AUDIENCE",
    "AZURE_SPEECH_KEY",
    "AZURE_SPEECH_REGION",
    "AZURE_TRANSLATOR_KEY",
    "AZURE_TRANSLATOR_REGION",
    "AZURE_OPENAI_API_KEY",
    "AZURE_OPENAI_ENDPOINT",
    "DATABASE_URL",
    "COSMOS_DB_ENDPOINT",
    "COSMOS_DB_KEY",
    "AZURE_STORAGE_CONNECTION_STRING",
    "AZURE_STORAGE_CONTAINER",
    "LOG_LEVEL",
    "LOG_REQUESTS",
    "LOG_RESPONSES",
    "LOG_REQUEST_BODY",
    "LOG_RESPONSE_BODY",
    "LOG_HEADERS",
    "RATE_LIMITING_ENABLED",
    "RATE_LIMIT_DEFAULT",
    "RATE_LIMIT_SYNTHESIS",
    "RATE_LIMIT_TRAINING",
    "ALLOWED_ORIGINS",
    "ALLOWED_HOSTS",
    "ERROR_INCLUDE_TRACEBACK",
    "UPLOAD_DIR",
    "EMBEDDING_DIR",
]
MASK = "********"
PRODUCTION = {"environment": "production", "auth_mode": "api_key", "host": "0.0.0.0"}


def settings(**values) -> Settings:
    return Settings(_env_file=None, **values)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", SEEDS)
def test_every_documented_variable_is_a_setting(name):
    assert name.lower() in Settings.model_fields


def test_every_setting_is_in_a_section_and_described():
    told = [name for section in SECTIONS.values() for name in section.model_fields]

    assert sorted(told) == sorted(Settings.model_fields)
    assert [name for name in told if not Settings.model_fields[name].description] == []


def test_the_example_and_the_page_are_those_of_the_code():
    again = "run `python tools/configuration.py`"

    assert (ROOT / ".env.example").read_text("utf-8") == env_example(), again
    assert (ROOT / "docs" / "configuration.md").read_text("utf-8") == documentation(), again


def test_the_example_with_all_lines_in_effect_changes_nothing(folder):
    lines = [line[1:] for line in env_example().splitlines() if re.match("#[A-Z0-9_]+=", line)]
    (folder / ".env").write_text("\n".join(lines))

    assert len(lines) == len(Settings.model_fields)
    assert Settings(data_dir="data", voice_engine="auto") == settings(
        data_dir="data", voice_engine="auto"
    )


def test_the_environment_goes_before_the_file(folder, monkeypatch):
    (folder / ".env").write_text("PORT=1234\nLOG_LEVEL=DEBUG\n")
    monkeypatch.setenv("PORT", "4321")

    assert (Settings().port, Settings().log_level) == (4321, "debug")


def test_test_env_is_read_on_top_in_the_test_environment_only(folder, monkeypatch):
    (folder / ".env").write_text("PORT=1234\nRATE_LIMIT_DEFAULT=7\n")
    (folder / "test.env").write_text("PORT=5555\n")

    assert Settings().port == 1234
    monkeypatch.setenv("ENVIRONMENT", "test")
    assert (Settings().port, Settings().rate_limit_default) == (5555, 7)


def test_a_name_in_the_file_that_no_setting_has_is_warned_of(folder):
    (folder / ".env").write_text("RATE_LIMIT_SYNTHESES=7\nPORT=1234\n")

    assert unknown_keys() == ["RATE_LIMIT_SYNTHESES"]
    assert any("RATE_LIMIT_SYNTHESES" in warning for warning in check(Settings()))


def test_an_empty_variable_counts_as_not_set(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("PORT", "")

    assert (settings().database_url, settings().port) == (None, 8000)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("off", ("off",)),
        ("API_KEY", ("api_key",)),
        ("api_key, entra", ("api_key", "entra")),
        ("entra,entra", ("entra",)),
    ],
)
def test_auth_modes_are_a_list(monkeypatch, written, meant):
    monkeypatch.setenv("AUTH_MODE", written)

    assert settings().auth_mode == meant


@pytest.mark.parametrize("written", ["off,api_key", "none", ",", "basic"])
def test_other_auth_modes_are_refused(monkeypatch, written):
    monkeypatch.setenv("AUTH_MODE", written)

    with pytest.raises(ValidationError):
        settings()


@pytest.mark.parametrize(
    ("unsafe", "named"),
    [
        ({"auth_mode": "off"}, "AUTH_MODE"),
        ({"error_include_traceback": True}, "ERROR_INCLUDE_TRACEBACK"),
        ({"log_request_body": True}, "LOG_REQUEST_BODY"),
        ({"log_response_body": True}, "LOG_RESPONSE_BODY"),
        ({"azure_client_secret": "your-client-secret"}, "AZURE_CLIENT_SECRET"),
        ({"metrics_token": "changeme"}, "METRICS_TOKEN"),
        ({"database_url": "postgresql://voice:postgres@db/voices"}, "DATABASE_URL"),
        ({"redis_url": "redis://:redis@cache:6379"}, "REDIS_URL"),
        (
            {"azure_storage_connection_string": "UseDevelopmentStorage=true"},
            "AZURE_STORAGE_CONNECTION_STRING",
        ),
        ({"azure_tenant_id": "your-tenant-id"}, "AZURE_TENANT_ID"),
    ],
)
def test_what_is_unsafe_is_refused_in_production_and_warned_of_in_development(unsafe, named):
    with pytest.raises(ConfigurationError) as refused:
        check(settings(**PRODUCTION | unsafe))
    assert named in refused.value.detail

    warnings = check(settings(**{"host": "0.0.0.0"} | unsafe, environment="development"))
    assert any(named in warning for warning in warnings)


def test_a_safe_production_starts_without_a_warning():
    safe = {
        "database_url": "postgresql://voice:a8Zq.4-kk@db/voices?sslmode=require",
        "redis_url": "rediss://:0c7f2ab19e@cache:6380",
        "metrics_token": "7fbc0e51a2",
        "allowed_origins": "https://studio.example.com",
        "c2pa": "never",
    }

    assert check(settings(**PRODUCTION | safe)) == []


def test_production_without_a_certificate_is_warned_that_files_carry_no_manifest():
    [warning] = [one for one in check(settings(**PRODUCTION)) if "C2PA" in one]

    assert "C2PA_CERTIFICATE" in warning


@pytest.mark.parametrize(
    "wrong",
    [{"c2pa_certificate": "a.pem"}, {"c2pa_private_key": "a.pem"}, {"c2pa": "always"}],
    ids=["no key", "no certificate", "neither"],
)
def test_what_signs_is_named_as_a_whole(wrong):
    with pytest.raises(ConfigurationError, match="C2PA_CERTIFICATE and C2PA_PRIVATE_KEY"):
        check(settings(**PRODUCTION | wrong))


def test_a_fallback_that_names_no_engine_is_warned_of():
    warned = check(settings(fallback="always", environment="development"))

    assert any("FALLBACK_ENGINES" in warning for warning in warned)
    named = settings(fallback="always", fallback_engines="kokoro", environment="development")
    assert not any("FALLBACK" in warning for warning in check(named))


def test_development_on_loopback_starts_without_a_warning():
    assert check(settings()) == []


@pytest.mark.parametrize(
    "contradiction",
    [
        {"allowed_origins": "*", "cors_allow_credentials": True},
        {"rate_limit_characters": 10},
        {"storage_backend": "s3"},
        {"storage_backend": "azure"},
        {"database_url": "your-database-connection-string"},
        {"database_url": "mysql://voice@host/voices"},
        {"allowed_origins": "shop.example.com"},
        {"allowed_origins": "https://shop.example.com/page"},
        {"cosmos_db_key": "k"},
        {"cosmos_db_endpoint": "my-account"},
        {"cosmos_db_endpoint": "https://cosmos", "cosmos_db_throughput": 1500},
        {"auth_mode": "entra"},
        {"auth_mode": "entra", "azure_tenant_id": "t"},
        {"auth_mode": "entra", "azure_tenant_id": "organizations", "azure_client_id": "c"},
        {"auth_mode": "entra", "oidc_issuer": "https://issuer.example.com"},
        {"voice_engine": "azure"},
        {"voice_engine": "azure", "azure_speech_key": "k"},
        {"voice_engine": "azure", "azure_speech_region": "westeurope"},
    ],
)
def test_settings_that_contradict_each_other_are_refused_everywhere(contradiction):
    with pytest.raises(ConfigurationError):
        check(settings(**contradiction))


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, ("AZURE_SPEECH_KEY", "AZURE_SPEECH_ENDPOINT", "AZURE_SPEECH_RESOURCE_ID")),
        ({"azure_speech_key": "k"}, ("AZURE_SPEECH_REGION",)),
        ({"azure_speech_endpoint": "https://a.example.com"}, ("AZURE_SPEECH_RESOURCE_ID",)),
    ],
)
def test_the_engine_azure_says_what_it_lacks(given, named):
    with pytest.raises(ConfigurationError) as refused:
        check(settings(voice_engine="azure", **given))
    assert all(name in refused.value.detail for name in named)


def test_the_setting_that_names_the_engine_is_told():
    with pytest.raises(ConfigurationError) as refused:
        check(settings(fallback_engines="azure"))
    assert "FALLBACK_ENGINES=azure needs" in refused.value.detail
    assert "VOICE_ENGINE" not in refused.value.detail


def test_the_engine_azure_starts_by_key_or_by_identity():
    identity = {
        "azure_speech_endpoint": "https://a.example.com",
        "azure_speech_resource_id": "/subscriptions/s",
    }
    for given in ({"azure_speech_key": "k", "azure_speech_region": "westeurope"}, identity):
        assert check(settings(voice_engine="azure", **given)) == []


@pytest.mark.parametrize(
    "address", [None, "https://a.example.com/c", "http://a.example.com/c?sig=s"]
)
def test_trainings_at_azure_need_a_container_with_a_signature(address):
    given = {"azure_speech_key": "k", "azure_speech_region": "westeurope"}
    given |= {"azure_speech_training": True, "azure_speech_training_container_url": address}
    unsafe = {"environment": "production"} if address else {}

    with pytest.raises(ConfigurationError) as refused:
        check(settings(voice_engine="azure", **given, **unsafe))

    assert "AZURE_SPEECH_TRAINING_CONTAINER_URL" in refused.value.detail
    assert "sig=s" not in refused.value.detail


def test_what_cosmos_db_cannot_do_is_told():
    warnings = check(settings(cosmos_db_endpoint="https://cosmos"))

    assert len(warnings) == 1
    assert warnings[0].startswith("FINGERPRINTS is off")


def test_an_error_about_a_setting_does_not_repeat_its_value(monkeypatch):
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "s3cr3t-value")
    monkeypatch.setenv("PORT", "s3cr3t-port")

    with pytest.raises(ValidationError) as error:
        settings()
    assert "s3cr3t" not in str(error.value)


def test_config_show_prints_all_and_masks_secrets(monkeypatch):
    secrets = {
        "DATABASE_URL": "postgresql://voice:pa55-word@db/voices",
        "REDIS_URL": "redis://cache@host?password=pa55-word",
        "AZURE_STORAGE_CONNECTION_STRING": "AccountName=a;AccountKey=pa55-word",
        "METRICS_TOKEN": "pa55-word",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)

    result = CliRunner().invoke(cli, ["config", "show"])

    assert result.exit_code == 0, result.output
    shown = dict(line.split("\t")[:2] for line in result.stdout.splitlines())
    assert set(shown) == {name.upper() for name in Settings.model_fields}
    assert shown["DATABASE_URL"] == "postgresql://voice:********@db/voices"
    assert shown["METRICS_TOKEN"] == shown["AZURE_STORAGE_CONNECTION_STRING"] == MASK
    assert "pa55-word" not in result.output


def test_no_secret_is_a_plain_text():
    """A field that is named like a secret would be printed."""
    plain = [
        name
        for name, field in Settings.model_fields.items()
        if any(word in name for word in ("secret", "key", "token", "password", "connection"))
        and SecretStr.__name__ not in str(field.annotation)
    ]

    vault = {"url", "client_id", "tenant_id", "refresh_minutes"}
    # Names, not secrets.
    assert set(plain) == {"s3_access_key_id", *(f"key_vault_{name}" for name in vault)}


@pytest.mark.services
@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"PORT": "abc"}, "port"),
        ({"ENVIRONMENT": "production"}, "AUTH_MODE is off"),
        ({"ENVIRONMENT": "production"}, "config show"),  # what to do
        ({"DATABASE_URL": "mysql://voice@host/voices"}, "DATABASE_URL must be postgresql://"),
    ],
)
def test_a_server_that_must_not_start_says_why_without_a_traceback(folder, environment, told):

    result = subprocess.run(
        [sys.executable, "-m", "app.main"],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert result.returncode == 1
    assert told in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.services
@pytest.mark.parametrize("form", ["json", "pretty"])
def test_a_start_that_fails_says_why_and_what_to_do_without_a_traceback(folder, form):
    given = {"VOICE_ENGINE": "fake", "REDIS_URL": "nowhere", "LOG_FORMAT": form, "PORT": "0"}

    result = subprocess.run(
        [sys.executable, "-m", "app.main"],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert result.returncode != 0
    told = [line for line in result.stderr.splitlines() if "cannot start" in line]
    assert len(told) == 1
    assert "REDIS_URL is no address of Redis." in told[0]
    assert "Write redis://" in told[0]
    assert "Traceback" not in result.stderr


def test_auth_off_on_loopback_is_refused_in_production():
    with pytest.raises(ConfigurationError, match="AUTH_MODE"):
        check(settings(environment="production"))
