"""Application Insights: whether the connection string is one, and leads somewhere."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import httpx2

from app.core.config import Settings
from app.core.tracing import check_extras
from app.doctor.azure.watching import Watch
from app.doctor.findings import Check, Wrong

_SETTING: Final = "APPLICATIONINSIGHTS_CONNECTION_STRING"
_USUAL: Final = "https://dc.services.visualstudio.com"
_ANSWER_S: Final = 10.0


@asynccontextmanager
async def insights_checks(settings: Settings, watch: Watch) -> AsyncIterator[Sequence[Check]]:
    secret = settings.applicationinsights_connection_string
    text = secret.get_secret_value() if secret else ""

    async def library() -> str:
        check_extras(settings)
        return "what sends traces is installed."

    async def form() -> str:
        _address(text)
        return "it has a key and an address. Whether the key is known shows only in the portal."

    async def reach() -> str:
        address = _address(text)
        try:
            async with httpx2.AsyncClient(timeout=_ANSWER_S) as client:
                await client.get(address)
        except httpx2.HTTPError as error:
            raise Wrong(
                f"{address} in {_SETTING} cannot be reached: {type(error).__name__}."
            ) from None
        return f"{urlsplit(address).hostname} answers. No trace was sent."

    yield [
        Check("library", library),
        Check("connection string", form, needed=True),
        Check("address", reach),
    ]


def _address(text: str) -> str:
    """Where traces are sent."""
    values = {
        name.strip().lower(): value.strip()
        for name, _, value in (part.partition("=") for part in text.split(";"))
    }
    try:
        UUID(values.get("instrumentationkey", ""))
    except ValueError:
        raise Wrong(
            f"{_SETTING} has no InstrumentationKey. Copy it whole from the overview page."
        ) from None
    address = values.get("ingestionendpoint") or _USUAL
    if urlsplit(address).scheme not in ("https", "http") or not urlsplit(address).hostname:
        raise Wrong(f"The IngestionEndpoint in {_SETTING} is no address.")
    return address
