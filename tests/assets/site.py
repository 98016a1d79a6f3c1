"""A web server on this machine that plays package index and model hub, with faults on demand."""

import hashlib
import io
import json
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from app.assets.manifest import Asset, Distribution, HubFile, Patch


@dataclass
class Seen:
    path: str
    range: str | None
    authorization: str | None


@dataclass
class Site:
    """`files` by path. `faults` by path, one used up per request:
    a status, or `("cut", n)` to close after n bytes of the body.
    """

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    faults: dict[str, list[int | tuple[str, int]]] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    ranges: bool = True
    delay_s: float = 0.0

    def requests(self, path: str) -> list[str | None]:
        """Range headers of the requests for a path."""
        return [seen.range for seen in self.seen if seen.path == path]

    def publish(self, part: Distribution, content: bytes, *, form: str = "html") -> str:
        """Put a distribution on the index; the path of its file."""
        path = f"/files/{part.file}"
        self.files[path] = content
        page = f"/simple/{part.package}/"
        digest = hashlib.sha256(content).hexdigest()
        if form == "json":
            entry = {"filename": part.file, "url": f"../..{path}", "hashes": {"sha256": digest}}
            self.files[page] = json.dumps({"name": part.package, "files": [entry]}).encode()
            self.types[page] = "application/vnd.pypi.simple.v1+json"
        else:
            link = f'<a href="../..{path}#sha256={digest}">{part.file}</a>'
            self.files[page] = f"<!DOCTYPE html><html><body>{link}</body></html>".encode()
        return path


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def do_GET(self) -> None:
        site = self.site
        wanted = self.headers.get("Range")
        site.seen.append(Seen(self.path, wanted, self.headers.get("Authorization")))
        time.sleep(site.delay_s)
        faults = site.faults.get(self.path)
        fault = faults.pop(0) if faults else None
        body = site.files.get(self.path)
        if isinstance(fault, int) or body is None:
            self._answer(fault if isinstance(fault, int) else 404, b"", {})
            return
        headers = {"Content-Type": site.types.get(self.path, "text/html")}
        status = 200
        if wanted and site.ranges:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
            status, body = 206, body[start:]
        self._answer(status, body, headers, cut=fault[1] if fault else None)

    def _answer(
        self, status: int, body: bytes, headers: dict[str, str], *, cut: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:cut])
        if cut is not None:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up."""


@contextmanager
def serve() -> Iterator[Site]:
    handler = type("Handler", (_Handler,), {})
    server = _Server(("127.0.0.1", 0), handler)
    site = handler.site = Site(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def wheel(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def sdist(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def distribution(content: bytes, *members: str, file: str = "weights-1.0.whl") -> Distribution:
    return Distribution(
        package=file.partition("-")[0],
        version="1.0",
        file=file,
        members=members,
        size=len(content),
        sha256=digest(content),
    )


def hub_file(content: bytes, path: str) -> HubFile:
    return HubFile(path=path, size=len(content), sha256=digest(content))


def package_source(*parts: Distribution) -> dict[str, object]:
    return {"kind": "package", "verified": True, "parts": parts}


def hub_source(*parts: HubFile, patches: tuple[Patch, ...] = ()) -> dict[str, object]:
    return {"kind": "hub", "verified": False, "parts": parts, "patches": patches}


def asset(
    content: bytes, *sources: dict[str, object], name: str = "model", **more: object
) -> Asset:
    return Asset.model_validate(
        {
            "name": name,
            "filename": f"{name}.onnx",
            "size": len(content),
            "sha256": digest(content),
            "licence": "MIT",
            "origin": "made for a test",
            "sources": sources,
            **more,
        }
    )
