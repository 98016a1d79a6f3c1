"""Chat models behind `/chat/completions`, as OpenAI and many others have it: Azure OpenAI in both
of its forms, and any other service or server of one's own.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from app.translators.http import CallFailed, Reason, ServiceClient

ResponseFormat = Literal["json_schema", "json_object", "none"]
LengthLimit = Literal["max_completion_tokens", "max_tokens", "none"]

_FILTERED: Final = "content_filter"
_FENCE: Final = "```"


@dataclass(frozen=True, slots=True)
class ChatSite:
    """Where a model is, and what it takes.

    Attributes:
        name: of the service, as a caller may know it.
        settings: names of those that an operator would look at.
        url: of `/chat/completions`.
        params: of the query.
        response_format: how it is told to answer with JSON; `none` where it cannot be.
        length_limit: name of the member that bounds the answer.
        temperature: None leaves it to the model: some take none.
    """

    name: str
    settings: str
    url: str
    model: str
    params: Mapping[str, str] = field(default_factory=dict)
    response_format: ResponseFormat = "json_schema"
    length_limit: LengthLimit = "max_completion_tokens"
    temperature: float | None = None


class ChatModel:
    """Asks a model for JSON. The task stands in the system message; what a caller has written is
    data, alone in the user message.
    """

    def __init__(self, client: ServiceClient, site: ChatSite) -> None:
        self._client = client
        self.site = site

    async def close(self) -> None:
        await self._client.close()

    async def ask(self, task: str, data: Any, *, schema: Mapping[str, Any], tokens: int) -> Any:
        """What the model answers, as its JSON says; not checked against the schema.

        Args:
            data: is sent as JSON.
            tokens: that the answer may have.

        Raises:
            CallFailed: also where the answer was cut off or filtered.
        """
        site = self.site
        body: dict[str, Any] = {
            "model": site.model,
            "messages": [
                {"role": "system", "content": task},
                {"role": "user", "content": json.dumps(data, ensure_ascii=False)},
            ],
        }
        if site.response_format == "json_schema":
            form = {"name": "answer", "strict": True, "schema": schema}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        elif site.response_format == "json_object":
            body["response_format"] = {"type": "json_object"}
        if site.length_limit != "none":
            body[site.length_limit] = tokens
        if site.temperature is not None:
            body["temperature"] = site.temperature
        answer = await self._client.call("POST", site.url, params=site.params, body=body)
        return _said(answer.document)


def _said(document: Any) -> Any:
    try:
        choice = document["choices"][0]
        content, reason = choice["message"]["content"], choice.get("finish_reason")
        if reason == _FILTERED:
            raise CallFailed(Reason.REFUSED, status=200, code=_FILTERED)
        if reason == "length" or not isinstance(content, str):
            raise CallFailed(Reason.UNREADABLE, status=200, code="length" if reason else None)
        return json.loads(_bare(content))
    except (KeyError, IndexError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise CallFailed(Reason.UNREADABLE, status=200) from error


def _bare(content: str) -> str:
    """Without the fence that models like to put around JSON."""
    text = content.strip()
    if text.startswith(_FENCE) and text.endswith(_FENCE) and "\n" in text:
        return text[text.index("\n") : -len(_FENCE)]
    return text
