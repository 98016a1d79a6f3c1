"""Who may call what, over HTTP."""

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from app.api.access import GuardedRoute
from app.core.config import Settings
from app.identity.keys import CacheTimes
from app.identity.tokens import TokenVerifier
from app.models.access import PERMISSIONS, Permission, Role
from app.models.api_key import ApiKey
from app.services.access import AccessService
from tests.api.access_table import (
    Credentials,
    Operation,
    bearer,
    guarded,
    guarded_settings,
    make_key,
    operations,
)
from tests.conftest import recording
from tests.servers.issuer import ANN, BEN, TENANT, Issuer, issuing
from tests.speaking import create_app

ID = "550e8400-e29b-41d4-a716-446655440000"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Credentials]]:
    """A server with `AUTH_MODE=api_key,entra`."""
    with guarded(tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture(scope="module")
def guarded_client(world: tuple[TestClient, Credentials]) -> TestClient:
    return world[0]


@pytest.fixture(scope="module")
def credentials(world: tuple[TestClient, Credentials]) -> Credentials:
    return world[1]


@pytest.fixture(scope="module")
def listed(guarded_client: TestClient) -> list[Operation]:
    return operations(guarded_client)


def asking(listed: list[Operation]) -> list[Operation]:
    return [operation for operation in listed if operation.permission != "public"]


# Every route


@pytest.mark.services
def test_every_role_may_call_what_the_table_says_and_nothing_else(
    guarded_client: TestClient, credentials: Credentials, listed: list[Operation]
) -> None:
    for kind, by_role in credentials.good.items():
        for role, headers in by_role.items():
            for operation in listed:
                allowed = (
                    operation.permission == "public"
                    or Permission(operation.permission) in PERMISSIONS[role]
                )
                status = operation.status(guarded_client, headers)
                assert status < 500, (kind, role, str(operation))
                assert status != 401, (kind, role, str(operation))
                assert (status != 403) == allowed, (kind, role, str(operation), status)


@pytest.mark.services
def test_no_bad_credential_opens_any_route(
    guarded_client: TestClient, credentials: Credentials, listed: list[Operation]
) -> None:
    for name, (headers, code) in credentials.bad.items():
        for operation in asking(listed):
            response = operation.call(guarded_client, headers)
            assert response.status_code == 401, (name, str(operation))
            assert response.json()["code"] == code, (name, str(operation))


@pytest.mark.services
def test_public_routes_are_public_whatever_is_sent_along(
    guarded_client: TestClient, credentials: Credentials, listed: list[Operation]
) -> None:
    public = [operation for operation in listed if operation.permission == "public"]
    assert {"GET /health", "GET /health/ready"} <= {str(operation) for operation in public}
    for headers, _ in credentials.bad.values():
        for operation in public:
            assert operation.status(guarded_client, headers) == 200


def test_every_route_that_asks_for_something_declares_that_it_does(
    guarded_client: TestClient, listed: list[Operation]
) -> None:
    paths = guarded_client.get("/openapi.json").json()["paths"]
    for operation in listed:
        described = paths[operation.path][operation.method.lower()]
        declared = {"401", "403", "429"} & set(described["responses"])
        asks = operation.permission != "public"
        assert declared == ({"401", "403", "429"} if asks else set()), str(operation)
        assert bool(described.get("security")) == asks, str(operation)


def test_every_route_is_a_guarded_one_whether_it_is_described_or_not(
    guarded_client: TestClient,
) -> None:
    app: Any = guarded_client.app
    assert {"/voices", "/health"} <= {route.path for route in app.routes}
    for route in app.routes:
        if isinstance(route, APIRoute):
            assert isinstance(route, GuardedRoute), route.path
        else:  # the framework's own pages about the API
            known = {"/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc"}
            assert route.path in known, route.path


def test_a_new_route_without_a_rule_stops_the_start() -> None:
    router = APIRouter(route_class=GuardedRoute)

    with pytest.raises(TypeError, match="/forgotten"):

        @router.get("/forgotten")
        async def forgotten() -> None: ...


# What a refusal says


def challenge(client: TestClient, headers: Any) -> str:
    response = client.get("/voices", headers=headers)
    assert response.status_code == 401
    return response.headers["WWW-Authenticate"]


def test_without_credentials_the_challenge_names_no_error(guarded_client: TestClient) -> None:
    assert challenge(guarded_client, {}) == 'Bearer realm="voice-cloning"'


def test_with_bad_ones_it_names_the_error(
    guarded_client: TestClient, credentials: Credentials
) -> None:
    for headers, code in credentials.bad.values():
        if code != "credentials-missing":
            text = challenge(guarded_client, headers)
            assert text.startswith('Bearer realm="voice-cloning", error="invalid_token"')
            assert ("has expired" in text) == code.endswith("expired")


def test_a_missing_permission_is_named(
    guarded_client: TestClient, credentials: Credentials
) -> None:
    reader = credentials.good["key as bearer"][Role.READER]

    response = guarded_client.post("/voices", headers=reader)

    assert response.status_code == 403
    assert response.json()["permission"] == "voices:write"
    assert "voices:write" in response.json()["detail"]
    assert 'error="insufficient_scope"' in response.headers["WWW-Authenticate"]


def test_a_refusal_says_nothing_about_what_is_wrong_with_a_token(
    guarded_client: TestClient, credentials: Credentials
) -> None:
    answers = [
        guarded_client.get("/voices", headers=headers).json() | {"instance": ""}
        for headers, code in credentials.bad.values()
        if code == "token-invalid"
    ]

    assert all(answer == answers[0] for answer in answers)


def test_two_credentials_at_once_are_refused(
    guarded_client: TestClient, credentials: Credentials
) -> None:
    both = (
        credentials.good["key by its header"][Role.ADMIN]
        | credentials.good["token of a user"][Role.ADMIN]
    )

    response = guarded_client.get("/voices", headers=both)

    assert response.status_code == 400
    assert response.json()["code"] == "invalid-request"


def test_a_proxys_own_authorization_does_not_hide_the_key(
    guarded_client: TestClient, credentials: Credentials
) -> None:
    headers = {
        "Authorization": "Basic YW5uOnNlY3JldA==",
        **credentials.good["key by its header"][Role.READER],
    }

    assert guarded_client.get("/voices", headers=headers).status_code == 200


def test_the_scheme_is_bearer_in_any_case(
    guarded_client: TestClient, credentials: Credentials
) -> None:
    token = str(credentials.good["token of a user"][Role.READER]["Authorization"]).split()[1]

    for scheme in ("bearer", "BEARER", "Bearer  "):
        headers = {"Authorization": f"{scheme} {token}"}
        assert guarded_client.get("/voices", headers=headers).status_code == 200


def test_it_is_known_who_may_upload_before_the_body_is_read(
    guarded_client: TestClient, credentials: Credentials
) -> None:
    by_role = credentials.good["key by its header"]
    for sent, expected in (
        ({}, 401),
        (by_role[Role.SPEAKER], 403),
        (by_role[Role.CREATOR] | {"X-Owner": "ben"}, 403),
    ):
        assert _status_without_body(guarded_client, "/voices", sent) == expected


def _status_without_body(client: TestClient, path: str, headers: Any) -> int:
    """Of a POST whose body never comes: asking for it is an error."""
    started: list[int] = []

    async def receive() -> Any:
        raise AssertionError("the body was asked for")

    async def send(message: Any) -> None:
        started.append(message.get("status", 0))

    multipart = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": "999"}
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [
            (name.lower().encode(), value.encode()) for name, value in (headers | multipart).items()
        ],
    }
    assert client.portal is not None
    client.portal.call(client.app, scope, receive, send)
    return started[0]


