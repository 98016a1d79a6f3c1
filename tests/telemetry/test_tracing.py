import socket
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.config import Settings
from app.core.exceptions import ConfigurationError
from app.main import create_app
from tests.conftest import recording
from tests.schema import schema_in
from tests.telemetry.collector import attributes, collecting

NAME, TEXT = "Ada Lovelace", "Nobody may read this. Nor the second sentence. Nor the third."
SECRETS = (NAME, "Ada", "Nobody may", "second sentence", "sk-secret", "a.wav")


def settings(tmp_path: Path, **values: Any) -> Settings:
    schema_in(tmp_path)
    return Settings(_env_file=None, data_dir=tmp_path, voice_engine="fake", **values)


def use(client: TestClient, *, stream: bool, headers: dict[str, str] | None = None) -> str:
    """Register a voice and speak in it. Returns its id."""
    file = {"file": ("a.wav", recording(), "audio/wav")}
    answer = client.post("/voices?note=sk-secret", files=file, data={"name": NAME}, headers=headers)
    voice: str = answer.json()["voice_id"]
    spoken = client.post(
        f"/voices/{voice}/synthesize?note=sk-secret",
        json={"text": TEXT, "format": "mp3", "stream": stream},
        headers={"Authorization": "Bearer sk-secret", **(headers or {})},
    )
    assert spoken.status_code == 200, spoken.text
    return voice


@pytest.mark.parametrize("stream", [False, True])
def test_a_synthesis_is_a_tree_of_spans_without_personal_data(tmp_path: Path, stream: bool) -> None:
    with collecting() as collector:
        app = create_app(settings(tmp_path, otel_exporter_otlp_endpoint=collector.url))
        with TestClient(app) as client:
            voice = use(client, stream=stream)
        spans = collector.spans()

    by_id = {span.span_id: span for span in spans}
    speaking = next(s for s in spans if s.name == "POST /voices/{voice_id}/synthesize")
    registering = next(s for s in spans if s.name == "POST /voices")
    below = {
        root.name: Counter(s.name for s in spans if s.parent_span_id == root.span_id)
        for root in (speaking, registering)
    }
    assert below[speaking.name]["sentence"] == 3
    assert below[speaking.name]["encode"] == 1  # not one for each piece
    assert below[speaking.name]["database.get"] == 1
    assert below[speaking.name]["database.list"] == 1  # of the lexicons that hold by default
    assert below[speaking.name]["storage.get"] == 1
    assert sum(below[speaking.name].values()) == 7
    assert {"decode", "listen", "enroll", "storage.put", "database.add"} <= set(
        below[registering.name]
    )
    assert speaking.kind == 2  # server
    assert not speaking.parent_span_id
    assert attributes(speaking)["http.response.status_code"] == 200
    assert all(s.trace_id == by_id[s.parent_span_id].trace_id for s in spans if s.parent_span_id)
    for span in spans:
        assert span.end_time_unix_nano >= span.start_time_unix_nano
    for secret in (*SECRETS, voice):
        assert secret not in collector.everything()


def test_the_trace_of_the_caller_goes_on(tmp_path: Path) -> None:
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    with collecting() as collector:
        app = create_app(settings(tmp_path, otel_exporter_otlp_endpoint=collector.url))
        with TestClient(app) as client:
            client.get("/voices", headers={"traceparent": f"00-{trace}-{parent}-01"})
            client.get("/voices", headers={"traceparent": "nonsense"})
        lists = [span for span in collector.spans() if span.name == "GET /voices"]

    assert [span.parent_span_id.hex() for span in lists] == [parent, ""]
    assert lists[0].trace_id.hex() == trace
    assert lists[1].trace_id.hex() != trace


def test_a_share_of_the_traces_is_sent_and_callers_decide_for_theirs(tmp_path: Path) -> None:
    wanted, unwanted = (f"00-{'1' * 32}-{'2' * 16}-0{flag}" for flag in (1, 0))
    with collecting() as collector:
        url = collector.url
        none = settings(tmp_path, otel_exporter_otlp_endpoint=url, traces_sample_ratio=0)
        with TestClient(create_app(none)) as client:
            client.get("/voices")
            client.get("/voices", headers={"traceparent": wanted})
            client.get("/voices", headers={"traceparent": unwanted})
        roots = [span for span in collector.spans() if span.name == "GET /voices"]

    assert [span.parent_span_id.hex() for span in roots] == ["2" * 16]


def test_no_header_of_a_trace_gets_into_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    headers = {
        "traceparent": f"00-{'1' * 32}-{'2' * 16}-01",
        "tracestate": NAME,
        "baggage": f"{NAME},=1",
    }
    with collecting() as collector:
        app = create_app(settings(tmp_path, otel_exporter_otlp_endpoint=collector.url))
        with TestClient(app) as client:
            client.get("/voices", headers=headers)

    assert NAME not in capsys.readouterr().err


