"""What the engine is told of the account at Azure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

_REGIONAL: Final = ".api.cognitive.microsoft.com"
DRAGON: Final = "DragonLatestNeural"
RATES: Final = (24_000, 48_000)
"""Of speech, in Hz, that Azure makes without changing its rate."""


@dataclass(frozen=True, slots=True)
class AzureBatch:
    """Batch synthesis.

    Attributes:
        at_least: texts, for which it is used; 0: never.
        api_version: of it.
        ttl_hours: so long Azure keeps what it has made, if we do not delete it.
        wait_s: so long it may take.
    """

    at_least: int = 0
    api_version: str = "2024-04-01"
    ttl_hours: int = 24
    wait_s: float = 1800.0


@dataclass(frozen=True, slots=True)
class AzureTraining:
    """How professional voices are trained.

    Attributes:
        container_url: gives the address of a blob container, anew with every use; with a SAS that
            may read, list, write and delete.
        project_id: the project that holds them; made when it is needed first.
        kind: of data set. recipe: kind of training. endpoint_kind: how they are kept ready.
        poll_s: longest pause between two looks at what Azure is making.
        hours: so long it may take.
        away_s: so long Azure may be away in the meantime.
    """

    container_url: Callable[[], str] | None = field(default=None, repr=False)
    project_id: str = "voice-cloning-professional"
    kind: str = "AudioOnly"
    recipe: str = "Default"
    endpoint_kind: str = "HighPerformance"
    poll_s: float = 300.0
    hours: float = 72.0
    away_s: float = 3600.0


@dataclass(frozen=True, slots=True)
class AzureOptions:
    """An account of Azure AI Speech, and how it is used.

    Attributes:
        key: gives the key, anew with every use; None to ask by identity.
        region: e.g. `westeurope`; of no use where there is an endpoint.
        endpoint: custom domain, `https://NAME.cognitiveservices.azure.com`.
        speech_url: where text is sent, if it is none of the usual addresses.
        resource_id: `/subscriptions/...`, of the account; with identity.
        client_id: of a user-assigned identity; None: that of the machine or pod.
        api_version: of the management of voices.
        base_model: that speaks personal voices.
        stock_voice: short name of the voice for trying out.
        project_id: the project that holds our voices; made when it is needed first.
        timeout_s: without a byte from Azure.
        tries: of a request, the first one among them.
        retry_s: longest time after which a request is tried once more.
        poll_s: first pause between two looks at what Azure is making.
        enrol_s: so long it may take to make a consent or a voice there.
        per_second: texts that may be sent in a second.
        concurrency: texts that are spoken at once.
        voice_url: where text for professional voices is sent, if it is none of the usual addresses.
        training: of professional voices; None: there is none.
        sample_rate: of the speech, in Hz: `RATES`.
        batch: how many texts are spoken ahead.
    """

    key: Callable[[], str] | None = field(default=None, repr=False)
    region: str | None = None
    endpoint: str | None = None
    speech_url: str | None = None
    resource_id: str | None = None
    client_id: str | None = None
    api_version: str = "2026-01-01"
    base_model: str = DRAGON
    stock_voice: str = "en-US-AvaMultilingualNeural"
    project_id: str = "voice-cloning"
    timeout_s: float = 30.0
    tries: int = 4
    retry_s: float = 60.0
    poll_s: float = 1.0
    enrol_s: float = 120.0
    per_second: int = 200
    concurrency: int = 16
    voice_url: str | None = None
    training: AzureTraining | None = None
    sample_rate: int = RATES[0]
    batch: AzureBatch = field(default_factory=AzureBatch)

    @property
    def custom_voice_url(self) -> str:
        """Where voices are managed."""
        return f"{self._managing}/customvoice"

    @property
    def batch_url(self) -> str:
        """Where many texts are sent together."""
        return f"{self._managing}/texttospeech"

    @property
    def _managing(self) -> str:
        host = self.endpoint or f"https://{self.region}{_REGIONAL}"
        return host.rstrip("/")

    @property
    def synthesis_url(self) -> str:
        """Where text is sent."""
        if self.speech_url:
            return self.speech_url
        return self._speech_url("tts")

    @property
    def professional_url(self) -> str:
        """Where text for professional voices is sent."""
        return self.voice_url or self._speech_url("voice")

    def _speech_url(self, kind: str) -> str:
        host = (self.endpoint or "").rstrip("/")
        # What the portal calls the endpoint of an account without a custom domain.
        region = host.removesuffix(_REGIONAL).removeprefix("https://")
        if host and not host.endswith(_REGIONAL):
            return f"{host}/{kind}/cognitiveservices/v1"
        return f"https://{region or self.region}.{kind}.speech.microsoft.com/cognitiveservices/v1"