# Modes


@pytest.mark.parametrize(
    ("mode", "key_status", "token_status"),
    [("api_key", 200, 401), ("entra", 401, 200), ("api_key,entra", 200, 200)],
)
def test_a_server_takes_what_its_mode_says(
    tmp_path: Path, mode: str, key_status: int, token_status: int
) -> None:
    with issuing() as issuer:
        settings = guarded_settings(tmp_path, issuer, auth_mode=mode)
        key = asyncio.run(make_key(settings, "ann", "reader"))
        with TestClient(create_app(settings)) as client:
            by_key = client.get("/voices", headers=bearer(key))
            token = issuer.user(roles=["reader"])
            assert by_key.status_code == key_status
            assert client.get("/voices", headers=bearer(token)).status_code == token_status
            assert client.get("/voices").status_code == 401


@pytest.mark.services
def test_without_authentication_everybody_may_do_everything(client: TestClient) -> None:
    for operation in operations(client):
        assert operation.status(client, {}) not in (401, 403), str(operation)
        assert operation.status(client, bearer("x")) not in (401, 403), str(operation)


@pytest.mark.parametrize(("keys", "warned"), [(0, True), (1, False)])
def test_a_server_that_nobody_can_call_says_how_to_make_the_first_key(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, keys: int, warned: bool
) -> None:
    settings = guarded_settings(tmp_path)
    for _ in range(keys):
        asyncio.run(make_key(settings, "ann", "reader"))

    with TestClient(create_app(settings)):
        pass

    assert ("voice-cloning keys create" in caplog.text) == warned


