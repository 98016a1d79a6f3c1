"""Zip files of callers. Nothing is unpacked to a disk: names are only shown, never opened."""

import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO, Final
from zipfile import BadZipFile, ZipFile, ZipInfo

from app.core.exceptions import ArchiveInvalid
from app.services.voices.words import clean_filename

SIGNATURES: Final = (b"PK\x03\x04", b"PK\x05\x06")
"""What a zip file begins with, one with files and one without."""

MAX_ENTRIES: Final = 1000
_MAX_READ: Final = 1024 * 1024  # the whole directory is read at once: this bounds its entries
_MAX_RATIO: Final = 100  # digital silence is packed like that, speech is not
_SMALL: Final = 1024 * 1024  # may be packed as well as it goes
_ENCRYPTED: Final = 0x1
# What zipfile lets through when a file lies about itself.
_FOREIGN = (
    BadZipFile, NotImplementedError, EOFError, OSError, ValueError, LookupError, ArithmeticError,
    RuntimeError, zlib.error,
)  # fmt: skip
_ADVICE: Final = "Pack the files again, unencrypted, with an ordinary zip program."


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """How much may come out of a zip file.

    Attributes:
        file_bytes: of one file.
        total_bytes: of all of them.
    """

    file_bytes: int
    total_bytes: int


class Packed:
    """A file in a zip file.

    Attributes:
        path: its name as it stands there.
        size: that it has when it is read, in bytes.
    """

    def __init__(self, archive: ZipFile, info: ZipInfo) -> None:
        self._archive = archive
        self._info = info
        self.path = info.filename
        self.size = info.file_size

    @property
    def name(self) -> str:
        """The last part of the path."""
        return clean_filename(self.path)

    def read(self) -> bytes:
        """Unpack it: never more than its size says, which is within the limits.

        Raises:
            ArchiveInvalid: it is damaged.
        """
        with _reading(), self._archive.open(self._info) as file:
            return b"".join(iter(partial(file.read, _MAX_READ), b""))


def open_archive(file: IO[bytes], limits: ArchiveLimits) -> list[Packed]:
    """The files in a zip file, without folders, links, and what systems put in by themselves.

    Raises:
        ArchiveInvalid: it is none, is damaged or encrypted, or more would come out than may.
    """
    with _reading():
        archive = ZipFile(_Bounded(file))
    infos = archive.infolist()
    if len(infos) > MAX_ENTRIES:
        raise ArchiveInvalid(
            f"The archive has {len(infos)} entries; at most {MAX_ENTRIES} are taken.",
            "Pack fewer files.",
            limit=MAX_ENTRIES,
        )
    files = [info for info in infos if _is_file(info)]
    _check_sizes(files, limits)
    return [Packed(archive, info) for info in files]


class _Bounded:
    """Gives no more than `_MAX_READ` at once: who asks for more was led to by the file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(_MAX_READ + 1 if size < 0 else min(size, _MAX_READ + 1))
        if len(data) > _MAX_READ:
            raise ArchiveInvalid("The archive has too many entries.", "Pack fewer files.")
        return data

    def seekable(self) -> bool:
        return True

    def close(self) -> None: ...


def _is_file(info: ZipInfo) -> bool:
    parts = info.filename.split("/")
    hidden = any(part.startswith(".") and part.strip(".") for part in parts)
    mode = info.external_attr >> 16
    link = stat.S_IFMT(mode) not in (0, stat.S_IFREG)
    return not (info.is_dir() or hidden or link or "__MACOSX" in parts)


def _check_sizes(files: list[ZipInfo], limits: ArchiveLimits) -> None:
    """By what the directory says: reading stops there, whatever is packed."""
    if any(info.flag_bits & _ENCRYPTED for info in files):
        raise ArchiveInvalid("The archive is encrypted.", _ADVICE)
    for info in files:
        if info.file_size > limits.file_bytes:
            raise ArchiveInvalid(
                f"A file in the archive has {info.file_size} bytes; at most "
                f"{limits.file_bytes} are allowed.",
                "Send a shorter or compressed recording (MP3, Opus, FLAC).",
                limit=limits.file_bytes,
            )
        if info.file_size > max(_SMALL, _MAX_RATIO * info.compress_size):
            raise ArchiveInvalid(
                f"A file in the archive is packed to less than 1/{_MAX_RATIO} of its size.",
                "Recordings do not pack so well: look at what is in it.",
                limit=_MAX_RATIO,
            )
    total = sum(info.file_size for info in files)
    if total > limits.total_bytes:
        raise ArchiveInvalid(
            f"The files in the archive have {total} bytes together; at most "
            f"{limits.total_bytes} are allowed.",
            "Send fewer or shorter recordings at once.",
            limit=limits.total_bytes,
        )


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except _FOREIGN as error:
        raise ArchiveInvalid("The archive is damaged, or is no zip file.", _ADVICE) from error
