"""Every route with every kind of credential: `python -m tests.api.access_table` prints a table."""

import asyncio
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
from fastapi.testclient import TestClient

from app.core.config import Settings
from app.db.audit import AuditTrail
from app.db.opening import database_of
from app.models.access import LOCAL, Role
from app.models.api_key import ApiKey, NewKey
from app.models.audit import AuditEvent
from app.services.keys import KeyService
from tests.schema import schema_in
from tests.servers.issuer import (
    CLIENT,
    OTHER_TENANT,
    TENANT,
    Issuer,
    issuing,
    rsa_key,
    with_public_key_as_secret,
)
from tests.speaking import create_app, engine_settings

Headers = dict[str, str | bytes]


@dataclass(frozen=True)
class Operation:
    """One route of the OpenAPI document. `public`: anybody may call it."""

    method: str
    path: str
    permission: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def status(self, client: TestClient, headers: Headers) -> int:
        """What it answers to an empty request about records that do not exist."""
        return self.call(client, headers).status_code

    def call(self, client: TestClient, headers: Headers, record: str | None = None) -> Any:
        path = re.sub(r"\{\w+\}", record or str(uuid4()), self.path)
        return client.request(self.method, path, headers=headers)


def operations(client: TestClient) -> list[Operation]:
    """All routes; a `KeyError` tells of one without a rule."""
    document = client.get("/openapi.json").json()
    return [
        Operation(method.upper(), path, operation["x-permission"])
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]


@dataclass(frozen=True)
class Credentials:
    """Headers by what they are.

    Attributes:
        good: kind -> role -> headers.
        bad: kind -> headers, and the code of the error.
    """

    good: dict[str, dict[Role, Headers]]
    bad: dict[str, tuple[Headers, str]]


@contextmanager
def guarded(folder: Path) -> Iterator[tuple[TestClient, Credentials]]:
    """A server that takes keys and tokens, with some of each."""
    with issuing() as issuer:
        settings = guarded_settings(folder, issuer)
        keys = asyncio.run(_make_keys(settings))
        with TestClient(create_app(settings), raise_server_exceptions=False) as client:
            yield client, _credentials(keys, issuer)


def guarded_settings(folder: Path, issuer: Issuer | None = None, **values: Any) -> Settings:
    """Of a server that takes keys and, if there is an issuer, its tokens."""
    entra = {
        "auth_mode": "api_key,entra",
        "azure_authority": issuer.url if issuer else None,
        "azure_tenant_id": TENANT,
        "azure_client_id": CLIENT,
    }
    usual = {
        "data_dir": folder,
        **engine_settings(),
        "rate_limiting_enabled": False,
        "translator": "fake",
        "auth_mode": "api_key",
    }
    schema_in(folder)
    return Settings(_env_file=None, **usual | (entra if issuer else {}) | values)


async def make_key(settings: Settings, owner: str, *scopes: str, age_days: int = 0) -> str:
    """A new key; one with an age has expired."""
    return (await _make(settings, owner, scopes, age_days=age_days))[1]


async def _make_keys(settings: Settings) -> dict[str, str]:
    keys = {role.value: await make_key(settings, "ann", role) for role in Role}
    keys["expired"] = await make_key(settings, "ann", "admin", age_days=2)
    keys["revoked"] = (await _make(settings, "ann", ("admin",), revoked=True))[1]
    return keys


async def _make(
    settings: Settings,
    owner: str,
    scopes: tuple[str, ...],
    *,
    age_days: int = 0,
    revoked: bool = False,
) -> tuple[ApiKey, str]:
    database = database_of(settings)
    await database.open()
    try:
        made = datetime.now(UTC) - timedelta(days=age_days)
        service = KeyService(
            keys=database.collection(ApiKey),
            audit=AuditTrail(database.collection(AuditEvent)),
            clock=lambda: made,
        )
        wanted = NewKey(name="test", scopes=scopes, expires_days=1 if age_days else None)
        record, key = await service.create(LOCAL, owner, wanted)
        if revoked:
            await service.revoke(owner, record.id)
        return record, key
    finally:
        await database.close()


def bearer(token: str) -> Headers:
    return {"Authorization": f"Bearer {token}"}


def _credentials(keys: dict[str, str], issuer: Issuer) -> Credentials:
    good: dict[str, dict[Role, Headers]] = {
        "key as bearer": {role: bearer(keys[role]) for role in Role},
        "key by its header": {role: {"X-API-Key": keys[role]} for role in Role},
        "token of a user": {role: bearer(issuer.user(roles=[role])) for role in Role},
        "token of a user, v1": {role: bearer(issuer.user(1, roles=[role])) for role in Role},
        "token of an application": {
            role: bearer(issuer.application(roles=[role])) for role in Role
        },
        "token of an admin, limited by its scope": {
            role: bearer(issuer.user(roles=["admin"], scp=role)) for role in Role
        },
    }
    return Credentials(good, _nobody() | _bad_keys(keys) | _bad_tokens(issuer))


