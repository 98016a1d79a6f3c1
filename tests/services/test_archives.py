"""Zip files that callers send, with all that can be wrong with them."""

import io
import struct
import zipfile
from typing import Any

import pytest

from app.core.exceptions import ArchiveInvalid
from app.services.voices.archive import ArchiveLimits, open_archive

LIMITS = ArchiveLimits(file_bytes=5_000_000, total_bytes=8_000_000)
SOUND = bytes(range(256)) * 100


def packed(*files: tuple[str, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return file.getvalue()


def opened(content: bytes) -> list[tuple[str, bytes]]:
    return [(one.name, one.read()) for one in open_archive(io.BytesIO(content), LIMITS)]


@pytest.mark.parametrize("how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_files_are_read_whatever_they_are_packed_with(how: int) -> None:
    assert opened(packed(("a.wav", SOUND), ("b.wav", b""), how=how)) == [
        ("a.wav", SOUND),
        ("b.wav", b""),
    ]


def test_a_file_can_be_read_again() -> None:
    [file] = open_archive(io.BytesIO(packed(("a.wav", SOUND))), LIMITS)

    assert file.read() == file.read() == SOUND


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("../../../etc/passwd.wav", "passwd.wav"),
        ("/etc/passwd.wav", "passwd.wav"),
        ("C:\\windows\\a.wav", "a.wav"),
        ("a/./b/../c.wav", "c.wav"),
        ("line\nbreak.wav", "linebreak.wav"),
    ],
)
def test_paths_are_names(path: str, name: str) -> None:
    assert [found for found, _ in opened(packed((path, SOUND)))] == [name]


def test_what_systems_put_in_is_left_out() -> None:
    content = packed(
        ("a.wav", SOUND),
        ("__MACOSX/._a.wav", b"x"),
        (".DS_Store", b"x"),
        (".hidden/b.wav", SOUND),
        ("folder/", b""),
    )

    assert [name for name, _ in opened(content)] == ["a.wav"]


def test_links_are_left_out() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        link = zipfile.ZipInfo("link.wav")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("a.wav", SOUND)

    assert [name for name, _ in opened(file.getvalue())] == ["a.wav"]


def _encrypted(content: bytes) -> bytes:
    """With the flag set, in the directory and at the file."""
    changed = bytearray(content)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        changed[changed.index(signature) + offset] |= 1
    return bytes(changed)


def _says_it_is_small(content: bytes) -> bytes:
    """The directory tells of less than there is."""
    changed = bytearray(content)
    struct.pack_into("<L", changed, changed.index(b"PK\x01\x02") + 24, 10)
    return bytes(changed)


def _packed_by_method_99(content: bytes) -> bytes:
    changed = bytearray(content)
    struct.pack_into("<H", changed, changed.index(b"PK\x01\x02") + 10, 99)
    return bytes(changed)


BAD = {
    "no zip": b"RIFF" + bytes(100),
    "empty file": b"",
    "cut off": packed(("a.wav", SOUND))[:-25],
    "encrypted": _encrypted(packed(("a.wav", SOUND))),
    "bomb": packed(("a.wav", bytes(4_000_000)), how=zipfile.ZIP_DEFLATED),
    "long file": packed(("a.wav", bytes(range(250)) * 20_001)),
    "long together": packed(*((f"{n}.wav", SOUND * 100) for n in range(4))),
    "many entries": packed(*((f"{n}.wav", b"") for n in range(1001))),
    "very many entries": packed(*((f"{n:0200}.wav", b"") for n in range(5000))),
    "damaged": packed(("a.wav", SOUND)).replace(SOUND[:64], bytes(64), 1),
    "lies about its size": _says_it_is_small(packed(("a.wav", SOUND))),
    "unknown method": _packed_by_method_99(packed(("a.wav", SOUND))),
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD.keys())
def test_a_bad_archive_is_refused(content: bytes) -> None:
    with pytest.raises(ArchiveInvalid) as caught:
        opened(content)

    assert caught.value.suggestion


class Counting(io.BytesIO):
    """Counts what is read."""

    taken = 0

    def read(self, *size: Any) -> bytes:
        data = super().read(*size)
        self.taken += len(data)
        return data


def test_a_bomb_is_not_unpacked_to_be_found() -> None:
    file = Counting(packed(("a.wav", bytes(4_900_000)), how=zipfile.ZIP_DEFLATED))

    with pytest.raises(ArchiveInvalid):
        open_archive(file, LIMITS)

    assert file.taken < 2000


def test_a_huge_directory_is_not_read() -> None:
    """Each entry of it takes some hundred bytes of memory."""
    file = Counting(packed(*((f"{n:01000}.wav", b"") for n in range(3000))))

    with pytest.raises(ArchiveInvalid, match="too many entries"):
        open_archive(file, LIMITS)

    assert file.taken < 1_300_000


def test_files_that_overlap_are_no_more_than_their_sizes() -> None:
    """Many entries for the same bytes: what comes out is counted, not what is packed."""
    one = packed(("a.wav", SOUND * 100))
    at = one.index(b"PK\x01\x02")
    end = one.index(b"PK\x05\x06")
    entry = one[at:end]
    tail = bytearray(one[end:])
    struct.pack_into("<HHL", tail, 8, 4, 4, 4 * len(entry))

    with pytest.raises(ArchiveInvalid):
        open_archive(io.BytesIO(one[:at] + 4 * entry + bytes(tail)), LIMITS)
