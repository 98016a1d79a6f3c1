"""Stores on the network: what the settings say, and what is said when something is wrong."""

import base64
import json
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import anyio
import pytest
from obstore.store import AzureStore

from app.core.exceptions import StorageError
from app.storage.azure import AzureAccount, azure_store, parse_connection_string
from app.storage.base import BlobStore
from app.storage.remote import RETRIES, Place, RemoteBlobStore, client_options
from app.storage.s3 import Bucket, s3_store
from app.storage.stores import StorageOptions, open_stores
from tests.servers.blobs import ACCOUNT, KEY, azurite, s3rver

pytestmark = [pytest.mark.anyio, pytest.mark.services]

SECRET = base64.b64encode(b"the key that nobody may read" * 2).decode()
SIGNATURE = "sv=2023-11-03&sig=do%2Bnot%2Btell"


@contextmanager
def http_server(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """A server that gives this answer to every request; its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline()
            if self.raw_requestline and self.parse_request():
                content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.headers["content"] = content.decode()
                answer(self)
            else:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def respond(request: BaseHTTPRequestHandler, status: int, body: bytes = b"") -> None:
    request.send_response(status)
    request.send_header("Content-Length", str(len(body)))
    request.send_header("ETag", '"1"')  # what is stored has one
    request.end_headers()
    request.wfile.write(body)


def options(folder: Path, **values: str) -> StorageOptions:
    return StorageOptions(
        upload_dir=folder / "uploads",
        embedding_dir=folder / "embeddings",
        output_dir=folder / "outputs",
        **values,
    )


def all_that_is_shown(error: StorageError) -> str:
    trace = "".join(traceback.format_exception(error))
    return f"{error.detail} {error.suggestion} {trace}"


async def failure(store: BlobStore) -> StorageError:
    with anyio.fail_after(60), pytest.raises(StorageError) as raised:
        await store.put("a/original", b"x")
    return raised.value


@pytest.mark.parametrize(
    ("text", "account"),
    [
        (
            f"DefaultEndpointsProtocol=https;AccountName=acme;AccountKey={SECRET};"
            "EndpointSuffix=core.windows.net",
            AzureAccount("acme", "https://acme.blob.core.windows.net", SECRET),
        ),
        (
            f"accountname=acme;ACCOUNTKEY={SECRET};EndpointSuffix=core.chinacloudapi.cn;",
            AzureAccount("acme", "https://acme.blob.core.chinacloudapi.cn", SECRET),
        ),
        (
            f"BlobEndpoint=https://acme.blob.core.windows.net/;SharedAccessSignature=?{SIGNATURE}",
            AzureAccount("acme", "https://acme.blob.core.windows.net", None, SIGNATURE),
        ),
        (
            f"AccountName=acme;AccountKey={SECRET};BlobEndpoint=https://blobs.example.com",
            AzureAccount("acme", "https://blobs.example.com", SECRET),
        ),
        (
            f"BlobEndpoint=http://10.0.0.7:10000/acme;AccountKey={SECRET}",
            AzureAccount("acme", "http://10.0.0.7:10000/acme", SECRET),
        ),
        (
            ' "UseDevelopmentStorage=true" ',
            AzureAccount(ACCOUNT, f"http://127.0.0.1:10000/{ACCOUNT}", KEY),
        ),
    ],
)
async def test_every_form_of_connection_string_is_understood(text, account):
    assert parse_connection_string(text) == account


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no AccountName and no BlobEndpoint"),
        (f"AccountKey={SECRET}", "no AccountName and no BlobEndpoint"),
        ("AccountName=acme", "no AccountKey and no SharedAccessSignature"),
        (f"AccountName=acme;{SECRET.rstrip('=')}", "Part 2"),
        (f"AccountName=acme;AccountKey={SECRET[:-1]}", "not complete"),
        (f"BlobEndpoint=acme;AccountKey={SECRET}", "not an address"),
        (f"AccountName=acme;AccountKey={SECRET};DefaultEndpointsProtocol=ftp", "not known"),
    ],
)
async def test_what_is_no_connection_string_is_said_without_its_secret(text, problem):
    with pytest.raises(StorageError) as raised:
        parse_connection_string(text)

    assert problem in raised.value.detail
    assert raised.value.suggestion
    assert SECRET.rstrip("=")[:-1] not in f"{raised.value.detail} {raised.value.suggestion}"


async def test_no_secret_is_in_the_representation_of_the_options(tmp_path):
    shown = (
        repr(
            options(
                tmp_path,
                azure_connection_string=f"AccountKey={SECRET}",
                s3_secret_access_key=SECRET,
            )
        )
        + repr(AzureAccount("a", "b", SECRET, SIGNATURE))
        + repr(Bucket("b", secret=SECRET))
    )

    assert SECRET not in shown
    assert SIGNATURE not in shown


@pytest.mark.parametrize(
    ("values", "chosen"),
    [
        ({}, "local"),
        ({"azure_connection_string": "UseDevelopmentStorage=true"}, "azure"),
        ({"azure_account": "acme"}, "azure"),
        ({"s3_bucket": "voices"}, "s3"),
        ({"azure_account": "acme", "backend": "local"}, "local"),
        ({"azure_account": "acme", "s3_bucket": "voices", "backend": "s3"}, "s3"),
    ],
)
async def test_the_store_is_the_one_that_is_set_up_unless_one_is_named(tmp_path, values, chosen):
    chosen_options = options(tmp_path, **values)

    stores = open_stores(chosen_options)

    assert chosen_options.chosen() == chosen
    assert isinstance(stores.outputs, RemoteBlobStore) == (chosen != "local")
    assert (tmp_path / "uploads").exists() == (chosen == "local")


@pytest.mark.parametrize(
    ("values", "setting"),
    [
        ({"backend": "azure"}, "AZURE_STORAGE_ACCOUNT"),
        ({"backend": "s3"}, "S3_BUCKET"),
        ({"s3_bucket": "voices", "s3_access_key_id": "id"}, "S3_SECRET_ACCESS_KEY"),
    ],
)
async def test_a_missing_setting_is_named(tmp_path, values, setting):
    with pytest.raises(StorageError) as raised:
        open_stores(options(tmp_path, **values))

    assert setting in f"{raised.value.detail} {raised.value.suggestion}"


async def test_a_store_that_is_away_is_an_error_soon_and_its_signature_is_not_shown():
    with socket.socket() as closed:  # bound, but nobody listens
        closed.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}/acme"
        store = azure_store(
            AzureAccount("acme", endpoint, signature=SIGNATURE), "voices", folder="states"
        )

        error = await failure(store)

    assert "does not answer" in error.detail
    assert "error sending request" in all_that_is_shown(error)
    assert "sig=" not in all_that_is_shown(error)


async def test_a_store_that_never_answers_is_an_error_soon():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}/{ACCOUNT}"
        library = AzureStore(
            "voices",
            config={"account_name": ACCOUNT, "account_key": KEY, "endpoint": endpoint},
            client_options=client_options(endpoint),
            retry_config=RETRIES,
        )
        store = RemoteBlobStore(library, Place("The container", "", "", "network"), answer_s=0.3)

        assert "does not answer" in (await failure(store)).detail
        with anyio.fail_after(60), pytest.raises(StorageError):
            await store.get("a/original")
        with anyio.fail_after(60), pytest.raises(StorageError):
            _ = [blob async for blob in store.list()]


async def test_a_store_that_is_asked_too_much_says_when_to_come_again():
    busy = b"<Error><Code>ServerBusy</Code><Message>The server is busy.</Message></Error>"
    with http_server(lambda request: respond(request, 503, busy)) as address:
        account = AzureAccount(ACCOUNT, f"{address}/{ACCOUNT}", KEY)
        error = await failure(azure_store(account, "voices", folder="states"))

    assert "too much" in error.detail
    assert error.retry_after_s


@pytest.mark.parametrize("client_id", [None, "an-identity"])
async def test_without_a_key_the_identity_of_the_machine_gives_access(monkeypatch, client_id):
    asked: list[tuple[str, str]] = []

    def identity(request: BaseHTTPRequestHandler) -> None:
        asked.append((request.path, request.headers["x-identity-header"]))
        token = {"access_token": "a-token", "expires_on": "4102444800", "token_type": "Bearer",
                 "resource": "https://storage.azure.com"}  # fmt: skip
        respond(request, 200, json.dumps(token).encode())

    def blob(request: BaseHTTPRequestHandler) -> None:
        asked.append((request.path, request.headers["Authorization"]))
        respond(request, 201)

    with http_server(identity) as identity_address, http_server(blob) as blob_address:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{identity_address}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "proof")
        monkeypatch.setenv("AZURE_TENANT_ID", "the-tenant-of-the-api")
        monkeypatch.setenv("AZURE_CLIENT_ID", "the-id-of-the-api")
        monkeypatch.setenv("AZURE_CLIENT_SECRET", "the-secret-of-the-api")
        account = AzureAccount("acme", f"{blob_address}/acme", client_id=client_id)
        store = azure_store(account, "voices", folder="states")
        await store.put("a/state", b"x")
        await store.put("a/state", b"y")

    (path, proof), (blob_path, authorization), again = asked
    assert path.startswith("/msi/token?resource=https%3A%2F%2Fstorage.azure.com%2F&")
    assert ("client_id=an-identity" in path) == bool(client_id)
    assert "the-id-of-the-api" not in path
    assert again == (blob_path, authorization)  # the token is kept
    assert proof == "proof"
    assert blob_path == "/acme/voices/states/a/state"
    assert authorization == "Bearer a-token"


@pytest.mark.parametrize(
    ("key", "used"), [("of-the-settings", ("of-the-settings", None)), (None, ("of-the-pod", "t"))]
)
async def test_keys_of_the_settings_and_of_the_environment_are_not_mixed(monkeypatch, key, used):
    asked: list[tuple[str, str | None]] = []

    def bucket(request: BaseHTTPRequestHandler) -> None:
        credential = request.headers["Authorization"].partition("Credential=")[2].split("/")
        assert credential[2] == "eu-north-1"
        asked.append((credential[0], request.headers["x-amz-security-token"]))
        respond(request, 200)

    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-pod")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "t")
    with http_server(bucket) as address:
        store = s3_store(Bucket("voices", address, None, key, key), folder="states")
        await store.put("a/state", b"x")

    assert asked == [used]


async def test_in_a_pod_its_workload_identity_gives_access(monkeypatch, tmp_path):
    asked: list[str] = []

    def login(request: BaseHTTPRequestHandler) -> None:
        asked.append(f"{request.path}?{request.headers['content']}")
        respond(request, 200, b'{"access_token": "a-token", "expires_in": 3600}')

    def blob(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.headers["Authorization"])
        respond(request, 201)

    token = tmp_path / "token"
    token.write_text("of-the-pod")
    with http_server(login) as authority, http_server(blob) as address:
        monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(token))
        monkeypatch.setenv("AZURE_AUTHORITY_HOST", authority)
        monkeypatch.setenv("AZURE_TENANT_ID", "the-tenant")
        monkeypatch.setenv("AZURE_CLIENT_ID", "the-id-of-the-api")
        monkeypatch.setenv("AZURE_CLIENT_SECRET", "the-secret-of-the-api")
        account = AzureAccount("acme", f"{address}/acme", client_id="an-identity")
        await azure_store(account, "voices", folder="states").put("a/state", b"x")

    assert asked[0].startswith("/the-tenant/oauth2/v2.0/token?")
    assert "client_id=an-identity" in asked[0]
    assert "client_assertion=of-the-pod" in asked[0]
    assert asked[1] == "Bearer a-token"


async def test_an_identity_that_is_not_given_is_said(monkeypatch):
    with http_server(lambda request: respond(request, 400, b"no identity")) as address:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{address}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "proof")
        account = AzureAccount("acme", "http://127.0.0.1:1/acme")
        error = await failure(azure_store(account, "voices", folder="states"))

    assert "no credentials" in error.detail
    assert "Storage Blob Data Contributor" in error.suggestion


@pytest.mark.services
async def test_azure_says_what_is_wrong_with_container_and_key_and_when_it_is_gone():
    with azurite() as server:
        server.create_container("voices")
        account = parse_connection_string(server.connection_string)
        other_key = AzureAccount(account.name, account.endpoint, SECRET)
        good = azure_store(account, "voices", folder="states")
        await good.ping()

        missing = azure_store(account, "other", folder="states")
        for error in (await failure(missing), await read_failure(missing)):
            assert "'other'" in error.detail
            assert "az storage container create" in error.suggestion
        wrong = azure_store(other_key, "voices", folder="states")
        for error in (await failure(wrong), await read_failure(wrong)):
            assert "refuses access" in error.detail
            assert SECRET not in all_that_is_shown(error)
        with pytest.raises(StorageError, match="refuses access"):
            _ = [blob async for blob in wrong.list()]

        server.process.kill()
        server.process.wait()
        assert "does not answer" in (await failure(good)).detail
        assert "does not answer" in (await read_failure(good)).detail


@pytest.mark.services
async def test_s3_says_what_is_wrong_with_bucket_and_key_and_when_it_is_gone(tmp_path):
    with s3rver(tmp_path) as server:
        good = s3_store(
            Bucket("voices", server.endpoint, "eu-west-1", server.key, server.key), folder="states"
        )
        await good.ping()

        missing = s3_store(
            Bucket("other", server.endpoint, None, server.key, server.key), folder="states"
        )
        for error in (await failure(missing), await read_failure(missing)):
            assert "'other'" in error.detail
            assert "aws s3 mb" in error.suggestion
        wrong = s3_store(Bucket("voices", server.endpoint, None, "nobody", SECRET), folder="x")
        error = await failure(wrong)
        assert "refuses access" in error.detail
        assert SECRET not in all_that_is_shown(error)

        server.process.kill()
        server.process.wait()
        assert "does not answer" in (await failure(good)).detail


async def read_failure(store: BlobStore) -> StorageError:
    with anyio.fail_after(60), pytest.raises(StorageError) as raised:
        await store.get("a/original")
    return raised.value