def _nobody() -> dict[str, tuple[Headers, str]]:
    return {
        "none": ({}, "credentials-missing"),
        "another scheme": ({"Authorization": "Basic YW5uOnNlY3JldA=="}, "credentials-missing"),
        "an empty token": ({"Authorization": "Bearer "}, "credentials-missing"),
    }


def _bad_keys(keys: dict[str, str]) -> dict[str, tuple[Headers, str]]:
    return {
        "expired key": (bearer(keys["expired"]), "key-expired"),
        "revoked key": (bearer(keys["revoked"]), "key-unknown"),
        "unknown key": (bearer("vc_" + "x" * 43), "key-unknown"),
        "key with a letter more": ({"X-API-Key": keys["admin"] + "x"}, "key-unknown"),
        "key in capitals": ({"X-API-Key": keys["admin"].upper()}, "key-unknown"),
        "empty key": ({"X-API-Key": ""}, "key-unknown"),
        "key that is no text": ({"X-API-Key": b"vc_\xff\xfe"}, "key-unknown"),
        "long key": ({"X-API-Key": "vc_" + "x" * 30_000}, "key-unknown"),
        "wildcard": ({"X-API-Key": "%"}, "key-unknown"),
    }


def _bad_tokens(issuer: Issuer) -> dict[str, tuple[Headers, str]]:
    admin = issuer.entra_claims() | {"roles": ["admin"]}
    now = int(time.time())
    made = {
        "not yet valid": issuer.token(admin | {"nbf": now + 3600, "exp": now + 7200}),
        "for another audience": issuer.token(admin | {"aud": "api://another"}),
        "of another issuer": issuer.token(admin | {"iss": "https://evil.example/v2.0"}),
        "of another tenant": issuer.token(
            admin | {"tid": OTHER_TENANT, "iss": f"{issuer.url}/{OTHER_TENANT}/v2.0"}
        ),
        "ID token": issuer.token(admin | {"azp": None}),
        "unsigned (alg none)": jwt.encode(admin, None, "none", {"kid": "key-1"}),
        "HS256 with the public key": with_public_key_as_secret(admin),
        "signed by another key": issuer.token(admin, key=rsa_key(2)),
        "unknown key id": issuer.token(admin, key=rsa_key(2), kid="key-2"),
        "without key id": issuer.token(admin, kid=None),
        "of v3": issuer.token(admin | {"ver": "3.0"}),
        "long": "x" * 30_000,
        "garbage": "a.b.c",
    }
    bad: dict[str, tuple[Headers, str]] = {
        f"token: {name}": (bearer(token), "token-invalid") for name, token in made.items()
    }
    bad["token: no text"] = ({"Authorization": b"Bearer \xff\xfe.\xc3\xa9.x"}, "token-invalid")
    expired = issuer.token(admin | {"nbf": 1000, "exp": 2000})
    bad["token: expired"] = (bearer(expired), "token-expired")
    return bad


def tables(client: TestClient, credentials: Credentials) -> Iterator[str]:
    """Two tables in Markdown, line by line: roles by kind of credential, and what is refused."""
    listed = operations(client)
    yield "Answers to an empty request, about a record that does not exist; keys and tokens alike."
    yield ""
    yield f"| route | permission | nobody | {' | '.join(Role)} |"
    yield "|---|---|---|" + "---|" * len(Role)
    for operation in listed:
        cells = [str(operation.status(client, {}))]
        for role in Role:
            kinds = credentials.good.values()
            found = {operation.status(client, kind[role]) for kind in kinds}
            cells.append("/".join(map(str, sorted(found))))
        yield f"| `{operation}` | `{operation.permission}` | {' | '.join(cells)} |"
    asked = [operation for operation in listed if operation.permission != "public"]
    yield ""
    yield f"Each of these on each of the {len(asked)} routes that ask for a permission:"
    yield ""
    yield "| credential | status | code |"
    yield "|---|---|---|"
    for name, (headers, _) in credentials.bad.items():
        answers = [operation.call(client, headers) for operation in asked]
        statuses = sorted({str(answer.status_code) for answer in answers})
        codes = sorted({answer.json()["code"] for answer in answers})
        yield f"| {name} | {'/'.join(statuses)} | {', '.join(f'`{code}`' for code in codes)} |"


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        guarded(Path(folder)) as (client, credentials),
    ):
        for line in tables(client, credentials):
            print(line)  # noqa: T201 - that is what it is for


if __name__ == "__main__":
    main()
