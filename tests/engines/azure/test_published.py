"""Calls are held against the descriptions that Azure publishes, and what is wrong is seen."""

import json
import re
from collections.abc import Sequence
from typing import Any

import httpx2
import pytest
from jsonschema import Draft4Validator
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from app.core.exceptions import EngineUnavailable
from app.engines.azure.customvoice import CustomVoice
from app.engines.azure.http import AzureHttp
from app.engines.azure.options import AzureOptions
from tests.azure_fake import violations
from tests.azure_fake.descriptions import FOLDER, SAME_SHAPES, contract
from tests.azure_fake.faults import Faults
from tests.azure_fake.published import WRONG, Published
from tools.azure_contracts import MOST_BYTES

pytestmark = pytest.mark.anyio

OPERATIONS = {
    "customvoice": 32,
    "batchsynthesis": 5,
    "translator-2026-06-06": 3,
    "translator-3.0": 7,
}
KEY = {"Ocp-Apim-Subscription-Key": "a-key"}
VOICE, BATCH = "api-version=2026-01-01", "api-version=2024-04-01"
NEW, OLD = "api-version=2026-06-06", "api-version=3.0"
ENDPOINT = "/customvoice/endpoints/3f0c5e0a-6f43-4a0e-9d3b-1f1d2c3b4a5e"
BLOBS = {"containerUrl": "https://a.blob.core.windows.net/c?sas", "extensions": [".wav"]}
MODEL = {"recipe": {"kind": "Default"}, "projectId": "a-p", "consentId": "a-c"} | {
    "trainingSetId": "a-set"
}
SPOKEN = {"inputKind": "SSML", "inputs": [{"content": "<speak/>"}]}
TEXT = {"text": "Hallo", "targets": [{"language": "en"}]}
CONSENT = {"projectId": "a-p", "voiceTalentName": "A", "companyName": "B", "locale": "en-US"}
OF_VOICE = {"projectId": "a-p", "consentId": "a-c"}
WAV = ("a.wav", b"RIFF", "audio/wav")

Call = tuple[str, str, dict[str, Any]]


def put(path: str, body: Any, version: str = VOICE) -> Call:
    return "PUT", f"{path}?{version}", {"json": body}


def post(path: str, body: Any, version: str = NEW) -> Call:
    return "POST", f"{path}?{version}", {"json": body}


def form(path: str, fields: dict[str, Any], *files: str) -> Call:
    parts = {"data": fields, "files": [(name, WAV) for name in files]}
    return "POST", f"/customvoice/{path}?{VOICE}", parts


def get(path: str) -> Call:
    return "GET", path, {}


