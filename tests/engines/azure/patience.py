"""Time that passes only where somebody waits."""

from dataclasses import dataclass, field
from typing import Any

from app.engines.azure.engine import AzureEngine, make_engine
from app.engines.azure.identity import Signer
from app.engines.azure.options import AzureOptions
from tests.azure_fake.speech import SpeechFake


@dataclass
class Patience:
    """`waits`: how long each was, in s."""

    now: float = 0.0
    waits: list[float] = field(default_factory=list)

    async def pause(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def clock(self) -> float:
        return self.now


def engine_over(
    service: SpeechFake, patience: Patience, signs: Signer | None = None, **options: Any
) -> AzureEngine:
    """Its account is that of the fake."""
    usual: dict[str, Any] = {"key": lambda: service.account.key, "endpoint": service.url}
    account = AzureOptions(**usual | {"timeout_s": 5.0} | options)
    return make_engine(account, pause=patience.pause, clock=patience.clock, signs=signs)
