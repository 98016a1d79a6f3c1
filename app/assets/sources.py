"""From the sources of an asset to its bytes on disk."""

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from app.assets.archive import members
from app.assets.download import (
    CHUNK,
    Downloader,
    SourceError,
    disk_errors,
    matches,
    redacted,
    write_all,
)
from app.assets.index import PackageIndex
from app.assets.manifest import (
    Asset,
    Distribution,
    HubFile,
    Patch,
    Pinned,
    Source,
    WebFile,
)
from app.core.exceptions import AssetError

DEFAULT_HUB = "https://huggingface.co"

SourceReport = Callable[[str, int, int], None]
"""Told the place, the bytes that are there and the bytes of all parts of the source."""


class Fetcher:
    """Fetches into a folder of its own, which one process at a time may use.

    Downloads lie there by hash until the asset is made, so that an interrupted pull goes on where
    it was and assets from the same distribution fetch it once.

    Args:
        folder: exists, on the file system of the model files.
        hub: base URL of the model hub.
    """

    def __init__(
        self, folder: Path, downloader: Downloader, *, index: PackageIndex, hub: str
    ) -> None:
        self._folder = folder
        self._downloader = downloader
        self._index = index
        self._hub = hub.rstrip("/")

    def fetch(self, asset: Asset, source: Source, *, report: SourceReport) -> Path:
        """Make the asset from this source.

        Returns:
            a complete and checked file of the folder, to be moved by the caller.

        Raises:
            SourceError: the source does not have it, or has other bytes.
            AssetError: the disk refuses.
        """
        total = sum(part.size for part in source.parts)
        done = 0
        pieces: list[tuple[Pinned, Path]] = []
        for part in source.parts:
            place, start = self._place(part), done

            def report_part(size: int, place: str = place, start: int = start) -> None:
                report(place, start + size, total)

            report_part(0)
            pieces.append((part, self._obtain(part, report_part)))
            done += part.size
            report(place, done, total)
        return self._assemble(asset, source, pieces)

    def discard(self, asset: Asset, *, keep: set[str]) -> None:
        """Delete the downloads of an asset, finished or not, but those with a hash in `keep`."""
        for part in asset.pinned():
            if part.sha256 not in keep:
                target = self._target(part)
                with disk_errors():
                    target.unlink(missing_ok=True)
                    target.with_name(target.name + ".part").unlink(missing_ok=True)

    def sweep(self) -> None:
        """Delete what killed processes left half assembled."""
        for left in self._folder.glob("*.tmp"):
            with disk_errors():
                left.unlink(missing_ok=True)

    def _place(self, part: Pinned) -> str:
        if isinstance(part, Distribution):
            return f"{part.package} {part.version}"
        return urlsplit(self._url(part)).hostname or redacted(self._url(part))

    def _url(self, part: Pinned) -> str:
        if isinstance(part, HubFile):
            return f"{self._hub}/{part.path}"
        if isinstance(part, WebFile):
            return part.url
        raise TypeError(f"{type(part).__name__} has no address")

    def _target(self, part: Pinned) -> Path:
        named = part.file if isinstance(part, Distribution) else urlsplit(self._url(part)).path
        return self._folder / f"{part.sha256}-{PurePosixPath(named).name}"

    def _obtain(self, part: Pinned, report: Callable[[int], None]) -> Path:
        target = self._target(part)
        if matches(target, part):
            return target
        if isinstance(part, Distribution):
            return self._from_index(part, target, report)
        self._require_space(part.size)
        self._downloader.fetch(self._url(part), target, pinned=part, report=report)
        return target

    def _from_index(self, part: Distribution, target: Path, report: Callable[[int], None]) -> Path:
        reasons: list[str] = []
        for link in self._index.links(part.package, part.file, reasons=reasons):
            if link.sha256 not in {None, part.sha256}:
                reasons.append(f"{redacted(link.url)} is another file of this name (sha256)")
                continue
            if link.path is not None:
                if matches(link.path, part):
                    return link.path
                reasons.append(f"{redacted(link.url)} has other bytes than expected (sha256)")
                continue
            self._require_space(part.size)
            try:
                self._downloader.fetch(link.url, target, pinned=part, report=report)
            except SourceError as error:
                reasons.append(str(error))
                continue
            return target
        raise SourceError("; ".join(reasons))

    def _assemble(self, asset: Asset, source: Source, pieces: list[tuple[Pinned, Path]]) -> Path:
        self._require_space(asset.size)
        made = self._folder / f"{secrets.token_hex(8)}.tmp"
        try:
            _concatenate(made, pieces, limit=asset.size)
            with disk_errors():
                _apply(made, source.patches)
            if not matches(made, asset):
                raise SourceError("put together it has other bytes than expected (sha256)")
        except BaseException:
            made.unlink(missing_ok=True)
            raise
        return made

    def _require_space(self, size: int) -> None:
        with disk_errors():
            free = shutil.disk_usage(self._folder).free
        if free < size:
            raise AssetError(
                f"The disk has too little room for the model files: {size / 1e6:.0f} MB are"
                f" needed, {free / 1e6:.0f} MB are free.",
                "Make room or set MODEL_DIR to another folder, then run"
                " `voice-cloning models pull`.",
            )


def _concatenate(made: Path, pieces: list[tuple[Pinned, Path]], *, limit: int) -> None:
    """Write the parts one after the other and see them on the disk."""
    size = 0
    with disk_errors():
        file = made.open("xb", buffering=0)
    with file:
        for part, path in pieces:
            for piece in _content(part, path, limit):
                size += len(piece)
                if size > limit:
                    raise SourceError(f"put together it has more than {limit} bytes")
                with disk_errors():
                    write_all(file.fileno(), piece)
        with disk_errors():
            os.fsync(file.fileno())


def _content(part: Pinned, path: Path, limit: int) -> Iterator[bytes]:
    if isinstance(part, Distribution):
        yield from members(path, part.members, limit=limit)
        return
    try:
        with path.open("rb") as file:
            while piece := file.read(CHUNK):
                yield piece
    except OSError as error:
        raise SourceError(f"{path.name} cannot be read: {error.strerror}") from error


def _apply(made: Path, patches: tuple[Patch, ...]) -> None:
    if not patches:
        return
    with made.open("r+b") as file:
        for patch in patches:
            file.seek(patch.offset)
            file.write(bytes.fromhex(patch.hex))
        file.flush()
        os.fsync(file.fileno())
