"""Azure Key Vault and the endpoints that give tokens for it, over TLS, as its library asks.

Not told by the contract, and so not imitated: throttling, soft deletion, network rules.
"""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

TENANT = "11111111-2222-4333-8444-555555555555"
TOKEN = "token-of-the-identity"  # noqa: S105 - known to nobody else
_VERSION = "4387e9f3d6e14c459867679a90fd0f79"


@dataclass
class Vault:
    """What it answers with can be changed at any time.

    Attributes:
        secrets: by name.
        status: answered to everybody instead of a secret, if it is not 200.
        asked: how tokens were asked for: `secret`, `assertion` or `machine`.
        reads: names of secrets that were given.
        read: set with each of those.
    """

    secrets: dict[str, str] = field(default_factory=dict)
    status: int = 200
    asked: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    read: threading.Event = field(default_factory=threading.Event)
    url: str = ""


@contextmanager
def vault(folder: Path) -> Iterator[Vault]:
    """A vault that runs. `folder` gets its certificate: `ca.pem`."""
    fake = Vault()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(fake))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(folder))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    fake.url = f"https://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(fake: Vault) -> type[BaseHTTPRequestHandler]:
    return type("Handler", (_Handler,), {"fake": fake})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: Vault

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.fake.asked.append("secret" if "client_secret" in form else "assertion")
        if form.get("client_secret") == ["wrong"]:
            self._answer(401, {"error": "invalid_client", "error_description": "no"})
        else:
            answer = {"token_type": "Bearer", "expires_in": 3599, "access_token": TOKEN}
            self._answer(200, answer)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        tenant = f"{self.fake.url}/{TENANT}"
        if parts.path == f"/{TENANT}/v2.0/.well-known/openid-configuration":
            told = {"issuer": f"{tenant}/v2.0", "token_endpoint": f"{tenant}/oauth2/v2.0/token"}
            self._answer(200, told | {"authorization_endpoint": f"{tenant}/oauth2/v2.0/authorize"})
        elif parts.path == "/msi/token":
            self.fake.asked.append("machine")
            resource = parse_qs(parts.query)["resource"][0]
            told = {"access_token": TOKEN, "expires_on": "4102444800", "token_type": "Bearer"}
            self._answer(200, told | {"resource": resource})
        elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
            # Its library looks whether the name of the vault ends with that of the service.
            host = urlsplit(self.fake.url).netloc.removeprefix("127.")
            challenge = f'Bearer authorization="{tenant}", resource="https://{host}"'
            self._answer(401, {}, {"WWW-Authenticate": challenge})
        else:
            self._secret(parts.path.removeprefix("/secrets/").split("/")[0])

    def _secret(self, name: str) -> None:
        fake = self.fake
        if fake.status != 200:
            error = {"code": "Forbidden", "message": "It is forbidden."}
            self._answer(fake.status, {"error": error})
        elif name not in fake.secrets:
            error = {"code": "SecretNotFound", "message": "There is none."}
            self._answer(404, {"error": error})
        else:
            answer = {"value": fake.secrets[name], "attributes": {"enabled": True}}
            self._answer(200, answer | {"id": f"{fake.url}/secrets/{name}/{_VERSION}"})
            fake.reads.append(name)
            fake.read.set()

    def _answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None: ...


def _certificate(folder: Path) -> Path:
    """One that nobody has signed, for 127.0.0.1, with its key; `ca.pem` is without it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "ca.pem").write_bytes(public)
    (folder / "server.pem").write_bytes(private + public)
    return folder / "server.pem"