def answering(status: int, body: Any) -> Faults:
    """Answers whatever is asked, and is judged."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await Request(scope, receive).body()
        answer: Response = JSONResponse(body, status)
        if not isinstance(body, dict | list):
            answer = PlainTextResponse(body, status)
        await answer(scope, receive, send)

    judge = Published(*OPERATIONS, before=("", "/translator/text"))
    return Faults(app, judge=judge)


async def asked(call: Call, status: int, body: Any, headers: Any = KEY) -> tuple[int, list[str]]:
    """The status that came back, and what was found."""
    method, path, content = call
    transport = httpx2.ASGITransport(answering(status, body))
    with violations.expected() as found:
        async with httpx2.AsyncClient(transport=transport, base_url="http://fake") as client:
            answer = await client.request(method, path, headers=headers, **content)
    return answer.status_code, found


RIGHT: Sequence[tuple[Call, int, Any]] = [
    (put("/customvoice/projects/a-p", {"kind": "ProfessionalVoice"}), 201, {"kind": "New"}),
    (get(f"/customvoice/projects/a-p?api-version={next(iter(SAME_SHAPES))}"), 200, {"kind": "K"}),
    (("DELETE", f"/customvoice/projects/a-p?forceDelete=true&{VOICE}", {}), 204, ""),
    (get(f"/customvoice/consents?skip=2&maxpagesize=5&filter=a&{VOICE}"), 200, {"value": []}),
    (form("consents/a-c", CONSENT, "audiodata"), 201, CONSENT),
    (form("personalvoices/a-v", OF_VOICE, "audiodata", "audiodata"), 201, OF_VOICE),
    (put("/customvoice/trainingsets/a-t", {"projectId": "a-p", "locale": "de-DE"}), 400,
     {"error": {"code": "BadRequest", "message": "m"}}),
    (post("/customvoice/trainingsets/a-t:upload", {"kind": "AudioOnly", "audios": BLOBS}, VOICE),
     202, ""),
    (put("/customvoice/models/a-m", MODEL), 201, MODEL | {"engineVersion": "1"}),
    (put(ENDPOINT, {"projectId": "a-p", "modelId": "a-m"}), 201,
     {"projectId": "a-p", "modelId": "a-m", "status": "Resting"}),
    (("POST", f"{ENDPOINT}:suspend?{VOICE}", {}), 202, {"projectId": "a-p", "modelId": "a-m"}),
    (put("/texttospeech/batchsyntheses/a-b", SPOKEN, BATCH), 201, SPOKEN | {"status": "Running"}),
    (get(f"/texttospeech/operations/an-id?{BATCH}"), 200, {"id": "an-id", "status": "Failed"}),
    (post("/translate", {"inputs": [TEXT]}), 200,
     {"value": [{"translations": [{"language": "en", "text": "Hello"}]}]}),
    (post("/translator/text/translate", [{"Text": "Hallo"}], f"to=en&to=fr&{OLD}"), 200, []),
    (post("/detect", [{"Text": "Hallo"}], OLD), 429, {"error": {"code": 429001, "message": ""}}),
]  # fmt: skip


@pytest.mark.parametrize(("call", "status", "body"), RIGHT, ids=lambda one: str(one)[:60])
async def test_what_is_described_passes(call, status, body):
    assert await asked(call, status, body) == (status, [])


WRONG_CALLS: Sequence[tuple[Call, str]] = [
    (put("/customvoice/projects/-p", {"kind": "PersonalVoice"}), "path id /: '-p' does not match"),
    (put("/customvoice/projects/a-p", {"kind": "PersonalVoice"}, "a=b"), "api-version None"),
    (put("/customvoice/projects/a-p", {"kind": "PersonalVoice"}, NEW), "'2026-06-06' is not desc"),
    (put("/customvoice/projects/a-p", {"kind": "Personal"}), "body /kind: 'Personal' is not one"),
    (put("/customvoice/projects/a-p", {"kind": "PersonalVoice", "name": "a"}), "'name' was unexp"),
    (put("/customvoice/projects/a-p", {"kind": "PersonalVoice", "createdDateTime": "a"}),
     "body /createdDateTime: read-only"),
    (put("/customvoice/projects/a-p", {}), "'kind' is a required property"),
    (("PUT", f"/customvoice/projects/a-p?{VOICE}", {"content": b"{"}), "content type ''"),
    (("PUT", f"/customvoice/projects/a-p?{VOICE}", {}), "body: missing"),
    (("PATCH", f"/customvoice/projects/a-p?{VOICE}", {}), "no operation of Custom voice API"),
    (get(f"/customvoice/voices?{VOICE}"), "no operation of Custom voice API 2026-01-01"),
    (get(f"/customvoice/consents?skip=two&{VOICE}"), "query skip /: 'two' is not of type"),
    (get(f"/customvoice/consents?top=2&{VOICE}"), "query top: not described"),
    (get(f"/customvoice/consents?skip=1&skip=2&{VOICE}"), "query skip: more than once"),
    (("DELETE", f"/customvoice/consents/a-c?{VOICE}", {"json": {}}), "has a body"),
    (form("consents/a-c", CONSENT), "content type 'application/x-www-form-urlencoded'"),
    (form("consents/a-c", CONSENT | {"lang": "en"}, "audiodata"), "field lang: not described"),
    (form("consents/a-c", CONSENT, "audioData"), "field audiodata: missing"),
    (form("consents/a-c", CONSENT | {"audiodata": "a"}, "properties"), "field audiodata: no file"),
    (form("personalvoices/a-v", {"projectId": "a-p"}, "audiodata"), "field consentId: missing"),
    (put("/customvoice/models/a-m", MODEL | {"engineVersion": "1"}), "/engineVersion: read-only"),
    (put("/customvoice/models/a-m", MODEL | {"properties": {"voiceStyles": []}}),
     "body /properties/voiceStyles: read-only"),
    (put("/customvoice/trainingsets/a-t", {"projectId": "a-p", "locale": "a", "properties": {}}),
     "body /properties: read-only"),
    (post("/customvoice/trainingsets/a-t:upload", {"kind": "Audio", "audios": BLOBS}, VOICE),
     "body /kind: 'Audio' is not one of"),
    (post("/customvoice/trainingsets/a-t:upload", {"kind": "AudioOnly", "audios": {}}, VOICE),
     "'containerUrl' is a required property"),
    (put("/customvoice/endpoints/an-id", {"projectId": "a-p", "modelId": "a-m"}), "not a 'uuid'"),
    (put("/texttospeech/batchsyntheses/a-b", {"inputKind": "Ssml"}, BATCH), "'Ssml' is not one of"),
    (put("/texttospeech/batchsyntheses/a-b", SPOKEN | {"status": "Running"}, BATCH),
     "body /status: read-only"),
    (put("/texttospeech/batchsyntheses/a-b",
         SPOKEN | {"properties": {"timeToLiveInHours": "24"}}, BATCH), "'24' is not of type"),
    (put("/texttospeech/batchsyntheses/a-b", SPOKEN, VOICE), "'2026-01-01' is not described"),
    (post("/translate", {"inputs": [TEXT | {"textType": "html"}]}), "'html' is not one of"),
    (post("/translate", {"inputs": [TEXT | {"to": "en"}]}), "'to' was unexpected"),
    (post("/translate", {"inputs": [{"text": "a"}]}), "'targets' is a required property"),
    (post("/detect", [{"Text": "a"}]), "no operation of Text Translation 2026-06-06"),
    (post("/translate", [{"Text": "a"}], OLD), "query to: missing"),
    (post("/translate", [{"text": "a"}], f"to=en&{OLD}"), "'Text' is a required property"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "told"), WRONG_CALLS, ids=[told for _, told in WRONG_CALLS])
async def test_what_is_not_described_is_refused_with_the_reason(call, told):
    status, found = await asked(call, 200, {})

    assert status == WRONG
    assert any(told in reason for reason in found), found


async def test_what_azure_publishes_nothing_of_is_not_judged(service):
    transport = httpx2.ASGITransport(service.faults)
    async with httpx2.AsyncClient(transport=transport, base_url="http://fake") as client:
        answer = await client.post("/tts/cognitiveservices/v1?a=b")

    assert answer.status_code == 401


async def test_a_call_needs_a_key_or_a_token():
    call = get(f"/customvoice/basemodels?{VOICE}")

    assert await asked(call, 200, {"value": []}, {"Authorization": "Bearer t"}) == (200, [])
    status, [reason] = await asked(call, 200, {"value": []}, {})
    assert (status, reason.partition(": ")[2]) == (
        WRONG,
        "header Ocp-Apim-Subscription-Key: missing, and no token either",
    )


async def test_an_operation_id_is_judged():
    headers = KEY | {"Operation-Id": "-"}
    status, found = await asked(form("consents/a-c", CONSENT, "audiodata"), 201, CONSENT, headers)

    assert status == WRONG
    assert "header Operation-Id" in found[0]


@pytest.mark.parametrize(
    ("call", "status", "body", "told"),
    [
        (put("/customvoice/projects/a-p", {"kind": "PersonalVoice"}), 200, {}, "200: not descr"),
        (get(f"/customvoice/consents/a-c?{VOICE}"), 200, {"id": "a-c"}, "'projectId' is a requ"),
        (get(f"/customvoice/consents/a-c?{VOICE}"), 404, "Not Found", "404: is not JSON"),
        (get(f"/customvoice/consents/a-c?{VOICE}"), 500, {"detail": ""}, "'error' is a required"),
        (("DELETE", f"/customvoice/consents/a-c?{VOICE}", {}), 204, "gone", "204: has a body"),
        (get(f"/languages?{NEW}"), 200, {"translation": {"de": {
            "name": "German", "nativeName": "Deutsch", "dir": "down", "models": []}}},
         "/translation/de/dir: 'down' is not one of"),
    ],
)  # fmt: skip
async def test_an_answer_of_a_fake_is_judged(call, status, body, told):
    seen, found = await asked(call, status, body)

    assert seen == WRONG
    assert any(told in reason for reason in found), found


async def test_what_the_client_sends_wrong_fails_the_test(service, patience):
    options = AzureOptions(key=lambda: service.account.key, endpoint=service.url, tries=1)
    http = AzureHttp(options, pause=patience.pause, clock=patience.clock)

    with pytest.raises(EngineUnavailable):
        await CustomVoice(http).find_consent("-not-an-id-")
    await http.close()

    with pytest.raises(pytest.fail.Exception, match="path id /: '-not-an-id-' does not match"):
        violations.check()
    violations.check()


@pytest.mark.parametrize(("name", "operations"), OPERATIONS.items())
def test_a_contract_says_where_it_is_from(name, operations):
    file = FOLDER / f"{name}.json"
    origin = json.loads(file.read_text())["origin"]

    assert (origin["licence"], origin["made_by"]) == ("MIT", "tools/azure_contracts.py")
    assert re.fullmatch(r"specification/[\w./-]+\.json", origin["path"])
    assert re.fullmatch(r"[0-9a-f]{40}", origin["commit"])
    assert file.stat().st_size < MOST_BYTES
    for schema in contract(name).said["definitions"].values():
        Draft4Validator.check_schema(schema)
    assert len(contract(name).operations) == operations
    assert set(re.findall(r"#/definitions/([\w.]+)", file.read_text())) <= set(
        contract(name).said["definitions"]
    )
