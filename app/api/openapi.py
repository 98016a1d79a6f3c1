"""What the generated OpenAPI document lacks."""

from typing import Any

from fastapi import FastAPI

from app.api.access import PERMISSION_KEY, PUBLIC
from app.api.errors import Problem
from app.api.rates import POLICY, RETRY_AFTER, STATE
from app.services.access import KEY_HEADER

_DESCRIPTION = """\
Register a voice from a recording, then speak any text in it.

Errors are `application/problem+json` (RFC 9457): look at `code`, show `detail` and `suggestion`.
Each response carries `X-Request-ID`; a usable one that you send is kept.
"""
_TAGS = [
    {"name": "voices", "description": "Register, list, show, delete; speak in a voice."},
    {"name": "synthesis", "description": "Speak: whole, or sentence by sentence."},
    {"name": "jobs", "description": "Long work: how far it is, cancel it, try it again."},
    {"name": "history", "description": "What was spoken, and how much."},
    {"name": "batches", "description": "Speak many texts as one job."},
    {"name": "lexicons", "description": "Teach how words are said."},
    {"name": "consents", "description": "Speakers agree that their voices are cloned."},
    {"name": "provenance", "description": "Was this spoken here?"},
    {"name": "engines", "description": "What the engine that runs can do."},
    {"name": "keys", "description": "API keys: make, list, revoke."},
    {"name": "audit", "description": "Who did what."},
    {"name": "health", "description": "Is the service there, and can it speak?"},
]

_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A token, or an API key."},
    "api_key": {"type": "apiKey", "in": "header", "name": KEY_HEADER},
}

_CHALLENGE = "WWW-Authenticate"
_STRING = {"schema": {"type": "string"}}
_SECONDS = {"schema": {"type": "integer", "minimum": 1}}
_HEADERS = {
    POLICY: {
        "description": 'The limits that count, e.g. `"synthesis";q=50;w=60`: 50 in 60 seconds.',
        **_STRING,
    },
    STATE: {
        "description": 'What is left of them, e.g. `"synthesis";r=49;t=2`: 49, all in 2 seconds.',
        **_STRING,
    },
    RETRY_AFTER: {"description": "Seconds after which to try again.", **_SECONDS},
    _CHALLENGE: {"description": "By RFC 6750, with the reason in `error`.", **_STRING},
}
_OF_STATUS = {
    "401": (_CHALLENGE,),
    "403": (_CHALLENGE,),
    "429": (RETRY_AFTER,),
    "503": (RETRY_AFTER,),
}


def describe(app: FastAPI) -> None:
    """Make `/openapi.json` tell what the service really does."""
    app.description = _DESCRIPTION
    app.openapi_tags = _TAGS
    app.license_info = {"name": "MIT", "identifier": "MIT"}
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            schemas["Problem"] = Problem.model_json_schema(
                ref_template="#/components/schemas/{model}"
            )
            # Wrong fields are 400 `invalid-request` here; 422 is only the framework's default.
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            _declare_files(schemas)
            document["components"]["securitySchemes"] = _SECURITY
            document["components"]["headers"] = _HEADERS
            for path in document["paths"].values():
                for operation in path.values():
                    operation["responses"].pop("422", None)
                    _declare_headers(operation)
        assert app.openapi_schema is not None  # noqa: S101 - set by the generator
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # the documented way to extend it


def _declare_files(schema: Any) -> None:
    """What is uploaded, in the words of OpenAPI 3.0 too: most generators of clients know no others,
    and would send text.
    """
    if isinstance(schema, list):
        for part in schema:
            _declare_files(part)
    elif isinstance(schema, dict):
        if schema.get("contentMediaType") == "application/octet-stream":
            schema["format"] = "binary"
        for part in schema.values():
            _declare_files(part)


def _declare_headers(operation: dict[str, Any]) -> None:
    """Those that tell of limits and credentials, where there are any."""
    if operation.get(PERMISSION_KEY, PUBLIC) == PUBLIC:
        return
    for status, response in operation["responses"].items():
        names = (POLICY, STATE, *_OF_STATUS.get(status, ()))
        declared = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
        response["headers"] = declared | response.get("headers", {})
