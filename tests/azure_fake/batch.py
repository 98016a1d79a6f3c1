"""Batch synthesis, 2024-04-01: jobs, operations, and zips behind addresses with a permission.

Not told by the contract, and so a choice of ours: a job that runs can be deleted; one that is there
already is a 409; what `contents` of the summary holds is the document as it was sent.
"""

import asyncio
import io
import json
import re
import wave
import zipfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

API_VERSION = "2024-04-01"
FORMATS = {"riff-24khz-16bit-mono-pcm": 24_000, "riff-48khz-16bit-mono-pcm": 48_000}
STEPS = ("NotStarted", "Running")
MAX_PAYLOAD, MAX_INPUTS, MAX_HOURS = 2_000_000, 10_000, 744
_ID = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{1,62}[a-zA-Z0-9]")

Sound = Callable[[str, int], bytes | None]
"""Samples of 16 bits of a document at a rate; None if it cannot be spoken."""


class Bad(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status, self.code = status, code


@dataclass
class Job:
    """A batch synthesis. `tokens`: permissions that hold. `fails`: the whole of it."""

    name: str
    documents: list[str]
    properties: dict[str, Any]
    fails: bool
    operation: str
    looks: int = 0
    tokens: set[str] = field(default_factory=set)

    @property
    def status(self) -> str:
        if self.looks < len(STEPS):
            return STEPS[self.looks]
        return "Failed" if self.fails else "Succeeded"


@dataclass
class Batches:
    """All jobs, and the knobs.

    Attributes:
        sound: speaks.
        jobs: by name. deleted: names, in order. sent: documents of all jobs that were begun.
        fail_whole: of the next jobs, how many fail.
        fail_inputs: places of inputs that fail, from 0.
        leave_out: names of files that are missing in zips.
        expired: permissions hold no longer than they are given, so many times.
        steps: more looks, before it goes on.
        change: makes another zip of a true one. rate: of the sound, if it is a wrong one.
        result: where results are said to be, if it is another address.
    """

    sound: Sound
    url: str = ""
    jobs: dict[str, Job] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    fail_whole: int = 0
    fail_inputs: frozenset[int] = frozenset()
    leave_out: frozenset[str] = frozenset()
    expired: int = 0
    steps: int = 0
    change: Callable[[bytes], bytes] | None = None
    rate: int | None = None
    result: str | None = None

    def reset(self) -> None:
        vars(self).update(vars(Batches(self.sound, self.url)))

    def put(self, name: str, body: bytes, operation: str | None) -> tuple[dict[str, Any], str]:
        if len(body) > MAX_PAYLOAD:
            raise Bad(400, "BadRequest")
        if name in self.jobs:
            raise Bad(409, "Conflict")
        asked = json.loads(body)
        documents = [one["content"] for one in asked["inputs"]]
        properties = asked["properties"]
        hours = properties.get("timeToLiveInHours", 168)
        if (
            asked["inputKind"].upper() != "SSML"
            or not 1 <= len(documents) <= MAX_INPUTS
            or properties["outputFormat"] not in FORMATS
            or not 1 <= hours <= MAX_HOURS
        ):
            raise Bad(400, "BadArgument")
        fails, self.fail_whole = self.fail_whole > 0, max(0, self.fail_whole - 1)
        job = Job(name, documents, properties, fails, operation or uuid4().hex, -self.steps)
        self.jobs[name] = job
        self.sent += documents
        return self._shown(job, "NotStarted"), job.operation

    def get(self, name: str) -> dict[str, Any]:
        job = self._found(name)
        job.looks += 1
        return self._shown(job, STEPS[0] if job.looks < 1 else job.status)

    def delete(self, name: str) -> None:
        self._found(name)
        del self.jobs[name]
        self.deleted.append(name)

    def listed(self, skip: int, most: int) -> dict[str, Any]:
        some = list(self.jobs.values())[skip : skip + min(most, 100)]
        return {"value": [self._shown(job, job.status) for job in some]}

    def operation(self, number: str) -> dict[str, Any]:
        for job in self.jobs.values():
            if job.operation == number:
                job.looks += 1
                return {"id": number, "status": job.status}
        raise Bad(404, "NotFound")

    def zip_of(self, name: str, token: str) -> bytes:
        job = self.jobs.get(name)
        if job is None:
            raise Bad(404, "BlobNotFound")
        if token not in job.tokens:
            raise Bad(403, "AuthenticationFailed")
        made = self._zip(job)
        return self.change(made) if self.change else made

    def _found(self, name: str) -> Job:
        if name not in self.jobs:
            raise Bad(404, "NotFound")
        return self.jobs[name]

    def _shown(self, job: Job, status: str) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "id": job.name, "internalId": str(uuid4()), "status": status, "inputKind": "SSML",
            "createdDateTime": "2026-01-01T00:00:00.1234567Z",
            "lastActionDateTime": "2026-01-01T00:00:00.1234567", "customVoices": {},
            "properties": dict(job.properties),
        }  # fmt: skip
        if status == "Succeeded":
            failed = len(self.fail_inputs & set(range(len(job.documents))))
            shown["properties"] |= {
                "succeededAudioCount": len(job.documents) - failed, "failedAudioCount": failed,
                "sizeInBytes": 1, "durationInMilliseconds": 1,
                "billingDetails": {"personalVoiceCharacters": 1},
            }  # fmt: skip
            token = uuid4().hex
            if self.expired:
                self.expired -= 1
            else:
                job.tokens.add(token)
            usual = f"{self.url}/results/{job.name}/results.zip"
            shown["outputs"] = {"result": f"{self.result or usual}?sig={token}"}
        if status == "Failed":
            error = {"code": "InternalServerError", "message": "PROVIDER-SECRET-WORDS"}
            shown["properties"]["error"] = error
        return shown

    def _zip(self, job: Job) -> bytes:
        rate = FORMATS[job.properties["outputFormat"]]
        made, results = io.BytesIO(), []
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
            for place, document in enumerate(job.documents):
                name = f"{place + 1:04}.wav"
                samples = None if place in self.fail_inputs else self.sound(document, rate)
                results.append(_result(document, name, samples))
                if samples is not None and name not in self.leave_out:
                    file.writestr(name, _wav(samples, self.rate or rate))
                    file.writestr(f"{place + 1:04}.debug.json", "{}")
            if "summary.json" not in self.leave_out:
                summary = {"jobID": job.name, "status": "Succeeded", "results": results}
                file.writestr("summary.json", json.dumps(summary))
        return made.getvalue()