def test_an_issuer_that_cannot_be_asked_is_told_and_comes_back_without_a_restart(
    tmp_path: Path,
) -> None:
    with issuing() as issuer:
        issuer.status = 500
        settings = guarded_settings(tmp_path, issuer)
        key = asyncio.run(make_key(settings, "ann", "reader"))
        with impatient(settings) as client:
            headers = bearer(issuer.user(roles=["reader"]))
            refused = client.get("/voices", headers=headers)
            assert refused.status_code == 503
            assert refused.json()["code"] == "identity-unavailable"
            assert "Retry-After" in refused.headers
            assert client.get("/voices", headers=bearer(key)).status_code == 200

            issuer.status = 200
            assert client.get("/voices", headers=headers).status_code == 200


@contextmanager
def impatient(settings: Settings) -> Iterator[TestClient]:
    """A server that asks an issuer again at once when it has failed."""
    with TestClient(create_app(settings)) as client:
        state: Any = client.app.state  # type: ignore[attr-defined]
        access = AccessService(
            keys=state.context.database.collection(ApiKey),
            tokens=TokenVerifier.of(settings, times=CacheTimes(retry_s=0.0)),
        )
        state.context = replace(state.context, access=access)
        yield client
        assert client.portal is not None
        client.portal.call(access.close)


def test_a_hundred_bad_tokens_at_once_ask_the_issuer_once(tmp_path: Path) -> None:
    with issuing() as issuer, TestClient(create_app(guarded_settings(tmp_path, issuer))) as client:
        tokens = [issuer.token(issuer.entra_claims(), kid=f"bad-{n}") for n in range(100)]
        statuses: list[int] = []

        def send(token: str) -> None:
            statuses.append(client.get("/voices", headers=bearer(token)).status_code)

        threads = [threading.Thread(target=send, args=(token,)) for token in tokens]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert statuses == [401] * 100
        assert issuer.key_fetches == 1


