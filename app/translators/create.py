"""The translator and the chat model that the settings name."""

import asyncio
import uuid
from collections.abc import Mapping

from pydantic import SecretStr

from app.core.clock import Clock
from app.core.config import Settings
from app.core.logging import request_id
from app.translators.azure import AzureSite, AzureTranslator
from app.translators.base import Translator
from app.translators.chat import ChatTranslator
from app.translators.completions import ChatModel, ChatSite
from app.translators.fake import FakeTranslator
from app.translators.http import Headers, Patience, Pause, ServiceClient
from app.translators.identity import Token, entra_token


def create_translator(
    settings: Settings, clock: Clock, *, pause: Pause = asyncio.sleep
) -> Translator | None:
    """None where there is none.

    Raises:
        ConfigurationError: a library for the settings is missing.
    """
    wanted = settings.translator
    if wanted == "auto":
        wanted = "azure" if settings.azure_translates else "openai" if settings.chats else "none"
    if wanted == "fake":
        return FakeTranslator()
    if wanted == "azure":
        site = AzureSite(
            settings.azure_translator_endpoint,
            settings.azure_translator_version,
            settings.azure_translator_path,
        )
        headers = _for_translator(settings)
        client = _client("azure-translator", headers, settings, clock=clock, pause=pause)
        return AzureTranslator(client, site)
    model = create_chat_model(settings, clock, pause=pause) if wanted == "openai" else None
    return ChatTranslator(model) if model else None


def create_chat_model(
    settings: Settings, clock: Clock, *, pause: Pause = asyncio.sleep
) -> ChatModel | None:
    """None where there is none.

    Raises:
        ConfigurationError: a library for the settings is missing.
    """
    if not settings.chats:
        return None
    azure = settings.azure_chats
    headers = _for_azure_openai(settings) if azure else _bearer(settings.openai_api_key)
    site = _azure_site(settings) if azure else _other_site(settings)
    client = _client("chat", headers, settings, clock=clock, pause=pause)
    return ChatModel(client, site)


def _client(
    service: str, headers: Headers, settings: Settings, *, clock: Clock, pause: Pause
) -> ServiceClient:
    patience = Patience(
        settings.services_timeout_s, settings.services_tries, settings.services_patience_s
    )
    return ServiceClient(service, headers, patience=patience, pause=pause, clock=clock)


def _for_translator(settings: Settings) -> Headers:
    key, token = settings.azure_translator_key, _token(settings, settings.azure_translator_auth)
    usual: dict[str, str] = {}
    if settings.azure_translator_region:
        usual["Ocp-Apim-Subscription-Region"] = settings.azure_translator_region
    if token and settings.azure_translator_resource_id:
        usual["Ocp-Apim-ResourceId"] = settings.azure_translator_resource_id

    async def headers() -> Mapping[str, str]:
        # Of our request, in the form that the service takes: the same for the same one.
        trace = uuid.uuid5(uuid.NAMESPACE_URL, request_id.get())
        own = {"X-ClientTraceId": str(trace), **usual}
        if token:
            return own | {"Authorization": f"Bearer {await token()}"}
        return own | ({"Ocp-Apim-Subscription-Key": key.get_secret_value()} if key else {})

    return headers


def _for_azure_openai(settings: Settings) -> Headers:
    key, token = settings.azure_openai_api_key, _token(settings, settings.azure_openai_auth)

    async def headers() -> Mapping[str, str]:
        own = {"x-ms-client-request-id": request_id.get()}
        if token:
            return own | {"Authorization": f"Bearer {await token()}"}
        return own | ({"api-key": key.get_secret_value()} if key else {})

    return headers


def _bearer(key: SecretStr | None) -> Headers:
    async def headers() -> Mapping[str, str]:
        return {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}

    return headers


def _token(settings: Settings, auth: str) -> Token | None:
    return entra_token(settings) if auth == "entra" else None


def _azure_site(settings: Settings) -> ChatSite:
    base, deployment = settings.azure_openai_endpoint or "", settings.azure_openai_deployment or ""
    base, version = base.rstrip("/").removesuffix("/openai/v1"), settings.azure_openai_api_version
    dated = version != "v1"
    path = f"openai/deployments/{deployment}" if dated else "openai/v1"
    return ChatSite(
        name="Azure OpenAI",
        settings="AZURE_OPENAI_ENDPOINT, AZURE_OPENAI_API_KEY and AZURE_OPENAI_DEPLOYMENT",
        url=f"{base}/{path}/chat/completions",
        model=deployment,
        params={"api-version": version} if dated else {},
        response_format=settings.openai_response_format,
        length_limit=settings.openai_length_limit,
        temperature=settings.openai_temperature,
    )


def _other_site(settings: Settings) -> ChatSite:
    return ChatSite(
        name="The chat model",
        settings="OPENAI_BASE_URL, OPENAI_API_KEY and OPENAI_MODEL",
        url=f"{(settings.openai_base_url or '').rstrip('/')}/chat/completions",
        model=settings.openai_model or "",
        response_format=settings.openai_response_format,
        length_limit=settings.openai_length_limit,
        temperature=settings.openai_temperature,
    )
