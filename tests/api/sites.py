"""A server that has another service behind it, as the tests ask it to speak."""

from typing import Any, Generic, TypeVar

from fastapi.testclient import TestClient

from app.engines.fake import read_back
from tests.audio.signals import read_pcm
from tests.conftest import registered

T = TypeVar("T")
SPEAK = "/api/v1/synthesis/speak"
TRANSLATE = "/api/v1/translation/translate"


class Site(Generic[T]):
    """A server, and a voice.

    Args:
        state: of the fake of the service.
        usual: what a request to speak says if nobody says otherwise.
    """

    def __init__(self, client: TestClient, state: T, **usual: Any) -> None:
        self.client = client
        self.state = state
        self.voice = registered(client)
        self._usual = {"voice": self.voice, "format": "pcm", **usual}

    def speak(self, path: str = SPEAK, **fields: Any) -> Any:
        body = {name: value for name, value in (self._usual | fields).items() if value is not None}
        return self.client.post(path, json=body)

    def translate(self, *texts: str, owner: str | None = None, **more: Any) -> Any:
        body = {"texts": list(texts), "target_language": "en-US"} | more
        headers = {"X-Owner": owner} if owner else {}
        return self.client.post(TRANSLATE, json=body, headers=headers)

    def last(self) -> dict[str, Any]:
        """The newest entry of the history; nothing if there is none yet."""
        entries: list[dict[str, Any]]
        entries = self.client.get("/api/v1/synthesis/history").json()["items"]
        return entries[0] if entries else {}


def said(pcm: bytes) -> list[str]:
    """The texts that the fake engine has spoken."""
    return [text for _, text in read_back(read_pcm(pcm))]
