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
_AT_ONCE: Final = 64 * 1024
_END: Final = b"PK\x05\x06"
_END_64: Final = b"PK\x06\x07"
_END_64_SIZE: Final = 20
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
    with file.open(name) as entry:
        content = bytearray()
        # In pieces: without a size, all of a stream is unpacked before it is cut to what it says.
        while piece := entry.read(_AT_ONCE):
            content += piece
    return bytes(content)


def _check_directory(file: BinaryIO) -> None:
    """All of it is read into memory when the file is opened.

    Raises:
        ValueError: it is too large, or there is none. One that needs 64 bits is too large.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _END_SIZE - _MAX_COMMENT - _END_64_SIZE))
    tail = file.read()
    start = tail.rfind(_END)
    length = int.from_bytes(tail[start + 12 : start + 16], "little")
    # What says it in 64 bits stands before it, and is believed whatever is said in 32.
    has_64 = tail[max(0, start - _END_64_SIZE) : start].startswith(_END_64)
    if start < 0 or length > _MAX_DIRECTORY or has_64:
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
    known = set(documents)
    said = [document if (document := _said(one)) in known else None for one in results]
    # One that stands elsewhere shows that the others cannot be told by the order either.
    in_order = len(results) == len(documents) and all(
        document in (None, documents[place]) for place, document in enumerate(said)
    )
    for place, result in enumerate(results):
        document = said[place]
        if document is None and in_order:
            document = documents[place]
        name = result.get("audioFileName")
        usable = isinstance(name, str) and _NAME.fullmatch(name) and name in there
        if document is not None and usable and result.get("status") == SUCCEEDED:
            yield document, str(name)


def _said(result: Mapping[str, Any]) -> bytes | None:
    """The document that a result names, if it names one."""
    said = result.get("contents")
    if not isinstance(said, list) or len(said) != 1 or not isinstance(said[0], str):
        return None
    return said[0].encode(errors="replace")
