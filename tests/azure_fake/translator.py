"""Azure AI Translator, text, in the versions 2026-06-06 and 3.0.

Its translations change the case of letters, so that all else can be seen to have stayed, and what
is not to be translated to have stayed as a whole.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.azure_fake.faults import Faults
from tests.azure_fake.published import Published

KEY = "key-of-the-fake-translator"
REGION = "westeurope"
_NAMES = {
    "cy": ("Welsh", "Cymraeg"),
    "de": ("German", "Deutsch"),
    "en": ("English", "English"),
    "fr": ("French", "Français"),
    "pt": ("Portuguese (Brazil)", "Português (Brasil)"),
    "zh-Hans": ("Chinese Simplified", "中文 (简体)"),
}
_TAGS = re.compile(r'(<span class="notranslate">.*?</span>|<[^<>]*>|&\w+;)', re.DOTALL)
_MOST_ELEMENTS, _MOST_CHARS = 1000, 50_000
_INPUT = {"text", "language", "script", "textType", "targets"}


@dataclass
class TranslatorState:
    """What it has been asked, and how it is to behave.

    Attributes:
        detects: what it takes every text for.
        loses: leaves out what is not to be translated.
        bodies: of all calls that translate or detect.
        queries: of the same.
        token: of Entra that it takes, besides the key.
    """

    faults: Faults = field(default_factory=Faults)
    detects: str = "de"
    loses: bool = False
    bodies: list[Any] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)
    token: str | None = None

    @property
    def sizes(self) -> list[int]:
        """Characters of each call."""
        return [
            sum(len(one.get("Text", one.get("text"))) for one in _items(b)) for b in self.bodies
        ]


def translator_app(state: TranslatorState) -> Faults:
    def route(path: str, of: Callable[..., Any], method: str, *prefixes: str) -> list[Route]:
        async def endpoint(request: Request) -> Response:
            return await of(state, request)

        return [Route(f"{prefix}/{path}", endpoint, methods=[method]) for prefix in prefixes]

    ours = ("", "/translator/text/v2026-06-06", "/translator/text/v3.0", "/translator/text")
    state.faults.judge = Published("translator-2026-06-06", "translator-3.0", before=ours)
    state.faults.app = Starlette(
        routes=[
            *route("translate", _translate, "POST", *ours),
            *route("detect", _detect, "POST", *ours),
            *route("languages", _languages, "GET", *ours),
        ]
    )
    return state.faults


def error(status: int, code: int) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": "PROVIDER-SECRET-WORDS"}}, status)


def _refusal(state: TranslatorState, request: Request) -> JSONResponse | None:
    if request.query_params.get("api-version") not in ("2026-06-06", "3.0"):
        return error(400, 400021)
    if state.token and request.headers.get("authorization") == f"Bearer {state.token}":
        return None
    if request.headers.get("ocp-apim-subscription-key") != KEY:
        return error(401, 401000)
    if request.headers.get("ocp-apim-subscription-region") != REGION:
        return error(401, 401000)
    if not request.headers.get("content-type", "").startswith("application/json"):
        return error(415, 415000)
    return None


async def _translate(state: TranslatorState, request: Request) -> Response:
    if refusal := _refusal(state, request):
        return refusal
    body = await request.json()
    state.bodies.append(body)
    state.queries.append(dict(request.query_params))
    old = request.query_params["api-version"] == "3.0"
    items = _items(body)
    wrong = _wrong_old(items, request) if old else _wrong_new(body)
    if wrong:
        return error(400, wrong)
    if len(items) > _MOST_ELEMENTS:
        return error(400, 400072)
    if state.sizes[-1] > _MOST_CHARS:
        return error(400, 400077)
    if old:
        query = request.query_params
        source, html = query.get("from"), query.get("textType") == "html"
        made = [
            {"translations": [{"to": query["to"], "text": _made(state, one["Text"], html)}]}
            for one in items
        ]
    else:
        source = items[0].get("language")
        made = [
            {
                "translations": [
                    {
                        "language": one["targets"][0]["language"],
                        "text": _made(state, one["text"], one.get("textType") == "Html"),
                        "sourceCharacters": len(one["text"]),
                    }
                ]
            }
            for one in items
        ]
    if source is None:
        for one in made:
            one["detectedLanguage"] = {"language": state.detects, "score": 0.9}
    headers = {"X-RequestId": "a-request", "x-metered-usage": str(state.sizes[-1])}
    return JSONResponse(made if old else {"value": made}, headers=headers)


async def _detect(state: TranslatorState, request: Request) -> Response:
    if refusal := _refusal(state, request):
        return refusal
    if request.query_params["api-version"] != "3.0":  # gone since
        return error(404, 404000)
    body = await request.json()
    state.bodies.append(body)
    if len(body) > 100 or state.sizes[-1] > _MOST_CHARS:
        return error(400, 400077)
    found = {"language": state.detects, "score": 1.0, "isTranslationSupported": True}
    return JSONResponse([found for _ in body])


async def _languages(_: TranslatorState, request: Request) -> Response:
    """Anybody may ask."""
    if request.query_params.get("api-version") not in ("2026-06-06", "3.0"):
        return error(400, 400021)
    return JSONResponse(
        {
            "translation": {
                tag: {"name": name, "nativeName": own, "dir": "ltr", "models": ["general"]}
                for tag, (name, own) in _NAMES.items()
            }
        }
    )


def _items(body: Any) -> list[dict[str, Any]]:
    return list(body["inputs"]) if isinstance(body, dict) else list(body)


def _wrong_old(items: list[dict[str, Any]], request: Request) -> int | None:
    if any(set(one) != {"Text"} for one in items):
        return 400074
    if request.query_params.get("to") not in _NAMES:
        return 400036
    source = request.query_params.get("from")
    return 400035 if source is not None and source not in _NAMES else None


def _wrong_new(body: Any) -> int | None:
    if set(body) != {"inputs"}:
        return 400074
    for one in body["inputs"]:
        if not set(one) <= _INPUT or one.get("textType", "Plain") not in ("Plain", "Html"):
            return 400074
        if one["targets"][0]["language"] not in _NAMES:
            return 400036
        if one.get("language", "de") not in _NAMES:
            return 400035
    return None


def _made(state: TranslatorState, text: str, html: bool) -> str:
    if not html:
        return text.swapcase()
    parts = _TAGS.split(text)
    if state.loses:
        parts = [part for part in parts if "notranslate" not in part]
    return "".join(part if _TAGS.fullmatch(part) else part.swapcase() for part in parts)
