"""Requests to other services are dependencies of what they are sent for."""

import asyncio

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, Tracer

from app.core.exceptions import IdentityError
from app.core.logging import request_id
from app.core.metrics import Metrics
from app.core.outgoing import measured, outgoing
from app.core.tracing import job_span
from app.identity.discovery import Source, fetch_keys, open_client
from tests.api.voices import voice_server
from tests.azure_fake.faults import FAULTS
from tests.azure_fake.serving import served
from tests.azure_fake.translator import KEY, REGION, TranslatorState, translator_app
from tests.jobs.test_webhooks import hooks, job, receiver, resolving
from tests.servers.issuer import issuing
from tests.telemetry.series import scrape, value

pytestmark = pytest.mark.anyio

URL = "https://user:sk-secret@api.example.com/voices/Ada?sig=sk-secret#Ada"


class Recorder:
    """What was recorded, in the order in which it ended."""

    def __init__(self) -> None:
        self._kept = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._kept))
        self.tracer: Tracer = provider.get_tracer("test")

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._kept.get_finished_spans()


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


async def test_a_request_tells_its_host_and_nothing_of_what_it_asks(recorder):
    request_id.set("request-7")
    with job_span(recorder.tracer, "job batch"):
        async with outgoing("azure-speech", "POST", URL, azure=True) as headers:
            headers.answered(200)

    call, work = recorder.spans
    assert (call.name, call.kind) == ("azure-speech POST", SpanKind.CLIENT)
    assert call.parent is not None
    assert call.parent.span_id == work.context.span_id
    assert dict(call.attributes or {}) == {
        "http.request.method": "POST",
        "peer.service": "azure-speech",
        "server.address": "api.example.com",
        "server.port": 443,
        "http.response.status_code": 200,
    }
    parent = headers.pop("traceparent")
    assert parent.startswith(f"00-{call.context.trace_id:032x}-{call.context.span_id:016x}-0")
    assert dict(headers) == {
        "X-Request-ID": "request-7",
        "x-ms-client-request-id": "request-7",
    }


async def test_what_fails_is_told_by_its_kind(recorder):
    with job_span(recorder.tracer, "job batch"):
        with pytest.raises(ValueError, match="sk-secret"):
            async with outgoing("a", "GET", "http://[sk-secret"):
                raise ValueError("sk-secret")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0), outgoing("b", "GET", URL):
                await asyncio.Event().wait()
        async with outgoing("c", "GET", "http://localhost:9/") as headers:
            headers.answered(503)

    calls = recorder.spans[:3]
    assert [(call.attributes or {})["error.type"] for call in calls] == [
        "ValueError",
        "CancelledError",
        "503",
    ]
    assert not any(call.status.is_ok for call in calls)
    assert "sk-secret" not in "".join(span.to_json() for span in recorder.spans)


async def test_without_a_trace_and_a_request_nothing_is_sent_along():
    request_id.set("-")
    async with outgoing("a", "GET", URL, azure=True) as headers:
        headers.answered(200)

    assert dict(headers) == {}


async def test_it_may_enclose_what_a_stream_yields(recorder):
    async def stream():
        async with outgoing("azure-speech", "POST", URL) as headers:
            headers.answered(200)
            yield b"sound"

    with job_span(recorder.tracer, "job batch"):
        pieces = stream()
        assert await anext(pieces) == b"sound"
        await asyncio.create_task(pieces.aclose())  # whoever ends it, in whichever task

    assert [span.name for span in recorder.spans] == ["azure-speech POST", "job batch"]


async def test_a_webhook_gets_the_trace_and_the_id_of_the_request(recorder):
    with receiver(500, 204) as there, job_span(recorder.tracer, "job webhook"):
        await hooks().deliver(job(f"http://127.0.0.1:{there.port}/hooks/sk-secret?to=me"))

    first, second, _ = recorder.spans
    assert [span.name for span in (first, second)] == ["webhook POST"] * 2
    assert (first.attributes or {})["error.type"] == "500"
    [_, (_, headers, _)] = there.received
    lower = {name.lower(): value for name, value in headers.items()}
    assert lower["x-request-id"] == "r"
    assert lower["traceparent"].split("-")[2] == f"{second.context.span_id:016x}"
    assert "x-ms-client-request-id" not in lower
    assert "sk-secret" not in "".join(span.to_json() for span in recorder.spans)


async def test_asking_for_keys_is_a_dependency(recorder):
    with issuing() as issuer, job_span(recorder.tracer, "job"):
        metadata = f"{issuer.url}/.well-known/openid-configuration"
        async with open_client() as client:
            await fetch_keys(client, Source(metadata, issuer=issuer.url))
            with pytest.raises(IdentityError):
                await fetch_keys(client, Source(f"{issuer.url}/nowhere"))

    calls = [span.attributes or {} for span in recorder.spans[:-1]]
    assert [call["http.response.status_code"] for call in calls] == [200, 200, 404]
    assert {call["server.address"] for call in calls} == {"127.0.0.1"}


def outcomes(text: str, service: str) -> dict[str, float]:
    ends = ("ok", "refused", "failed", "cancelled")
    counted = {
        end: value(text, "outgoing_seconds_count", service=service, outcome=end) for end in ends
    }
    return {end: count for end, count in counted.items() if count}


def test_what_became_of_requests_to_a_service_is_measured(tmp_path):
    state = TranslatorState()
    body = {"texts": ["Ja."], "source_language": "de", "target_language": "en-US"}
    with (
        served(translator_app(state)) as url,
        voice_server(
            tmp_path,
            azure_translator_endpoint=url,
            azure_translator_key=KEY,
            azure_translator_region=REGION,
            translation_cache_chars=0,
            services_tries=1,
        ) as client,
    ):
        for fault in (None, "429", "403", "500", "HTML body"):
            if fault:
                state.faults.add("POST /translate", FAULTS[fault])
            client.post("/api/v1/translation/translate", json=body)
        text = scrape(client)

    seen = outcomes(text, "azure-translator")
    assert {end: seen[end] for end in ("refused", "failed")} == {"refused": 2, "failed": 2}
    assert seen["ok"] >= 1  # and of the languages that it knows
    assert value(text, "outgoing_seconds_sum", service="azure-translator", outcome="ok") > 0
    assert "127.0.0.1" not in text


async def test_who_did_not_answer_has_failed_and_what_nobody_waits_for_is_cancelled():
    metrics = Metrics()
    with receiver(200) as there, measured(metrics):
        there.server.shutdown()  # it takes connections, and says nothing
        silent = job(f"http://127.0.0.1:{there.port}/")
        at_once = hooks(timeout_s=0.05, attempts=1, resolve=resolving("127.0.0.1"))
        await at_once.deliver(silent)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0), outgoing("issuer", "GET", URL):
                await asyncio.Event().wait()

    text = metrics.exposition()[0].decode()
    assert outcomes(text, "webhook") == {"failed": 1}
    assert outcomes(text, "issuer") == {"cancelled": 1}
