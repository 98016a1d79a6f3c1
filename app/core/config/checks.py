"""What is wrong with settings that are each well-formed."""

import os
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import SecretStr

from app.core.config import Settings, env_files
from app.core.config.server import LOOPBACK
from app.core.exceptions import ConfigurationError
from app.core.ids import is_id

# Values of examples, and what people write where they mean to choose later.
_PLACEHOLDER = re.compile(
    r"your-|(change-?(me|this|it)|placeholder|example|secret|password|default|test|todo|xxx+|<.*>)$",
    re.IGNORECASE,
)
_URL_PASSWORD = re.compile(r"//[^/@:]*:(?P<password>[^/@]+)@")
_DEFAULT_PASSWORDS = {"postgres", "admin", "root", "user", "guest", "redis", "voice", "123456"}
_DATABASE = re.compile(r"(postgres|postgresql|sqlite)(\+\w+)?:", re.IGNORECASE)
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#\s]+", re.IGNORECASE)
# Of the storage emulator; public.
_EMULATOR = ("devstoreaccount1", "usedevelopmentstorage=true")


def check(settings: Settings) -> list[str]:
    """Warnings, in the order of importance.

    Raises:
        ConfigurationError: the service must not be started like this.
    """
    errors = [
        *_contradictions(settings),
        *_unsigned(settings),
        *_speechless(settings),
        *_words(settings),
        *_unfinished(settings),
    ]
    risks = list(_risks(settings))
    if not settings.unsafe_allowed:
        errors += risks
    if errors:
        raise ConfigurationError(
            " ".join(errors),
            "Change the settings; `voice-cloning config show` prints those in effect."
            + ("" if settings.unsafe_allowed or not risks else " Or use ENVIRONMENT=development."),
        )
    return [*risks, *_ignored(settings)]


def unknown_keys() -> list[str]:
    """Names in the files that no setting has, in the order of the files."""
    known = {name.upper() for name in Settings.model_fields}
    names = [name for file in env_files() for name in dotenv_values(file)]
    return [name for name in dict.fromkeys(names) if name.upper() not in known]


def _contradictions(settings: Settings) -> Iterator[str]:
    if not _DATABASE.match(settings.database):
        yield "DATABASE_URL must be postgresql://USER:PASSWORD@HOST/NAME or sqlite:////PATH."
    for origin in settings.allowed_origins:
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            yield f"ALLOWED_ORIGINS={origin}: an origin is https://HOST or https://HOST:PORT."
    if settings.rate_limit_characters < settings.max_text_chars:
        yield (
            f"RATE_LIMIT_CHARACTERS={settings.rate_limit_characters} is less than "
            f"MAX_TEXT_CHARS={settings.max_text_chars}: the longest text could never be spoken."
        )
    if "*" in settings.allowed_origins and settings.cors_allow_credentials:
        yield "ALLOWED_ORIGINS=* cannot be combined with CORS_ALLOW_CREDENTIALS=true."
    for host in settings.allowed_hosts:
        if host != "*" and "*" in host.removeprefix("*."):
            yield f"ALLOWED_HOSTS={host}: `*` stands only at the start, as in *.example.com."
    if settings.storage_backend == "s3" and not settings.s3_bucket:
        yield "STORAGE_BACKEND=s3 needs S3_BUCKET."
    if settings.storage_backend == "azure" and not (
        settings.azure_storage_connection_string or settings.azure_storage_account
    ):
        yield (
            "STORAGE_BACKEND=azure needs AZURE_STORAGE_CONNECTION_STRING or AZURE_STORAGE_ACCOUNT."
        )

    yield from _cosmos(settings)


def _cosmos(settings: Settings) -> Iterator[str]:
    if not settings.cosmos_db_endpoint:
        if settings.cosmos_db_key:
            yield "COSMOS_DB_KEY needs COSMOS_DB_ENDPOINT."
        return
    yield from _unprotected(settings, "cosmos_db_endpoint")
    if settings.cosmos_db_throughput % 1000:
        yield "COSMOS_DB_THROUGHPUT must be 0, or some thousands."