class BatchRoutes:
    """The paths of it. `signed`: whether a request is one of the account."""

    def __init__(self, batches: Batches, signed: Callable[[Request], bool]) -> None:
        self._batches = batches
        self._signed = signed

    def all(self) -> list[Route]:
        one = "/texttospeech/batchsyntheses/{id}"
        return [
            self._route("PUT", one, self._put),
            self._route("GET", one, self._get),
            self._route("DELETE", one, self._delete),
            self._route("GET", "/texttospeech/batchsyntheses", self._list),
            self._route("GET", "/texttospeech/operations/{id}", self._operation),
            self._route("GET", "/results/{id}/results.zip", self._results),
        ]

    def _route(
        self, method: str, path: str, work: Callable[[Request], Awaitable[Response]]
    ) -> Route:
        async def endpoint(request: Request) -> Response:
            try:
                if not path.startswith("/results"):
                    _check(request, self._signed)
                return await work(request)
            except Bad as error:
                told = {"error": {"code": error.code, "message": error.code}}
                return JSONResponse(told, error.status, {"x-ms-error-code": error.code})

        return Route(path, endpoint, methods=[method])

    async def _put(self, request: Request) -> Response:
        body, number = await request.body(), request.headers.get("operation-id")
        job, operation = self._batches.put(_id(request), body, number)
        path = f"/texttospeech/operations/{operation}?api-version={API_VERSION}"
        headers = {"operation-id": operation, "operation-location": self._batches.url + path}
        return JSONResponse(job, 201, headers)

    async def _get(self, request: Request) -> Response:
        return JSONResponse(self._batches.get(_id(request)))

    async def _delete(self, request: Request) -> Response:
        self._batches.delete(_id(request))
        return Response(status_code=204)

    async def _list(self, request: Request) -> Response:
        asked = request.query_params
        skip, most = int(asked.get("skip", 0)), int(asked.get("maxpagesize", 100))
        return JSONResponse(self._batches.listed(skip, most))

    async def _operation(self, request: Request) -> Response:
        return JSONResponse(self._batches.operation(_id(request)))

    async def _results(self, request: Request) -> Response:
        """As storage has it: another host, which is to be told no keys."""
        if {"authorization", "ocp-apim-subscription-key"} & set(request.headers):
            raise Bad(400, "InvalidAuthenticationInfo")
        token = request.query_params.get("sig", "")
        zipped = await asyncio.to_thread(self._batches.zip_of, _id(request), token)
        return Response(zipped, media_type="application/octet-stream")


def _check(request: Request, signed: Callable[[Request], bool]) -> None:
    if not signed(request):
        raise Bad(401, "Unauthorized")
    if request.query_params.get("api-version") != API_VERSION:
        raise Bad(400, "BadArgument")


def _id(request: Request) -> str:
    name = str(request.path_params["id"])
    if not _ID.fullmatch(name):
        raise Bad(400, "BadArgument")
    return name


def _result(document: str, name: str, samples: bytes | None) -> dict[str, Any]:
    if samples is None:
        return {"contents": [document], "status": "Failed", "audioFileName": None}
    told = {"sizeInBytes": str(len(samples)), "durationInMilliseconds": str(len(samples) // 48)}
    return {
        "contents": [document], "status": "Succeeded", "audioFileName": name, "properties": told,
    }  # fmt: skip


def _wav(samples: bytes, rate: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(samples)
    return file.getvalue()
