"""Downloads that resume where they were cut off and are checked against a known hash."""

import errno
import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

import httpx2

from app.assets.manifest import Pinned
from app.core.exceptions import AssetError

CHUNK = 1 << 16
"""Bytes per read."""

_PARTIAL, _UNSATISFIABLE = 206, 416
_TRANSIENT = {408, 425, 429, 500, 502, 503, 504}
_LONGEST_PAUSE_S = 30.0
_T = TypeVar("_T")
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")

Report = Callable[[int], None]
"""Told how many bytes of the file are there."""


class SourceError(Exception):
    """One place does not have the file; another may. The message is safe to show."""


class _Transient(SourceError):
    """The same request may succeed later. `pause_s` is what the server asked for, or None."""

    def __init__(self, message: str, pause_s: float | None = None) -> None:
        super().__init__(message)
        self.pause_s = pause_s


@dataclass(frozen=True, slots=True)
class Page:
    """An answer that is read as a whole. `url` is its address after redirects."""

    url: str
    content_type: str
    text: str


@dataclass(frozen=True, slots=True)
class _Job:
    url: str
    part: Path
    pinned: Pinned
    report: Report


def redacted(url: str) -> str:
    """The URL without credentials, query and fragment: any of them can hold a secret."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(invalid URL)"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def sha256_of(path: Path, *, report: Report = lambda _: None) -> str:
    """Hexadecimal sha256 of a file. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
            report(file.tell())
    return digest.hexdigest()


def matches(path: Path, pinned: Pinned) -> bool:
    """Is this the file, byte for byte? False too when it is missing or cannot be read."""
    try:
        return path.stat().st_size == pinned.size and sha256_of(path) == pinned.sha256
    except OSError:
        return False


@contextmanager
def disk_errors() -> Iterator[None]:
    """Raise what the disk refuses as AssetError: no other source would help."""
    try:
        yield
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
        reason = "the disk is full" if full else error.strerror or type(error).__name__
        raise AssetError(
            f"The model files cannot be written: {reason}.",
            "Make room or set MODEL_DIR to another folder, then run `voice-cloning models pull`.",
        ) from error


class Downloader:
    """HTTP with retries.

    Args:
        client: closed by its owner.
        attempts: requests in a row that may bring nothing before the source is given up.
        pause_s: first pause between attempts in seconds; doubles each time.
    """

    def __init__(self, client: httpx2.Client, *, attempts: int = 4, pause_s: float = 0.5) -> None:
        self._client = client
        self._attempts = attempts
        self._pause_s = pause_s

    def page(self, url: str, *, accept: str) -> Page:
        """Read a page.

        Raises:
            SourceError: it is not there, or the server does not answer.
        """

        def once() -> Page:
            with _http_errors(url):
                response = self._client.get(url, headers={"Accept": accept})
                _check_status(response, url)
                kind = response.headers.get("Content-Type", "")
                return Page(
                    str(response.url), kind.partition(";")[0].strip().lower(), response.text
                )

        return self._persist(once, lambda: 0)

    def fetch(self, url: str, target: Path, *, pinned: Pinned, report: Report) -> None:
        """Download `pinned` to `target`, continuing `target.part` of an interrupted run.

        Raises:
            SourceError: it is not there, the server gives up, or the bytes are other ones.
            AssetError: the disk refuses.
        """
        part = target.with_name(target.name + ".part")
        job = _Job(url, part, pinned, report)
        resumed = _size(part) > 0
        self._complete(job)
        if not matches(part, pinned) and resumed:
            # The beginning may be from a file that was another one, or from a crash that left
            # holes: it gets one clean try.
            _remove(part)
            self._complete(job)
        if not matches(part, pinned):
            _remove(part)
            raise SourceError(f"{redacted(url)} has other bytes than expected (sha256)")
        with disk_errors():
            part.replace(target)

    def _complete(self, job: _Job) -> None:
        if _size(job.part) > job.pinned.size:
            _remove(job.part)
        if _size(job.part) < job.pinned.size:
            self._persist(lambda: self._continue(job), lambda: _size(job.part))

    def _continue(self, job: _Job) -> None:
        """One request for what is missing."""
        url, start = job.url, _size(job.part)
        # Compressed transfer would make offsets meaningless.
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        with _http_errors(url), self._client.stream("GET", url, headers=headers) as response:
            if not _continues(response, start):
                _remove(job.part)
                raise _Transient(f"{redacted(url)} cannot be resumed")
            _check_status(response, url)
            if response.status_code != _PARTIAL:
                start = 0  # the server ignored the range and sends the whole file
            _check_length(job, response, start=start)
            _write(job, response, start=start)
        if _size(job.part) < job.pinned.size:
            raise _Transient(f"{redacted(url)} broke off after {_size(job.part)} bytes")

    def _persist(self, once: Callable[[], _T], progress: Callable[[], int]) -> _T:
        """Repeat `once` while it fails for now; anew as long as `progress` reaches new heights."""
        failures, best = 0, progress()
        while True:
            try:
                return once()
            except _Transient as error:
                reached = progress()
                failures = 1 if reached > best else failures + 1
                best = max(best, reached)
                if failures >= self._attempts:
                    raise
                pause = error.pause_s or self._pause_s * 2 ** (failures - 1)
            time.sleep(min(pause, _LONGEST_PAUSE_S))


def _write(job: _Job, response: httpx2.Response, *, start: int) -> None:
    with disk_errors():
        # Unbuffered: what arrived is there when the process is killed.
        file = job.part.open("ab" if start else "wb", buffering=0)
    with file:
        for piece in response.iter_raw():
            start += len(piece)
            if start > job.pinned.size:
                raise SourceError(f"{redacted(job.url)} is too long")
            with disk_errors():
                write_all(file.fileno(), piece)
            job.report(start)


def write_all(descriptor: int, piece: bytes) -> None:
    """Write without a buffer, where a single call may write less than all. Raises OSError."""
    view = memoryview(piece)
    while view:
        view = view[os.write(descriptor, view) :]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _remove(path: Path) -> None:
    with disk_errors():
        path.unlink(missing_ok=True)


@contextmanager
def _http_errors(url: str) -> Iterator[None]:
    """Library errors as ours, without the URL's credentials."""
    try:
        yield
    except httpx2.TransportError as error:
        reason = str(error) or type(error).__name__
        raise _Transient(f"{redacted(url)}: {reason}") from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise SourceError(f"{redacted(url)}: {type(error).__name__}") from error


def _check_status(response: httpx2.Response, url: str) -> None:
    status = response.status_code
    if response.is_success:
        return
    if status in _TRANSIENT:
        after = response.headers.get("Retry-After", "")
        pause = float(after) if after.isdecimal() else None
        raise _Transient(f"{redacted(url)} answers {status}", pause)
    raise SourceError(f"{redacted(url)} answers {status}")


def _continues(response: httpx2.Response, start: int) -> bool:
    """Tell an answer from byte `start` on, or without a range, from one that fits nothing."""
    if response.status_code == _PARTIAL:
        found = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
        return found is not None and int(found[1]) == start
    return response.status_code != _UNSATISFIABLE


def _check_length(job: _Job, response: httpx2.Response, *, start: int) -> None:
    """Notice another file before it is downloaded."""
    length = response.headers.get("Content-Length", "")
    encoded = response.headers.get("Content-Encoding", "identity") != "identity"
    if length.isdecimal() and not encoded and start + int(length) != job.pinned.size:
        total = start + int(length)
        raise SourceError(f"{redacted(job.url)} has {total} bytes, expected {job.pinned.size}")