def _unsigned(settings: Settings) -> Iterator[str]:
    if settings.c2pa == "never":
        return
    if (settings.c2pa_certificate is None) != (settings.c2pa_private_key is None):
        yield "C2PA_CERTIFICATE and C2PA_PRIVATE_KEY belong together: set both, or none."
    elif settings.c2pa == "always" and not (settings.c2pa_certificate or settings.unsafe_allowed):
        yield "C2PA=always needs C2PA_CERTIFICATE and C2PA_PRIVATE_KEY: see docs/c2pa.md."
    url = urlsplit(settings.c2pa_timestamp_url or "https://unset")
    if url.scheme not in ("http", "https") or not url.hostname:
        yield "C2PA_TIMESTAMP_URL must be an http:// or https:// address."


def _speechless(settings: Settings) -> Iterator[str]:
    """What the engine `azure` lacks."""
    if "azure" not in (settings.voice_engine, *settings.fallback_engines):
        return
    named = f"{'VOICE_ENGINE' if settings.voice_engine == 'azure' else 'FALLBACK_ENGINES'}=azure"
    if settings.azure_speech_key is None:
        for name in ("azure_speech_endpoint", "azure_speech_resource_id"):
            if not getattr(settings, name):
                yield f"{named} needs AZURE_SPEECH_KEY; by identity, {name.upper()}."
    elif not (settings.azure_speech_region or settings.azure_speech_endpoint):
        yield f"{named} needs AZURE_SPEECH_REGION, or AZURE_SPEECH_ENDPOINT."
    yield from _unprotected(
        settings, "azure_speech_endpoint", "azure_speech_url", "azure_speech_voice_url"
    )
    yield from _untrainable(settings)


def _untrainable(settings: Settings) -> Iterator[str]:
    """What the training of professional voices lacks."""
    if not settings.azure_speech_training:
        return
    address = settings.azure_speech_training_container_url
    if address is None or not urlsplit(address.get_secret_value()).query:
        yield (
            "AZURE_SPEECH_TRAINING needs AZURE_SPEECH_TRAINING_CONTAINER_URL: an address "
            "with a SAS."
        )
    yield from _unprotected(settings, "azure_speech_training_container_url")


def _words(settings: Settings) -> Iterator[str]:
    """What translates or prepares texts."""
    if settings.translator == "azure" and not settings.azure_translates:
        yield "TRANSLATOR=azure needs AZURE_TRANSLATOR_KEY, or AZURE_TRANSLATOR_AUTH=entra."
    if settings.translator == "openai" and not settings.chats:
        yield "TRANSLATOR=openai needs AZURE_OPENAI_ENDPOINT, or OPENAI_BASE_URL and its model."
    yield from _unprotected(settings, "azure_translator_endpoint", "azure_openai_endpoint")
    address = urlsplit(settings.openai_base_url or "http://unset")
    if not address.hostname or address.scheme not in ("http", "https"):
        yield "OPENAI_BASE_URL must be an https:// or http:// address."
    elif settings.openai_api_key:
        yield from _unprotected(settings, "openai_base_url")


def _unfinished(settings: Settings) -> Iterator[str]:
    if "entra" not in settings.auth_mode:
        return
    if settings.oidc_issuer:
        if not settings.oidc_audience:
            yield "OIDC_ISSUER needs OIDC_AUDIENCE."
        yield from _unprotected(settings, "oidc_issuer", "oidc_jwks_url")
        return
    yield from _unprotected(settings, "azure_authority")
    if not settings.azure_tenant_id:
        yield "AUTH_MODE=entra needs AZURE_TENANT_ID."
    elif not settings.tenants:
        yield f"AZURE_TENANT_ID={settings.azure_tenant_id} needs AZURE_ALLOWED_TENANTS."
    elif not all(is_id(name) for name in settings.tenants):
        yield "AZURE_TENANT_ID and AZURE_ALLOWED_TENANTS need ids of tenants, not their names."
    if not (settings.azure_client_id or settings.azure_audience):
        yield "AUTH_MODE=entra needs AZURE_CLIENT_ID or AZURE_AUDIENCE."


