"""Our clients of the fakes, without a network between them."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2

from app.db.cosmos.access import Access, KeyAccess
from app.db.cosmos.client import CosmosClient, Retries
from app.db.cosmos.database import CosmosDatabase
from tests.azure_fake.cosmos import State, cosmos_app


async def no_pause(seconds: float) -> None:
    """Waits for nothing."""


def fake_cosmos(
    state: State | None = None,
    *,
    app: Any = None,
    access: Access | None = None,
    retries: Retries | None = None,
    pause: Callable[[float], Awaitable[None]] = no_pause,
) -> CosmosDatabase:
    """A database in a fake account of its own, or in this one.

    Args:
        app: instead of that of the account, as with faults.
    """
    state = state or State()
    client = CosmosClient(
        "http://cosmos.test",
        access or KeyAccess(state.key),
        retries=retries,
        pause=pause,
        transport=httpx2.ASGITransport(app or cosmos_app(state), raise_app_exceptions=False),
    )
    return CosmosDatabase(client, "voice-cloning", throughput=1000)
