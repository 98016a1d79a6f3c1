"""Tokens of Entra instead of keys, from a machine's identity as its endpoint gives them."""

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.core.exceptions import TranslationUnavailable
from tests.azure_fake.serving import served
from tests.azure_fake.translator import TranslatorState
from tests.translators.made import Site, translating

pytestmark = [pytest.mark.anyio, pytest.mark.services]


async def test_a_token_of_the_machine_opens_the_translator(
    azure: Site[TranslatorState], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def token(request: Request) -> Response:
        asked.append(request.query_params["resource"])
        if len(asked) > 1:
            return JSONResponse({"error": "none"}, 400)
        return JSONResponse(
            {
                "access_token": "a-token", "expires_on": "9999999999", "token_type": "Bearer",
                "resource": asked[0],
            }
        )  # fmt: skip

    azure.state.token = "a-token"  # noqa: S105 - known to nobody else
    settings: dict[str, Any] = {
        "azure_translator_endpoint": azure.url, "azure_translator_auth": "entra",
    }  # fmt: skip
    with served(Starlette(routes=[Route("/token", token)])) as url:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{url}/token")
        monkeypatch.setenv("IDENTITY_HEADER", "h")
        async with translating(**settings) as translator:
            [done] = await translator.translate(["Ja"], target="en")
            await translator.translate(["Ja"], target="en")
        async with translating(**settings) as translator:
            with pytest.raises(TranslationUnavailable):
                await translator.translate(["Ja"], target="en")

    assert done.text == "jA"
    assert asked[0] == "https://cognitiveservices.azure.com"
    assert len(asked) == 2
