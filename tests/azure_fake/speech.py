"""Azure AI Speech: personal voices (custom voice API, 2026-01-01) and text to speech over REST.

What is made in the background goes on by one step with each look at it. Not told by the
contract, and so a choice of ours: unknown projects and consents are 404, a consent must have
succeeded before a voice is made under it.
"""

import asyncio
import io
import re
import threading
import time
import wave
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from app.engines.fake import spoken_text
from tests.azure_fake.batch import Batches, BatchRoutes
from tests.azure_fake.faults import Faults
from tests.azure_fake.professional import Desk, Studio
from tests.azure_fake.published import Published
from tests.azure_fake.serving import served
from tests.azure_fake.steps import Making, Refused

KEY = "0123456789abcdef0123456789abcdef"
API_VERSIONS = ("2026-01-01", "2024-02-01-preview")
TOKEN = "entra-token"  # noqa: S105 - known to nobody else
RESOURCE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/a"
FORMATS = {
    "raw-24khz-16bit-mono-pcm": 24_000,
    "raw-48khz-16bit-mono-pcm": 48_000,
}
STOCK = ("en-US-AvaMultilingualNeural", "en-US-JennyNeural")
MODELS = ("DragonLatestNeural", "PhoenixLatestNeural", "PhoenixV2Neural")
MAX_FILE = 31_457_280
_ID = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{1,62}[a-zA-Z0-9]")
_SSML = "{http://www.w3.org/2001/10/synthesis}"
_MSTTS = "{http://www.w3.org/2001/mstts}"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


@dataclass
class Account:
    """All that it keeps.

    Attributes:
        fail_consent, fail_voice: reasons why the next ones fail.
        spoken: documents, as they came in.
        asked: how tokens were asked for.
        hold: let loose, the rest of a sound goes on after its first piece; None: it need not be.
        piece_bytes, pause_s: of what is sent at a time, and between two; None: some 85 ms.
        sound: instead of tones: raw, 24 kHz, 16 bits.
        began: when it wrote the first piece of each sound, by `time.perf_counter`.
        page: voices on a page of the list.
        studio: professional voices.
        can_be_read_back: it speaks as the engine `fake` does, and keeps no recordings.
    """

    projects: dict[str, dict[str, Any]] = field(default_factory=dict)
    consents: dict[str, Making] = field(default_factory=dict)
    voices: dict[str, Making] = field(default_factory=dict)
    studio: Studio = field(default_factory=Studio)
    operations: dict[str, tuple[bytes, Making]] = field(default_factory=dict)
    fail_consent: list[str] = field(default_factory=list)
    fail_voice: list[str] = field(default_factory=list)
    spoken: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    hold: threading.Event | None = None
    piece_bytes: int | None = None
    pause_s: float = 0.0
    sound: bytes | None = None
    began: list[float] = field(default_factory=list)
    page: int = 2
    can_be_read_back: bool = False
    key: str = KEY
    url: str = ""

    @property
    def is_bare(self) -> bool:
        """Whether nothing of any voice is there."""
        return not self.consents and not self.voices and self.studio.is_bare