def test_neither_keys_nor_tokens_are_logged(
    guarded_client: TestClient, credentials: Credentials, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sent = [*credentials.good.values(), {k: h for k, (h, _) in credentials.bad.items()}]

    for headers in [headers for kind in sent for headers in kind.values()]:
        guarded_client.get("/voices", headers=headers)

    secrets = {
        str(value).split()[-1]
        for kind in sent
        for headers in kind.values()
        for value in headers.values()
        if len(value) > 40
    }
    assert len(secrets) > 20
    assert "token refused" in caplog.text
    assert not [secret for secret in secrets if secret in caplog.text]


# Owners


class Two:
    """Two creators and an administrator on one server."""

    def __init__(self, client: TestClient, settings: Settings) -> None:
        self.client = client
        self.ann, self.ben, self.admin = (
            bearer(asyncio.run(make_key(settings, owner, role)))
            for owner, role in (("ann", "creator"), ("ben", "creator"), ("chief", "admin"))
        )

    def register(self, headers: Any, **more: str) -> Any:
        file = ("sample.wav", recording(), "audio/wav")
        return self.client.post("/voices", headers=headers | more, files={"file": file})

    def voices(self, headers: Any, **more: str) -> list[str]:
        items = self.client.get("/voices", headers=headers | more).json()["items"]
        return [item["voice_id"] for item in items]


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    settings = guarded_settings(tmp_path)
    with TestClient(create_app(settings)) as client:
        yield Two(client, settings)


_VOICE = "/api/v1/voices/{voice_id}"
# What each takes, where that is not a text.
BODIES: dict[str, Any] = {
    f"PUT {_VOICE}": {"json": {"version": 1, "name": "Mine"}},
    f"POST {_VOICE}/train": {"json": {"minutes": 1}},
    f"POST {_VOICE}/samples": {"files": {"files": ("a.wav", b"RIFF", "audio/wav")}},
    f"POST {_VOICE}/verify": {"files": {"file": ("a.wav", b"RIFF", "audio/wav")}},
}


@pytest.mark.services
def test_another_owners_voice_is_as_if_it_were_not_there(two: Two) -> None:
    voice = two.register(two.ann).json()["voice_id"]
    concerned = [op for op in operations(two.client) if "{voice_id}" in op.path]
    assert len(concerned) >= 3

    for operation in concerned:
        for headers in (two.ben, two.admin):
            path = operation.path.replace("{voice_id}", "%s").replace("{number}", "1")
            path = path.replace("{sample_id}", voice)
            theirs, none = (
                two.client.request(
                    operation.method,
                    path % record,
                    headers=headers,
                    params={"a": 1, "b": 1},
                    **BODIES.get(str(operation), {"json": {"text": "Hello."}}),
                )
                for record in (voice, ID)
            )
            assert theirs.status_code == none.status_code == 404, str(operation)
            assert (
                theirs.text.replace(voice, ID).split('"instance"')[0]
                == (none.text.split('"instance"')[0])
            )

    assert two.voices(two.ben) == two.voices(two.admin) == []
    assert two.voices(two.ann) == [voice]


def test_a_cursor_of_another_owners_list_shows_nothing(two: Two) -> None:
    for _ in range(2):
        two.register(two.ann)
    cursor = two.client.get("/voices?limit=1", headers=two.ann).json()["cursor"]

    response = two.client.get("/voices", params={"cursor": cursor}, headers=two.ben)

    assert response.status_code == 400


@pytest.mark.services
def test_another_owner_can_only_be_named_with_permission(two: Two) -> None:
    voice = two.register(two.ann).json()["voice_id"]

    for operation in asking(operations(two.client)):
        response = operation.call(two.client, two.ben | {"X-Owner": "ann"}, voice)
        assert response.status_code == 403, str(operation)
    assert two.register(two.ben, **{"X-Owner": "ann"}).status_code == 403

    assert two.voices(two.ann) == [voice]
    assert two.voices(two.ben, **{"X-Owner": "ben"}) == []  # their own name is no other


def test_an_administrator_can_act_for_another_owner(two: Two) -> None:
    for_ann = {"X-Owner": "ann"}
    made = two.register(two.admin, **for_ann).json()["voice_id"]

    assert two.voices(two.ann) == two.voices(two.admin, **for_ann) == [made]
    assert two.voices(two.admin) == []
    assert two.client.get(f"/voices/{made}", headers=two.ann).status_code == 200
    deleted = two.client.delete(f"/voices/{made}", headers=two.admin | for_ann)
    assert deleted.status_code == 200
    assert two.voices(two.ann) == []


@pytest.mark.parametrize("owner", ["", " ", "a b", "x" * 201, b"\xff", "é".encode(), b"a\x7f"])
def test_nobody_is_called_so(two: Two, owner: Any) -> None:
    response = two.client.get("/voices", headers=two.admin | {"X-Owner": owner})

    assert response.status_code == 400


def test_one_person_has_the_same_voices_by_token_and_by_key(tmp_path: Path) -> None:
    with issuing() as issuer:
        settings = guarded_settings(tmp_path, issuer)
        key = asyncio.run(make_key(settings, f"{TENANT}/{ANN}", "creator"))
        with TestClient(create_app(settings)) as client:
            file = ("sample.wav", recording(), "audio/wav")
            client.post("/voices", headers=bearer(key), files={"file": file})

            assert len(_names(client, issuer, ANN)) == 1
            assert _names(client, issuer, BEN) == []


def _names(client: TestClient, issuer: Issuer, person: str) -> list[str]:
    headers = bearer(issuer.user(oid=person, roles=["reader"]))
    return [item["name"] for item in client.get("/voices", headers=headers).json()["items"]]
