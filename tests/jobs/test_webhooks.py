"""Webhooks: who may be called, what they are sent, and how often."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from standardwebhooks import Webhook, WebhookVerificationError

from app.core.exceptions import WebhookRefused
from app.jobs.webhooks import Webhooks
from app.models.job import Job, JobKind, JobStatus

pytestmark = pytest.mark.anyio

SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"  # noqa: S105 - of nobody
PUBLIC = "93.184.215.14"


class Receiver:
    """A server that keeps what it is sent, and answers with the given statuses in turn, the last
    one for ever.
    """

    def __init__(self, *statuses: int, trust: ssl.SSLContext | None = None) -> None:
        received = self.received = []
        answers = list(statuses)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.append((self.path, dict(self.headers.items()), body))
                self.send_response(answers.pop(0) if len(answers) > 1 else answers[0])
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args: object) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        if trust is not None:
            self.server.socket = trust.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]


@contextmanager
def receiver(*statuses: int, trust: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    running = Receiver(*statuses, trust=trust)
    thread = threading.Thread(target=running.server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield running
    finally:
        running.server.shutdown()
        thread.join()
        running.server.server_close()


def job(url: str) -> Job:
    return Job(
        owner="anna",
        kind=JobKind.BATCH,
        subject_id="550e8400-e29b-41d4-a716-446655440000",
        status=JobStatus.PARTIAL,
        webhook_url=url,
        actor="key:1",
        request_id="r",
        ended_at=datetime(2026, 1, 15, tzinfo=UTC),
    )


class Pauses:
    """Takes the place of waiting, and says how long it would have been."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def hooks(**options) -> Webhooks:
    return Webhooks(SECRET, **{"allowed_hosts": ("127.0.0.1",), "sleep": Pauses(), **options})


def resolving(*answers: str):
    """One answer after the other."""
    left = list(answers)

    async def resolve(_host: str, _port: int) -> list[str]:
        return [left.pop(0) if len(left) > 1 else left[0]]

    return resolve


async def test_a_message_is_signed_as_the_standard_says_and_tells_the_job():
    with receiver(204) as there:
        sent = job(f"http://127.0.0.1:{there.port}/hooks?to=me")
        await hooks().deliver(sent)

    [(path, headers, body)] = there.received
    assert path == "/hooks?to=me"
    lower = {name.lower(): value for name, value in headers.items()}
    message = Webhook(SECRET).verify(body, lower)
    assert message["type"] == "batch.partial"
    assert message["data"]["job_id"] == sent.id
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body.replace(b"partial", b"succeed"), lower)


async def test_a_delivery_is_repeated_with_growing_pauses_under_the_same_id():
    pauses = Pauses()
    with receiver(500, 503, 200) as there:
        await hooks(sleep=pauses).deliver(job(f"http://127.0.0.1:{there.port}/"))

    assert len({headers["webhook-id"] for _, headers, _ in there.received}) == 1
    assert len(there.received) == 3
    assert len(pauses.seconds) == 2
    assert pauses.seconds == sorted(pauses.seconds)


async def test_a_delivery_that_always_fails_is_given_up():
    with receiver(500) as there:
        await hooks(attempts=4).deliver(job(f"http://127.0.0.1:{there.port}/"))

    assert len(there.received) == 4


async def test_a_redirect_is_not_followed():
    with receiver(307) as there:
        await hooks(attempts=1).deliver(job(f"http://127.0.0.1:{there.port}/"))

    assert [path for path, _, _ in there.received] == ["/"]


async def test_a_host_that_never_answers_is_given_up_in_time():
    with receiver(200) as there:
        there.server.shutdown()  # it takes connections, and says nothing
        await hooks(timeout_s=0.05, attempts=2).deliver(job(f"http://127.0.0.1:{there.port}/"))

    assert there.received == []


@pytest.mark.parametrize(
    "url",
    [
        "https://169.254.169.254/latest/meta-data",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://10.1.2.3/",
        "https://[::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://[64:ff9b:1::a9fe:a9fe]/",
        "https://[::169.254.169.254]/",
        "https://[::ffff:0:169.254.169.254]/",
        "https://[2002:a9fe:a9fe::1]/",
        "https://[fd00:ec2::254]/",
        "https://0x7f.1/",
        "https://2130706433/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
    ],
)
async def test_a_host_that_is_not_public_is_refused(url):
    with pytest.raises(WebhookRefused, match="not on the public internet"):
        await hooks(allowed_hosts=()).check(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "ftp://example.org/",
        "http://example.org/",
        "https://user:password@example.org/",
        "https://",
        "https://example.org/" + "x" * 3000,
        "https://exa mple.org/\n",
        "file:///etc/passwd",
        "https://example.org:99999/",
    ],
)
async def test_what_is_no_https_address_is_refused(url):
    with pytest.raises(WebhookRefused) as refused:
        await hooks(resolve=resolving(PUBLIC)).check(url)

    assert "https://" in (refused.value.suggestion or "")


async def test_a_public_host_is_taken():
    await hooks(resolve=resolving(PUBLIC)).check("https://example.org/hooks")


async def test_a_name_that_turns_private_after_the_check_is_not_called():
    with receiver(200) as there:
        rebound = hooks(
            allowed_hosts=(), attempts=1, resolve=resolving(PUBLIC, "127.0.0.1"), timeout_s=2
        )
        url = f"https://example.org:{there.port}/"
        await rebound.check(url)
        await rebound.deliver(job(url))

    assert there.received == []


async def test_without_a_secret_there_are_no_webhooks():
    with pytest.raises(WebhookRefused, match="nothing to sign"):
        await Webhooks(None).check("https://example.org/")


async def test_over_tls_the_certificate_must_be_that_of_the_name(tmp_path):
    server, client = certified("hooks.example.org", tmp_path)
    with receiver(200, trust=server) as there:
        for host in ("hooks.example.org", "other.example.org"):
            calling = hooks(
                allowed_hosts=(host,), trust=client, resolve=resolving("127.0.0.1"), attempts=1
            )
            await calling.deliver(job(f"https://{host}:{there.port}/{host}"))

    [(path, headers, _)] = there.received
    assert path == "/hooks.example.org"
    assert headers["Host"] == f"hooks.example.org:{there.port}"


def certified(name: str, folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS of a server with a certificate of its own making, and of a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "server.pem").write_bytes(private + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem")
    return server, ssl.create_default_context(cadata=pem.decode())