@dataclass
class SpeechFake:
    """The service. `app`: with its faults."""

    account: Account = field(default_factory=Account)
    batches: Batches = field(init=False)
    faults: Faults = field(init=False)

    def __post_init__(self) -> None:
        self.batches = Batches(self._spoken)
        judge = Published("customvoice", "batchsynthesis")
        self.faults = Faults(self._routes(), judge=judge)

    @property
    def url(self) -> str:
        return self.account.url

    def reset(self) -> None:
        """As it was in the beginning."""
        self.faults.clear()
        vars(self.account).update(vars(Account(url=self.url)))
        self.batches.sound = self._spoken
        self.batches.reset()

    def _routes(self) -> Starlette:
        def route(path: str, method: str, work: Callable[..., Any]) -> Route:
            async def endpoint(request: Request) -> Response:
                try:
                    return await work(request)
                except Refused as error:
                    return _problem(error)

            return Route(path, endpoint, methods=[method])

        kinds = {"consents": self.consent, "personalvoices": self.voice}
        routes = [
            route("/customvoice/projects/{id}", "GET", self.get_project),
            route("/customvoice/projects/{id}", "PUT", self.put_project),
            route("/customvoice/basemodels", "GET", self.models),
            route("/customvoice/personalvoices", "GET", self.list_voices),
            route("/customvoice/operations/{id}", "GET", self.operation),
            route("/tts/cognitiveservices/v1", "POST", self.speak),
            route("/cognitiveservices/v1", "POST", self.speak),
            route("/voice/cognitiveservices/v1", "POST", self.speak),
            route("/msi/token", "GET", self.token),
            *BatchRoutes(self.batches, self._signed).all(),
        ]
        for kind, make in kinds.items():
            path = f"/customvoice/{kind}/{{id}}"
            routes += [
                route(path, "POST", make),
                route(path, "GET", self.look),
                route(path, "DELETE", self.delete),
            ]
        return Starlette(routes=[*Desk(self).routes(route), *routes])

    # Custom voice

    async def get_project(self, request: Request) -> Response:
        self.managed(request)
        return JSONResponse(_found(self.account.projects, request))

    async def put_project(self, request: Request) -> Response:
        self.managed(request)
        body = await request.json()
        if body.get("kind") not in ("PersonalVoice", "ProfessionalVoice"):
            raise Refused(400, "BadArgument", "kind")
        made = {"id": _id(request), **body, "createdDateTime": "2026-01-01T00:00:00.000Z"}
        self.account.projects[made["id"]] = made
        return JSONResponse(made, 201)

    async def models(self, request: Request) -> Response:
        self.managed(request)
        found = [
            {"name": name, "releaseDateTime": "2023-12-01T00:00:00.000Z",
             "capabilities": ["PersonalVoice", "SomethingNew"]}
            for name in MODELS
        ]  # fmt: skip
        return JSONResponse({"value": found})

    async def consent(self, request: Request) -> Response:
        self.managed(request)
        form = await _form(request, "projectId", "voiceTalentName", "companyName", "locale")
        files = _audio(form, longest_s=120.0)
        if not re.fullmatch(r"[a-z]{2,3}-[A-Z]{2}", str(form["locale"])):
            raise Refused(400, "BadArgument", "locale")
        return self._made(request, self.account.consents, form, files, self.account.fail_consent)

    async def voice(self, request: Request) -> Response:
        self.managed(request)
        form = await _form(request, "projectId", "consentId")
        files = _audio(form, longest_s=90.0, shortest_s=5.0)
        consent = self.account.consents.get(str(form["consentId"]))
        if consent is None:
            raise Refused(404, "NotFound", "consent")
        if not consent.succeeded:
            raise Refused(400, "BadRequest", "the consent has not succeeded")
        return self._made(
            request, self.account.voices, form, files, self.account.fail_voice,
            speakerProfileId=str(uuid4()),
        )  # fmt: skip

    def _made(
        self,
        request: Request,
        kept: dict[str, Making],
        form: dict[str, Any],
        files: list[bytes],
        fails: list[str],
        **more: Any,
    ) -> Response:
        if form["projectId"] not in self.account.projects:
            raise Refused(404, "NotFound", "project")
        name = _id(request)
        said = {key: value for key, value in form.items() if isinstance(value, str)}
        operation = request.headers.get("operation-id") or uuid4().hex
        digest = sha256(repr((request.url.path, sorted(said.items()), files)).encode()).digest()
        if self.account.can_be_read_back:
            files = [sha256(b"".join(files)).digest()[:2]]
        if operation in self.account.operations:
            before, making = self.account.operations[operation]
            if before != digest:
                raise Refused(400, "BadRequest", "Operation-Id")
        elif name in kept:
            raise Refused(409, "Conflict", "exists")
        else:
            reason = fails.pop(0) if fails else None
            making = Making({"id": name, **said, **more, "status": "NotStarted"}, files, reason)
            kept[name] = making
            self.account.operations[operation] = (digest, making)
        where = f"{self.url}/customvoice/operations/{operation}?api-version={API_VERSIONS[0]}"
        return JSONResponse(
            making.body, 201, {"Operation-Id": operation, "Operation-Location": where}
        )

    async def look(self, request: Request) -> Response:
        self.managed(request)
        return JSONResponse(_found(self._kept(request), request).seen())

    async def delete(self, request: Request) -> Response:
        self.managed(request)
        _found(self._kept(request), request)
        del self._kept(request)[_id(request)]
        return Response(status_code=204)

    async def list_voices(self, request: Request) -> Response:
        self.managed(request)
        wanted = re.fullmatch(r"projectId eq '([^']*)'", request.query_params.get("filter", ""))
        if wanted is None:
            raise Refused(400, "BadArgument", "filter")
        found = [v.body for v in self.account.voices.values() if v.body["projectId"] == wanted[1]]
        skip = int(request.query_params.get("skip", 0))
        answer: dict[str, Any] = {"value": found[skip : skip + self.account.page]}
        if len(found) > skip + self.account.page:
            more = request.url.include_query_params(skip=skip + self.account.page)
            # Absolute, and not always of the host that was asked.
            answer["nextLink"] = str(more.replace(scheme="https", netloc="r.api.example.com"))
        return JSONResponse(answer)

    async def operation(self, request: Request) -> Response:
        self.managed(request)
        _, making = _found(self.account.operations, request)
        return JSONResponse({"id": _id(request), "status": making.seen()["status"]})

    def _kept(self, request: Request) -> dict[str, Making]:
        return self.account.consents if "/consents/" in request.url.path else self.account.voices

    def _spoken(self, document: str, rate: int) -> bytes | None:
        try:
            return self._sound(document, rate)
        except (ElementTree.ParseError, Refused):
            return None

    def managed(self, request: Request) -> None:
        """Refuse what is not signed, or has no version."""
        if not self._signed(request):
            raise Refused(401, "Unauthorized")
        if request.query_params.get("api-version") not in API_VERSIONS:
            raise Refused(400, "BadArgument", "api-version")
        if "id" in request.path_params:
            _id(request)

    def _signed(self, request: Request) -> bool:
        signed = request.headers.get("authorization") == f"Bearer {TOKEN}"
        return signed or request.headers.get("ocp-apim-subscription-key") == self.account.key

    async def token(self, request: Request) -> Response:
        """As App Service and Container Apps give it to an identity."""
        self.account.asked.append(dict(request.query_params))
        if request.headers.get("x-identity-header") != "header":
            return JSONResponse({}, 401)
        answer = {"access_token": TOKEN, "expires_on": str(int(time.time()) + 3600)}
        return JSONResponse(answer | {"resource": "r", "token_type": "Bearer"})

    # Text to speech

    async def speak(self, request: Request) -> Response:
        headers = request.headers
        self.account.headers.append(dict(headers))
        signed = headers.get("authorization") == f"Bearer aad#{RESOURCE}#{TOKEN}"
        if headers.get("ocp-apim-subscription-key") != self.account.key and not signed:
            return Response(status_code=401)
        if headers.get("content-type") != "application/ssml+xml":
            return Response(status_code=415)
        if headers.get("x-microsoft-outputformat") not in FORMATS or not headers.get("user-agent"):
            return Response(status_code=400)
        content = (await request.body()).decode()
        try:
            rate = FORMATS[headers["x-microsoft-outputformat"]]
            sound = self._sound(content, rate, request.query_params.get("deploymentId"))
        except (ElementTree.ParseError, Refused):
            return Response(status_code=400)  # the body is empty, as it is told of the service
        self.account.spoken.append(content)
        return StreamingResponse(self._chunks(sound), headers={"content-type": "audio/basic"})

    def _sound(self, content: str, sample_rate: int, deployment: str | None = None) -> bytes:
        root = ElementTree.fromstring(content)  # noqa: S314 - our own
        if root.tag != f"{_SSML}speak" or not root.get(_LANG):
            raise Refused(400, "speak")
        voices = root.findall(f"{_SSML}voice")
        if not 1 <= len(voices) <= 50:
            raise Refused(400, "voice")
        hz, recording = 0.0, bytes(2)
        for voice in voices:
            name, embedding = voice.get("name"), voice.find(f"{_MSTTS}ttsembedding")
            if deployment is not None:
                hz = self.account.studio.pitch(deployment, name)
            elif embedding is None:
                if name not in STOCK:
                    raise Refused(400, "voice")
                hz = 140.0
            else:
                recording = self._recording(name, embedding.get("speakerProfileId"))
                hz = 200.0 + sum(recording) % 200
                if str(name).startswith("Dragon") and root.find(f".//{_SSML}phoneme") is not None:
                    raise Refused(400, "phoneme")
        text = "".join(root.itertext())
        if self.account.can_be_read_back:
            return _readable(text, recording, _rate(root))
        if self.account.sound is not None:
            return self.account.sound
        return _tone(text, hz, _rate(root), ElementTree.tostring(root), sample_rate)

    async def _chunks(self, sound: bytes) -> AsyncIterator[bytes]:
        """In three pieces and more, cut in the middle of samples as well."""
        size = self.account.piece_bytes or max(1, min(4095, len(sound) // 3))
        self.account.began.append(time.perf_counter())
        for start in range(0, len(sound), size):
            if start and self.account.pause_s:
                await asyncio.sleep(self.account.pause_s)
            yield sound[start : start + size]
            if self.account.hold is not None:
                await asyncio.to_thread(self.account.hold.wait, 30)

    def _recording(self, model: str | None, profile: str | None) -> bytes:
        for voice in self.account.voices.values():
            if voice.body["speakerProfileId"] == profile and voice.succeeded and model in MODELS:
                return voice.files[0]
        raise Refused(400, "speakerProfileId")


@contextmanager
def speech_service() -> Iterator[SpeechFake]:
    """It runs."""
    fake = SpeechFake()
    with served(fake.faults) as url:
        fake.account.url = fake.batches.url = url
        yield fake


def _found(kept: dict[str, Any], request: Request) -> Any:
    try:
        return kept[_id(request)]
    except KeyError:
        raise Refused(404, "NotFound", "id") from None


def _id(request: Request) -> str:
    name = str(request.path_params["id"])
    if not _ID.fullmatch(name):
        raise Refused(400, "BadArgument", "id")
    return name


def _problem(error: Refused) -> Response:
    body = {"error": {"code": error.code, "message": error.message or error.code}}
    return JSONResponse(body, error.status, {"x-ms-error-code": error.code})


async def _form(request: Request, *needed: str) -> dict[str, Any]:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Refused(415, "UnsupportedMediaType")
    async with request.form() as form:
        fields: dict[str, Any] = {key: one for key, one in form.items() if isinstance(one, str)}
        fields["files"] = [
            await one.read()
            for key, one in form.multi_items()
            if key.lower() == "audiodata" and isinstance(one, UploadFile)
        ]
    if missing := [name for name in needed if not fields.get(name)]:
        raise Refused(400, "BadArgument", missing[0])
    return fields


def _audio(form: dict[str, Any], *, longest_s: float, shortest_s: float = 0.5) -> list[bytes]:
    contents: list[bytes] = form.pop("files")
    if not contents or any(len(content) > MAX_FILE for content in contents):
        raise Refused(400, "BadArgument", "audiodata")
    seconds = 0.0
    for content in contents:
        try:
            with wave.open(io.BytesIO(content)) as file:
                rate, width, length = file.getframerate(), file.getsampwidth(), file.getnframes()
        except (wave.Error, EOFError):
            raise Refused(400, "BadArgument", "audiodata") from None
        if rate not in (16_000, 24_000, 44_100, 48_000) or width not in (2, 3, 4):
            raise Refused(400, "BadArgument", "audiodata")
        if length / rate < shortest_s:
            raise Refused(400, "BadArgument", "too short")
        seconds += length / rate
    if seconds > longest_s + 0.01:
        raise Refused(400, "BadArgument", "too long")
    return contents


def _rate(root: ElementTree.Element) -> float:
    prosody = root.find(f".//{_SSML}prosody")
    if prosody is None:
        return 1.0
    said = re.fullmatch(r"([+-]\d+)%", prosody.get("rate", ""))
    if said is None:
        raise Refused(400, "rate")
    return 1.0 + int(said[1]) / 100


def _tone(text: str, hz: float, rate: float, salt: bytes, sample_rate: int) -> bytes:
    """As long as its text; a trace of the document in it, so that others differ."""
    length = round(len(text) * 0.06 * sample_rate / rate) or 1
    pitch = hz + sum(salt) % 50
    wave_ = 0.3 * np.sin(2 * np.pi * pitch * np.arange(length) / sample_rate)
    return _pcm(wave_)


def _readable(text: str, voice: bytes, rate: float) -> bytes:
    samples = spoken_text(text, voice)
    if rate != 1.0:
        at = np.arange(0, len(samples), rate)
        samples = np.interp(at, np.arange(len(samples)), samples).astype(np.float32)
    return _pcm(samples)


def _pcm(samples: NDArray[np.floating[Any]]) -> bytes:
    return (samples * 32767).astype("<i2").tobytes()
