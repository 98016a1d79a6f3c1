"""A token issuer on loopback with real RSA keys: Entra ID's addresses, and those of any other."""

import hmac
import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

TENANT = "11111111-2222-4333-8444-555555555555"
OTHER_TENANT = "99999999-2222-4333-8444-555555555555"
CLIENT = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
AUDIENCE = f"api://{CLIENT}"
ANN = "0a000000-0000-4000-8000-00000000000a"
BEN = "0b000000-0000-4000-8000-00000000000b"
APPLICATION = "0c000000-0000-4000-8000-00000000000c"
OIDC_AUDIENCE = "voice-cloning"


@cache
def rsa_key(number: int, bits: int = 2048) -> rsa.RSAPrivateKey:
    """Made once per run: that takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def public_pem(number: int) -> bytes:
    return (
        rsa_key(number)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def jwk(number: int, **members: Any) -> dict[str, Any]:
    made: dict[str, Any] = RSAAlgorithm.to_jwk(rsa_key(number).public_key(), as_dict=True)
    return {**made, "kid": f"key-{number}", "use": "sig"} | members


def ec_jwk(kid: str) -> dict[str, Any]:
    made: dict[str, Any] = ECAlgorithm.to_jwk(ec_key().public_key(), as_dict=True)
    return {**made, "kid": kid, "use": "sig"}


def with_public_key_as_secret(claims: dict[str, Any]) -> str:
    """PyJWT itself refuses to make such a token."""

    def part(value: dict[str, Any]) -> bytes:
        return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    text = part({"alg": "HS256", "kid": "key-1"}) + b"." + part(claims)
    mark = hmac.digest(public_pem(1), text, "sha256")
    return (text + b"." + urlsafe_b64encode(mark).rstrip(b"=")).decode()


def _open_gate() -> threading.Event:
    gate = threading.Event()
    gate.set()
    return gate


@dataclass
class Issuer:
    """What it answers with can be changed at any time.

    Attributes:
        url: without a path.
        keys: of the key set.
        status: of every answer; 0 breaks the connection off.
        asked: paths, in the order of the requests.
        answers: path -> document, in place of the usual one; bytes are sent as they are.
        gate: requests wait here.
        waiting: released by each of them that finds it closed.
    """

    url: str
    keys: list[dict[str, Any]] = field(default_factory=lambda: [jwk(1)])
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    gate: threading.Event = field(default_factory=_open_gate)
    waiting: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def reset(self) -> None:
        """As it was at first."""
        vars(self).update(vars(Issuer(self.url)))

    @property
    def key_fetches(self) -> int:
        return sum(path.endswith("keys") for path in self.asked)

    def document(self, path: str) -> Any:
        if path in self.answers:
            return self.answers[path]
        if path.endswith("keys"):
            return {"keys": self.keys}
        tenant, _, rest = path.strip("/").partition("/")
        named = "{tenantid}" if tenant in ("organizations", "common") else tenant
        if rest == "v2.0/.well-known/openid-configuration":
            issuer, keys = f"{self.url}/{named}/v2.0", f"/{tenant}/discovery/v2.0/keys"
        elif rest == ".well-known/openid-configuration":
            issuer, keys = f"https://sts.windows.net/{named}/", f"/{tenant}/discovery/keys"
        elif path == "/.well-known/openid-configuration":
            issuer, keys = self.url, "/keys"
        else:
            return None
        return {"issuer": issuer, "jwks_uri": self.url + keys}

    # Tokens. `None` for a claim leaves it out.

    def user(self, version: int = 2, **claims: Any) -> str:
        """Of Ann, for an application that may do all that she may."""
        return self.token(self.entra_claims(version) | {"scp": "access_as_user"} | claims)

    def application(self, version: int = 2, **claims: Any) -> str:
        """An application's own."""
        own = {"oid": APPLICATION, "sub": APPLICATION}
        return self.token(self.entra_claims(version) | own | claims)

    def entra_claims(self, version: int = 2) -> dict[str, Any]:
        common = _times() | {"tid": TENANT, "oid": ANN, "sub": "pairwise-subject", "uti": "token-1"}
        if version == 1:
            issuer = f"https://sts.windows.net/{TENANT}/"
            return common | {"iss": issuer, "aud": AUDIENCE, "ver": "1.0", "appid": APPLICATION}
        issuer = f"{self.url}/{TENANT}/v2.0"
        return common | {"iss": issuer, "aud": CLIENT, "ver": "2.0", "azp": APPLICATION}

    def oidc_claims(self) -> dict[str, Any]:
        return _times() | {"iss": self.url, "aud": OIDC_AUDIENCE, "sub": "ann@example.com"}

    def token(
        self,
        claims: dict[str, Any],
        *,
        key: Any = None,
        algorithm: str = "RS256",
        **header: Any,
    ) -> str:
        given = {name: value for name, value in claims.items() if value is not None}
        head = {name: value for name, value in ({"kid": "key-1"} | header).items() if value}
        return jwt.encode(given, rsa_key(1) if key is None else key, algorithm, head)


def _times() -> dict[str, int]:
    now = int(time.time())
    return {"iat": now, "nbf": now, "exp": now + 3600}


@contextmanager
def issuing() -> Iterator[Issuer]:
    """An issuer that answers as long as the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked.append(self.path)
            if not issuer.gate.is_set():
                issuer.waiting.release()
            issuer.gate.wait(30)
            document = issuer.document(self.path)
            if issuer.status == 0:
                return
            body = json.dumps(document).encode() if not isinstance(document, bytes) else document
            self.send_response(404 if document is None else issuer.status)
            for name, value in issuer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(ConnectionError):  # who asked has gone away
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer = Issuer(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
