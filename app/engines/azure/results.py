"""The zip that a batch synthesis ends in: each sound is read when it is asked for. What is not as
it should be is not there. All of it blocks.
"""

import io
import json
import re
import wave
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, Final, Self
from zipfile import BadZipFile, ZipFile

from app.engines.azure.contract import SUCCEEDED
from app.engines.azure.errors import senseless

LONGEST_S: Final = 600
"""Of one sentence. It has hardly a tenth of that."""
_SUMMARY: Final = "summary.json"
_MAX_SUMMARY: Final = 32 * 1024**2
_MAX_DIRECTORY: Final = 16 * 1024**2
_FILES_EACH: Final = 4  # its sound, and what Azure tells of it
_OTHER_FILES: Final = 16
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,80}\.wav")
_HEADER: Final = 4096
_END: Final = b"PK\x05\x06"
_END_SIZE: Final = 22
_MAX_COMMENT: Final = 65_535
# What reading an entry of a broken, encrypted, closed or vanished file raises.
_BROKEN: Final = (
    BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, KeyError, wave.Error,
)  # fmt: skip


class Results:
    """Sounds by their documents."""

    def __init__(
        self, file: BinaryIO, entries: ZipFile, names: Mapping[bytes, str], sample_rate: int
    ) -> None:
        self._file = file
        self._entries = entries
        self._names = names
        self._sample_rate = sample_rate

    @classmethod
    def read(cls, file: BinaryIO, documents: Sequence[bytes], sample_rate: int) -> Self:
        """Of a file, which is theirs then.

        Args:
            documents: those of the job, in order.

        Raises:
            EngineFailed: it is no such zip.
        """
        try:
            _check_directory(file)
            entries = ZipFile(file)
        except _BROKEN as error:
            raise senseless("something that is no zip") from error
        there = frozenset(entries.namelist())
        if len(entries.namelist()) > _FILES_EACH * len(documents) + _OTHER_FILES:
            raise senseless("a zip of too many files")
        names = dict(_names(_summary(entries), documents, there))
        return cls(file, entries, names, sample_rate)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, document: bytes) -> bool:
        return document in self._names

    def close(self) -> None:
        self._entries.close()
        self._file.close()

    def sound(self, document: bytes) -> bytes | None:
        """Samples of 16 bits; None if there are none of it that can be used."""
        name = self._names.get(document)
        if name is None:
            return None
        try:
            content = _content(self._entries, name, LONGEST_S * self._sample_rate * 2 + _HEADER)
            with wave.open(io.BytesIO(content)) as sound:
                form = sound.getnchannels(), sound.getsampwidth(), sound.getframerate()
                if form != (1, 2, self._sample_rate):
                    return None
                return sound.readframes(sound.getnframes()) or None
        except _BROKEN:
            return None


def _content(file: ZipFile, name: str, most: int) -> bytes:
    """Of an entry. More than it says to have is never unpacked.

    Raises:
        ValueError: it is too large.
    """
    if file.getinfo(name).file_size > most:
        raise ValueError("too large")
    return file.read(name)


def _check_directory(file: BinaryIO) -> None:
    """All of it is read into memory when the file is opened.

    Raises:
        ValueError: it is too large, or there is none. One that needs 64 bits is too large.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _END_SIZE - _MAX_COMMENT))
    tail = file.read()
    start = tail.rfind(_END)
    length = int.from_bytes(tail[start + 12 : start + 16], "little")
    if start < 0 or length > _MAX_DIRECTORY:
        raise ValueError("no directory of a usable size")


def _summary(file: ZipFile) -> list[dict[str, Any]]:
    """What became of each document.

    Raises:
        EngineFailed: it does not say.
    """
    try:
        summary = json.loads(_content(file, _SUMMARY, _MAX_SUMMARY))
        found = summary["results"]
    except (*_BROKEN, RecursionError, TypeError) as error:
        raise senseless("a zip without a summary") from error
    if not isinstance(found, list):
        raise senseless("a zip without a summary")
    return [one if isinstance(one, dict) else {} for one in found]


def _names(
    results: Sequence[Mapping[str, Any]], documents: Sequence[bytes], there: frozenset[str]
) -> Iterator[tuple[bytes, str]]:
    """Documents that were spoken, and the names of their files. By the document where the summary
    has it word for word, else by the order; the wrong words are worse than none.
    """
    known, in_order = set(documents), len(results) == len(documents)
    for place, result in enumerate(results):
        said, name = result.get("contents"), result.get("audioFileName")
        if not isinstance(said, list) or len(said) != 1 or not isinstance(said[0], str):
            document = None
        else:
            document = said[0].encode(errors="replace")
        if document not in known:
            document = documents[place] if in_order else None
        usable = isinstance(name, str) and _NAME.fullmatch(name) and name in there
        if document is not None and usable and result.get("status") == SUCCEEDED:
            yield document, str(name)
