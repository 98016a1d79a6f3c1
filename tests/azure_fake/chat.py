"""`/chat/completions`: of Azure OpenAI in both of its forms, and of others.

Translates as the fake translator does, by changing the case of letters.
"""

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.azure_fake.faults import Faults

KEY = "key-of-the-fake-model"
MODEL = "a-model"


@dataclass
class ChatState:
    """What it has been asked, and what it is to say.

    Attributes:
        says: contents of the next answers, instead of its own.
        prepares: what it makes of a text that is to be prepared.
        finish_reason: of all answers.
        bodies: of all calls.
        paths: of the same, with their queries.
    """

    faults: Faults = field(default_factory=Faults)
    says: deque[str] = field(default_factory=deque)
    prepares: Callable[[str], str] = lambda text: f"<speak>{text}</speak>"
    finish_reason: str = "stop"
    bodies: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


def chat_app(state: ChatState) -> Faults:
    async def azure(request: Request) -> Response:
        if request.headers.get("api-key") != KEY:
            return _error(401, "401")
        if "deployment" in request.path_params and "api-version" not in request.query_params:
            return _error(404, "404")
        return await _completed(state, request)

    async def other(request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return _error(401, "invalid_api_key")
        return await _completed(state, request)

    dated = "/openai/deployments/{deployment}/chat/completions"
    state.faults.app = Starlette(
        routes=[
            Route("/openai/v1/chat/completions", azure, methods=["POST"]),
            Route(dated, azure, methods=["POST"]),
            Route("/v1/chat/completions", other, methods=["POST"]),
        ]
    )
    return state.faults


def _error(status: int, code: str) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": "PROVIDER-SECRET-WORDS"}}, status)


async def _completed(state: ChatState, request: Request) -> Response:
    body = await request.json()
    state.bodies.append(body)
    state.paths.append(f"{request.url.path}?{request.url.query}".rstrip("?"))
    if body.get("model") != MODEL:
        return _error(404, "DeploymentNotFound")
    task, asked = body["messages"]
    assert (task["role"], asked["role"]) == ("system", "user")
    data = json.loads(asked["content"])
    content = state.says.popleft() if state.says else json.dumps(_answer(state, data))
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": state.finish_reason}
    return JSONResponse({"object": "chat.completion", "choices": [choice]})


def _answer(state: ChatState, data: dict[str, Any]) -> dict[str, Any]:
    if "text" in data:
        return {"ssml": state.prepares(data["text"])}
    if "target" not in data:
        return {"languages": ["de" for _ in data["texts"]]}
    glossary = data.get("glossary", [])
    return {
        "translations": [
            {"text": _translated(text, glossary), "source": data.get("source", "de")}
            for text in data["texts"]
        ]
    }


def _translated(text: str, glossary: list[dict[str, str]]) -> str:
    made = text.swapcase()
    for pair in glossary:
        made = made.replace(pair["term"].swapcase(), pair["write"])
    return made