def _unprotected(settings: Settings, *names: str) -> Iterator[str]:
    """Addresses of keys: whoever could change those on their way could be anybody."""
    for name in names:
        value = getattr(settings, name) or "https://unset"
        address = urlsplit(value.get_secret_value() if isinstance(value, SecretStr) else value)
        on_this_machine = address.hostname in LOOPBACK or settings.unsafe_allowed
        if not address.hostname or not (
            address.scheme == "https" or (address.scheme == "http" and on_this_machine)
        ):
            yield f"{name.upper()} must be an https:// address."


def _risks(settings: Settings) -> Iterator[str]:
    """What nobody should do where others can reach the service."""
    if settings.auth_mode == ("off",) and not (settings.on_loopback and settings.unsafe_allowed):
        where = f"on the public address {settings.host}" if not settings.on_loopback else "here"
        yield f"Anybody may do anything {where}: AUTH_MODE is off, not api_key or entra."
    if settings.error_include_traceback:
        yield "ERROR_INCLUDE_TRACEBACK shows the inside of the program to every caller."
    if "*" in settings.allowed_origins and settings.auth_mode == ("off",):
        yield "ALLOWED_ORIGINS=* without authentication lets every web page use the service."
    if settings.log_request_body or settings.log_response_body:
        yield "LOG_REQUEST_BODY and LOG_RESPONSE_BODY write personal data to the log."
    if settings.translator == "fake":
        yield "TRANSLATOR=fake does not translate: it marks texts, for tests."
    yield from _default_secrets(settings)


def _default_secrets(settings: Settings) -> Iterator[str]:
    for name, value in settings:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if not isinstance(text, str) or name in ("voice_engine", "auth_default_role"):
            continue
        password = _URL_PASSWORD.search(text)
        secret = password["password"] if password else text
        default = _PLACEHOLDER.match(secret) is not None or (
            password is not None and secret.lower() in _DEFAULT_PASSWORDS
        )
        if name == "azure_storage_connection_string":
            default |= any(mark in text.lower() for mark in _EMULATOR)
        if secret.startswith("your-"):
            yield f"{name.upper()} is still that of an example: fill it in, or remove it."
        elif default and isinstance(value, SecretStr):
            yield f"{name.upper()} has a value that everybody knows."


def _ignored(settings: Settings) -> Iterator[str]:
    if settings.fingerprints and not settings.remembers_outputs:
        yield "FINGERPRINTS is off: with Cosmos DB, outputs are not recognised by their sound."
    if settings.fallback == "always" and not settings.fallback_engines:
        yield "FALLBACK is of no use without FALLBACK_ENGINES."
    if settings.azure_openai_endpoint and not settings.azure_chats:
        yield "AZURE_OPENAI_ENDPOINT is of no use without AZURE_OPENAI_DEPLOYMENT and a key."
    if settings.openai_base_url and not settings.openai_model:
        yield "OPENAI_BASE_URL is of no use without OPENAI_MODEL."
    if settings.workers > 1 and settings.rate_limiting_enabled and not settings.redis_url:
        yield "Each of the processes has rate limits of its own: set REDIS_URL to share them."
    if "WEB_CONCURRENCY" in os.environ and not settings.redis_url:
        yield "WEB_CONCURRENCY starts several processes, whose rate limits REDIS_URL would share."
    if settings.c2pa == "auto" and not (settings.c2pa_certificate or settings.unsafe_allowed):
        yield "Files carry no C2PA manifest: set C2PA_CERTIFICATE, or C2PA=never to say so."
    for name in unknown_keys():
        yield f"There is no setting {name}: see docs/configuration.md."