def test_errors_are_told_by_their_code_and_not_by_what_they_say(tmp_path: Path) -> None:
    with collecting() as collector:
        app = create_app(settings(tmp_path, otel_exporter_otlp_endpoint=collector.url))
        with TestClient(app) as client:
            file = {"file": ("Ada.wav", b"Nobody may read this", "audio/wav")}
            assert client.post("/voices", files=file).status_code == 400
            client.get("/voices/Ada")
            client.request("ADA", "/Ada")
        spans = {span.name: span for span in collector.spans()}

    assert attributes(spans["POST /voices"])["error.type"] == "unreadable-audio"
    assert spans["POST /voices"].status.code == 0  # the caller's fault
    assert attributes(spans["decode"])["error.type"] == "unreadable-audio"
    assert spans["decode"].status.code == 2
    assert attributes(spans["GET /voices/{voice_id}"])["error.type"] == "voice-not-found"
    assert not any(span.events for span in spans.values())
    for secret in (*SECRETS, "ADA"):
        assert secret not in collector.everything()


def test_application_insights_gets_requests_and_dependencies_without_personal_data(
    tmp_path: Path,
) -> None:
    with collecting() as collector:
        connection = (
            "InstrumentationKey=11111111-2222-3333-4444-555555555555;"
            f"IngestionEndpoint={collector.url}/"
        )
        app = create_app(settings(tmp_path, applicationinsights_connection_string=connection))
        with TestClient(app) as client:
            voice = use(client, stream=True)
        items = collector.items()

    assert {path for path, _ in collector.bodies} == {"/v2.1/track"}
    by_type: dict[str, list[dict[str, Any]]] = {}
    for item in items:
        by_type.setdefault(item["data"]["baseType"], []).append(item)
    assert set(by_type) == {"RequestData", "RemoteDependencyData"}
    assert not any(thread.name.startswith("Otel") for thread in threading.enumerate())
    requests = {item["data"]["baseData"]["name"]: item for item in by_type["RequestData"]}
    speaking = requests["POST /voices/{voice_id}/synthesize"]
    assert speaking["data"]["baseData"]["success"] is True
    assert speaking["data"]["baseData"]["responseCode"] == "200"
    assert speaking["tags"]["ai.cloud.role"] == "voice-cloning-api"
    own = [
        item["data"]["baseData"]["name"]
        for item in by_type["RemoteDependencyData"]
        if item["tags"]["ai.operation.parentId"] == speaking["data"]["baseData"]["id"]
    ]
    assert Counter(own)["sentence"] == 3
    assert set(own) == {"sentence", "encode", "database.get", "database.list", "storage.get"}
    for secret in (*SECRETS, voice):
        assert secret not in collector.everything()


@pytest.mark.services  # the end waits for some seconds
@pytest.mark.timeout(60)
def test_a_dead_collector_slows_nobody_and_the_end_does_not_wait_for_it(tmp_path: Path) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(1)  # takes connections, answers nothing
        endpoint = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        app = create_app(settings(tmp_path, otel_exporter_otlp_endpoint=endpoint))
        with TestClient(app) as client:
            # More than one batch: a request that had to wait for the collector would never end.
            for _ in range(600):
                assert client.get("/health").status_code == 200


@pytest.mark.services
def test_without_settings_nothing_is_traced_and_no_library_for_it_is_loaded() -> None:
    code = (
        "import sys, app.main; from fastapi.testclient import TestClient\n"
        "with TestClient(app.main.create_app()) as client: client.get('/voices')\n"
        "print(*(name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'azure'))))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout.split() == []


@pytest.mark.parametrize(
    ("values", "package", "extra"),
    [
        ({"otel_exporter_otlp_endpoint": "http://127.0.0.1:1"}, "opentelemetry.exporter", "otel"),
        (
            {"applicationinsights_connection_string": "InstrumentationKey=1"},
            "azure.monitor",
            "azure-monitor",
        ),
    ],
)
def test_a_missing_extra_stops_the_start_and_says_what_to_install(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    values: dict[str, str],
    package: str,
    extra: str,
) -> None:
    for name in [name for name in sys.modules if name.startswith(package)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)  # as if it were not installed

    with pytest.raises(ConfigurationError, match=rf'pip install "voice-cloning-api\[{extra}\]"'):
        create_app(settings(tmp_path, **values))


def test_a_connection_string_without_meaning_stops_the_start(tmp_path: Path) -> None:
    app = create_app(settings(tmp_path, applicationinsights_connection_string="nonsense"))

    with pytest.raises(ConfigurationError, match="CONNECTION_STRING"), TestClient(app):
        pass
