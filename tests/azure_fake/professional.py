"""Professional voices: training sets, models, endpoints, and the container they are read from.

Not told by the contract, and so a choice of ours: what something else is made of cannot be
deleted before it (409); an empty training set has succeeded; a container is read when the
operation comes to its end.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from app.core.clock import utc_now
from tests.azure_fake.steps import Making, Refused

if TYPE_CHECKING:
    from tests.azure_fake.speech import SpeechFake

SIGNATURE = "sv=2021-12-02&sp=rwdl&sig=THE-SIGNATURE"
RECIPES = ("Default", "CrossLingual", "MultiStyle")
DATASETS = ("AudioAndScript", "LongAudio", "AudioOnly")
KINDS = ("HighPerformance", "FastResume")
LISTS_ALL = False
"""Whether the container forgets which prefix was asked for."""

AddRoute = Callable[[str, str, Callable[..., Any]], BaseRoute]


@dataclass
class Reading(Making):
    """Recordings on their way from the container. `read`: what is done in the end."""

    read: Callable[[], str | None] = lambda: None
    is_read: bool = False

    def seen(self) -> dict[str, Any]:
        if not self.is_read and self.looks >= 2:
            self.is_read = True
            self.fails = self.fails or self.read()
        return super().seen()


@dataclass
class Heard:
    """A training set. `files`: what it has."""

    body: dict[str, Any]
    files: list[bytes] = field(default_factory=list)
    reading: Reading | None = None


@dataclass
class Studio:
    """All that it keeps.

    Attributes:
        blobs: of the container, by name.
        fail_set, fail_model, fail_endpoint: reasons why the next ones fail.
        made: how often something was made, by kind.
    """

    sets: dict[str, Heard] = field(default_factory=dict)
    models: dict[str, Making] = field(default_factory=dict)
    endpoints: dict[str, Making] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    fail_set: list[str] = field(default_factory=list)
    fail_model: list[str] = field(default_factory=list)
    fail_endpoint: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)

    @property
    def is_bare(self) -> bool:
        return not (self.sets or self.models or self.endpoints or self.blobs)

    def pitch(self, deployment: str, name: str | None) -> float:
        """Of the voice at an endpoint."""
        endpoint = self.endpoints.get(deployment)
        if endpoint is None or not endpoint.succeeded:
            raise Refused(400, "deploymentId")
        model = self.models[endpoint.body["modelId"]]
        if model.body["voiceName"] != name:
            raise Refused(400, "voice")
        return 300.0


class Desk:
    """The routes."""

    def __init__(self, fake: "SpeechFake") -> None:
        self._fake = fake

    @property
    def _studio(self) -> Studio:
        return self._fake.account.studio

    def routes(self, route: AddRoute) -> list[BaseRoute]:
        sets, models = "/customvoice/trainingsets/{id}", "/customvoice/models/{id}"
        endpoints = "/customvoice/endpoints/{id}"
        return [
            route("/customvoice/trainingsets/{id}:upload", "POST", self.upload),
            route(sets, "PUT", self.put_set),
            route(sets, "GET", self.get_set),
            route(sets, "DELETE", self.delete_set),
            route("/customvoice/modelrecipes", "GET", self.recipes),
            route(models, "PUT", self.put_model),
            route(models, "GET", self.get_model),
            route(models, "DELETE", self.delete_model),
            route(endpoints, "PUT", self.put_endpoint),
            route(endpoints, "GET", self.get_endpoint),
            route(endpoints, "DELETE", self.delete_endpoint),
            route("/container", "GET", self.list_blobs),
            route("/container/{name:path}", "PUT", self.put_blob),
            route("/container/{name:path}", "DELETE", self.delete_blob),
        ]

    # Training sets

    async def put_set(self, request: Request) -> Response:
        body = await self._asked(request, "projectId", "locale")
        made = Heard(body)
        self._keep("set", self._studio.sets, request, made)
        return JSONResponse({**body, "status": "Succeeded"}, 201)

    async def upload(self, request: Request) -> Response:
        body = await self._asked(request, "kind", "audios")
        found = self._found(self._studio.sets, request)
        audios, operations = body["audios"], self._fake.account.operations
        if body["kind"] not in DATASETS or not audios.get("extensions"):
            raise Refused(400, "BadArgument", "kind")
        if body["kind"] == "AudioAndScript" and "scripts" not in body:
            raise Refused(400, "BadArgument", "scripts")
        operation = request.headers["operation-id"]
        digest = json.dumps(body, sort_keys=True).encode()
        if operation in operations:
            if operations[operation][0] != digest:
                raise Refused(400, "BadRequest", "Operation-Id")
            return self._accepted(operation)
        fails = self._studio.fail_set.pop(0) if self._studio.fail_set else None
        reading = Reading({}, [], fails, read=lambda: self._read(found, audios))
        found.reading = reading
        operations[operation] = (digest, reading)
        self._studio.made.append("upload")
        return self._accepted(operation)

    def _accepted(self, operation: str) -> Response:
        where = f"{self._fake.url}/customvoice/operations/{operation}?api-version=2026-01-01"
        headers = {"Operation-Id": operation, "Operation-Location": where}
        return Response(status_code=202, headers=headers)

    def _read(self, found: Heard, audios: dict[str, Any]) -> str | None:
        if audios["containerUrl"] != container_url(self._fake.url):
            return "InaccessibleCustomerStorage"
        prefix, endings = audios.get("prefix", ""), tuple(audios["extensions"])
        files = [
            content
            for name, content in self._studio.blobs.items()
            if name.startswith(prefix) and name.endswith(endings)
        ]
        found.files += files
        return None if files else "InaccessibleCustomerStorage"

    async def get_set(self, request: Request) -> Response:
        self._fake.managed(request)
        found = self._found(self._studio.sets, request)
        seen = {"status": "Succeeded"} if found.reading is None else found.reading.seen()
        counted = {"utteranceCount": len(found.files), "isContextual": False}
        if seen["status"] == "Succeeded":
            return JSONResponse({**found.body, **seen, "properties": counted})
        return JSONResponse({**found.body, **seen})

    async def delete_set(self, request: Request) -> Response:
        used = [model.body["trainingSetId"] for model in self._studio.models.values()]
        return self._delete(self._studio.sets, request, used)

    # Models

    async def recipes(self, request: Request) -> Response:
        self._fake.managed(request)
        found = [{"kind": kind, "version": "V9.0", "minUtteranceCount": 20} for kind in RECIPES]
        return JSONResponse({"value": found})

    async def put_model(self, request: Request) -> Response:
        body = await self._asked(
            request, "projectId", "consentId", "trainingSetId", "recipe", "voiceName"
        )
        consent = self._fake.account.consents.get(body["consentId"])
        heard = self._studio.sets.get(body["trainingSetId"])
        if consent is None or heard is None:
            raise Refused(404, "NotFound")
        if not consent.succeeded or consent.body["projectId"] != body["projectId"]:
            raise Refused(400, "BadArgument", "consentId")
        if body["recipe"].get("kind") not in RECIPES or not body["voiceName"].endswith("Neural"):
            raise Refused(400, "BadArgument", "recipe")
        fails = self._studio.fail_model.pop(0) if self._studio.fail_model else None
        ready = heard.reading is not None and heard.reading.succeeded
        made = {"id": request.path_params["id"], **body, "createdDateTime": utc_now().isoformat()}
        making = Making(made, heard.files, fails if ready else "DataNotReady")
        self._keep("model", self._studio.models, request, making)
        return JSONResponse({**made, "status": "NotStarted"}, 201)

    async def get_model(self, request: Request) -> Response:
        self._fake.managed(request)
        return JSONResponse(self._found(self._studio.models, request).seen())

    async def delete_model(self, request: Request) -> Response:
        used = [endpoint.body["modelId"] for endpoint in self._studio.endpoints.values()]
        return self._delete(self._studio.models, request, used)

    # Endpoints

    async def put_endpoint(self, request: Request) -> Response:
        body = await self._asked(request, "projectId", "modelId")
        UUID(request.path_params["id"])
        model = self._studio.models.get(body["modelId"])
        if model is None or not model.succeeded:
            raise Refused(400, "BadArgument", "modelId")
        if body.get("properties", {}).get("kind", KINDS[0]) not in KINDS:
            raise Refused(400, "BadArgument", "kind")
        fails = self._studio.fail_endpoint.pop(0) if self._studio.fail_endpoint else None
        making = Making({"id": request.path_params["id"], **body}, [], fails)
        self._keep("endpoint", self._studio.endpoints, request, making)
        return JSONResponse({**making.body, "status": "NotStarted"}, 201)

    async def get_endpoint(self, request: Request) -> Response:
        self._fake.managed(request)
        return JSONResponse(self._found(self._studio.endpoints, request).seen())

    async def delete_endpoint(self, request: Request) -> Response:
        return self._delete(self._studio.endpoints, request, [])

    # The container

    async def put_blob(self, request: Request) -> Response:
        if not _is_signed(request) or request.headers.get("x-ms-blob-type") != "BlockBlob":
            return Response(status_code=403)
        self._studio.blobs[request.path_params["name"]] = await request.body()
        return Response(status_code=201)

    async def delete_blob(self, request: Request) -> Response:
        if not _is_signed(request):
            return Response(status_code=403)
        gone = self._studio.blobs.pop(request.path_params["name"], None)
        return Response(status_code=404 if gone is None else 202)

    async def list_blobs(self, request: Request) -> Response:
        query = request.query_params
        asked = (query.get("restype"), query.get("comp")) == ("container", "list")
        if not _is_signed(request) or not asked:
            return Response(status_code=403)
        prefix = "" if LISTS_ALL else query.get("prefix", "")
        after = query.get("marker")
        names = sorted(name for name in self._studio.blobs if name.startswith(prefix))
        page = [] if after is None else [name for name in names if name > after][:2]
        # The first page is empty, as some are, and all but the last say where to go on.
        marker = "-" if after is None and names else "".join(page[1:])
        blobs = "".join(f"<Blob><Name>{name}</Name></Blob>" for name in page)
        body = f"<Blobs>{blobs}</Blobs><NextMarker>{marker}</NextMarker>"
        body = f"<EnumerationResults>{body}</EnumerationResults>"
        return Response(body, media_type="application/xml")

    # Of all of them

    async def _asked(self, request: Request, *needed: str) -> dict[str, Any]:
        self._fake.managed(request)
        body: dict[str, Any] = await request.json()
        if missing := [name for name in needed if not body.get(name)]:
            raise Refused(400, "BadArgument", missing[0])
        project = self._fake.account.projects.get(body.get("projectId", ""))
        if "projectId" in needed and (project or {}).get("kind") != "ProfessionalVoice":
            raise Refused(404, "NotFound", "project")
        return body

    def _keep(self, kind: str, kept: dict[str, Any], request: Request, made: Any) -> None:
        name = request.path_params["id"]
        if name in kept:
            raise Refused(409, "Conflict", "exists")
        kept[name] = made
        self._studio.made.append(kind)

    def _found(self, kept: dict[str, Any], request: Request) -> Any:
        try:
            return kept[request.path_params["id"]]
        except KeyError:
            raise Refused(404, "NotFound", "id") from None

    def _delete(self, kept: dict[str, Any], request: Request, used: list[str]) -> Response:
        self._fake.managed(request)
        self._found(kept, request)
        if request.path_params["id"] in used:
            raise Refused(409, "Conflict", "it is used")
        del kept[request.path_params["id"]]
        return Response(status_code=204)


def container_url(url: str) -> str:
    """Of the container, with its signature."""
    return f"{url}/container?{SIGNATURE}"


def _is_signed(request: Request) -> bool:
    version = re.fullmatch(r"20\d\d-\d\d-\d\d", request.headers.get("x-ms-version", ""))
    return version is not None and request.query_params.get("sig") == "THE-SIGNATURE"
