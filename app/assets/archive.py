"""Members of wheels and source archives, read without unpacking or running anything."""

import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from app.assets.download import CHUNK, SourceError


def members(archive: Path, patterns: Iterable[str], *, limit: int) -> Iterator[bytes]:
    """The bytes of the wanted members, one after the other, in pieces.

    Args:
        archive: `.whl`, `.zip`, or a tar archive of any compression.
        patterns: names or `*` patterns; the matches of a pattern come in order of name.
        limit: most bytes that may come, so that no archive can fill the memory.

    Raises:
        SourceError: not a readable archive, a member is not in it, or they exceed the limit.
    """
    read = _zip_members if archive.suffix in {".whl", ".zip"} else _tar_members
    try:
        yield from read(archive, list(patterns), limit)
    except (OSError, EOFError, zipfile.BadZipFile, tarfile.TarError, zlib.error) as error:
        raise SourceError(f"{archive.name} cannot be read: {error}") from error


def _zip_members(archive: Path, patterns: list[str], limit: int) -> Iterator[bytes]:
    with zipfile.ZipFile(archive) as opened:
        sizes = {info.filename: info.file_size for info in opened.infolist() if not info.is_dir()}
        names = _select(archive, patterns, sizes)
        _check_limit(archive, sum(sizes[name] for name in names), limit)
        for name in names:
            with opened.open(name) as member:
                while piece := member.read(CHUNK):
                    yield piece


def _tar_members(archive: Path, patterns: list[str], limit: int) -> Iterator[bytes]:
    with tarfile.open(archive) as opened:
        infos = {info.name: info for info in opened if info.isfile()}
        names = _select(archive, patterns, infos)
        _check_limit(archive, sum(infos[name].size for name in names), limit)
        # A compressed tar can only be read forwards: going back starts it again from the top. So
        # members are read in the order of the archive and given in the order that is wanted.
        found: dict[str, bytes] = {}
        for name in sorted(names, key=lambda name: infos[name].offset):
            member = opened.extractfile(infos[name])
            found[name] = member.read() if member else b""
        for name in names:
            yield found[name]


def _select(archive: Path, patterns: list[str], names: Iterable[str]) -> list[str]:
    available = sorted(names)
    chosen: list[str] = []
    for pattern in patterns:
        matches = [name for name in available if fnmatchcase(name, pattern)]
        if not matches:
            raise SourceError(f"{archive.name} has no member {pattern}")
        chosen += matches
    return chosen


def _check_limit(archive: Path, size: int, limit: int) -> None:
    if size > limit:
        raise SourceError(f"{archive.name}: its members have {size} bytes, more than {limit}")
