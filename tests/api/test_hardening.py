"""What browsers, proxies and strangers get to see of every answer."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.core.config import Settings
from app.core.config.checks import check
from app.core.exceptions import ConfigurationError
from tests.conftest import make_app, recording
from tests.speaking import create_app, engine_kind

PAGE = "https://studio.example.com"


class BrokenEngine(engine_kind()):
    async def enroll(self, recordings: object) -> object:  # type: ignore[override]
        raise ZeroDivisionError


def changed(settings: Settings, **values: object) -> Settings:
    return settings.model_copy(update=values)


@pytest.fixture
def for_page(settings: Settings) -> Settings:
    return changed(settings, allowed_origins=(PAGE,), cors_allow_credentials=True)


def test_a_page_of_an_allowed_origin_may_call(for_page: Settings) -> None:
    asked = {
        "Origin": PAGE,
        "Access-Control-Request-Method": "DELETE",
        "Access-Control-Request-Headers": "authorization, x-api-key, x-request-id",
    }
    with TestClient(create_app(for_page)) as client:
        preflight = client.options("/voices/x", headers=asked)
        answer = client.get("/voices", headers={"Origin": PAGE})

    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == PAGE
    assert "DELETE" in preflight.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert answer.headers["access-control-allow-credentials"] == "true"
    exposed = answer.headers["access-control-expose-headers"].split(", ")
    assert {"X-Request-ID", "X-Audio-Duration", "RateLimit", "Retry-After"} <= set(exposed)


def test_a_page_of_another_origin_may_not_read(for_page: Settings, client: TestClient) -> None:
    stranger = {"Origin": "https://other.example.com"}
    with TestClient(create_app(for_page)) as limited:
        assert "access-control-allow-origin" not in limited.get("/voices", headers=stranger).headers

    by_default = client.get("/voices", headers={"Origin": PAGE})
    assert "access-control-allow-origin" not in by_default.headers


def test_a_page_can_read_errors_even_our_own_faults(for_page: Settings) -> None:
    app = make_app(for_page, BrokenEngine())  # type: ignore[arg-type]
    with TestClient(app, raise_server_exceptions=False) as client:
        missing = client.get("/voices/none", headers={"Origin": PAGE})
        file = {"file": ("a.wav", recording(), "audio/wav")}
        broken = client.post("/voices", files=file, headers={"Origin": PAGE})

    assert (missing.status_code, broken.status_code) == (404, 500)
    for answer in (missing, broken):
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/voices", "/nowhere", "/health", "/openapi.json"])
def test_every_answer_has_security_headers(shared: TestClient, path: str) -> None:
    headers = shared.get(path).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("environment", "scheme", "told"),
    [("production", "https", True), ("production", "http", False), ("development", "https", False)],
)
def test_browsers_are_told_to_stay_on_https_in_production(
    settings: Settings, environment: str, scheme: str, told: bool
) -> None:
    safe = changed(settings, environment=environment, auth_mode=("api_key",))
    with TestClient(create_app(safe), base_url=f"{scheme}://voices.example.com") as client:
        assert ("strict-transport-security" in client.get("/health").headers) is told


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_the_pages_of_the_documentation_run_only_scripts_of_one_version(
    shared: TestClient, path: str
) -> None:
    answer = shared.get(path)
    policy = answer.headers["content-security-policy"]

    assert answer.text.count("<script src=") == answer.text.count("</script>") - answer.text.count(
        "<script>"
    )
    assert answer.text.count('integrity="sha384-') == answer.text.count("://cdn.")
    assert "script-src 'unsafe-inline'" not in policy
    assert policy.count("'sha256-") == answer.text.count("<script>")


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("voices.example.com", True),
        ("Voices.Example.com:8443", True),
        ("xvoices.example.com", False),
        ("a.b.example.org", True),
        ("example.org", False),
        ("evilexample.org", False),
        ("admin.example.net:9000", True),
        ("admin.example.net:9001", False),
        ("admin.example.net", False),
        ("[::1]:8000", True),
        ("127.0.0.1", False),
        ("voices.example.com.evil.net", False),
        ("voices.example.com:80@evil.net", False),
        ("", False),
    ],
)
def test_only_known_hosts_are_answered(settings: Settings, host: str, known: bool) -> None:
    hosts = ("voices.example.com", "*.example.org", "admin.example.net:9000", "[::1]")
    with TestClient(create_app(changed(settings, allowed_hosts=hosts))) as client:
        answer = client.get("/voices", headers={"Host": host})
        probe = client.get("/health/live", headers={"Host": "10.1.2.3:8000"})

    assert probe.status_code == 200
    if known:
        assert answer.status_code == 200
    else:
        assert answer.status_code == 421
        assert answer.json()["code"] == "host-unknown"
        assert answer.headers["x-request-id"]


def test_a_star_within_a_host_is_refused_at_start(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match=r"ALLOWED_HOSTS=api\.\*\.com"):
        check(changed(settings, allowed_hosts=("api.*.com",)))


def test_json_may_be_as_long_as_a_text_but_not_as_long_as_a_recording(
    settings: Settings, register: Callable[..., str]
) -> None:
    voice_id = register()
    short = changed(settings, max_text_chars=1000, rate_limit_characters=1000)
    with TestClient(create_app(short)) as client:
        path = f"/voices/{voice_id}/synthesize"
        long = client.post(path, json={"text": "x" * 100_000})
        unsaid = client.post(
            path,
            content=(b"x" * 1000 for _ in range(100)),
            headers={"Content-Type": "application/json"},
        )
        widest = client.post(path, json={"text": "\U0001f600" * 999 + "a", "format": "pcm"})
        file = {"file": ("a.wav", recording(), "audio/wav")}
        upload = client.post("/voices", files=file)

    assert (long.status_code, long.json()["code"]) == (413, "upload-too-large")
    assert (unsaid.status_code, unsaid.json()["code"]) == (413, "upload-too-large")
    assert widest.status_code == 200, widest.text
    assert upload.status_code == 201


def test_head_is_answered_as_get_without_the_body(
    client: TestClient, register: Callable[..., str]
) -> None:
    voice_id = register()
    for path in ("/health", "/voices", f"/voices/{voice_id}", "/openapi.json", "/docs"):
        head, get = client.head(path), client.get(path)
        assert head.status_code == get.status_code == 200
        assert head.content == b""
        assert head.headers["content-type"] == get.headers["content-type"]
        assert head.headers["content-length"] == get.headers["content-length"]
    assert client.head("/voices/none").status_code == 404


def test_a_wrong_method_is_told_all_methods_of_the_path(shared: TestClient) -> None:
    def allowed(path: str) -> str:
        answer = shared.patch(path)
        assert answer.status_code == 405
        return str(answer.headers["allow"])

    assert allowed("/voices") == "GET, HEAD, POST"
    assert allowed("/voices/some-id") == "GET, HEAD, DELETE"
    assert allowed("/health") == "GET, HEAD"
    assert shared.head("/voices/some-id/synthesize").status_code == 405


def test_nobody_is_sent_to_where_the_request_says(shared: TestClient) -> None:
    asked = {"Host": "other.example.com"}

    answer = shared.get("/voices/", headers=asked, follow_redirects=False)

    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert "Location" not in answer.headers
